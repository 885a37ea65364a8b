"""The rows of a run: entries of `dataset_info.json`, and their names in the config."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.rows import columns
from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.derive.training import Rows, beside, held_back, learned
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View

TAGS = {
    "role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
    "system_tag": "system", "observation_tag": "tool",
}  # fmt: skip
"""Messages in OpenAI's words."""


@dataclass(frozen=True, slots=True)
class Data:
    """Lines of the file, the entries of `dataset_info.json`, and the recipes of files that are made before the run."""

    settings: tuple[Made, ...]
    entries: dict[str, Any]
    recipes: tuple[Sourced[dict[str, Any]], ...] = ()
    files: tuple[Sourced[str], ...] = ()


def info_folder(lowering: Lowering, tuning: View[Any]) -> str:
    return f"{lowering.folder}/{tuning.address.name}"


def data(lowering: Lowering, tuning: View[Any]) -> Data:
    found = learned(lowering, tuning)
    kept = held_back(lowering, tuning)
    made: list[Made] = [one for one in (*found, kept) if isinstance(one, Finding)]
    parts = [one for one in found if isinstance(one, Rows)]
    entries: dict[str, Any] = {}
    recipes: list[Sourced[dict[str, Any]]] = []
    learn = [name for part in parts for name in _entries(lowering, tuning, part, "", made, entries, recipes)]
    if learn:
        made.append(Setting("dataset", _joined(learn), tuning.at("data")))
    if isinstance(kept, Rows):
        held = list(_entries(lowering, tuning, kept, "_held", made, entries, recipes))
        made += [Setting("eval_dataset", _joined(held), tuning.at("validation")), *_measured(tuning)]
    share = tuning.maybe_number("validation") if isinstance(tuning.value.get("validation"), int | float) else None
    if share is not None:
        made += [Setting("val_size", share, tuning.at("validation")), *_measured(tuning)]
    if learn:
        made.append(Setting("dataset_dir", literal(info_folder(lowering, tuning))))
    made += _mixed(parts, learn)
    files = [file for part in (*parts, *([kept] if isinstance(kept, Rows) else [])) for file in part.files]
    return Data(tuple(made), entries, tuple(recipes), tuple(files))


def _measured(tuning: View[Any]) -> Iterator[Setting]:
    if "eval_strategy" not in (tuning.value.get("params") or {}):
        why = tuning.get("validation")
        yield Setting("eval_strategy", Sourced("epoch", why.sources if why is not None else (), raw=True))


def _mixed(parts: list[Rows], learn: list[Sourced[str]]) -> Iterator[Made]:
    """Shares of several datasets: rows are drawn by them until the first is used up."""
    weighed = [part for part in parts if part.weight is not None]
    if not weighed or len(parts) < 2:
        return
    if len(learn) != len(parts):
        yield Unsupported(weighed[0].node.at("weight"), "it weighs files, and a dataset here has several")
        return
    weights = [part.weight.value if part.weight is not None else 1.0 for part in parts]
    shares = ",".join(f"{weight / sum(weights):.6g}" for weight in weights)
    sources = merge(*(part.weight.sources for part in weighed if part.weight is not None))
    yield Setting("mix_strategy", Sourced("interleave_under", sources, raw=True), weighed[0].node.at("weight"))
    yield Setting("interleave_probs", Sourced(shares, sources, raw=True), weighed[0].node.at("weight"))


def _joined(names: list[Sourced[str]]) -> Sourced[str]:
    return Sourced(",".join(name.value for name in names), merge(*(name.sources for name in names)), raw=True)


def _entries(
    lowering: Lowering, tuning: View[Any], part: Rows, end: str, made: list[Made], entries: dict[str, Any],
    recipes: list[Sourced[dict[str, Any]]],
) -> Iterator[Sourced[str]]:  # fmt: skip
    shape = _shape(tuning, part)
    if shape is None:
        made.append(Unsupported(part.at, "it knows no such layout of rows", "say the dataset's `columns`"))
        return
    split = _split(part)
    if part.repo is not None:
        if part.revision is not None:
            made.append(Unsupported(part.at, "it loads the newest revision of a dataset"))
        name = f"{part.name}{end}"
        row = {"hf_hub_url": part.repo, **({"subset": part.config} if part.config is not None else {})}
        entries[name] = Sourced({**row, "split": split, **shape}, part.why, raw=True)
        yield Sourced(name, part.why, raw=True)
        return
    paths = list(part.files)
    if part.part is not None:
        target = Sourced(f"{beside(lowering, tuning, 'data')}/{part.name}{end}.jsonl", part.why, raw=True)
        recipes.append(Sourced({"to": target, "parts": [part.part]}, part.why, raw=True))
        paths = [target]
    for number, path in enumerate(paths, start=1):
        name = f"{part.name}{end}" + (f"_{number}" if number > 1 else "")
        where = path.map(lambda file: posixpath.relpath(file, info_folder(lowering, tuning)))
        entries[name] = Sourced({"file_name": where, "split": split, **shape}, part.why, raw=True)
        yield Sourced(name, part.why, raw=True)


def _split(part: Rows) -> Sourced[str]:
    """The name of the split, and how many rows of it."""
    name = part.split if part.repo is not None and part.split is not None else literal("train")
    if part.max_rows is None or part.part is not None:
        return name
    return Sourced(f"{name.value}[:{part.max_rows.value}]", merge(name.sources, part.max_rows.sources))


def _shape(tuning: View[Any], part: Rows) -> dict[str, Any] | None:
    """How a row is laid out: by what the dataset says, else by its columns."""
    have = {*(columns(part.dataset) or ()), *part.columns}
    method = tuning.text("method").value
    layout = part.dataset.maybe_text("format")

    def column(name: str) -> Sourced[str]:
        return part.columns.get(name, literal(name)) if part.repo is not None else literal(name)

    if method == "pretrain":
        return {"columns": {"prompt": column("text")}}
    if layout is not None and layout.value == "alpaca":
        return {}
    if "messages" in have or (not have and method in ("sft", "kto")):
        talk: dict[str, Any] = {"formatting": "sharegpt", "tags": dict(TAGS)}
        talk["columns"] = {"messages": column("messages")}
    elif method in ("dpo", "orpo", "reward"):
        talk = {"columns": {"prompt": column("prompt")}}
    elif {"prompt", "completion"} <= have:
        talk = {"columns": {"prompt": column("prompt"), "response": column("completion")}}
    else:
        return None
    if method in ("dpo", "orpo", "reward"):
        talk["ranking"] = True
        talk["columns"] |= {"chosen": column("chosen"), "rejected": column("rejected")}
    if method == "kto":
        talk["columns"]["kto_tag"] = column("label")
    return talk
