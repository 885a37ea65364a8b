"""How a job runs a suite."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.assertions import assertions
from llmops.compiler.derive.baseline import baseline, beside, results
from llmops.compiler.derive.gate import blocks
from llmops.compiler.derive.subjects import calls, services, variables
from llmops.compiler.model.exports import Check
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.promptfoo import gate, redteam
from llmops.targets.promptfoo.prompts import media, use
from llmops.targets.promptfoo.subjects import CONSUMER, subjects
from llmops.targets.promptfoo.work import Work


def check(lowering: Lowering, eval_: View[Any], near: str | None) -> Check | None:
    """`promptfoo eval`, whose exit code is the gate: 0 green, 100 red.

    `validate` comes first: an eval runs a file that its own schema refuses.
    """
    if eval_.address.kind != "eval" or eval_.text("runner").value != "promptfoo":
        return None
    work = Work(lowering)
    tried = subjects(work, eval_)
    found = calls(lowering, eval_, tried, CONSUMER)
    folder, shared, name = lowering.folder, lowering.shared_folder, eval_.address.name
    program, suite = f"{shared}/node_modules/.bin/promptfoo", f"{folder}/{name}.yaml"
    made = results(lowering, eval_)
    prepare = [tuple(_words(program, "validate", "--config", suite))]
    asked = suite
    if redteam.attacks(eval_):
        # beside the suite: it names the same files
        asked = f"{folder}/{name}.attacks.yaml"
        attacks = ("redteam", "generate", "--config", suite, "--output", asked, "--no-cache", "--no-progress-bar",
                "--force", "--strict")
        prepare.append(tuple(_words(program, *attacks)))
    argv = [*_words(program, "eval", "--config", asked, "--no-cache", "--no-progress-bar", "--output"), made]
    prompts = [used for used in (use(work, subject) for subject in tried) if used.file is not None]
    inputs: list[Sourced[str] | str] = [suite, f"{shared}/package-lock.json"]
    inputs += [Sourced(f"{folder}/prompts/{used.file}.json", used.why, raw=True) for used in prompts]
    inputs += sorted({path for used in prompts for path in media(work, used)})
    if gate.scripted(eval_):
        argv = [*_words("node", f"{shared}/gate.mjs", f"{folder}/{name}.gate.json"), made, *argv]
        inputs += [f"{folder}/{name}.gate.json", f"{shared}/gate.mjs"]
    kept = beside(made, "scores")
    compared = baseline(lowering, eval_, kept)
    install = ("npm", "ci", "--prefix", shared, "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund")
    return Check(
        argv=tuple(argv),
        prepare=tuple(prepare),
        install=(install,),
        tools=("node", "python") if _runs_python(eval_) else ("node",),
        variables=tuple(variables(found, tried, CONSUMER)),
        settings=gate.settings(eval_, lowering.options),
        results=(made.value, *([asked] if asked != suite else []), *([kept] if compared is not None else [])),
        services=tuple(services(found, tried)),
        files=tuple(inputs),
        blocks=blocks(eval_),
        baseline=compared,
    )


def _words(*words: str) -> list[Sourced[str]]:
    return [literal(word) for word in words]


def _runs_python(eval_: View[Any]) -> bool:
    """Whether code of the project's own in Python takes part."""
    asserted = [node.text("type").value for node in assertions(eval_)]
    subjects_ = [eval_.value.get("subject") or {}, *(eval_.value.get("subjects") or {}).values()]
    return any(kind.endswith("python") for kind in asserted) or any(
        str(s.get("code", "")).endswith(".py") for s in subjects_
    )
