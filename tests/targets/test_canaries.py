"""Hostile texts in every text field of every case: each is told with its place, or written so that nothing in it fires.

Of each case, every text that a target carries is replaced by some of the canaries, chosen by the field's place, so that
over all fields each canary has its turn. emit reads each artifact back; here each target's second language is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest

from llmops.compiler.driver import Compilation, compile_project, toolkit
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.kinds import Shape
from llmops.compiler.model.request import Request
from tests.provenance.leaves import Leaf, leaves, replaced
from tests.targets.test_cases import CASES, project_files

EACH = 6
"""How many canaries a field gets; with them the test stays below a minute."""
TOOLS = toolkit()
JINJA = jinja2.Environment()
Oracle = Callable[[Any, Any], Iterator[str]]


def fields(result: Compilation, files: Memory) -> list[Leaf]:
    """Texts of config files that are neither names, nor of a closed form, nor paths; open maps' too."""
    assert result.workspace is not None
    return [leaf for leaf in leaves(result.workspace, files) if isinstance(leaf.value, str) and free(leaf.shape)]


def free(shape: Shape | None) -> bool:
    if shape is None:
        return True
    schema = shape.schema
    closed = ("enum", "pattern", "x-ref", "x-target", "x-file", "x-brings", "const")
    return not any(word in schema for word in closed) and shape.ref is None


def chosen(field: Leaf) -> list[str]:
    start = int.from_bytes(hashlib.sha256(repr(field.path).encode()).digest()[:4])
    return [CANARIES[(start + step * 41) % len(CANARIES)] for step in range(EACH)]


# --- what each tool would read in a text -------------------------------------------------------------------------


def texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, item in data.items():
            yield key
            yield from texts(item)
    elif isinstance(data, list):
        for item in data:
            yield from texts(item)


def keys(data: Any) -> Iterator[str]:
    below = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else []
    yield from data if isinstance(data, dict) else ()
    for item in below:
        yield from keys(item)


def litellm(before: Any, after: Any) -> Iterator[str]:
    """`os.environ/NAME` reads the environment: only the target itself may write it."""
    known = set(texts(before))
    yield from (text for text in texts(after) if "os.environ/" in text and text not in known)


def compose(before: Any, after: Any) -> Iterator[str]:
    """A single `$` is replaced by a variable: only the target itself may write one."""
    known = set(texts(before))
    for text in texts(after):
        if text not in known and "$" in text.replace("$$", ""):
            yield text


def actions(before: Any, after: Any) -> Iterator[str]:
    """`${{ }}` is evaluated: the one expression that may come of a text is the sign itself."""
    known = {found for text in texts(before) for found in re.findall(r"\$\{\{.*?\}\}", text)}
    for text in texts(after):
        for found in re.findall(r"\$\{\{.*?(?:\}\}|\Z)", text.replace("${{ '${{' }}", ""), re.DOTALL):
            if found not in known and not re.fullmatch(r"\$\{\{ (secrets|vars)\.\w+ \}\}", found):
                yield text


def promptfoo(before: Any, after: Any) -> Iterator[str]:
    """Files, code and variables of the environment that a text may not name."""
    known = set(texts(before))
    loads = re.compile(r"\s*(file://|package:\S|(exec|python|javascript|golang|ruby|webhook):\S)", re.IGNORECASE)
    prompt = isinstance(after, list)  # messages are rendered; what they begin with is never loaded
    for text in texts(after):
        if text not in known and ((loads.match(text) and not prompt) or re.search(r"\{\{\s*env\.", text)):
            yield text
    yield from (text for text in keys(after) if text == "$ref")


def dvc(before: Any, after: Any) -> Iterator[str]:
    """`${name}` in dvc.yaml is a parameter's value, unless a backslash stands before it."""
    if isinstance(after, dict) and "stages" in after:
        yield from (text for text in texts(after) if re.search(r"(?<!\\)\$\{.*?\}", text))


