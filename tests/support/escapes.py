"""What every escape must hold, those of the compiler and those of a target."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable

import pytest

from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.model.target import Refusal

Escape = Callable[[str], str]
PARTS = (
    "{", "{{", "{{ }", "{{ a", "}}", "#}", "${{", "$", " ", "a", "\n ", "{{ env.", "{{ \t", "exec:", "os.environ",
)  # fmt: skip


def refuses(escape: Escape, refused: Iterable[str], taken: list[str]) -> None:
    """It refuses the ones, and leaves the others as they are."""
    for text in refused:
        with pytest.raises(Refusal):
            escape(text)
    assert [escape(text) for text in taken] == taken


def survives_canaries(escape: Escape) -> None:
    """Each is written, or refused with a reason that is one line of a message."""
    for text in CANARIES:
        try:
            assert isinstance(escape(text), str)
        except Refusal as refusal:
            said = str(refusal)
            assert said.strip(), f"{text!r} is refused without a reason"
            assert "\n" not in said, f"{said!r}"


def takes_no_time(escape: Escape) -> None:
    """No text of a hundred thousand signs takes long."""
    start = time.perf_counter()
    for part in PARTS:
        for text in (part * 20_000, part * 20_000 + "x", "{{" + part * 20_000):
            with contextlib.suppress(Refusal):
                escape(text)
    assert time.perf_counter() - start < 5
