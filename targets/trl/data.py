"""The rows of a run: as `trl` loads them, and what is made of them first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.settings import Made, Setting
from llmops.compiler.derive.training import Rows, beside, held_back, learned
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View


@dataclass(frozen=True, slots=True)
class Data:
    """Lines of the file, and the recipes of files that are made before the run."""

    settings: tuple[Made, ...]
    recipes: tuple[Sourced[dict[str, Any]], ...] = ()
    files: tuple[Sourced[str], ...] = ()
    """Files of the repository that are read."""


def data(lowering: Lowering, tuning: View[Any]) -> Data:
    found = learned(lowering, tuning)
    kept = held_back(lowering, tuning)
    problems: list[Made] = [one for one in (*found, kept) if isinstance(one, Finding)]
    parts = [one for one in found if isinstance(one, Rows)]
    if not parts or any(isinstance(one, Finding) for one in found):
        return Data(tuple(problems))
    files = tuple(file for part in (*parts, *([kept] if isinstance(kept, Rows) else [])) for file in part.files)
    if isinstance(kept, Rows):
        return _two(lowering, tuning, parts, kept, problems, files)
    settings, recipes = _mixture(lowering, tuning, parts)
    share = tuning.maybe_number("validation") if isinstance(tuning.value.get("validation"), int | float) else None
    if share is not None:
        settings += [Setting("test_split_size", share, tuning.at("validation")), *_measured(tuning, share)]
    return Data((*problems, *settings), tuple(recipes), files)


def _mixture(
    lowering: Lowering, tuning: View[Any], parts: list[Rows]
) -> tuple[list[Made], list[Sourced[dict[str, Any]]]]:
    """Each dataset of its own; what must be made first is one file each."""
    weighed = any(part.weight is not None for part in parts)
    rows: list[Any] = []
    recipes: list[Sourced[dict[str, Any]]] = []
    made: list[Made] = []
    for part in parts:
        row: dict[str, Any] = {}
        if part.repo is not None:
            row["path"] = part.repo
            if part.config is not None:
                row["name"] = part.config
            made += _unsupported(part)
        elif part.part is not None:
            target = f"{beside(lowering, tuning, 'data')}/{part.name}.jsonl"
            recipe = {"to": Sourced(target, part.why, raw=True), "parts": [part.part]}
            recipes.append(Sourced(recipe, part.why, raw=True))
            row |= {"path": "json", "data_files": [Sourced(target, part.why, raw=True)]}
        else:
            row |= {"path": Sourced(part.form, part.why, raw=True), "data_files": list(part.files)}
        row["split"] = _split(part)
        if weighed:
            row["fraction"] = part.weight if part.weight is not None else Sourced(1, (), raw=True)
        rows.append(Sourced(row, part.why, raw=True))
    return [Setting("datasets", rows, tuning.at("data")), *made], recipes


def _split(part: Rows) -> Sourced[str]:
    """The name of the split, and how many rows of it."""
    name = part.split if part.repo is not None and part.split is not None else Sourced("train", (), raw=True)
    if part.max_rows is None or part.part is not None:
        return name
    most = part.max_rows
    return Sourced(f"{name.value}[:{most.value}]", merge(name.sources, most.sources))


def _unsupported(part: Rows) -> Iterator[Unsupported]:
    if part.revision is not None:
        at = part.dataset.at("source", "revision") if part.dataset.has("source", "revision") else part.at
        yield Unsupported(at, "`trl` loads the newest revision of a dataset", "put the rows into files of the project")
    if part.columns:
        at = part.at if "fields" in part.node.value else part.dataset.at("fields")
        yield Unsupported(at, "`trl` takes columns as they are called at the source")


def _two(
    lowering: Lowering, tuning: View[Any], parts: list[Rows], kept: Rows, problems: list[Made],
    files: tuple[Sourced[str], ...],
) -> Data:  # fmt: skip
    """Rows to learn from and rows to measure with stand in two files of one folder, which is loaded as a whole."""
    where = beside(lowering, tuning, "data")
    for part in (*parts, kept):
        if part.repo is not None or any("://" in file.value for file in part.files) or part.form in ("parquet", "text"):
            problems.append(Unsupported(
                tuning.at("validation"), "`trl` measures with a share, or with rows of local files",
                "say a share: `validation: 0.05`",
            ))  # fmt: skip
            settings, made = _mixture(lowering, tuning, parts)
            return Data((*problems, *settings), tuple(made), files)
    learn = [_recipe(part, any(p.weight is not None for p in parts)) for part in parts]
    why = tuning.get("validation")
    sources = why.sources if why is not None else ()
    recipes = (
        Sourced({"to": Sourced(f"{where}/train.jsonl", sources, raw=True), "parts": learn}),
        Sourced({"to": f"{where}/test.jsonl", "parts": [_recipe(kept, False)]}, merge(sources, kept.why), raw=True),
    )
    named = Setting("dataset_name", Sourced(where, sources, raw=True), tuning.at("validation"))
    return Data((*problems, named, *_measured(tuning, why)), recipes, files)


def _recipe(part: Rows, weighed: bool) -> Sourced[dict[str, Any]]:
    made: dict[str, Any] = dict(part.part or {"files": list(part.files)})
    if part.part is None and part.max_rows is not None:
        made["max_rows"] = part.max_rows
    if weighed:
        made["weight"] = part.weight if part.weight is not None else Sourced(1, (), raw=True)
    return Sourced(made, part.why, raw=True)


def _measured(tuning: View[Any], why: Sourced[Any] | None) -> Iterator[Setting]:
    """Rows that are held back are of no use unless they are measured with."""
    if "eval_strategy" not in (tuning.value.get("params") or {}):
        yield Setting("eval_strategy", Sourced("epoch", why.sources if why is not None else (), raw=True))
