"""How a job runs an eval."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.baseline import baseline, results
from llmops.compiler.derive.gate import blocks
from llmops.compiler.derive.subjects import calls, services, subjects, variables
from llmops.compiler.model.exports import Check
from llmops.compiler.model.sourced import literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.lm_eval.work import CONSUMER


def check(lowering: Lowering, eval_: View[Any], near: str | None) -> Check | None:
    """`run.py`, whose exit code is the gate: 0 green, 100 red."""
    if eval_.address.kind != "eval" or eval_.text("runner").value != "lm-eval":
        return None
    tried, _ = subjects(lowering, eval_, CONSUMER)
    found = calls(lowering, eval_, tried, CONSUMER)
    folder, shared, name = lowering.folder, lowering.shared_folder, eval_.address.name
    kept = results(lowering, eval_)
    own = ["yaml", "jsonl"] if eval_.has("rows") else []
    inputs = [f"{folder}/{name}.{ending}" for ending in ("json", *own)]
    inputs += [f"{shared}/{one}" for one in ("run.py", "gate.py", "requirements.txt")]
    lock = f"{shared}/requirements.txt"
    argv = (literal("python"), literal(f"{shared}/run.py"), literal(f"{folder}/{name}.json"), kept)
    return Check(
        argv=argv,
        prepare=((*argv, literal("check")),),
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        variables=tuple(variables(found, tried, CONSUMER)),
        results=(kept,),
        services=tuple(services(found, tried)),
        files=tuple(inputs),
        blocks=blocks(eval_),
        baseline=baseline(lowering, eval_, kept),
    )
