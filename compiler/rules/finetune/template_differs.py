"""FIN001: a model that is served with another chat template than it was trained with."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive import finetune
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.view import View
from llmops.schemas.types import FINETUNE

FILES = (".jinja", ".jinja2", ".j2")
"""A `template` with such an ending is a file; else it is one of the trainer's own names."""


def check(scope: Scope) -> Iterator[Finding]:
    for tuning in scope.reader.of(FINETUNE):
        base = finetune.base(tuning)
        trained = None if base is None else _trained(tuning, base)
        if base is None or trained is None:
            continue
        path, at = trained
        for model in finetune.made(scope.reader, tuning):
            served = model if finetune.merged(tuning) else base  # an adapter speaks through its base
            yield from _compare(tuning, model, path, at, served)


def _trained(tuning: View[Any], base: View[Any]) -> tuple[str, KeyPath] | None:
    """The file of the template that it is trained with, and where that is said."""
    written = tuning.maybe_text("template")
    if written is not None:
        return (posixpath.normpath(written.value), tuning.at("template")) if written.value.endswith(FILES) else None
    own = base.maybe_text("chat_template")
    return None if own is None else (posixpath.normpath(own.value), base.at("chat_template"))


def _compare(tuning: View[Any], model: View[Any], path: str, at: KeyPath, served: View[Any]) -> Iterator[Finding]:
    file = served.maybe_text("chat_template")
    if file is None or posixpath.normpath(file.value) == path:
        return
    texts = model.project.texts
    one, other = texts.get(path), texts.get(posixpath.normpath(file.value))
    if one is None or other is None:
        yield Finding(
            f"whether `{model.address.name}` is served as it was trained is unknown", (Label(at, primary=True),),
            unknown=True,
        )
    elif one != other:
        yield Finding(
            f"`{model.address.name}` is trained with one chat template and served with another",
            (
                Label(at, "trained with it", primary=True),
                Label(served.at("chat_template"), "served with it"),
            ),
            help=(f"name the same file: `{file.value}`, or `{path}`",), found=path, expected=file.value,
        )


RULE = Rule(
    code=Code(
        code="FIN001",
        name="template-differs",
        severity=Severity.ERROR,
        summary="A fine-tuned model must be served with the chat template that it was trained with.",
        why="It then reads tokens that it never saw in that place: answers get worse, or do not end.",
        bad="# conf/finetune/tone.yaml          # conf/model/base.yaml\n"
        "template: templates/short.jinja    chat_template: templates/chat.jinja",
        good="# conf/finetune/tone.yaml          # conf/model/base.yaml\n"
        "base: base                         chat_template: templates/chat.jinja",
    ),
    check=check,
)
