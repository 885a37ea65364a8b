"""Assertions. The type names are promptfoo's own, so most of an assertion is carried as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.assertions import RUBRICS, spoken
from llmops.compiler.diagnostics.suggest import best, listed
from llmops.compiler.model.sourced import Sourced, combine, literal, merge
from llmops.compiler.model.target import Refusal
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo.gate import prices
from llmops.targets.promptfoo.known import assertion_types
from llmops.targets.promptfoo.providers import called, file_reference
from llmops.targets.promptfoo.subjects import Subject, judge
from llmops.targets.promptfoo.work import Work

CODE = {"javascript": (".js", ".mjs", ".cjs"), "python": (".py",)}
"""Types whose value is code, and the files that hold it."""
GRADED = (
    "answer-relevance", "context-faithfulness", "context-recall", "context-relevance", "conversation-relevance",
    "factuality", "g-eval", "llm-rubric", "model-graded-closedqa", "model-graded-factuality", "search-rubric",
    "select-best", "similar",
)
"""Types that ask a model."""
MEANINGS = ("context", "query")
"""What a column may mean to an assertion."""
CONTEXT = ("context-faithfulness", "context-recall", "context-relevance")
RECALL = """\
const plain = (text) => String(text).replace(/\\s+/g, " ").trim().toLowerCase();
const found = (context.providerResponse?.metadata?.passages ?? []).map(plain);
const wanted = [].concat(context.vars[context.config.column] ?? []).map(plain).filter((text) => text !== "");
if (wanted.length === 0) throw new Error(`the row has no ${context.config.column}`);
const seen = wanted.filter((text) => found.some((passage) => passage.includes(text)));
const score = seen.length / wanted.length;
const reason = `${seen.length} of ${wanted.length} expected passages are among the ${found.length} retrieved`;
return { pass: score >= context.config.least, score, reason };
"""
"""Recall without a judge: an expected passage was retrieved if it stands in one of those that the reply names."""
COST = """\
const used = context.providerResponse?.tokenUsage ?? {};
const price = context.config.usd_per_token[context.provider?.label ?? ""] ?? context.config.usd_per_token[""];
if (used.prompt === undefined || price === undefined) throw new Error("no count of tokens, or no price of them");
const cost = used.prompt * price.input + (used.completion ?? 0) * price.output;
const pass = cost <= context.config.most;
return { pass, score: pass ? 1 : 0, reason: `it cost ${cost.toPrecision(3)} US dollars` };
"""
"""promptfoo knows no price of a name behind a gateway, and its `cost` then fails: ours counts by the catalogue."""


def assertion(work: Work, node: Node, tried: list[Subject], judged: bool, metric: str | None = None) -> Iterator[Any]:
    """One assertion, or none where there is no such type; an entry of `metrics` gives its name to the
    results. `judged`: the eval itself has a judge."""
    written = node.text("type")
    base = written.value.removeprefix("not-")
    if written.value not in assertion_types():
        close = best(written.value, assertion_types())
        work.error(node.at("type"), f"promptfoo has no assertion of type `{written.value}`",
                   f"did you mean `{close}`?" if close else "")
        return
    out: dict[str, Any] = {"type": written}
    counted = base == "context-recall" and node.has("column") and not judged and not node.has("judge")
    if base == "cost":
        out.update(_cost(work, node, tried, written))
    elif counted and _retrieving(tried):
        out.update(_recall(work, node, written))
    else:
        out.update(_value(work, node, base))
        for field in ("threshold", "weight"):
            number = node.maybe_number(field)
            if number is not None:
                out[field] = number
    transform = node.maybe_text("transform")
    if transform is not None:
        out["transform"] = work.text(transform)
    context = None if counted and _retrieving(tried) else _context(work, node, base, tried)
    if context is not None:
        out["contextTransform"] = context
    informational = node.maybe_flag("informational")
    if informational is not None and informational.value:
        out["weight"] = informational.express(lambda _: 0)
    graded = judge(work, node)
    if graded is not None:
        out["provider"] = called(work, graded[1], graded[0], named=node.ref_name("judge"))
    elif base in GRADED and not judged and not node.has("judge") and "config" not in out:
        why = "without a judge it asks a model of its own choice"
        work.unsupported(node.at("type"), why, "name the eval's `judge`")
    if metric is not None:
        out["metric"] = Sourced(metric, (node.source(),))
    for meaning in node.value.get("columns") or {}:
        if meaning not in MEANINGS:
            work.unsupported(node.at("columns", meaning), f"it reads no column as `{meaning}`",
                             f"it reads {' and '.join(f'`{name}`' for name in MEANINGS)}; another one is `column`")
    language = spoken(node)
    if isinstance(language, str):
        work.unsupported(node.at("language"), language, f"say it of an assertion such as {listed(RUBRICS)}")
    elif language is not None:
        out["value"] = _and(out.get("value"), language)
    yield out


def _and(rubric: Any, sentence: Sourced[str]) -> Any:
    """A rubric and one thing more that it asks for."""
    if rubric is None:
        return sentence
    if isinstance(rubric, Sourced) and isinstance(rubric.value, str):
        return combine(lambda text, more: f"{text}\n\n{more}", rubric, sentence)
    return [*rubric, sentence] if isinstance(rubric, list) else rubric


def _value(work: Work, node: Node, base: str) -> Iterator[tuple[str, Any]]:
    """What the answer is compared with: a file's code, the value as it stands, or a column of the row."""
    file = node.maybe_text("file")
    value = node.tree("value")
    if file is not None:
        endings = CODE.get(base, ())
        if not file.value.endswith(endings or ("",)):
            work.error(node.at("file"), f"promptfoo runs no such file for `{base}`", f"it runs {', '.join(endings)}")
        if not endings:
            work.error(node.at("file"), f"promptfoo takes no code for `{base}`", "", "`type: javascript` or `python`")
        yield "value", file_reference(work, file, node.maybe_text("function"))
    elif value is not None:
        yield "value", work.tree(value)
    elif node.has("column"):
        yield "value", work.text(node.text("column"), _variable)


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise Refusal("a column that is compared with is called by letters, digits and `_`")
    return "{{ " + name + " }}"


