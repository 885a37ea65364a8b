"""How a job runs an eval."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.assertions import assertions
from llmops.compiler.derive.baseline import baseline, results
from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.gate import blocks
from llmops.compiler.derive.subjects import calls, services, subjects, variables
from llmops.compiler.model.exports import Check
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.inspect.work import CONSUMER


def check(lowering: Lowering, eval_: View[Any], near: str | None) -> Check | None:
    """`run.py`, whose exit code is the gate: 0 green, 100 red."""
    if eval_.address.kind != "eval" or eval_.text("runner").value != "inspect":
        return None
    tried, _ = subjects(lowering, eval_, CONSUMER)
    found = calls(lowering, eval_, tried, CONSUMER)
    folder, shared, name = lowering.folder, lowering.shared_folder, eval_.address.name
    kept = results(lowering, eval_)
    inputs: list[Sourced[str] | str] = [f"{folder}/{name}.json", f"{folder}/{name}.jsonl"]
    inputs += [f"{shared}/{one}" for one in ("run.py", "gate.py", "requirements.txt")]
    inputs += [
        file.map(lambda path: in_repository(lowering, path))
        for file in (*(one.code for one in tried), *(one.maybe_text("file") for one in assertions(eval_)))
        if file is not None
    ]
    lock = f"{shared}/requirements.txt"
    return Check(
        argv=(literal("python"), literal(f"{shared}/run.py"), literal(f"{folder}/{name}.json"), kept),
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        variables=tuple(variables(found, tried, CONSUMER)),
        results=(kept, kept.map(lambda path: f"{path.removesuffix('.json')}.logs")),
        services=tuple(services(found, tried)),
        files=tuple(inputs),
        blocks=blocks(eval_),
        baseline=baseline(lowering, eval_, kept),
    )
