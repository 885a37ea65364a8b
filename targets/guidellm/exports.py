"""How a job runs a load test."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive.baseline import baseline, results
from llmops.compiler.derive.gate import blocks
from llmops.compiler.derive.subjects import calls, services, subjects, variables
from llmops.compiler.model.exports import Check
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.guidellm.lower import reports, scenario_file
from llmops.targets.guidellm.work import CONSUMER


def check(lowering: Lowering, eval_: View[Any], near: str | None) -> Check | None:
    """`run.py`, whose exit code is the gate: 0 green, 100 red.

    GuideLLM asks for PyTorch, of which it uses what reads rows: `run.py` brings that, so the lock has none, and is
    installed as it is listed.
    """
    if eval_.address.kind != "eval" or eval_.text("runner").value != "guidellm":
        return None
    tried, _ = subjects(lowering, eval_, CONSUMER)
    found = calls(lowering, eval_, tried, CONSUMER)
    folder, shared, name = lowering.folder, lowering.shared_folder, eval_.address.name
    kept = results(lowering, eval_)
    inputs: list[Sourced[str] | str] = [f"{folder}/{name}.json"]
    inputs += [f"{folder}/{scenario_file(eval_, one)}" for one in tried]
    inputs += [f"{folder}/{name}.jsonl"] if eval_.has("rows") else []
    inputs += [f"{shared}/{one}" for one in ("run.py", "gate.py", "requirements.txt")]
    lock = f"{shared}/requirements.txt"
    return Check(
        argv=(literal("python"), literal(f"{shared}/run.py"), literal(f"{folder}/{name}.json"), kept),
        install=(
            ("python", "-m", "pip", "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "-r", lock),
        ),
        tools=("python",),
        variables=tuple(variables(found, tried, CONSUMER)),
        results=(kept, reports(kept)),
        services=tuple(services(found, tried)),
        files=tuple(inputs),
        blocks=blocks(eval_),
        baseline=baseline(lowering, eval_, kept),
    )
