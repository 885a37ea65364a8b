"""How a job trains."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive.hardware import count
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.training import HUB
from llmops.compiler.model.exports import Task, Trained, Variable
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.trl.data import data
from llmops.targets.trl.known import COMMANDS, default_rank
from llmops.targets.trl.lower import adapter_folder, merges


def task(lowering: Lowering, tuning: View[Any], near: str | None) -> Task | None:
    """`trl <command>`; before it the rows that are made first, after it the adapter that is merged."""
    if tuning.address.kind != "finetune" or tuning.text("trainer").value != "trl":
        return None
    command = COMMANDS.get(tuning.text("method").value)
    if command is None:
        return None
    folder, shared, name = lowering.folder, lowering.shared_folder, tuning.address.name
    config = f"{folder}/{command}/{name}.yaml"
    rows = data(lowering, tuning)
    steps: list[tuple[Sourced[str], ...]] = []
    lock = f"{shared}/requirements.txt"
    inputs: list[Sourced[str] | str] = [config, lock, *(file for file in rows.files if "://" not in file.value)]
    if rows.recipes:
        recipes = f"{folder}/{name}.rows.json"
        steps.append(_words("python", f"{shared}/rows.py", recipes))
        inputs += [recipes, f"{shared}/rows.py"]
    method = tuning.text("method")
    named = literal(config).because(method)
    train = (literal("trl"), literal(command).because(method), literal("--config"), named)
    steps.append((*train, *_launch(lowering, tuning)))
    into = training.folder(lowering, tuning)
    if merges(tuning) and into is not None:
        steps.append((*_words("python", f"{shared}/merge.py"), adapter_folder(lowering, tuning), into))
        inputs.append(f"{shared}/merge.py")
    *before, last = steps
    return Task(
        argv=last,
        prepare=tuple(before),
        install=(("python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r", lock),),
        tools=("python",),
        variables=tuple(_variables(lowering, tuning)),
        results=(into or adapter_folder(lowering, tuning),),
        files=tuple(inputs),
    )


def trained(lowering: Lowering, tuning: View[Any], near: str | None) -> Trained | None:
    """What the run leaves, and the rank of an adapter: the tool's own where none is said."""
    if tuning.address.kind != "finetune" or tuning.text("trainer").value != "trl":
        return None
    if tuning.text("method").value not in COMMANDS:
        return None
    uploaded = tuning.maybe_text("output", "uri")
    made = training.folder(lowering, tuning) or adapter_folder(lowering, tuning)
    if uploaded is not None and uploaded.value.startswith(HUB):
        made = uploaded
    if finetune.merged(tuning):
        return Trained(made)
    return Trained(made, tuning.maybe_integer("adapter", "rank") or default_rank())


def _words(*words: str) -> tuple[Sourced[str], ...]:
    return tuple(literal(word) for word in words)


def _launch(lowering: Lowering, tuning: View[Any]) -> tuple[Sourced[str], ...]:
    """One process an accelerator: an argument for the launcher, which the file has no place for."""
    cpu = training.on_cpu(lowering.reader, tuning)
    number = count(tuning)
    if number is None or number.value == 1 or (cpu is not None and cpu.value):
        return ()
    return (literal("--num_processes").because(number), number.express(str))


def _variables(lowering: Lowering, tuning: View[Any]) -> list[Variable]:
    secret = tuning.ref("output", "secret")
    if secret is not None:
        name = variable(secret, "trl").because(tuning.ref_name("output", "secret"))
        return [Variable(name, secret.address)]
    return []