def _context(work: Work, node: Node, base: str, tried: list[Subject]) -> Sourced[str] | None:
    """Where an assertion about passages finds them: in a column, or in the app's reply."""
    column = node.maybe_text("columns", "context")
    if column is not None:
        return column.express(lambda name: f"context.vars[{json.dumps(name)}]")
    if base in CONTEXT and _retrieving(tried):
        return Sourced("context.metadata.passages", merge(*(s.passages.sources for s in tried if s.passages)), raw=True)
    return None


def _retrieving(tried: list[Subject]) -> bool:
    """Whether each subject says what it retrieved."""
    return bool(tried) and all(subject.passages is not None for subject in tried)


def _recall(work: Work, node: Node, written: Sourced[str]) -> Iterator[tuple[str, Any]]:
    """The share of the expected passages that were retrieved, counted."""
    yield "type", written.express(lambda t: "not-javascript" if t.startswith("not-") else "javascript")
    yield "value", Sourced(RECALL, written.sources, raw=True)
    least = node.maybe_number("threshold")
    limit = literal(1) if least is None else least
    yield "config", Sourced({"column": work.text(node.text("column")), "least": limit}, written.sources, raw=True)
    weight = node.maybe_number("weight")
    if weight is not None:
        yield "weight", weight


def _cost(work: Work, node: Node, tried: list[Subject], written: Sourced[str]) -> Iterator[tuple[str, Any]]:
    """A limit in US dollars, by what the model's tokens cost: prices of the config, else of the catalogue."""
    yield "type", written.express(lambda t: "not-javascript" if t.startswith("not-") else "javascript")
    yield "value", Sourced(COST, written.sources, raw=True)
    most = node.maybe_number("threshold")
    if most is None:
        work.error(node.at("type"), "`cost` needs a `threshold`, in US dollars for a row")
        return
    known: dict[str, Any] = {}
    for subject in tried:
        rates = prices(work, node.at("type"), subject.model)
        if rates:
            known["" if subject.label is None else work.text(subject.label).value] = rates
    yield "config", {"most": most, "usd_per_token": known}
    weight = node.maybe_number("weight")
    if weight is not None:
        yield "weight", weight


def metrics(work: Work, eval_: View[Any], tried: list[Subject]) -> list[dict[str, Any]]:
    """The assertions of every row."""
    judged = eval_.has("judge")
    listed = eval_.entries("metrics")
    return [made for node in listed for made in assertion(work, node, tried, judged, node.name)]


def queries(work: Work, eval_: View[Any]) -> dict[str, Any]:
    """The variable that assertions about passages read the question from, where a column has another name."""
    for node in eval_.entries("metrics"):
        column = node.maybe_text("columns", "query")
        if column is not None:
            return {"query": work.text(column, _variable)}
    return {}


__all__ = ["assertion", "metrics", "queries"]
