"""Learning from rewards: a map of its own in axolotl's file, with the function of the project that scores an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive import training
from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.axolotl.known import table

MAP = "trl"


def inside(tuning: View[Any], name: str) -> bool:
    """Whether a parameter stands in that map, and not beside it."""
    return tuning.text("method").value == "grpo" and (
        name == MAP or (name in table()["nested"][MAP] and name not in table()["settings"])
    )


def rewards(lowering: Lowering, tuning: View[Any]) -> Iterator[Made]:
    if tuning.text("method").value != "grpo":
        if tuning.has("reward"):
            yield Unsupported(tuning.at("reward"), "axolotl asks a reward with `method: grpo` alone")
        return
    params = tuning.tree("params") or {}
    made: dict[str, Any] = dict(params.get(MAP) or {})
    made |= {name: value for name, value in params.items() if name != MAP and inside(tuning, name)}
    function = training.reward(lowering, tuning, "axolotl")
    if isinstance(function, Finding):
        yield function
    elif function is not None:
        made["reward_funcs"] = [function]
    yield Setting(MAP, made, tuning.at("reward") if tuning.has("reward") else tuning.at("method"))
