"""From an eval to a promptfoo suite. Field names are promptfoo's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.cases import asserted
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.sources import Source
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL
from llmops.targets.promptfoo import gate, redteam
from llmops.targets.promptfoo.assertions import assertion, metrics, queries
from llmops.targets.promptfoo.prompts import Use, messages, use
from llmops.targets.promptfoo.providers import called, provider
from llmops.targets.promptfoo.rows import Case, cases, described, holds_lists, variables
from llmops.targets.promptfoo.subjects import Subject, judge, subjects
from llmops.targets.promptfoo.work import Work

OPTIONS = {"concurrency": "maxConcurrency", "repetitions": "repeat"}
OTHERS = {
    "load": "it makes no load", "tasks": "it has no benchmarks of its own",
}
"""Fields of other runners."""
TYPES = {"load": OTHERS["load"], "benchmark": OTHERS["tasks"]}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    work = Work(lowering)
    prompts: dict[str, list[Use]] = {}
    shipped: list[str] = []
    for eval_ in lowering.reader.of(EVAL, runner="promptfoo"):
        tried = subjects(work, eval_)
        uses = [use(work, subject) for subject in tried]
        for used in uses:
            if used.file is not None:
                prompts.setdefault(used.file, []).append(used)
        _unsupported(work, eval_)
        if not tried:
            continue
        shipped = shipped or ["package.json", "package-lock.json"]
        yield Artifact(f"{eval_.address.name}.yaml", _suite(work, eval_, tried, uses), _about(eval_, tried))
        rules = gate.rules(work, eval_, tried)
        if rules is not None:
            yield Artifact(
                f"{eval_.address.name}.gate.json", rules, (eval_.address,), Format.JSON, comment=None
            )
            if "gate.mjs" not in shipped:
                shipped.append("gate.mjs")
    for name, group in prompts.items():
        used = _together(group)
        assert used.prompt is not None
        body, about = messages(work, used), Sourced(used.prompt.address, used.why, raw=True)
        yield Artifact(f"prompts/{name}.json", body, (about,), Format.JSON, comment=None)
    for name in shipped:
        folder = files(__package__).joinpath("templates" if name == "gate.mjs" else "lock")
        yield Artifact(name, folder.joinpath(name).read_bytes(), format=Format.VERBATIM, shared=True)
    yield from work.problems


def _together(group: list[Use]) -> Use:
    """One file for all that use the same words, which stands there because of each; of two, none alone decides."""
    first = group[0]
    why = first.why if len(group) == 1 else ()
    return Use(first.label, first.raw, first.file, first.prompt, first.model, why)


def _about(eval_: View[Any], tried: list[Subject]) -> tuple[Address | Sourced[Address], ...]:
    """The eval, and what it names: each stands in the header because of the reference."""
    found: dict[Address, tuple[Source, ...]] = {}
    for subject in tried:
        for field, view in (("prompt", subject.prompt), ("model", subject.model)):
            if view is None:
                continue
            named = subject.prompted if field == "prompt" else subject.named
            found[view.address] = merge(found.get(view.address, ()), named.sources if named is not None else ())
    return (eval_.address, *(Sourced(address, why, raw=True) for address, why in found.items()))


def _suite(work: Work, eval_: View[Any], tried: list[Subject], uses: list[Use]) -> dict[str, Any]:
    suite: dict[str, Any] = {}
    description = eval_.maybe_text("description")
    if description is not None:
        suite["description"] = work.text(description)
    listed: dict[str, Use] = {}
    for used in uses:
        listed.setdefault(used.label.value, used)
    suite["prompts"] = [used.entry() for used in listed.values()]
    attacked = redteam.attacks(eval_)
    suite["targets" if attacked else "providers"] = [
        _bound(_named(provider(work, subject, eval_.maybe_integer("seed")), eval_, attacked), used, len(listed) > 1)
        for subject, used in zip(tried, uses, strict=True)
    ]
    rows = cases(work, eval_, "rows")
    default = _default(work, eval_, tried, rows)
    if default:
        suite["defaultTest"] = default
    if attacked:
        suite["redteam"] = redteam.section(work, eval_, tried)
        _beside_attacks(work, eval_, suite, rows)
    else:
        suite["tests"] = [_test(work, eval_, case, tried) for case in rows]
    options = _options(eval_)
    if options:
        suite["evaluateOptions"] = options
    return suite


def _named(made: dict[str, Any], eval_: View[Any], attacked: bool) -> dict[str, Any]:
    """A red team's reports tell its targets apart by their labels."""
    if not attacked or "label" in made:
        return made
    return {"id": made["id"], "label": eval_.label.express(str), **{k: v for k, v in made.items() if k != "id"}}


