"""Diagnostics for people: headline, place, source line, carets, notes, help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from llmops.compiler.diagnostics.collect import shown_environments
from llmops.compiler.diagnostics.escape import escape
from llmops.compiler.diagnostics.render.cells import Row, cut, row
from llmops.compiler.diagnostics.render.places import position
from llmops.compiler.model.finding import Diagnostic, Place
from llmops.compiler.model.sources import Sources, Span

_STYLES = {"error": "1;31", "warning": "1;33", "info": "1;36", "bold": "1", "frame": "34", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Look:
    """How text is dressed. `link` gives a span's URL for terminals that can follow one."""

    color: bool = False
    link: Callable[[Span], str | None] | None = None

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and text else text

    def place(self, span: Span) -> str:
        text = escape(position(span))
        url = self.link(span) if self.link else None
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if url else text


PLAIN = Look()


@dataclass(slots=True)
class _Page:
    """What the snippets of one report share: lines are split once, and what is secret stays so in all of them."""

    sources: Sources
    look: Look
    secrets: Sequence[Span] = ()
    lines: dict[str, list[str]] = field(default_factory=dict)

    def line(self, file: str, number: int) -> str | None:
        if file not in self.lines:
            source = self.sources.get(file)
            self.lines[file] = source.text.split("\n") if source else []
        lines = self.lines[file]
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else None

    def hidden(self, file: str, number: int, length: int) -> list[tuple[int, int]]:
        """The columns of a line that no one may see."""
        found = []
        for span in self.secrets:
            if span.file == file and span.line <= number <= max(span.line, span.end_line):
                start = span.column if number == span.line else 1
                end = span.end_column if number == span.end_line else length + 1
                found.append((start, end))
        return found


def render(
    diagnostics: Iterable[Diagnostic], sources: Sources, environments: Sequence[str] = (), look: Look = PLAIN
) -> str:
    """All of them, parted by blank lines; ends with a line end if there is anything."""
    told = tuple(diagnostics)
    page = _Page(sources, look, secret_spans(told))
    return "\n".join(_one(one, page, environments) for one in told)


def secret_spans(diagnostics: Iterable[Diagnostic]) -> tuple[Span, ...]:
    return tuple(dict.fromkeys(one.labels[0].span for one in diagnostics if one.secret and one.labels))


def line(one: Diagnostic, environments: Sequence[str] = (), look: Look = PLAIN) -> str:
    """A diagnostic on one line, for those that stop nothing."""
    head = look.paint(f"{one.severity}[{one.code}]", one.severity)
    where = f"  {look.place(one.primary.span)}" if one.primary else ""
    envs = shown_environments(one, environments)
    tail = f"  [{' '.join(map(escape, envs))}]" if envs else ""
    return f"{head} {one.name}: {escape(one.message)}{where}{tail}   (llmops explain {one.code})\n"


def _one(one: Diagnostic, page: _Page, environments: Sequence[str]) -> str:
    look = page.look
    head = look.paint(f"{one.severity}[{one.code}]", one.severity)
    out = [f"{head}: {look.paint(escape(one.message), 'bold')}  ({one.name})"]
    numbers = [place.span.line for place in one.labels if page.line(place.span.file, place.span.line) is not None]
    gutter = len(str(max(numbers, default=1)))
    envs = shown_environments(one, environments)
    for index, (file, places) in enumerate(_by_file(one.labels).items()):
        arrow = "-->" if index == 0 else ":::"
        tail = f"   [{' '.join(map(escape, envs))}]" if envs and index == 0 else ""
        out += _block(file, places, page, gutter, arrow, tail, one.severity)
    pad = " " * (gutter + 1)
    bullet = look.paint("=", "frame")
    said = {place.text for place in one.labels}
    out += [f"{pad}{bullet} help: {escape(text)}" for text in one.help if text not in said]
    out += [f"{pad}{bullet} note: {escape(text)}" for text in one.notes]
    return "\n".join(out) + "\n"


def _by_file(places: Sequence[Place]) -> Mapping[str, list[Place]]:
    files: dict[str, list[Place]] = {}
    for place in places:
        files.setdefault(place.span.file, []).append(place)
    return files


def _block(
    file: str, places: Sequence[Place], page: _Page, gutter: int, arrow: str, tail: str, severity: str
) -> list[str]:
    """One file's lines with their carets, in the file's order."""
    look = page.look
    start = f"{' ' * gutter}{look.paint(arrow, 'frame')} {look.place(places[0].span)}{tail}"
    by_line: dict[int, list[Place]] = {}
    for place in sorted(places, key=lambda place: (place.span.line, place.span.column)):
        by_line.setdefault(place.span.line, []).append(place)
    if all(page.line(file, number) is None for number in by_line):
        texts = [escape(place.text) for place in places if place.text]
        return [f"{start}   {'; '.join(texts)}" if texts else start]
    bar = look.paint("|", "frame")
    empty = f"{' ' * gutter} {bar}"
    out = [start, empty]
    before = 0
    for number, here in by_line.items():
        text = page.line(file, number)
        if text is None:
            continue
        if before and number > before + 1:
            out.append("...")
        before = number
        primary = next((place for place in here if place.primary), here[0])
        shown = row(text, page.hidden(file, number, len(text)), primary.span.column)
        shown = cut(shown, shown.cell(primary.span.column))
        out.append(f"{look.paint(str(number).rjust(gutter), 'frame')} {bar} {shown.text}".rstrip())
        out += [f"{empty} {_carets(place, shown, look, severity)}" for place in here]
    return out


def _carets(place: Place, shown: Row, look: Look, severity: str) -> str:
    """Under the first line of the span, to that line's end where the span goes on."""
    span = place.span
    first, cells = shown.extent(span.column, span.end_column if span.end_line <= span.line else None)
    marks = ("^" if place.primary else "-") * cells
    style = severity if place.primary else "frame"
    text = f" {escape(place.text)}" if place.text else ""
    return " " * first + look.paint(f"{marks}{text}", style)
