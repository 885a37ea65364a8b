"""From a load test to GuideLLM's scenario for each of its subjects, and to what `run.py` runs and judges."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.baseline import beside, results
from llmops.compiler.derive.cases import cases
from llmops.compiler.derive.subjects import Subject, subjects
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, combine, literal, merge
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import Node, View
from llmops.schemas.types import EVAL
from llmops.targets.guidellm import requests
from llmops.targets.guidellm.gate import judged
from llmops.targets.guidellm.profiles import Shape, shape
from llmops.targets.guidellm.work import CONSUMER, Work

OTHERS = {
    "redteam": "it makes no attacks", "tasks": "it knows no benchmarks", "judge": "no model judges for it",
    "metrics": "it measures times and rates, and reads no answer", "slices": "it reads no columns",
}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    shipped = False
    for eval_ in lowering.reader.of(EVAL, runner="guidellm"):
        made = list(_eval(work, eval_))
        shipped = shipped or bool(made)
        yield from made
    if shipped:
        here = files(__package__)
        for name, body in (
            ("requirements.txt", here.joinpath("lock", "requirements.txt").read_bytes()),
            ("run.py", here.joinpath("templates", "run.py").read_bytes()), ("gate.py", judging.script()),
        ):
            yield Artifact(name, body, format=Format.VERBATIM, shared=True)
    yield from work.problems


def _eval(work: Work, eval_: View[Any]) -> Iterator[Artifact]:
    tried, problems = subjects(work.lowering, eval_, CONSUMER)
    work.problems += [*problems, *judging.problems(eval_)]
    tried = [one for one in tried if requests.called(work, one)]
    _unsupported(work, eval_)
    load = eval_.node("load")
    kind = eval_.text("type")
    if kind.value != "load":
        work.error(eval_.at("type") if eval_.written("type") else eval_.at("runner"),
                   f"GuideLLM makes load, and this eval is of type `{kind.value}`", "", "say `type: load`")
        return
    if load is None:
        work.error(eval_.at("type"), "nothing says how many requests come", "",
                   "say it, for instance `load: {rate: 5, duration: 5m}`")
        return
    made = shape(work, load)
    if made is None or not tried:
        return
    name = eval_.address.name
    yield Artifact(f"{name}.json", _plan(work, eval_, tried, made), _about(eval_, tried), Format.JSON, comment=None)
    for one in tried:
        yield Artifact(scenario_file(eval_, one), _scenario(work, eval_, load, one, made), _about(eval_, [one]))
    rows, problems = cases(work.lowering, eval_, "rows")
    work.problems += problems
    bare = any(one.prompt is None for one in tried)
    if any(bare and "prompt" not in case.vars for case in rows):
        work.error(eval_.at("rows"), "a row says nothing to send", "no prompt is named, and it has no `prompt`",
                   "name the subject's `prompt`, or give each row one")
    for case in rows:
        if case.node is not None and case.node.has("assert"):
            work.unsupported(case.node.at("assert"), "it reads no answer", "assert it in an eval of `type: quality`")
    if rows:
        listed = [Sourced({"vars": one.vars}, one.why, raw=True) if one.why else {"vars": one.vars} for one in rows]
        yield Artifact(f"{name}.jsonl", listed, (eval_.address,), Format.JSONL, comment=None)


def scenario_file(eval_: View[Any], tried: Subject) -> str:
    """The name of a subject's scenario."""
    name = eval_.address.name
    return f"{name}.yaml" if tried.name is None else f"{name}.{tried.name.value}.yaml"


def reports(kept: Sourced[str]) -> Sourced[str]:
    """The folder with GuideLLM's own reports, beside the results."""
    return beside(kept, "reports").map(lambda path: path.removesuffix(".json"))


def _beside(eval_: View[Any], kept: Sourced[str], tried: Subject, ending: str) -> Sourced[str]:
    """A file of a subject in that folder."""
    name = literal(eval_.address.name) if tried.name is None else tried.name
    return combine(lambda folder, of: f"{folder}/{of}.{ending}", reports(kept), name)


def _about(eval_: View[Any], tried: list[Subject]) -> tuple[Address | Sourced[Address], ...]:
    """The eval, and what it names because of the reference."""
    found: dict[Address, tuple[Source, ...]] = {}
    for subject in tried:
        for field, view in (("prompt", subject.prompt), ("model", subject.model)):
            if view is not None:
                named = subject.prompted if field == "prompt" else subject.named
                found[view.address] = merge(found.get(view.address, ()), named.sources if named is not None else ())
    return (eval_.address, *(Sourced(address, why, raw=True) for address, why in found.items()))


def _scenario(work: Work, eval_: View[Any], load: Node, tried: Subject, made: Shape) -> dict[str, Any]:
    """What GuideLLM is told of one subject. An address or a key that only the environment knows is put in by `run.py`,
    as are the rows."""
    kept = results(work.lowering, eval_)
    labels = {"eval": literal(eval_.address.name), **({"subject": tried.name} if tried.name is not None else {})}
    rows = _beside(eval_, kept, tried, "jsonl")
    spec: dict[str, Any] = {
        "backend": requests.backend(work, load, tried), "profile": made.profile,
        "constraints": made.constraints, **requests.data(work, eval_, load, tried, rows),
    }
    seed = eval_.maybe_integer("seed")
    if seed is not None:
        spec["seed"] = {"kind": literal("static"), "value": seed}
    # no prompts and no answers in a report: times and counts alone
    spec["metrics"] = {"kind": literal("generative"), "sample_size": 0}
    spec["outputs"] = [{"kind": literal("json"), "path": _beside(eval_, kept, tried, "json")}]
    out: dict[str, Any] = {"metadata": {"labels": labels}, "spec": spec}
    if made.benchmarks:
        out["benchmarks"] = made.benchmarks
    return out


def _plan(work: Work, eval_: View[Any], tried: list[Subject], made: Shape) -> dict[str, Any]:
    """Which scenarios are run, what `run.py` puts into them, and how it judges what was measured."""
    out: dict[str, Any] = {"name": literal(eval_.address.name)}
    description = eval_.maybe_text("description")
    if description is not None:
        out["description"] = description
    if eval_.has("rows"):
        out["rows"] = f"{eval_.address.name}.jsonl"
    out["subjects"] = [
        {
            "label": one.label or literal(eval_.address.name),
            "scenario": Sourced(scenario_file(eval_, one), one.name.sources if one.name is not None else (), raw=True),
            **requests.filled_in(work, eval_, one),
        }
        for one in tried
    ]
    if made.requests is not None:
        out["requests"] = made.requests
    timeout = eval_.maybe_text("timeout")
    if timeout is not None:
        out["timeout"] = timeout.map(lambda duration: max(1, round(seconds(duration))))
    out["gate"] = judged(work, eval_, tried, made)
    if any(name.startswith("usd") for name in judging.counted(eval_)):
        out["prices"] = dict(requests.prices(work, eval_, tried))
    return out


def _unsupported(work: Work, eval_: View[Any]) -> None:
    for field, why in OTHERS.items():
        if eval_.has(field):
            work.unsupported(eval_.at(field), why, "say it in an eval of another runner")
    if eval_.has("repetitions"):
        work.unsupported(eval_.at("repetitions"), "rows come again until the load ends", "say `load.requests`")
    if eval_.has("concurrency"):
        work.unsupported(eval_.at("concurrency"), "the load says how many requests come at the same time",
                         "say `load: {concurrency: …}`")
