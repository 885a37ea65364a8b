"""What would fit: the help of the rules on accelerator memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from llmops.compiler.derive.architecture import architecture
from llmops.compiler.derive.hardware import accelerator, parallelism, pool, utilisation
from llmops.compiler.derive.memory import Budget
from llmops.compiler.derive.model import called
from llmops.compiler.facts import Facts
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.view import Reader, View

COUNTS = (1, 2, 4, 8, 16)


def fewest(reader: Reader, deployment: View[Any], have: Budget, fits: Callable[[Budget], bool]) -> int | None:
    """The fewest accelerators of one machine that would do, if layers are shared over all of them."""
    machines = pool(reader, deployment)
    each = None if machines is None else machines.maybe_integer("per_node")
    split = have.parallel.tensor * have.parallel.pipeline
    for count in COUNTS:
        too_many = each is not None and count > each.value
        if count <= split or too_many or not have.dimensions.shareable(count):
            continue
        parallel = replace(have.parallel, tensor=count, pipeline=1)
        if fits(replace(have, parallel=parallel, weights=have.weights * split // count)):
            return count * have.parallel.data
    return None


def sources_note(budget: Budget) -> str:
    """"facts: architecture/Qwen/Qwen3-14B (2026-03), gpu/L40S (2026-10)", without the figures of derive/ itself."""
    named = [s for s in budget.sources if isinstance(s, Fact) and not s.fact.startswith("memory/")]
    rows = dict.fromkeys(f"{s.fact} ({s.as_of[:7]})" for s in named)
    return f"facts: {', '.join(rows)}; activations are the least that was seen, an assumption"


def unknown_figure(reader: Reader, facts: Facts, deployment: View[Any], model: View[Any]) -> str:
    """Which figure is missing."""
    if accelerator(reader, facts, deployment) is None:
        machines = pool(reader, deployment)
        name = machines.maybe_text("accelerator") if machines is not None else None
        return f"the catalogue does not know the accelerator `{name.value if name else ''}`"
    if parallelism(deployment) is None:
        return "the accelerators do not come out even"
    if utilisation(facts, deployment) is None:
        return "the engine's share of the memory is not known"
    found = architecture(facts, model)
    if found is None:
        return f"the catalogue does not know {called(model)}; `facts: {{architecture: …}}` on the model can say it"
    return "the number of weights, or the bytes of one, is not known"
