"""What a recipe needs to know: the section of a dataset in params.yaml, which its script reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.params import params
from llmops.compiler.derive.route import Call, route
from llmops.compiler.derive.shots import conversation, sources_of
from llmops.compiler.derive.subjects import called
from llmops.compiler.derive.texts import content
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.view import Node, View
from llmops.targets.dvc.work import RECIPES, RUNNER, Work, files, output


def section(work: Work, dataset: View[Any]) -> dict[str, Any] | None:
    """None where it cannot be made: that is said in the problems."""
    recipe = dataset.text("derive", "recipe")
    if recipe.value not in RECIPES:
        work.error(dataset.at("derive", "recipe"), "DVC has nobody label rows", "people label",
                   "`runner: label-studio`")
        return None
    sources = _sources(work, dataset, "from")
    out: dict[str, Any] = {"recipe": recipe, "from": sources, "out": output(dataset)}
    count = dataset.maybe_integer("derive", "count")
    if count is not None:
        out["count"] = count
    own = {"derived": _derived, "synthetic": _synthetic, "decontaminated": _decontaminated}[recipe.value]
    found = dict(own(work, dataset))
    _idle(work, dataset, recipe.value)
    return {**out, **found} if found else None


USED = {"derived": ("code", "function"), "synthetic": ("model", "prompt", "params", "via"),
        "decontaminated": ("against", "ngram")}


def _idle(work: Work, dataset: View[Any], recipe: str) -> None:
    for other, fields in USED.items():
        for name in fields if other != recipe else ():
            if dataset.has("derive", name):
                work.unsupported(dataset.at("derive", name), f"the recipe {recipe} has no use for it")
    if dataset.has("derive", "labels"):
        work.unsupported(dataset.at("derive", "labels"), "nobody is asked for labels here")


def _sources(work: Work, dataset: View[Any], word: str) -> dict[str, Any]:
    """Each dataset that is read: its files, and what its columns mean."""
    made: dict[str, Any] = {}
    for node in dataset.entries("derive", word):
        below = node.ref()
        if below is None:
            continue
        one: dict[str, Any] = {"files": files(work, below, node.at())}
        fields = below.tree("fields")
        if fields:
            one["fields"] = fields
        most = below.maybe_integer("max_rows")
        if most is not None:
            one["max_rows"] = most
        made[below.address.name] = Sourced(one, (node.source(),), raw=True)
    return made


def _derived(work: Work, dataset: View[Any]) -> Iterator[tuple[str, Any]]:
    code, function = dataset.maybe_text("derive", "code"), dataset.maybe_text("derive", "function")
    if code is None or function is None:
        work.error(dataset.at("derive", "recipe"), "`derived` needs `code` and `function`",
                   "a function of the project makes the rows", "`code: data/split.py` and `function: split`")
        return
    if not code.value.endswith(".py"):
        work.error(dataset.at("derive", "code"), "DVC's recipe runs code in Python", "", "name a `.py` file")
        return
    yield "code", code.map(lambda path: work.here(in_repository(work.lowering, path)))
    yield "function", function


def _decontaminated(work: Work, dataset: View[Any]) -> Iterator[tuple[str, Any]]:
    against = _sources(work, dataset, "against")
    if not against:
        work.error(dataset.at("derive", "recipe"), "`decontaminated` needs `against`",
                   "the datasets whose rows must not occur", "`against: [questions]`")
        return
    yield "against", against
    ngram = dataset.maybe_integer("derive", "ngram")
    if ngram is not None:
        yield "ngram", ngram


# --- rows that a model writes ------------------------------------------------------------------------------------


def call(work: Work, dataset: View[Any]) -> Call | None:
    """How the model that writes rows is reached."""
    model, node = dataset.ref("derive", "model"), dataset.node("derive")
    if model is None or node is None:
        return None
    at = dataset.at("derive", "model")
    found = called(work.lowering, route(work.lowering.reader, model, node), at, RUNNER)
    if isinstance(found, Finding):
        work.problems.append(found)
        return None
    row = None if found.provider is None else work.lowering.facts.provider(found.provider.value)
    api = model.maybe_text("endpoint", "api")
    speaks = row is None or row.protocol == "openai" or (api is not None and api.value == "openai")
    if not speaks or (found.url is None and found.url_variable is None):
        work.error(at, f"the recipe cannot call {model.address}", "it speaks OpenAI's API alone",
                   "put a gateway before it")
        return None
    return found


def variables(work: Work, dataset: View[Any]) -> list[Variable]:
    found = call(work, dataset)
    return [] if found is None else [one for one in (found.key, found.url_variable) if one is not None]


def _synthetic(work: Work, dataset: View[Any]) -> Iterator[tuple[str, Any]]:
    model, prompt = dataset.ref("derive", "model"), dataset.ref("derive", "prompt")
    missing = [word for word in ("model", "prompt", "count") if not dataset.has("derive", word)]
    if missing or model is None or prompt is None:
        words = ", ".join(f"`{word}`" for word in missing)
        if missing:
            work.error(dataset.at("derive", "recipe"), f"`synthetic` needs {words}",
                       "a model is sent a prompt for a row, until there are enough")
        return
    reached = call(work, dataset)
    if reached is None:
        return
    yield "call", _called(work, dataset, reached, model, prompt)
    yield "syntax", prompt.text("syntax")
    yield "messages", _messages(work, dataset, prompt, model)
    columns = dataset.value.get("columns")
    if columns:
        yield "columns", [Sourced(name, (dataset.source("columns", name),)) for name in columns]


def _called(work: Work, dataset: View[Any], reached: Call, model: View[Any], prompt: View[Any]) -> dict[str, Any]:
    named = dataset.ref_name("derive", "model")
    made: dict[str, Any] = {"model": reached.model.because(named)}
    if reached.url_variable is not None:
        made["url_variable"] = reached.url_variable.name.because(named)
    elif reached.url is not None:
        made["url"] = reached.url.because(named)
    if reached.key is not None:
        made["key"] = reached.key.name.because(named)
    sent = params(model, prompt, dataset.node("derive"))
    if prompt.has("output_schema") and "response_format" not in sent:
        wanted = dataset.ref_name("derive", "prompt")
        sent["response_format"] = Sourced(_response_format(work, prompt), wanted.sources if wanted else (), raw=True)
    if sent:
        made["params"] = sent
    return made


def _response_format(work: Work, prompt: View[Any]) -> dict[str, Any]:
    """The answer's schema in OpenAI's words."""
    path, at = prompt.maybe_text("output_schema"), prompt.source("output_schema")
    schema: Any = prompt.tree("output_schema")
    if path is not None:
        data = content(prompt.project, path.value)
        try:
            origin: tuple[Source, ...] = (*path.sources, Content(in_repository(work.lowering, path.value)))
            schema = Sourced(json.loads(data or b"{}"), origin)
        except ValueError:
            work.error(prompt.at("output_schema"), "the file of the answer's schema is no JSON")
    name = Sourced(prompt.address.name, (at,))
    return {"type": literal("json_schema"), "json_schema": {"name": name, "schema": schema}}


def _messages(work: Work, dataset: View[Any], prompt: View[Any], model: View[Any]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    named = dataset.ref_name("derive", "prompt")
    told, problems = conversation(work.lowering, prompt, model.address.name)
    work.problems += problems
    for part in told:
        if part.medium != "text":
            work.unsupported(part.at, "a recipe sends text alone")
            continue
        text = part.words
        said = Sourced(text, sources_of(work.lowering, prompt, part)).because(named)
        made.append({"role": part.role, "content": said, **({"syntax": literal(part.syntax)} if part.syntax else {})})
    return made


def _place(dataset: View[Any]) -> Any:
    node: Node | None = dataset.node("derive")
    assert node is not None
    return node.at("prompt")
