"""The rows of a run, as axolotl loads them: each dataset with the way in which its rows become prompts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.rows import columns, dataset_rows
from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.derive.training import Rows, beside, held_back, learned
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View


@dataclass(frozen=True, slots=True)
class Data:
    """Lines of the file, and the recipes of files that are made before the run."""

    settings: tuple[Made, ...]
    recipes: tuple[Sourced[dict[str, Any]], ...] = ()
    files: tuple[Sourced[str], ...] = ()


def data(lowering: Lowering, tuning: View[Any]) -> Data:
    found = learned(lowering, tuning)
    kept = held_back(lowering, tuning)
    made: list[Made] = [one for one in (*found, kept) if isinstance(one, Finding)]
    recipes: list[Sourced[dict[str, Any]]] = []
    read: list[Sourced[str]] = []
    parts = [one for one in found if isinstance(one, Rows)]
    rows = [row for part in parts for row in _rows(lowering, tuning, part, "", made, recipes, read)]
    if rows:
        made.append(Setting("datasets", rows, tuning.at("data")))
    share = tuning.maybe_number("validation") if isinstance(tuning.value.get("validation"), int | float) else None
    if share is not None:
        made.append(Setting("val_set_size", share, tuning.at("validation")))
    if isinstance(kept, Rows):
        listed = list(_rows(lowering, tuning, kept, ".held", made, recipes, read))
        made.append(Setting("test_datasets", listed, tuning.at("validation")))
    if len(parts) > 1:
        made += [
            Unsupported(part.node.at("weight"), "axolotl takes all rows of each dataset", "say how many: `max_rows`")
            for part in parts if part.weight is not None
        ]  # fmt: skip
    return Data(tuple(made), tuple(recipes), tuple(read))


def _rows(
    lowering: Lowering, tuning: View[Any], part: Rows, end: str, made: list[Made],
    recipes: list[Sourced[dict[str, Any]]], read: list[Sourced[str]],
) -> Iterator[Sourced[dict[str, Any]]]:  # fmt: skip
    shape = _shape(tuning, part)
    if shape is None:
        made.append(_unknown(tuning, part))
        return
    read += part.files
    if part.repo is not None:
        row: dict[str, Any] = {"path": part.repo}
        for key, value in (("name", part.config), ("revision", part.revision)):
            if value is not None:
                row[key] = value
        yield Sourced({**row, "split": _split(part), **shape}, part.why, raw=True)
        return
    paths = list(part.files)
    if part.part is not None:
        target = Sourced(f"{beside(lowering, tuning, 'data')}/{part.name}{end}.jsonl", part.why, raw=True)
        recipes.append(Sourced({"to": target, "parts": [part.part]}, part.why, raw=True))
        paths = [target]
    for path in paths:
        form = Sourced(part.form, part.why, raw=True)
        yield Sourced({"path": path, "ds_type": form, "split": _split(part), **shape}, part.why, raw=True)


def _unknown(tuning: View[Any], part: Rows) -> Unsupported:
    if tuning.text("method").value == "reward":
        names = ", ".join(f"`{name}`" for name in sorted(REWARDED))
        return Unsupported(part.at, f"axolotl reads the columns {names} for a reward model", "call the columns so")
    return Unsupported(part.at, "axolotl knows no such layout of rows", "say the dataset's `columns`")


def _split(part: Rows) -> Sourced[str]:
    """The name of the split, and how many rows of it."""
    name = part.split if part.repo is not None and part.split is not None else literal("train")
    if part.max_rows is None or part.part is not None:
        return name
    return Sourced(f"{name.value}[:{part.max_rows.value}]", merge(name.sources, part.max_rows.sources))


def _shape(tuning: View[Any], part: Rows) -> dict[str, Any] | None:
    """How a row becomes a prompt: by the layout that the dataset names, else by its columns."""
    have = {*(columns(part.dataset) or ()), *part.columns}
    method = tuning.text("method").value
    layout = part.dataset.maybe_text("format")
    column = {name: part.columns.get(name, literal(name)) if part.repo is not None else literal(name) for name in NAMES}
    if method == "grpo":
        return {} if not have or "prompt" in have else None
    if method in ("dpo", "orpo", "reward"):
        return _preferences(part, method, column, have)
    if method == "kto":
        return {"type": {
            "field_prompt": column["prompt"], "field_completion": column["completion"], "field_label": column["label"],
            "prompt_format": "{prompt}", "completion_format": "{completion}",
        }}  # fmt: skip
    if layout is not None and layout.value == "alpaca":
        return {"type": layout}
    if method == "pretrain" or (layout is not None and layout.value == "completion") or have == {"text"}:
        return {"type": "completion", "field": column["text"]}
    if "messages" in have or not have:
        return {"type": "chat_template", "field_messages": column["messages"]}
    if {"prompt", "completion"} <= have:
        return {"type": {
            "field_instruction": column["prompt"], "field_output": column["completion"], "format": "{instruction}",
            "no_input_format": "{instruction}",
        }}  # fmt: skip
    return None


REWARDED = {"system", "input", "chosen", "rejected"}
"""axolotl/prompt_strategies/bradley_terry/chat_template.py: the columns that it reads, by these names."""
NAMES = ("messages", "prompt", "completion", "text", "chosen", "rejected", "label")


def _preferences(part: Rows, method: str, column: dict[str, Sourced[str]], have: set[str]) -> dict[str, Any] | None:
    if method == "reward":
        return {"type": "bradley_terry.chat_template"} if not have or have >= REWARDED else None
    if method == "orpo":  # texts are taken as they are, where no way is named
        return {} if _texts(part.dataset) else {"type": "chat_template.argilla"}
    if "messages" in have:
        return {
            "type": "chat_template.default", "field_messages": column["messages"], "field_chosen": column["chosen"],
            "field_rejected": column["rejected"],
        }
    return {"type": {
        "field_prompt": column["prompt"], "field_chosen": column["chosen"], "field_rejected": column["rejected"],
        "prompt_format": "{prompt}", "chosen_format": "{chosen}", "rejected_format": "{rejected}",
    }}  # fmt: skip


def _texts(dataset: View[Any]) -> bool:
    """Whether an answer is a text, and no list of messages: as its columns say, else its first row."""
    said = (dataset.value.get("columns") or {}).get("chosen")
    if said is not None:
        return bool(said == "string")
    first = next(dataset_rows(dataset), None)
    return first is not None and isinstance(first.vars.get("chosen"), str)
