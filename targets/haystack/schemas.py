"""The schema that an answer must follow, in OpenAI's words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.texts import content
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Content
from llmops.compiler.model.view import View

if TYPE_CHECKING:
    from llmops.targets.haystack.pipe import Pipe


def schema(pipe: Pipe, holder: View[Any], field: str) -> Any:
    """The schema with the origins of its parts: written here, or in a file."""
    path = holder.maybe_text(field)
    if path is None:
        return holder.tree(field)
    data = content(holder.project, path.value)
    origin = merge(path.sources, (Content(in_repository(pipe.lowering, path.value)),))
    try:
        return Sourced(json.loads(data or b"{}"), origin)
    except ValueError:
        pipe.error(holder.at(field), "the file of the answer's schema is no JSON")
        return None


def response_format(pipe: Pipe, holder: View[Any], field: str, name: str) -> dict[str, Any]:
    named = Sourced(name, (holder.source(field),))
    kind = Sourced("json_schema", named.sources, raw=True)
    return {"type": kind, "json_schema": {"name": named, "schema": schema(pipe, holder, field)}}
