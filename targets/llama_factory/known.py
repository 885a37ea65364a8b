"""LLaMA-Factory's own closed lists, taken from its package by `scripts/targets/llama_factory_lists.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.settings import wrong
from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact

TOOL = "LLaMA-Factory"
STAGES = {"sft": "sft", "pretrain": "pt", "reward": "rm", "dpo": "dpo", "kto": "kto", "orpo": "dpo"}
"""Our methods, and what it calls them: `orpo` is a loss of `dpo`."""
LOADS_CODE = ("trust_remote_code",)
DATA = ("file_name", "hf_hub_url", "columns", "tags", "formatting", "ranking", "subset", "split", "num_samples")
"""llamafactory/data/parser.py: what an entry of dataset_info.json may say, of what is written here."""
COLUMNS = ("columns", "tags")


@cache
def table() -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", "keys.json").read_bytes()))


@cache
def locked_version() -> str:
    text = files(__package__).joinpath("lock", "requirements.in").read_text()
    return next(line.partition("==")[2].strip() for line in text.splitlines() if line.startswith("llamafactory=="))


def default_rank() -> Sourced[int]:
    """The rank of an adapter where none is said."""
    fact = Fact("llama-factory/lora_rank", table()["source"], table()["as_of"])
    return Sourced(int(table()["lora_rank"]), (fact,), raw=True)


def check(path: str, data: Any) -> Iterator[str]:
    """What it would take without a word, and trip over once the weights are loaded."""
    if path.endswith("dataset_info.json"):
        yield from _datasets(data)
        return
    if not path.endswith(".yaml") or not isinstance(data, dict) or "export_dir" in data:
        return
    for name, value in data.items():
        found = wrong(table()["settings"], TOOL, str(name), value)
        if found is not None:
            yield found[0] + (f"; did you mean `{found[1]}`?" if found[1] else "")
    for name in ("model_name_or_path", "stage", "dataset", "finetuning_type"):
        if not data.get(name):
            yield f"`{name}` is missing"
    if not data.get("template") and data.get("stage") != "pt":
        yield "`template` is missing: it would train without one"
    if data.get("quantization_bit") and data.get("finetuning_type") != "lora":
        yield "`quantization_bit` without an adapter: quantized weights cannot be trained"
    if isinstance(data.get("lora_rank"), int) and data["lora_rank"] < 1:
        yield "`lora_rank` is at least 1"
    if data.get("bf16") and data.get("fp16"):
        yield "`bf16` and `fp16` exclude each other"
    reporters = data.get("report_to")
    for one in reporters if isinstance(reporters, list) else []:
        if one not in table()["report_to"]:
            near = best(str(one), table()["report_to"])
            yield f"it reports to no `{one}`" + (f"; did you mean `{near}`?" if near else "")


def _datasets(data: Any) -> Iterator[str]:
    for name, row in data.items() if isinstance(data, dict) else ():
        for key, value in row.items() if isinstance(row, dict) else ():
            if key not in DATA:
                yield _no_key(f"dataset `{name}`", str(key), DATA)
            elif key in COLUMNS and isinstance(value, dict):
                yield from (
                    _no_key(f"`{key}` of `{name}`", str(one), table()["dataset"])
                    for one in value if one not in table()["dataset"]
                )


def _no_key(where: str, name: str, names: Any) -> str:
    near = best(name, names)
    return f"{where} has no key `{name}`" + (f"; did you mean `{near}`?" if near else "")
