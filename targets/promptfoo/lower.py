"""From an eval to a promptfoo suite. Field names are promptfoo's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.diagnostics.finding import Finding
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Content
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EVAL
from llmops.targets.promptfoo.assertions import metrics, rows
from llmops.targets.promptfoo.subjects import Subject, environment, judge, provider, subjects


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    prompts: dict[Address, View[Any]] = {}
    made = False
    for eval_ in lowering.reader.of(EVAL, runner="promptfoo"):
        made = True
        tried = list(subjects(lowering, eval_))
        for subject in tried:
            if subject.prompt is not None:
                prompts.setdefault(subject.prompt.address, subject.prompt)
        yield Artifact(f"{eval_.address.name}.yaml", _suite(lowering, eval_, tried), _about(eval_, tried))
    for address, prompt in prompts.items():
        yield Artifact(
            f"prompts/{address.name}.json", _messages(lowering, prompt), (address,), Format.JSON, comment=None
        )
    if made:
        lock = files(__package__).joinpath("lock")
        for name in ("package.json", "package-lock.json"):
            yield Artifact(name, lock.joinpath(name).read_bytes(), format=Format.VERBATIM, shared=True)


def _about(eval_: View[Any], tried: list[Subject]) -> tuple[Address, ...]:
    named = [v.address for s in tried for v in (s.prompt, s.model) if v is not None]
    return (eval_.address, *dict.fromkeys(named))


def _suite(lowering: Lowering, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    suite: dict[str, Any] = {}
    description = eval_.maybe_text("description")
    if description is not None:
        suite["description"] = description
    suite["prompts"] = list(_prompts(tried))
    suite["providers"] = [_provider(lowering, subject) for subject in tried]
    default: dict[str, Any] = {}
    everywhere = metrics(eval_)
    if everywhere:
        default["assert"] = everywhere
    graded = judge(lowering, eval_)
    if graded is not None:
        default["options"] = {"provider": provider(lowering, graded[1], graded[0])}
    if default:
        suite["defaultTest"] = default
    suite["tests"] = list(rows(lowering, eval_))
    options: dict[str, Any] = {}
    for ours, theirs in (("concurrency", "maxConcurrency"), ("repetitions", "repeat")):
        value = eval_.maybe_integer(ours)
        if value is not None:
            options[theirs] = value
    if options:
        suite["evaluateOptions"] = options
    return suite


def _prompts(tried: list[Subject]) -> Iterator[Any]:
    """Each prompt once; a subject without one is sent the row's `prompt` variable."""
    seen: set[Address] = set()
    for subject in tried:
        if subject.prompt is None or subject.prompt.address in seen:
            continue
        seen.add(subject.prompt.address)
        name = subject.node.ref_name("prompt")
        assert name is not None
        yield {
            "id": name.express(lambda n: f"file://prompts/{n}.json"),
            "label": name,
        }
    if not seen:
        yield "{{ prompt }}"


def _provider(lowering: Lowering, subject: Subject) -> dict[str, Any]:
    if subject.http is not None:
        return _http(subject)
    assert subject.call is not None
    made = provider(lowering, subject.call, subject.model, subject.prompt, subject.node)
    if subject.label is not None:
        made = {"id": made["id"], "label": subject.label, "config": made["config"]}
    if subject.prompt is not None and subject.label is not None:
        made["prompts"] = [subject.node.ref_name("prompt")]
    return made


def _http(subject: Subject) -> dict[str, Any]:
    http = subject.http
    assert http is not None
    outside = outside_variable(http, "url")
    url: Any = environment(outside) if outside is not None else http.text("url").express(str)
    config: dict[str, Any] = {"url": url}
    for field in ("method", "headers", "body"):
        value = http.tree(field)
        if value is not None:
            config[field] = value
    answer = http.maybe_text("answer")
    if answer is not None:
        config["transformResponse"] = answer.express(lambda path: f"json.{path}")
    made: dict[str, Any] = {"id": "http", "config": config}
    if subject.label is not None:
        made["label"] = subject.label
    return made


def _messages(lowering: Lowering, prompt: View[Any]) -> list[dict[str, Any]]:
    """The chat messages, as templates: promptfoo renders each text with the row's variables."""
    out: list[dict[str, Any]] = []
    for message in prompt.entries("messages"):
        for role in message.value:
            out.append({"role": role, "content": _template(message, role)})
    for part in prompt.entries("files"):
        path = part.get()
        assert path is not None
        data = lowering.reader.project.texts.get(path.value)
        full = path.value if lowering.root == "." else f"{lowering.root}/{path.value}"
        text = "" if data is None else data.decode("utf-8").rstrip("\n")
        out.append({"role": part.name, "content": Sourced(text, (*path.sources, Content(full)), raw=True)})
    return out


def _template(message: Node, role: str) -> Any:
    """A prompt is a template on purpose: its braces are not escaped."""
    value = message.get(role)
    return None if value is None else value.express(lambda v: v)


def gate_settings(eval_: View[Any]) -> dict[str, Sourced[str]]:
    """The gate as promptfoo reads it, from environment variables."""
    settings = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    out: dict[str, Sourced[str]] = {k: Sourced(v, (), raw=True) for k, v in settings.items()}
    rate = eval_.maybe_number("gate", "pass_rate")
    if rate is not None:
        out["PROMPTFOO_PASS_RATE_THRESHOLD"] = rate.express(lambda share: _percent(share))
    if not blocks(eval_):
        out["PROMPTFOO_FAILED_TEST_EXIT_CODE"] = Sourced("0", (), raw=True)
    return out


def blocks(eval_: View[Any]) -> bool:
    """No gate means report; a gate blocks unless its mode says otherwise."""
    mode = eval_.maybe_text("gate", "mode")
    return eval_.has("gate") and (mode is None or mode.value == "block")


def _percent(share: float) -> str:
    return json.dumps(round(share * 100, 6)).removesuffix(".0")