def _beside_attacks(work: Work, eval_: View[Any], suite: dict[str, Any], rows: list[Case]) -> None:
    """The variables that stay as they are while attacks go into one: those of the one row that is given."""
    if len(rows) > 1 or any(True for case in rows for _ in asserted(case)):
        work.unsupported(eval_.at("rows"), "of the rows it takes the variables of the first, and no more",
                         "give the other rows to an eval of `type: safety`")
    more = variables(work, rows[0]) if rows else {}
    inject = suite["redteam"].get("injectVar")
    kept = {name: value for name, value in more.items() if inject is None or name != inject.value}
    if kept:
        default = suite.setdefault("defaultTest", {})
        default["vars"] = {**default.get("vars", {}), **kept}


def _bound(made: dict[str, Any], used: Use, several: bool) -> dict[str, Any]:
    """With several prompts in a suite, each subject is asked with its own alone."""
    return {**made, "prompts": [used.label]} if several else made


def _default(work: Work, eval_: View[Any], tried: list[Subject], rows: list[Case]) -> dict[str, Any]:
    default: dict[str, Any] = {}
    query = queries(work, eval_)
    if query:
        default["vars"] = query
    everywhere = metrics(work, eval_, tried)
    if everywhere:
        default["assert"] = everywhere
    options: dict[str, Any] = {}
    graded = judge(work, eval_)
    if graded is not None:
        options["provider"] = called(work, graded[1], graded[0], named=eval_.ref_name("judge"))
    if holds_lists(rows):
        options["disableVarExpansion"] = literal(True)
    if options:
        default["options"] = options
    return default


def _test(work: Work, eval_: View[Any], case: Case, tried: list[Subject]) -> Any:
    test: dict[str, Any] = dict(described(work, case))
    out: dict[str, Any] = {}
    if "description" in test:
        out["description"] = test["description"]
    out["vars"] = variables(work, case)
    if "metadata" in test:
        out["metadata"] = test["metadata"]
    if case.node is not None:
        listed = case.node.entries("assert")
        asserted = [made for node in listed for made in assertion(work, node, tried, eval_.has("judge"))]
        if asserted:
            out["assert"] = asserted
    return Sourced(out, case.why, raw=True) if case.why else out


def _options(eval_: View[Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for ours, theirs in OPTIONS.items():
        value = eval_.maybe_integer(ours)
        if value is not None:
            options[theirs] = value
    timeout = eval_.maybe_text("timeout")
    if timeout is not None:
        options["maxEvalTimeMs"] = timeout.map(lambda duration: round(seconds(duration) * 1000))
    return options


def _unsupported(work: Work, eval_: View[Any]) -> None:
    kind = eval_.maybe_text("type")
    if kind is not None and kind.value in TYPES:
        work.error(eval_.at("type"), f"promptfoo runs no eval of type `{kind.value}`", TYPES[kind.value],
                   "choose another `runner`")
    for field, why in OTHERS.items():
        if eval_.has(field):
            work.unsupported(eval_.at(field), why)
    if not eval_.has("rows") and not redteam.attacks(eval_):
        work.error(eval_.at("runner"), "promptfoo needs rows", "an eval without rows would be green", "give it `rows`")
