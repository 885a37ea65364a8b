"""The labelling config: what is shown of a row, and what is asked. Built as XML, never as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Unsupported
from llmops.compiler.model.view import Node, View

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
CHOSEN = ("choice", "choices", "spans")
"""Labels with options to choose from."""
TWO = "preference"
MESSAGES = "messages"


@dataclass(slots=True)
class Form:
    """The XML with the origins of its elements, the columns that are shown, and what hinders."""

    root: Element = field(default_factory=lambda: Element("View"))
    origins: dict[Element, tuple[Source, ...]] = field(default_factory=dict)
    shown: dict[str, Sourced[str]] = field(default_factory=dict)
    """The columns that are shown, with their types."""
    problems: list[Finding | Unsupported] = field(default_factory=list)

    def add(self, parent: Element, tag: str, sources: tuple[Source, ...], **attributes: str) -> Element:
        made = SubElement(parent, tag, attributes)
        self.origins[made] = sources
        return made

    def error(self, at: KeyPath, message: str, label: str = "", cure: str = "") -> None:
        labels = (Label(at, label, primary=True),)
        self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))

    def lines(self) -> list[Sourced[str] | str]:
        """The text, each line with its origins."""
        ElementTree.indent(self.root)
        text = ElementTree.tostring(self.root, "unicode").split("\n")
        found = list(self._elements(self.root))
        assert len(text) == len(found)
        return [Sourced(line, sources, raw=True) for line, sources in zip(text, found, strict=True)]

    def _elements(self, element: Element) -> Iterator[tuple[Source, ...]]:
        own = self.origins.get(element, ())
        yield own
        for below in element:
            yield from self._elements(below)
        if len(element):
            yield own


def object_name(column: str) -> str:
    """No label has a `-` in its name, so that no two elements have one name."""
    return f"of-{column}"


def form(dataset: View[Any], columns: dict[str, Sourced[str]]) -> Form:
    """What `derive.labels` asks of rows with these columns."""
    made = Form()
    labels = list(dataset.entries("derive", "labels"))
    if not labels:
        made.error(dataset.at("derive", "recipe"), "`labelled` needs `labels`", "what people are asked",
                   "`labels: {helpful: {type: choice, options: [yes, no]}}`")
    for column, kind in columns.items():
        if WORD(column) is None:
            where = next((s for s in kind.sources), None)
            path = getattr(where, "path", dataset.at("derive", "from"))
            made.problems.append(Unsupported(path, "a column is called by letters, digits and `_`", "rename it"))
            continue
        made.shown[column] = kind
        _show(made, column, kind)
    for node in labels:
        _ask(made, node)
    return made


def _show(made: Form, column: str, kind: Sourced[str]) -> None:
    made.add(made.root, "Header", (), value=column)
    if kind.value == MESSAGES:
        made.add(made.root, "Paragraphs", kind.sources, name=object_name(column), value=f"${column}",
                 valueType="json", layout="dialogue", nameKey="role", textKey="content")
    else:
        made.add(made.root, "Text", kind.sources, name=object_name(column), value=f"${column}", valueType="text")


def _ask(made: Form, node: Node) -> None:
    kind, column = node.text("type"), node.maybe_text("column")
    about = column.value if column is not None else next(iter(made.shown), None)
    if about is None or about not in made.shown:
        made.error(node.at("column") if column is not None else node.at(), f"no row has a column `{about}`",
                   "", f"columns: {', '.join(made.shown)}" if made.shown else "")
        return
    options = [item.text() for item in node.entries("options")]
    for option in options:
        if option.value.startswith("$") or not option.value.isprintable():
            made.error(node.at("options"), "Label Studio would read this option as a variable of the task",
                       "it starts with `$`, or is no line of visible characters")
            return
    sources = merge(kind.sources, column.sources if column is not None else (), (node.source(),))
    made.add(made.root, "Header", (node.source(),), value=node.name)
    maker = {"choice": _choices, "choices": _choices, "spans": _spans, TWO: _two}.get(kind.value, _plain)
    maker(made, node, kind.value, about, options, sources)
    if kind.value in CHOSEN and not options:
        made.error(node.at("type"), f"`{kind.value}` needs `options`", "nothing can be chosen")


def _choices(
    made: Form, node: Node, kind: str, about: str, options: list[Sourced[str]], sources: tuple[Source, ...]
) -> None:
    how = "single" if kind == "choice" else "multiple"
    parent = made.add(made.root, "Choices", sources, name=node.name, toName=object_name(about), choice=how)
    if kind == "choice":
        parent.set("required", "true")
    for option in options:
        made.add(parent, "Choice", merge(option.sources, sources), value=option.value)


def _spans(
    made: Form, node: Node, kind: str, about: str, options: list[Sourced[str]], sources: tuple[Source, ...]
) -> None:
    tag = "ParagraphLabels" if made.shown[about].value == MESSAGES else "Labels"
    parent = made.add(made.root, tag, sources, name=node.name, toName=object_name(about))
    for option in options:
        made.add(parent, "Label", merge(option.sources, sources), value=option.value)


def _two(
    made: Form, node: Node, kind: str, about: str, options: list[Sourced[str]], sources: tuple[Source, ...]
) -> None:
    names = [option.value for option in options]
    if len(names) != 2 or not set(names) <= made.shown.keys():
        made.error(node.at("type"), "a preference is between two columns", "",
                   "name them: `options: [answer_a, answer_b]`")
        return
    both = merge(sources, *(option.sources for option in options))
    made.add(made.root, "Pairwise", both, name=node.name, toName=",".join(map(object_name, names)))


def _plain(
    made: Form, node: Node, kind: str, about: str, options: list[Sourced[str]], sources: tuple[Source, ...]
) -> None:
    tag = {"text": "TextArea", "rating": "Rating"}[kind]
    made.add(made.root, tag, sources, name=node.name, toName=object_name(about))
    if options:
        made.problems.append(Unsupported(node.at("options"), f"`{kind}` has nothing to choose from"))
