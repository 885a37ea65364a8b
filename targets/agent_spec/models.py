"""Models and prompts, as a step or an agent uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import Part, parts, variables
from llmops.compiler.derive.route import reach, route, speaks_openai, unanswered
from llmops.compiler.derive.texts import content
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.view import Node, View
from llmops.targets.agent_spec.document import Document, reference

CONSUMER = "agent-spec"
_PLACEHOLDER = re.compile(r"\{\{\s*\w+\s*\}\}")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#|#\}|\}\}|%\}")


def model(document: Document, id_: str, caller: Node, prompt: View[Any] | None) -> dict[str, Any] | None:
    """The model that a step or an agent calls, as a component of its own; None where no call can be made so."""
    found = caller.ref("model")
    if found is None:
        return None
    way = route(document.lowering.reader, found, caller)
    call = reach(document.lowering, way, CONSUMER) if way.reached else None
    at = caller.at("model")
    if call is None:
        document.error(at, f"Agent Spec cannot reach {found.address}",
                       *unanswered(document.lowering, way))
        return None
    if call.url_variable is not None or call.url is None:
        document.error(at, f"the address of {found.address} must be known when it is compiled",
                       "the standard has no variable for it", "give a `url`, or a gateway that has one")
        return None
    if not speaks_openai(document.lowering, call):
        document.error(at, f"Agent Spec speaks to {found.address} in OpenAI's words alone",
                       f"{call.provider.value if call.provider else ''} speaks others", "reach it through a gateway")
        return None
    named = caller.ref_name("model")
    layers = [found, *([prompt] if prompt is not None else []), *([caller] if _has_params(caller) else [])]
    return document.add(
        "OpenAiCompatibleConfig", id_, named,
        url=call.url, model_id=call.model.because(named),
        api_key=None if call.key is None else reference(call.key.name.express(str)),
        default_generation_parameters=params(*layers) or None,
    )


def _has_params(node: Node) -> bool:
    return isinstance(node.value, dict) and "params" in node.value


def template(
    document: Document, prompt: View[Any], used_by: str, named: Sourced[str] | None
) -> Sourced[str] | None:
    """All messages as one text with `{{ placeholders }}`, which is what the standard knows of a prompt."""
    found = list(parts(prompt, used_by))
    if len({part.role for part in found}) > 1:
        document.unsupported(found[0].at, "all messages become one text: roles are lost",
                             "put what must be the system's words into an agent")
    for field, why in (("examples", "no examples are shown"), ("cache", "nothing is asked to keep a part of it")):
        if prompt.written(field):
            document.unsupported(prompt.at(field), why)
    texts: list[Sourced[str]] = []
    for part in found:
        text = _text(document, prompt, part)
        if text is None:
            return None
        texts.append(text)
    sources = merge(*(text.sources for text in texts), named.sources if named is not None else ())
    return Sourced("\n\n".join(text.value for text in texts), sources, raw=True)


def _text(document: Document, prompt: View[Any], part: Part) -> Sourced[str] | None:
    if part.medium != "text":
        document.error(part.at, "a prompt of Agent Spec is text", "", "leave pictures and recordings out")
        return None
    sources: tuple[Source, ...] = (prompt.origin(part.at),)
    if part.file:
        root = document.lowering.root
        sources = (*sources, Content(part.file if root == "." else f"{root}/{part.file}"))
    syntax, text = prompt.text("syntax").value, part.words
    if syntax == "f-string":
        text = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"{{ \1 }}", text).replace("{{{{", "{{").replace("}}}}", "}}")
    rest = text if syntax == "none" else _PLACEHOLDER.sub("", text)
    if _TEMPLATE.search(rest):
        document.error(part.at, "a prompt of Agent Spec has placeholders that are names, and nothing else",
                       "a runtime would read more than a name in this text", "take filters and statements out of it")
        return None
    return Sourced(text, sources, raw=True)


def placeholders(text: Sourced[str], prompt: View[Any]) -> Iterator[str]:
    """The declared variables that a text names, in the prompt's order."""
    for name in variables(prompt):
        if re.search(rf"\{{\{{\s*{re.escape(name)}\s*\}}\}}", text.value):
            yield name


def fields(document: Document, holder: View[Any]) -> list[dict[str, Any]] | None:
    """The outputs of one that must answer by a schema: its fields. An empty list is a schema that has none."""
    if not holder.has("output_schema"):
        return []
    path = holder.maybe_text("output_schema")
    schema: Any = holder.tree("output_schema")
    if path is not None:
        data = content(holder.project, path.value)
        try:
            schema = json.loads(data or b"{}")
        except ValueError:
            schema = {}
        schema = {key: Sourced(value, path.sources) for key, value in schema.items()}
    properties = schema.get("properties")
    given = properties.value if isinstance(properties, Sourced) else properties
    if not isinstance(given, dict) or not given:
        document.error(holder.at("output_schema"), "an answer by a schema is a map of fields in Agent Spec",
                       "it has no `properties`")
        return None
    sources = properties.sources if isinstance(properties, Sourced) else (holder.source("output_schema"),)
    return [{"title": Sourced(str(name), sources, raw=True), **_map(below)} for name, below in given.items()]


def _map(schema: Any) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"} if isinstance(schema, dict) else {}
