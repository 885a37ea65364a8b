"""What a secret says is shown nowhere: not in the message of another problem, nor where a value is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from llmops.compiler.diagnostics.render.cells import HIDDEN
from llmops.compiler.model.finding import Diagnostic, Place
from llmops.compiler.model.sources import Sources, Span

_SHOWN = 4
"""Characters of a secret that may be seen, so that its owner knows which it is."""
_TELLING = 8
"""Characters that must agree with a secret's beginning: messages cut what they quote."""


def secrets(diagnostics: Iterable[Diagnostic], sources: Sources) -> tuple[str, ...]:
    """What stands at the places that diagnostics say are secret, the longest first."""
    spans = {one.labels[0].span for one in diagnostics if one.secret and one.labels}
    found = {_text(sources, span) for span in spans if span.file in sources}
    return tuple(sorted((one for one in found if len(one) >= _TELLING), key=lambda one: (-len(one), one)))


def _text(sources: Sources, span: Span) -> str:
    lines = sources[span.file].text.split("\n")[span.line - 1 : span.end_line]
    if not lines:
        return ""
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def hide(text: str, known: Sequence[str]) -> str:
    """The text, in which of each secret, or of its beginning, only the first characters are left."""
    for secret in known:
        start = text.find(secret[:_TELLING])
        while start >= 0:
            end = start + _TELLING
            while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
                end += 1
            text = f"{text[: start + _SHOWN]}{HIDDEN}{text[end:]}"
            start = text.find(secret[:_TELLING], start + _SHOWN)
    return text


def redact(diagnostics: Iterable[Diagnostic], known: Sequence[str]) -> tuple[Diagnostic, ...]:
    """The same, saying nothing of the secrets. A fix that would write one is left out."""
    told = tuple(diagnostics)
    if not known:
        return told
    telling = re.compile("|".join(re.escape(one[:_TELLING]) for one in known))
    return tuple(_redacted(one, known) if telling.search(repr(one)) else one for one in told)


def _redacted(one: Diagnostic, known: Sequence[str]) -> Diagnostic:
    def maybe(text: str | None) -> str | None:
        return None if text is None else hide(text, known)

    return replace(
        one,
        message=hide(one.message, known),
        labels=tuple(Place(place.span, hide(place.text, known), place.primary) for place in one.labels),
        notes=tuple(hide(text, known) for text in one.notes),
        help=tuple(hide(text, known) for text in one.help),
        fixes=tuple(fix for fix in one.fixes if hide(repr(fix), known) == repr(fix)),
        resource=maybe(one.resource),
        path=maybe(one.path),
        expected=maybe(one.expected),
        found=maybe(one.found),
    )
