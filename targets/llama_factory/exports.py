"""How a job trains, and what it leaves."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive import finetune
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.training import HUB
from llmops.compiler.model.exports import Task, Trained, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.llama_factory.data import data, info_folder
from llmops.targets.llama_factory.known import STAGES, default_rank
from llmops.targets.llama_factory.settings import made, merges

CLI = "llamafactory-cli"


def in_charge(tuning: View[Any]) -> bool:
    if tuning.address.kind != "finetune" or tuning.text("trainer").value != "llama-factory":
        return False
    return tuning.text("method").value in STAGES


def task(lowering: Lowering, tuning: View[Any], near: str | None) -> Task | None:
    """`llamafactory-cli train`; before it the rows that are made first, after it the adapter that is merged."""
    if not in_charge(tuning):
        return None
    shared, name = lowering.shared_folder, tuning.address.name
    config, lock = f"{lowering.folder}/{name}.yaml", f"{shared}/requirements.txt"
    rows = data(lowering, tuning)
    steps: list[tuple[Sourced[str], ...]] = []
    info = f"{info_folder(lowering, tuning)}/dataset_info.json"
    inputs: list[Sourced[str] | str] = [config, info, lock, *(file for file in rows.files if "://" not in file.value)]
    if rows.recipes:
        recipes = f"{lowering.folder}/{name}.rows.json"
        steps.append(_words("python", f"{shared}/rows.py", recipes))
        inputs += [recipes, f"{shared}/rows.py"]
    steps.append(_words(CLI, "train", config))
    if merges(tuning):
        export = f"{lowering.folder}/{name}.export.yaml"
        steps.append(_words(CLI, "export", export))
        inputs.append(export)
    *before, last = steps
    secret = tuning.ref("output", "secret")
    keys = [] if secret is None else [Variable(
        variable(secret, "llama-factory").because(tuning.ref_name("output", "secret")), secret.address
    )]  # fmt: skip
    return Task(
        argv=last,
        prepare=tuple(before),
        install=(("python", "-m", "pip", "install", "--require-hashes", "-r", lock),),
        tools=("python",),
        variables=tuple(keys),
        results=(made(lowering, tuning),),
        files=tuple(inputs),
    )


def trained(lowering: Lowering, tuning: View[Any], near: str | None) -> Trained | None:
    """What the run leaves, and the rank of an adapter: the tool's own where none is said."""
    if not in_charge(tuning):
        return None
    uploaded = tuning.maybe_text("output", "uri")
    place = uploaded if uploaded is not None and uploaded.value.startswith(HUB) else made(lowering, tuning)
    if finetune.merged(tuning):
        return Trained(place)
    return Trained(place, tuning.maybe_integer("adapter", "rank") or default_rank())


def _words(*words: str) -> tuple[Sourced[str], ...]:
    return tuple(literal(word) for word in words)
