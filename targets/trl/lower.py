"""From a fine-tuning to the file of `trl <command> --config`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive.settings import Lines, Made, Setting
from llmops.compiler.derive.training import HUB
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import FINETUNE
from llmops.targets.trl.data import Data, data
from llmops.targets.trl.known import COMMANDS, arguments, locked_version
from llmops.targets.trl.settings import settings

OTHERS = {
    "schedule": "a run starts when somebody starts it: give a pipeline the schedule",
    "budget": "a run does not end when money is spent",
}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    shipped: set[str] = set()
    for tuning in lowering.reader.of(FINETUNE, trainer="trl"):
        command = COMMANDS.get(tuning.text("method").value)
        if command is None:
            yield _no_command(tuning)
            continue
        rows = data(lowering, tuning)
        lines = Lines()
        made = _all(lowering, tuning, command, rows)
        yield from lines.take(made, arguments(command), f"`trl {command}`")
        if not lines.whole:
            continue
        base, named = finetune.base(tuning), tuning.ref_name("base")
        method = tuning.text("method").sources  # it decides the command, and so the file's folder
        about: tuple[Address | Sourced[Address], ...] = (Sourced(tuning.address, method, raw=True),)
        if base is not None and named is not None:
            about += (Sourced(base.address, named.sources, raw=True),)
        yield Artifact(f"{command}/{tuning.address.name}.yaml", Sourced(lines.body, method, raw=True), about)
        shipped |= {"requirements.txt"}
        if rows.recipes:
            recipes = Sourced(list(rows.recipes), method, raw=True)
            yield Artifact(f"{tuning.address.name}.rows.json", recipes, (tuning.address,), Format.JSON, comment=None)
            shipped |= {"rows.py"}
        if merges(tuning):
            shipped |= {"merge.py"}
    for name in sorted(shipped):
        yield Artifact(name, _shipped(name), format=Format.VERBATIM, shared=True)


def _shipped(name: str) -> bytes:
    if name == "rows.py":
        return training.script()
    folder = files(__package__).joinpath("templates" if name.endswith(".py") else "lock")
    return folder.joinpath(name).read_bytes()


def _all(lowering: Lowering, tuning: View[Any], command: str, rows: Data) -> Iterator[Made]:
    yield from _base(lowering, tuning)
    yield from rows.settings
    yield from settings(lowering, tuning, command)
    yield from _reward(lowering, tuning, command)
    yield from _output(lowering, tuning)
    yield from _unsupported(tuning)


def _base(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    where = training.starts_from(lowering, tuning)
    at = tuning.at("base")
    base = finetune.base(tuning)
    earlier = tuning.ref("from")
    if earlier is not None:
        if not finetune.merged(earlier):
            cure = "merge the earlier one: `output: {merge: true}`"
            yield Unsupported(tuning.at("from"), "`trl` starts a new adapter", cure)
        else:
            where, at = training.result(lowering, earlier), tuning.at("from")
            where = where.map(lambda text: text.removeprefix(HUB)).because(tuning.get("from")) if where else None
    if where is None:
        yield Finding(
            "only weights can be trained", (Label(at, "a provider's model", primary=True),),
            help=("name a model with `weights`",), severity=Severity.ERROR,
        )  # fmt: skip
        return
    yield Setting("model_name_or_path", where, at)
    _, revision = finetune.weights(tuning)
    if revision is not None and earlier is None:
        yield Setting("model_revision", revision, at)
    trusted = base.maybe_flag("trust_remote_code") if base is not None else None
    if base is not None and trusted is not None and base.written("trust_remote_code"):
        yield Setting("trust_remote_code", trusted.because(tuning.ref_name("base")), base.at("trust_remote_code"))


def _reward(lowering: Lowering, tuning: View[Any], command: str) -> Iterator[Made]:
    """A function of the project: `trl` imports it from the folder in which it runs."""
    if command != "grpo":
        if tuning.has("reward"):
            yield Unsupported(tuning.at("reward"), f"`trl {command}` asks no reward")
        return
    function = training.reward(lowering, tuning, "`trl`")
    if isinstance(function, Finding):
        yield function
    elif function is not None:
        yield Setting("reward_funcs", [function], tuning.at("reward", "code"))


def _output(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    written = tuning.maybe_text("output", "uri")
    at = tuning.at("output", "uri")
    where = adapter_folder(lowering, tuning)
    if written is not None and written.value.startswith(HUB):
        yield Setting("push_to_hub", Sourced(True, written.sources, raw=True), at)
        yield Setting("hub_model_id", written.map(lambda text: text.removeprefix(HUB)), at)
        if merges(tuning):
            yield Unsupported(tuning.at("output", "merge"), "`trl` uploads the adapter", "write to a folder")
    elif training.folder(lowering, tuning) is None:
        yield Unsupported(at, "`trl` writes to a folder, and uploads to `hf://…` alone")
    yield Setting("output_dir", where)


def merges(tuning: View[Any]) -> bool:
    """Whether an adapter is merged into the weights after the run."""
    into = tuning.maybe_flag("output", "merge")
    return into is not None and into.value and finetune.adapter(tuning).value != "none"


def adapter_folder(lowering: Lowering, tuning: View[Any]) -> Sourced[str]:
    """Where the run writes: the place of the output, or one beside it where the merged weights go there."""
    if merges(tuning):
        into = tuning.get("output", "merge")
        return literal(training.beside(lowering, tuning, "adapter")).because(into)
    local = training.beside(lowering, tuning, "local")
    return training.folder(lowering, tuning) or literal(local).because(tuning.get("output", "uri"))


def _unsupported(tuning: View[Any]) -> Iterator[Unsupported]:
    for field, why in OTHERS.items():
        if tuning.has(field):
            yield Unsupported(tuning.at(field), why)
    version = tuning.maybe_text("version")
    if version is not None and version.value != locked_version():
        why = f"a job that trains installs {locked_version()}, from the lock"
        yield Unsupported(tuning.at("version"), why, "leave the version out")


def _no_command(tuning: View[Any]) -> Unsupported:
    method = tuning.text("method").value
    known = ", ".join(f"`{name}`" for name in COMMANDS)
    return Unsupported(tuning.at("method"), f"`trl` has no command for `{method}`", f"it does {known}")
