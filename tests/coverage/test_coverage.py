"""Each key of other tools' files has the place that the table says, and the page says so."""

from __future__ import annotations

import pytest

from scripts import coverage


@pytest.mark.parametrize("tool", coverage.tools())
def test_each_mapping_is_borne_out_by_the_schemas(tool: str) -> None:
    assert list(coverage.wrong(coverage.tools()[tool])) == []


def test_what_teams_write_has_a_place() -> None:
    shares = coverage.shares([row for rows in coverage.tools().values() for row in rows])
    assert shares["native"] + shares["open"] >= 0.95


def test_a_field_that_does_not_exist_is_found() -> None:
    rows = [{"key": "a", "files": 1, "how": "native", "field": "model.nmae"}]
    assert list(coverage.wrong(rows)) == ["a: there is no field model.nmae"]
    rows = [{"key": "a", "files": 1, "how": "open", "field": "model.id"}]
    assert list(coverage.wrong(rows)) == ["a: model.id is no open map"]


def test_the_page_is_up_to_date() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page()
