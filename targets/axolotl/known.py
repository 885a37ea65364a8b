"""axolotl's own closed lists, taken from its package by `scripts/targets/axolotl_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.settings import wrong
from llmops.compiler.diagnostics.suggest import best

TOOL = "axolotl"
RL = {"sft": None, "pretrain": None, "reward": None, "dpo": "dpo", "kto": "kto", "orpo": "orpo", "grpo": "grpo"}
"""Our methods, and what it calls them."""
KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel")
"""Faster ways of an adapter, which it takes by itself. A reward model has none of them: it fails with them on."""
NEEDED = ("base_model", "micro_batch_size", "learning_rate")
"""Without these a run ends when it has begun, and the config is taken."""
LOADS_CODE = ("trust_remote_code",)


@cache
def table() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


def settings(plugins: Any) -> Mapping[str, Any]:
    """What a file may say: with the settings that its plugins add; of any, where one is misspelt."""
    named, own = plugins if isinstance(plugins, list | tuple) else (), table()["plugins"]
    more = [own[name] for name in (named if all(isinstance(name, str) and name in own for name in named) else own)]
    return {name: row for one in (table()["settings"], *more) for name, row in one.items()}


@cache
def locked_version() -> str:
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith("axolotl=="))


def check(path: str, data: Any) -> Iterator[str]:
    """What axolotl would pass over without a word, or find out when it has loaded the weights."""
    if not path.endswith(".yaml") or "/" in path or not isinstance(data, dict):
        return
    known = settings(data.get("plugins"))
    for name, value in data.items():
        found = wrong(known, TOOL, str(name), value)
        if found is not None:
            yield found[0] + (f"; did you mean `{found[1]}`?" if found[1] else "")
        elif name in table()["nested"] and isinstance(value, dict):
            yield from _unknown(f"`{name}`", value, table()["nested"][name])
    columns = sorted({name for names in table()["datasets"].values() for name in names})
    for listed in ("datasets", "test_datasets"):
        for one in data.get(listed) or () if isinstance(data.get(listed), list) else ():
            yield from _unknown("a dataset", one, columns)
    yield from (f"`{name}` is missing" for name in NEEDED if data.get(name) is None)
    if not data.get("datasets") and not data.get("pretraining_dataset"):
        yield "`datasets` is missing"
    yield from _together(data)


def _together(data: Mapping[str, Any]) -> Iterator[str]:
    if data.get("load_in_8bit") and data.get("load_in_4bit"):
        yield "`load_in_8bit` and `load_in_4bit` exclude each other"
    if data.get("adapter") == "qlora" and not data.get("load_in_4bit"):
        yield "`adapter: qlora` needs `load_in_4bit`"
    if data.get("adapter") == "lora" and data.get("load_in_4bit"):
        yield "`load_in_4bit` with `adapter: lora`: call it `qlora`"
    if data.get("load_in_4bit") and not data.get("adapter"):
        yield "`load_in_4bit` without an adapter: quantized weights cannot be trained"
    if data.get("adapter") and not (isinstance(data.get("lora_r"), int) and data["lora_r"] > 0):
        yield "`lora_r` is missing, or below 1"
    if data.get("adapter") and data.get("lora_alpha") is None:
        yield "`lora_alpha` is missing"
    if data.get("bf16") is True and data.get("fp16"):
        yield "`bf16` and `fp16` exclude each other"


def _unknown(where: str, found: Any, names: list[str]) -> Iterator[str]:
    for name in found if isinstance(found, dict) else ():
        if name not in names:
            near = best(str(name), names)
            yield f"{where} has no key `{name}`" + (f"; did you mean `{near}`?" if near else "")
