"""From an eval to the data that `run.py` gives Inspect: who is asked, what is asserted, and the rows.

No text of a config becomes code: it stands in JSON, and the script reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive import judging
from llmops.compiler.derive.cases import Case, cases, problem
from llmops.compiler.derive.subjects import Subject, subjects
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL
from llmops.targets.inspect import asking
from llmops.targets.inspect.assertions import assertion
from llmops.targets.inspect.work import CONSUMER, Work

OTHERS = {
    "redteam": "it makes no attacks of its own", "load": "it makes no load",
    "tasks": "benchmarks that others publish are not installed with it",
}
TYPES = {"redteam": OTHERS["redteam"], "load": OTHERS["load"], "benchmark": OTHERS["tasks"]}
SHIPPED = ("requirements.txt", "run.py", "gate.py")


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    shipped = False
    for eval_ in lowering.reader.of(EVAL, runner="inspect"):
        tried, problems = subjects(lowering, eval_, CONSUMER)
        work.problems += [*problems, *judging.problems(eval_)]
        _unsupported(work, eval_)
        rows, problems = cases(lowering, eval_, "rows")
        work.problems += problems
        if not tried:
            continue
        shipped = True
        about = _about(eval_, tried)
        name = eval_.address.name
        yield Artifact(f"{name}.json", _spec(work, eval_, tried), about, Format.JSON, comment=None)
        listed = [_row(work, eval_, case, tried) for case in rows]
        yield Artifact(f"{name}.jsonl", listed, (eval_.address,), Format.JSONL, comment=None)
    if shipped:
        yield from _scripts()
    yield from work.problems


def _scripts() -> Iterator[Artifact]:
    here = files(__package__)
    for name, body in (
        ("requirements.txt", here.joinpath("lock", "requirements.txt").read_bytes()),
        ("run.py", here.joinpath("templates", "run.py").read_bytes()), ("gate.py", judging.script()),
    ):
        yield Artifact(name, body, format=Format.VERBATIM, shared=True)


def _about(eval_: View[Any], tried: list[Subject]) -> tuple[Address | Sourced[Address], ...]:
    """The eval, and what it names because of the reference."""
    found: dict[Address, tuple[Source, ...]] = {}
    for subject in tried:
        for field, view in (("prompt", subject.prompt), ("model", subject.model)):
            if view is not None:
                named = subject.prompted if field == "prompt" else subject.named
                found[view.address] = merge(found.get(view.address, ()), named.sources if named is not None else ())
    return (eval_.address, *(Sourced(address, why, raw=True) for address, why in found.items()))


def _spec(work: Work, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    name = eval_.address.name
    out: dict[str, Any] = {"name": name, "rows": f"{name}.jsonl"}
    description = eval_.maybe_text("description")
    if description is not None:
        out["description"] = description
    out["subjects"] = [asking.subject(work, one, eval_) for one in tried]
    grader = asking.judge(work, eval_)
    if grader is not None:
        out["judge"] = grader
    metrics = [made for node in eval_.entries("metrics") for made in assertion(work, node, tried, eval_, node.name)]
    if metrics:
        out["metrics"] = metrics
    for field in ("repetitions", "concurrency", "seed"):
        number = eval_.maybe_integer(field)
        if number is not None:
            out[field] = number
    timeout = eval_.maybe_text("timeout")
    if timeout is not None:
        out["timeout"] = timeout.map(lambda duration: max(1, round(seconds(duration))))
    slices = eval_.tree("slices")
    if slices:
        out["slices"] = slices
    out["gate"] = judging.rules(work.lowering, eval_, tried)
    if any(name.startswith("usd") for name in judging.counted(eval_)):
        out["prices"] = dict(asking.prices(work, eval_, tried))
    return out


def _row(work: Work, eval_: View[Any], case: Case, tried: list[Subject]) -> Any:
    out: dict[str, Any] = {"vars": case.vars}
    if case.node is not None:
        asserted = [
            made for node in case.node.entries("assert") for made in assertion(work, node, tried, eval_)
        ]
        if asserted:
            out["assert"] = asserted
        for field in ("description", "metadata"):
            value = case.node.tree(field)
            if value is not None:
                out[field] = value
    return Sourced(out, case.why, raw=True) if case.why else out


def _unsupported(work: Work, eval_: View[Any]) -> None:
    kind = eval_.maybe_text("type")
    if kind is not None and kind.value in TYPES:
        work.error(eval_.at("type"), f"Inspect runs no eval of type `{kind.value}`", TYPES[kind.value],
                   "choose another `runner`")
    for field, why in OTHERS.items():
        if eval_.has(field):
            work.unsupported(eval_.at(field), why, "choose another runner")
    if not eval_.has("rows"):
        work.problems.append(problem(
            eval_.at("runner"), "Inspect needs rows", "an eval without rows would be green", "give it `rows`",
        ))
