"""From a fine-tuning to the file of `axolotl train`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from llmops.compiler.derive import finetune, training
from llmops.compiler.derive.settings import Lines
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.schemas.types import FINETUNE
from llmops.targets.axolotl.data import data
from llmops.targets.axolotl.known import RL, TOOL
from llmops.targets.axolotl.known import settings as allowed
from llmops.targets.axolotl.settings import settings, start


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    shipped: set[str] = set()
    for tuning in lowering.reader.of(FINETUNE, trainer="axolotl"):
        method = tuning.text("method")
        if method.value not in RL:
            known = ", ".join(f"`{name}`" for name in RL)
            why = f"axolotl does no `{method.value}` by a config alone"
            yield Unsupported(tuning.at("method"), why, f"it does {known}")
            continue
        rows = data(lowering, tuning)
        lines, taken = Lines(), allowed((tuning.value.get("params") or {}).get("plugins"))
        for made in (start(lowering, tuning), rows.settings, settings(lowering, tuning)):
            yield from lines.take(made, taken, TOOL)
        if not lines.whole:
            continue
        about: tuple[Address | Sourced[Address], ...] = (Sourced(tuning.address, method.sources, raw=True),)
        base, named = finetune.base(tuning), tuning.ref_name("base")
        if base is not None and named is not None:
            about += (Sourced(base.address, named.sources, raw=True),)
        yield Artifact(f"{tuning.address.name}.yaml", Sourced(lines.body, method.sources, raw=True), about)
        shipped.add("requirements.txt")
        if rows.recipes:
            name = f"{tuning.address.name}.rows.json"
            recipes = Sourced(list(rows.recipes), method.sources, raw=True)
            yield Artifact(name, recipes, (tuning.address,), Format.JSON, comment=None)
            shipped.add("rows.py")
    for name in sorted(shipped):
        script = name == "rows.py"
        content = training.script() if script else files(__package__).joinpath("lock", name).read_bytes()
        yield Artifact(name, content, format=Format.VERBATIM, shared=True)
