"""A task of one's own rows, and the models that are asked."""

from __future__ import annotations

import re
from typing import Any

from llmops.compiler.derive.cases import Case, in_repository
from llmops.compiler.derive.params import params
from llmops.compiler.derive.prompt import Part, parts
from llmops.compiler.derive.subjects import Subject
from llmops.compiler.emit.escapes import jinja
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.view import View
from llmops.targets.lm_eval.work import Work

METRICS = {"equals": "exact_match"}
"""What the harness calls an assertion whose value is a column."""
_NAME = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_F_NAME = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}")
STOP = "stop"


def task_name(eval_: View[Any]) -> Sourced[str]:
    """A name that no published task has."""
    return eval_.label.express(lambda name: f"llmops_{name}")


def judged(work: Work, eval_: View[Any]) -> dict[str, tuple[Sourced[str], bool]]:
    """The harness's metrics by the names that the config gives them, and whether each counts for a row to pass."""
    out: dict[str, tuple[Sourced[str], bool]] = {}
    for node in eval_.entries("metrics"):
        kind = node.text("type")
        metric = METRICS.get(kind.value)
        column = node.maybe_text("column")
        if metric is None or column is None:
            work.error(node.at("type"), f"the harness cannot measure `{kind.value}`" if metric is None
                       else f"`{kind.value}` compares with a column here", "",
                       f"it measures {', '.join(METRICS)} with a `column`; for others take another runner")
            continue
        if not _WORD.fullmatch(column.value):
            work.error(node.at("column"), f"`{column.value}` is no name of a column here",
                       "letters, digits and `_`, for it stands in a template", "call the column otherwise")
            continue
        for field in ("value", "threshold", "transform", "judge", "file", "language", "columns"):
            if node.has(field):
                work.unsupported(node.at(field), "a metric compares the whole answer with a column")
        weight, flag = node.maybe_number("weight"), node.maybe_flag("informational")
        silent = (flag is not None and flag.value) or (weight is not None and weight.value == 0)
        out[node.name] = (kind.express(lambda name: METRICS[name]), not silent)
    return out


def own(work: Work, eval_: View[Any], tried: list[Subject], rows: list[Case]) -> dict[str, Any]:
    """The task's file. Prompt and target are templates of the harness: names of columns in braces."""
    columns = {
        node.text("column").value: node for node in eval_.entries("metrics")
        if node.has("column") and _WORD.fullmatch(node.text("column").value)
    }
    if len(columns) > 1:
        work.error(eval_.at("metrics"), "a task compares with one column", ", ".join(columns),
                   "give the other metrics an eval of their own")
    out: dict[str, Any] = {"task": task_name(eval_)}
    data = f"{work.lowering.folder}/{eval_.address.name}.jsonl"
    out |= {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": literal(data)}}, "test_split": "test",
            "output_type": "generate_until"}
    out |= _prompt(work, tried)
    target = next(iter(columns.values()), None)
    if target is not None:
        out["doc_to_target"] = target.text("column").express(lambda name: "{{ " + name + " }}")
        missing = next((case for case in rows if columns and next(iter(columns)) not in case.vars), None)
        if missing is not None:
            work.error(target.at("column"), f"not every row has `{next(iter(columns))}`", "the harness would not start")
    out["target_delimiter"] = ""
    # without it an answer ends at its first empty line
    out["generation_kwargs"] = {"until": []}
    metrics = judged(work, eval_)
    listed = list({metric.value: metric for metric, _ in metrics.values()}.values())
    out["metric_list"] = [
        {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in listed
    ]
    out["metadata"] = {"version": 1}
    return out


def _prompt(work: Work, tried: list[Subject]) -> dict[str, Any]:
    """The one prompt: the harness has a text for what the app says before, and one for the row."""
    prompts = {one.prompt.address if one.prompt is not None else None: one for one in tried}
    if len(prompts) > 1 or any(one.variant is not None for one in tried):
        work.error(tried[-1].node.at(), "all subjects are asked with one prompt here", "",
                   "give each prompt an eval of its own")
    subject = tried[0]
    if subject.prompt is None:
        return {"doc_to_text": "{{ prompt }}"}
    out: dict[str, Any] = {}
    for part in parts(subject.prompt):
        field = "description" if part.role in ("system", "developer") else "doc_to_text"
        if part.medium != "text" or part.role == "assistant" or field in out:
            work.error(part.at, "the harness takes one text of the app's and one of the user's", "",
                       "test other conversations with another runner")
            continue
        out[field] = _text(work, subject.prompt, part)
    for field, why in (("examples", "worked cases"), ("output_schema", "a schema of answers")):
        if subject.prompt.has(field):
            work.unsupported(subject.prompt.at(field), f"{why} are not given to it yet", "choose another runner")
    return out


def _text(work: Work, prompt: View[Any], part: Part) -> Sourced[str]:
    """A prompt as the harness's template, of names in braces alone: it renders without a sandbox."""
    sources: tuple[Source, ...] = (prompt.origin(part.at),)
    text = part.words
    if part.file:
        sources = (*sources, Content(in_repository(work.lowering, part.file)))
    syntax = prompt.text("syntax").value
    if syntax == "none":
        return Sourced(jinja(text), sources, raw=True)
    if syntax == "f-string":
        pieces = re.split(_F_NAME, text)
        made = "".join(jinja(piece) if n % 2 == 0 else "{{ " + piece + " }}" if piece else "" for n, piece
                       in enumerate(pieces))
        return Sourced(made, sources, raw=True)
    pieces = re.split(_NAME, text)
    if any(sign in piece for piece in pieces[::2] for sign in ("{{", "{%", "{#")):
        work.error(part.at, "the harness is given plain variables only", "it renders templates without a sandbox",
                   "take filters and statements out of the message, or choose another runner")
        return Sourced("", sources, raw=True)
    made = "".join(jinja(piece) if n % 2 == 0 else "{{ " + piece + " }}" for n, piece in enumerate(pieces))
    return Sourced(made, sources, raw=True)


def model(work: Work, tried: Subject) -> dict[str, Any]:
    """A model by its OpenAI-compatible chat address, and what is sent beside the messages."""
    call, called = tried.call, tried.model
    assert call is not None
    assert called is not None
    out: dict[str, Any] = {"name": call.model.express(str)}
    if call.url_variable is not None:
        out["url_variable"] = call.url_variable.name
    elif call.url is not None:
        out["url"] = call.url.express(str)
    api = called.maybe_text("endpoint", "api")
    row = work.lowering.facts.provider(call.provider.value) if call.provider is not None else None
    speaks = api.value if api is not None else row.protocol if row is not None else "openai"
    other = speaks != "openai"
    if call.route.level == "provider" and other:
        work.error(called.at("endpoint", "api") if api is not None else called.at("provider"),
                   f"{called.address} does not speak as OpenAI's API", "the harness is told one address for each model",
                   "put a gateway before it, with a route that serves it")
    elif "url" not in out and "url_variable" not in out:
        work.error(called.at("provider") if called.has("provider") else called.at(),
                   f"nobody knows where {called.address} answers", "", "say it: `endpoint: {url: …}`")
    if call.key is not None:
        out["key_variable"] = call.key.name
    sent = dict(params(called, *tried.layers))
    if STOP in sent:
        sent["until"] = sent.pop(STOP)
    sent.update(tried.node.tree("body") or {})
    if sent:
        out["params"] = _plain(sent)
    return out


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _plain(item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    return tree.express(lambda value: value) if isinstance(tree, Sourced) else tree


__all__ = ["judged", "model", "own", "task_name"]
