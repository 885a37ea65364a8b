"""How a job trains, and what it leaves."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.training import HUB
from llmops.compiler.model.exports import Task, Trained, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.axolotl.data import data
from llmops.targets.axolotl.known import RL
from llmops.targets.axolotl.settings import folder

ALONE = ("--launcher", "python")
"""On cores there is one process, and nothing to spread."""


def in_charge(tuning: View[Any]) -> bool:
    if tuning.address.kind != "finetune" or tuning.text("trainer").value != "axolotl":
        return False
    return tuning.text("method").value in RL


def merges(tuning: View[Any]) -> bool:
    """Whether an adapter is merged into the weights after the run."""
    into = tuning.maybe_flag("output", "merge")
    return into is not None and into.value and finetune.adapter(tuning).value != "none"


def made(lowering: Lowering, tuning: View[Any]) -> Sourced[str]:
    """Merged weights stand in a folder of their own inside that of the adapter."""
    where = folder(lowering, tuning)
    return where.map(lambda path: f"{path}/merged").because(tuning.get("output", "merge")) if merges(tuning) else where


def task(lowering: Lowering, tuning: View[Any], near: str | None) -> Task | None:
    """`axolotl train`; before it the rows that are made first, after it the adapter that is merged."""
    if not in_charge(tuning):
        return None
    shared, name = lowering.shared_folder, tuning.address.name
    config, lock = f"{lowering.folder}/{name}.yaml", f"{shared}/requirements.txt"
    rows = data(lowering, tuning)
    steps: list[tuple[Sourced[str], ...]] = []
    inputs: list[Sourced[str] | str] = [config, lock, *(file for file in rows.files if "://" not in file.value)]
    if rows.recipes:
        recipes = f"{lowering.folder}/{name}.rows.json"
        steps.append(_words("python", f"{shared}/rows.py", recipes))
        inputs += [recipes, f"{shared}/rows.py"]
    cpu = training.on_cpu(lowering.reader, tuning)
    alone = () if cpu is None or not cpu.value else tuple(literal(word).because(cpu) for word in ALONE)
    steps.append((*_words("axolotl", "train", config), *alone))
    if merges(tuning):
        steps.append(_words("axolotl", "merge-lora", config))
    *before, last = steps
    secret = tuning.ref("output", "secret")
    keys = [] if secret is None else [Variable(
        variable(secret, "axolotl").because(tuning.ref_name("output", "secret")), secret.address
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
    if not in_charge(tuning):
        return None
    uploaded = tuning.maybe_text("output", "uri")
    place = uploaded if uploaded is not None and uploaded.value.startswith(HUB) else made(lowering, tuning)
    rank = None if finetune.merged(tuning) else tuning.maybe_integer("adapter", "rank")
    return Trained(place, rank)


def _words(*words: str) -> tuple[Sourced[str], ...]:
    return tuple(literal(word) for word in words)