def mcp(before: Any, after: Any) -> Iterator[str]:
    """Clients put variables in the place of `$`, in their configs alone: only the target itself may write one."""
    if isinstance(after, dict) and "functions" not in after:
        known = set(texts(before))
        yield from (text for text in texts(after) if "$" in text and text not in known)


def haystack(before: Any, after: Any) -> Iterator[str]:
    """Templates are rendered where a component has one; only a prompt's messages are templates of the config's own.

    So is a map with `type`: of a class, or of a secret, which is read from the environment.
    """
    known = {_shape(text) for text in _templates(before)}
    yield from (text for text in _templates(after) if _shape(text) not in known)
    yield from (text for text in _typed(after) if text not in set(_typed(before)))


def _shape(template: str) -> str:
    """A template without the values that stand in it: a text of a config may be one of these alone."""
    tree = JINJA.parse(template)
    for constant in tree.find_all(jinja2.nodes.Const):
        constant.value = None
    return repr(tree)


def _templates(data: Any) -> Iterator[str]:
    """What the adapters and routers of a pipeline render, and those of pipelines inside."""
    for component in (data.get("components") or {}).values() if isinstance(data, dict) else ():
        given = component.get("init_parameters") or {}
        yield from (text for inside in _pipelines(given) for text in _templates(inside))
        yield from (given[key] for key in ("template", "prompt_template") if isinstance(given.get(key), str))
        yield from (str(route["condition"]) for route in given.get("routes") or ())


def _pipelines(given: Any) -> Iterator[Any]:
    for one in given.values() if isinstance(given, dict) else ():
        if isinstance(one, dict):
            yield from [one] if "components" in one else _pipelines(one)


def _typed(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from (str(data[key]) for key in ("type", "env_vars") if key in data)
        for key, item in data.items():
            # below its own keys, what a model is sent is nothing to Haystack
            yield from _typed(dict.fromkeys(item, "") if key == "generation_kwargs" else item)
    elif isinstance(data, list):
        for item in data:
            yield from _typed(item)


def nemo_guardrails(before: Any, after: Any) -> Iterator[str]:
    """Messages, and prompts that are no template of the config, are rendered by Jinja2: signs only, no names."""
    rendered = [after.get("bot_messages", {}), *(p.get("content", "") for p in after.get("prompts", ()))]
    known = set(texts(before))
    for text in texts(rendered):
        if text not in known and re.search(r"\{[{%#]", re.sub(r"\{\{ '(?:\{|\\r|\\n)' \}\}", "", text)):
            yield text


ORACLES: dict[str, Oracle] = {
    "litellm": litellm, "compose": compose, "github-actions": actions, "promptfoo": promptfoo, "mcp": mcp, "dvc": dvc,
    "haystack": haystack,
    "nemo-guardrails": nemo_guardrails,
}


# --- the test ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[f"{c.parent.parent.name}-{c.name}" for c in CASES])
def test_no_text_fires(case: Path) -> None:
    files = project_files(case)
    before = compile_project(Memory(files), Request(), tools=TOOLS)
    baseline = {e.path: e.data for e in before.emitted}
    for field in fields(before, Memory(files)):
        for canary in chosen(field):
            if field.span.file not in files:
                continue
            text = json.dumps(canary, ensure_ascii=True)
            changed = {**files, field.span.file: replaced(files[field.span.file], field.span, text)}
            result = compile_project(Memory(changed), Request(), tools=TOOLS)
            errors = [d for d in result.diagnostics if d.severity == "error"]
            if errors:
                assert all(d.labels for d in errors if not d.code.startswith("EMT")), (field, canary, errors)
                assert not any(d.code.startswith("BUG") for d in errors), (field, canary, errors)
                continue
            for emitted in result.emitted:
                oracle = ORACLES.get(emitted.target)
                if oracle is not None and emitted.data is not None:
                    fired = list(oracle(baseline.get(emitted.path), emitted.data))
                    assert fired == [], (field, canary, emitted.path)
