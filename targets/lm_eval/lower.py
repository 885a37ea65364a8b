"""From an eval to what `run.py` gives the harness: whom to ask, and published tasks or one of its own rows."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.cases import asserted, cases
from llmops.compiler.derive.subjects import Subject, subjects
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal, merge, under
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL
from llmops.targets.lm_eval import known
from llmops.targets.lm_eval.tasks import judged, model, own, task_name
from llmops.targets.lm_eval.work import CONSUMER, Work

OTHERS = {
    "redteam": "it makes no attacks", "load": "it makes no load", "judge": "no model judges for it",
    "repetitions": "it asks each row once", "budget": "it counts neither tokens nor money",
}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    shipped = False
    for eval_ in lowering.reader.of(EVAL, runner="lm-eval"):
        tried, problems = subjects(lowering, eval_, CONSUMER)
        work.problems += [*problems, *judging.problems(eval_)]
        tried = [one for one in tried if _called(work, one)]
        _unsupported(work, eval_, tried)
        if not tried:
            continue
        shipped = True
        name = eval_.address.name
        yield Artifact(f"{name}.json", _spec(work, eval_, tried), _about(eval_, tried), Format.JSON, comment=None)
        if eval_.has("rows") and not eval_.has("tasks"):
            rows, problems = cases(lowering, eval_, "rows")
            work.problems += problems
            for case in rows:
                for node in asserted(case):
                    work.error(node.at(), "the harness asserts nothing of single rows",
                               "a task measures all of its rows alike", "name a `metric` for all, with a `column`")
            yield Artifact(f"{name}.yaml", own(work, eval_, tried, rows), (eval_.address,))
            listed = [Sourced(_raw(case.vars), case.why, raw=True) if case.why else _raw(case.vars) for case in rows]
            yield Artifact(f"{name}.jsonl", listed, (eval_.address,), Format.JSONL, comment=None)
    if shipped:
        here = files(__package__)
        for path, body in (
            ("requirements.txt", here.joinpath("lock", "requirements.txt").read_bytes()),
            ("run.py", here.joinpath("templates", "run.py").read_bytes()), ("gate.py", judging.script()),
        ):
            yield Artifact(path, body, format=Format.VERBATIM, shared=True)
    yield from work.problems


def _raw(tree: Any) -> Any:
    """Rows are data: the harness puts them into its templates, and renders nothing in them."""
    if isinstance(tree, dict):
        return {name: _raw(item) for name, item in tree.items()}
    if isinstance(tree, list):
        return [_raw(item) for item in tree]
    return tree.express(lambda value: value) if isinstance(tree, Sourced) else tree


def _about(eval_: View[Any], tried: list[Subject]) -> tuple[Address | Sourced[Address], ...]:
    found: dict[Address, tuple[Source, ...]] = {}
    for subject in tried:
        for field, view in (("prompt", subject.prompt), ("model", subject.model)):
            if view is not None:
                named = subject.prompted if field == "prompt" else subject.named
                found[view.address] = merge(found.get(view.address, ()), named.sources if named is not None else ())
    return (eval_.address, *(Sourced(address, why, raw=True) for address, why in found.items()))


def _spec(work: Work, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if eval_.has("tasks"):
        out["tasks"] = [node.text().express(str) for node in eval_.entries("tasks")]
    else:
        out["task"] = task_name(eval_)
        metrics = judged(work, eval_)
        out["metrics"] = {name: metric for name, (metric, _) in metrics.items()}
        out["judged"] = list(dict.fromkeys(metric.value for metric, counts in metrics.values() if counts))
    out["subjects"] = [
        {"label": _plain(one.label) or literal(eval_.address.name), "model": under(model(work, one), one.named)}
        for one in tried
    ]
    for field in ("concurrency", "seed"):
        number = eval_.maybe_integer(field)
        if number is not None:
            out[field] = number
    timeout = eval_.maybe_text("timeout")
    if timeout is not None:
        out["timeout"] = timeout.map(lambda duration: max(1, round(seconds(duration))))
    slices = eval_.tree("slices")
    if slices and "task" in out:
        out["slices"] = _raw(slices)
    out["gate"] = _raw(judging.rules(work.lowering, eval_, tried))
    out["gate"].pop("budget", None)
    return out



def _plain(text: Sourced[str] | None) -> Sourced[str] | None:
    return None if text is None else text.express(str)


def _called(work: Work, tried: Subject) -> bool:
    """Only models can be asked."""
    if tried.call is not None:
        return True
    field = next((name for name in ("http", "code", "flow", "agent") if tried.node.has(name)), "http")
    work.error(tried.node.at(field), "the harness calls models alone", "", "test an app with another runner")
    return False


def _unsupported(work: Work, eval_: View[Any], tried: list[Subject]) -> None:
    kind = eval_.text("type").value
    if kind in ("redteam", "load"):
        work.error(eval_.at("type"), f"the harness runs no eval of type `{kind}`", OTHERS[kind],
                   "choose another `runner`")
    for field, why in OTHERS.items():
        if eval_.has(field):
            work.unsupported(eval_.at(field), why, "choose another runner" if field != "repetitions" else "")
    if eval_.has("tasks"):
        _published(work, eval_, tried)
    elif not eval_.has("rows"):
        work.error(eval_.at("runner"), "the harness needs `tasks` or `rows`", "an eval of nothing would be green")
    elif not eval_.has("metrics"):
        work.error(eval_.at("runner"), "no metric compares the answers with a column", "",
                   "name one: `metrics: {right: {type: equals, column: …}}`")


def _published(work: Work, eval_: View[Any], tried: list[Subject]) -> None:
    for node in eval_.entries("tasks"):
        name = node.text().value
        if name not in known.tasks():
            close = known.close(name)
            work.error(node.at(), f"the harness has no task `{name}`",
                       f"did you mean `{close}`?" if close else "it takes those that are published with it")
    for field in ("rows", "metrics", "slices"):
        if eval_.has(field):
            work.unsupported(eval_.at(field), "published tasks bring rows and metrics of their own",
                             "give them an eval of their own")
    for subject in tried:
        if subject.prompt is not None:
            work.unsupported(subject.node.at("prompt") if subject.node.has("prompt") else subject.node.at(),
                             "published tasks bring prompts of their own", "name the model alone")
    if eval_.has("gate", "pass_rate"):
        work.error(eval_.at("gate", "pass_rate"), "a published task has scores and no pass rate", "",
                   "ask for a score: `min: {<task>: 0.5}`, or `<task>.<metric>`")
    for word in ("min", "max"):
        for name in eval_.value.get("gate", {}).get(word) or {}:
            if name.partition(".")[0] not in (eval_.value.get("tasks") or ()):
                work.error(eval_.at("gate", word, name), f"no task of this eval is named `{name.partition('.')[0]}`",
                           "a score is called by its task, or `<task>.<metric>`")
