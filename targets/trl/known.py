"""TRL's own closed lists, taken from its package by `scripts/targets/trl_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.settings import wrong
from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact

COMMANDS = {
    "sft": "sft", "pretrain": "sft", "dpo": "dpo", "grpo": "grpo", "kto": "kto", "reward": "reward",
}
"""Our methods, and the commands that do them. Plain text is what `sft` does with a column `text`."""
RUNS_CODE = {"reward_funcs": "`reward`", "trust_remote_code": "`trust_remote_code` of the model"}
"""Settings that make it run code, with the field that says so."""


@cache
def table() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


@cache
def arguments(command: str) -> Mapping[str, Any]:
    """What a command takes: the types of each value, and its choices where they are closed."""
    return {**table()["common"], **table()["commands"][command]}


def default_rank() -> Sourced[int]:
    """The rank of an adapter where none is said."""
    return Sourced(int(table()["lora_r"]), (Fact("trl/lora_r", table()["source"], table()["as_of"]),), raw=True)


@cache
def locked_version() -> str:
    """The release that the target's lock installs."""
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith("trl=="))


def check(path: str, data: Any) -> Iterator[str]:
    """What `trl` would hand to its launcher, or read wrongly without a word."""
    command, slash, _ = path.partition("/")
    if not slash or command not in table()["commands"] or not isinstance(data, dict):
        return
    for name, value in data.items():
        found = wrong(arguments(command), f"`trl {command}`", str(name), value)
        if found is not None:
            yield found[0] + (f"; did you mean `{found[1]}`?" if found[1] else "")
    listed = data.get("datasets")
    for dataset in listed if isinstance(listed, list) else ():
        yield from _dataset(dataset)
    reporters = data.get("report_to")
    for one in reporters if isinstance(reporters, list) else [reporters] if reporters else []:
        if one not in table()["report_to"]:
            yield f"it reports to no `{one}`" + _close(str(one), table()["report_to"])
    yield from _together(data)


def _dataset(dataset: Any) -> Iterator[str]:
    for name in dataset if isinstance(dataset, dict) else ():
        if name not in table()["datasets"]:
            yield f"a dataset has no key `{name}`" + _close(str(name), table()["datasets"])


def _together(data: Mapping[str, Any]) -> Iterator[str]:
    """What excludes something else, and is found only once the weights are loaded, or never."""
    quantized = [name for name in ("load_in_4bit", "load_in_8bit") if data.get(name)]
    if quantized and not data.get("use_peft"):
        yield f"`{quantized[0]}` without `use_peft`: quantized weights cannot be trained"
    if isinstance(data.get("lora_r"), int) and data["lora_r"] < 1:
        yield "`lora_r` is at least 1"
    if data.get("bf16") and data.get("fp16"):
        yield "`bf16` and `fp16` exclude each other"
    if data.get("use_cpu") and (data.get("fp16") or quantized):
        yield f"`{'fp16' if data.get('fp16') else quantized[0]}` needs an accelerator, and `use_cpu` is set"
    if not data.get("datasets") and not data.get("dataset_name"):
        yield "neither `datasets` nor `dataset_name` is there"


def _close(name: str, names: Iterable[str]) -> str:
    near = best(name, list(names))
    return f"; did you mean `{near}`?" if near else ""
