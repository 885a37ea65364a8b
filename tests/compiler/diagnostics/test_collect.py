from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.diagnostics.collect import count, merge, shown_environments
from llmops.compiler.model.finding import Severity
from tests.compiler.diagnostics.cases import CASES


def test_equal_findings_of_several_environments_are_one():
    one = replace(CASES[0], environments=("dev",))
    two = replace(CASES[0], environments=("prod",))
    assert merge([one], [two, two]) == (replace(CASES[0], environments=("dev", "prod")),)


def test_what_is_worse_somewhere_is_told_as_it_is_there():
    warning = replace(CASES[0], severity=Severity.WARNING, environments=("dev", "ci"))
    error = replace(CASES[0], environments=("prod",))
    assert merge([warning, error]) == merge([error, warning]) == (error,)


def test_environments_are_named_only_where_they_differ():
    one = replace(CASES[0], environments=("prod",))
    assert shown_environments(one, ("dev", "prod")) == ("prod",)
    assert shown_environments(one, ("prod",)) == ()
    assert shown_environments(replace(one, environments=()), ("dev", "prod")) == ()


@given(st.permutations(CASES))
def test_the_order_does_not_depend_on_who_found_first(shuffled):
    assert merge(shuffled) == merge(CASES)


def test_order_is_by_file_line_and_column():
    places = [(d.primary.span.file, d.primary.span.line, d.primary.span.column) for d in merge(CASES) if d.primary]
    assert places == sorted(places)


def test_unknown_checks_are_counted_apart():
    counts = count([*CASES, replace(CASES[-1], unknown=True)])
    assert (counts.errors, counts.warnings, counts.infos, counts.unknown) == (11, 1, 1, 1)
