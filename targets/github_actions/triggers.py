"""What starts a workflow: `on:`, and what its inputs become."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node
from llmops.targets.github_actions.words import is_reference
from llmops.targets.github_actions.work import Work

_CRON = re.compile(r"(\*|\w+(-\w+)?)(/\d+)?(,(\*|\w+(-\w+)?)(/\d+)?)*")
MINUTE, HOUR, DAY = 60, 3600, 86400
OFTEN = 5 * MINUTE
"""Actions starts nothing more often."""


def triggers(work: Work, paths: list[Sourced[str]] | None) -> dict[str, Any]:
    """`on:`. `paths` are what pushes and pull requests must touch; None: anything."""
    made: dict[str, Any] = {}
    for trigger in work.pipeline.entries("triggers"):
        if trigger.name in ("pull_request", "push"):
            event: dict[str, Any] = {}
            branches = [name for item in trigger.entries("branches") if (name := _reference(work, item)) is not None]
            if branches:
                event["branches"] = branches
            elif trigger.has("branches"):
                continue  # none of them can be, which is not the same as all
            elif trigger.name == "push" and work.triggered_by("tag"):
                event["branches"] = ["**"]  # `tags` alone would leave out branches
            if paths is not None:
                event["paths"] = paths
            made[trigger.name] = event
        elif trigger.name == "schedule":
            cron = _cron(work, trigger)
            if cron is not None:
                made["schedule"] = [{"cron": cron}]
        elif trigger.name in ("manual", "call"):
            inputs = {node.name: _input(work, node, trigger.name) for node in trigger.entries("inputs")}
            event_name = "workflow_dispatch" if trigger.name == "manual" else "workflow_call"
            made[event_name] = {"inputs": inputs} if inputs else {}
        elif trigger.name == "comment":
            work.cannot(
                trigger, (),
                "a comment runs with the rights of the default branch, on code that anyone may have proposed",
                "start it by hand: `manual: {}`",
            )  # fmt: skip
    tag = work.pipeline.node("triggers", "tag")
    pattern = _reference(work, tag, "pattern") if tag is not None else None
    if pattern is not None:
        made.setdefault("push", {})["tags"] = [pattern]
    return made


def _reference(work: Work, node: Node, *keys: str) -> Sourced[str] | None:
    name = node.maybe_text(*keys)
    if name is not None and not is_reference(name.value):
        work.cannot(node, keys, "no branch or tag can be called that; a pattern may hold `*`, `**` and `[…]`")
        return None
    return name


def _cron(work: Work, trigger: Node) -> Sourced[str] | None:
    cron = trigger.maybe_text("cron")
    if cron is None:
        return _every(work, trigger)
    zone = trigger.maybe_text("timezone")
    if zone is not None and zone.value not in ("UTC", "Etc/UTC"):
        work.cannot(trigger, ("timezone",), "schedules run in UTC", "write `cron` in UTC, without `timezone`")
    if not all(_CRON.fullmatch(field) for field in cron.value.split(" ")):
        work.cannot(trigger, ("cron",), "its cron knows numbers, names, `*`, `,`, `-` and `/` alone")
        return None
    return cron


def _every(work: Work, trigger: Node) -> Sourced[str] | None:
    every = trigger.text("every")
    made = _as_cron(seconds(every.value))
    if made is None:
        work.cannot(
            trigger, ("every",), "cron counts within an hour, a day or a week: the time must divide one of them, "
            "and be at least 5 minutes", "write `cron`",
        )  # fmt: skip
        return None
    return every.map(lambda _: made)


def _as_cron(every: float) -> str | None:
    if every >= OFTEN and every % MINUTE == 0 and HOUR % every == 0:
        return f"*/{int(every // MINUTE)} * * * *" if every < HOUR else "0 * * * *"
    if every % HOUR == 0 and DAY % every == 0:
        return f"0 */{int(every // HOUR)} * * *" if every < DAY else "0 0 * * *"
    return "0 0 * * 0" if every == 7 * DAY else None


def _input(work: Work, node: Node, trigger: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    description = node.maybe_text("description")
    if description is not None:
        made["description"] = description
    kind = node.text("type")
    options = [text for item in node.entries("options") if (text := _option(work, item)) is not None]
    if kind.value == "choice" and trigger == "call":
        work.cannot(node, ("type",), "a workflow that is called has no choices: any text will do")
    made["type"] = kind if not (kind.value == "choice" and trigger == "call") else kind.map(lambda _: "string")
    default = node.get("default")
    if default is not None:
        _check_default(work, node, kind.value, default.value, options)
        made["default"] = default
    elif kind.value == "boolean":
        made["default"] = False
    if kind.value == "choice" and trigger == "manual":
        if options:
            made["options"] = options
        else:
            work.cannot(node, ("type",), "a choice needs `options`")
    elif options and kind.value != "choice":
        work.cannot(node, ("options",), "only a choice has options", "write `type: choice`")
    if node.has("required"):
        made["required"] = node.flag("required")
    return made


def _option(work: Work, item: Node) -> Sourced[str] | None:
    text = item.maybe_text()
    if text is not None and not text.value:
        work.cannot(item, (), "an option is not empty")
        return None
    return text


def _check_default(work: Work, node: Node, kind: str, default: Any, options: list[Sourced[str]]) -> None:
    wanted = {"boolean": (bool,), "number": (int, float), "string": (str,), "choice": (str,)}[kind]
    if type(default) not in wanted:
        work.cannot(node, ("default",), f"the default of a {kind} must be one")
    elif kind == "choice" and options and default not in [option.value for option in options]:
        work.cannot(node, ("default",), "the default is none of the options")


def inputs(work: Work) -> Iterator[tuple[str, str]]:
    """The inputs of all triggers, as a command of one's own sees them: INPUT_<NAME> and its value."""
    names = [n.name for trigger in ("manual", "call") for n in work.pipeline.entries("triggers", trigger, "inputs")]
    for name in dict.fromkeys(names):
        yield f"INPUT_{name.upper()}", f"${{{{ inputs.{name} }}}}"
