"""From a fine-tuning to the files of `llamafactory-cli`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive.settings import Lines, Setting
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.schemas.types import FINETUNE
from llmops.targets.llama_factory.data import data
from llmops.targets.llama_factory.known import STAGES, TOOL, table
from llmops.targets.llama_factory.settings import adapter_folder, made, merges, settings, start, template

KEPT = ("model_name_or_path", "model_revision", "trust_remote_code")
"""What a merge reads of the run's own file."""


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    shipped: set[str] = set()
    for tuning in lowering.reader.of(FINETUNE, trainer="llama-factory"):
        method = tuning.text("method")
        if method.value not in STAGES:
            known = ", ".join(f"`{name}`" for name in STAGES)
            yield Unsupported(tuning.at("method"), f"LLaMA-Factory does no `{method.value}`", f"it does {known}")
            continue
        rows = data(lowering, tuning)
        lines = Lines()
        for part in (start(lowering, tuning), rows.settings, settings(lowering, tuning)):
            yield from lines.take(part, table()["settings"], TOOL)
        if not lines.whole:
            continue
        name = tuning.address.name
        yield Artifact(f"{name}.yaml", Sourced(lines.body, method.sources, raw=True), _about(tuning))
        info = Sourced(rows.entries, method.sources, raw=True)
        yield Artifact(f"{name}/dataset_info.json", info, (tuning.address,), Format.JSON, comment=None)
        shipped.add("requirements.txt")
        if merges(tuning):
            yield Artifact(f"{name}.export.yaml", _export(lowering, tuning, lines.body), _about(tuning))
        if rows.recipes:
            recipes = Sourced(list(rows.recipes), method.sources, raw=True)
            yield Artifact(f"{name}.rows.json", recipes, (tuning.address,), Format.JSON, comment=None)
            shipped.add("rows.py")
    for name in sorted(shipped):
        script = name == "rows.py"
        content = training.script() if script else files(__package__).joinpath("lock", name).read_bytes()
        yield Artifact(name, content, format=Format.VERBATIM, shared=True)


def _about(tuning: View[Any]) -> tuple[Address | Sourced[Address], ...]:
    base, named = finetune.base(tuning), tuning.ref_name("base")
    if base is None or named is None:
        return (tuning.address,)
    own = Sourced(tuning.address, tuning.text("method").sources, raw=True)
    return (own, Sourced(base.address, named.sources, raw=True))


def _export(lowering: Lowering, tuning: View[Any], body: dict[str, Any]) -> dict[str, Any]:
    """Of `llamafactory-cli export`, which merges the adapter."""
    kept = {name: body[name] for name in KEPT if name in body}
    kept["adapter_name_or_path"] = adapter_folder(lowering, tuning)
    for one in template(lowering, tuning):
        if isinstance(one, Setting):
            kept[one.name] = one.value
    kept["export_dir"] = made(lowering, tuning)
    return kept
