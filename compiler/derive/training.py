"""What a trainer is given: rows as it finds them, the numbers that its hardware computes with, and a folder."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files as resources
from typing import Any

from llmops.compiler.derive import finetune
from llmops.compiler.derive.hardware import accelerator, pool
from llmops.compiler.facts import Facts
from llmops.compiler.model.exports import Task, Trained
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Fact, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, Reader, View

FORMS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet", ".txt": "text"}
"""Endings of files that trainers read, with the loader of each."""
READ_HERE = (".jsonl", ".json", ".csv")
"""Those that the script can take a part of."""
OUTPUTS = "outputs"
LOCAL, HUB = "file://", "hf://"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as a trainer finds them: local `files` or addresses, all of one `form`, or a repository on Hugging Face.

    `part` tells the script `rows.py` how a file of them is made first, where no trainer could take them as they are (a
    share of the rows, columns with other names, rows that stand in the config); None where it can.
    """

    name: str
    why: tuple[Source, ...]
    dataset: View[Any]
    node: Node
    form: str = ""
    files: tuple[Sourced[str], ...] = ()
    repo: Sourced[str] | None = None
    config: Sourced[str] | None = None
    revision: Sourced[str] | None = None
    split: Sourced[str] | None = None
    max_rows: Sourced[int] | None = None
    weight: Sourced[float] | None = None
    part: dict[str, Any] | None = None
    columns: dict[str, Sourced[str]] = field(default_factory=dict)
    """Columns by what they mean, where their names differ: for repositories, whose rows no script of ours touches."""

    @property
    def at(self) -> KeyPath:
        return self.node.at()


def learned(lowering: Lowering, tuning: View[Any]) -> list[Rows | Finding]:
    """The rows that it learns from, in its order; a finding for those that no trainer could read."""
    return [rows(lowering, part.dataset, part.node, part.named) for part in finetune.parts(tuning)]


def held_back(lowering: Lowering, tuning: View[Any]) -> Rows | Finding | None:
    """The part of a dataset that it is measured with."""
    dataset, node = tuning.ref("validation", "dataset"), tuning.node("validation")
    named = tuning.ref_name("validation", "dataset")
    return None if dataset is None or node is None or named is None else rows(lowering, dataset, node, named)


def rows(lowering: Lowering, dataset: View[Any], node: Node, named: Sourced[str]) -> Rows | Finding:
    """A dataset's rows; `node` may have `split`, `weight`, `max_rows` and `fields`."""
    own = node.value
    split = node.maybe_text("split")
    columns = {**_fields(dataset), **(_fields(node) if "fields" in own else {})}
    most, first = node.maybe_integer("max_rows") if "max_rows" in own else None, dataset.maybe_integer("max_rows")
    weight = node.maybe_number("weight") if "weight" in own else None
    if dataset.has("source", "repo"):
        return Rows(
            dataset.address.name, named.sources, dataset, node, repo=dataset.maybe_text("source", "repo"),
            config=dataset.maybe_text("source", "config"),
            revision=dataset.maybe_text("source", "revision") or dataset.maybe_text("revision"),
            split=_at_source(dataset, split), max_rows=_fewer(most, first), weight=weight, columns=columns,
        )
    found = list(_files(lowering, dataset))
    inline = dataset.tree("rows")
    if not found and inline is None:
        return _unreadable(dataset, node)
    if split is not None and split.value not in (dataset.value.get("splits") or {}):
        return _no_split(dataset, node, split.value)
    share = split is not None and not isinstance(dataset.value["splits"][split.value], str)
    if split is not None and not share:
        found = list(_of_split(dataset, split, found))
        if not found:
            return _no_split(dataset, node, split.value)
    forms = {FORMS.get(posixpath.splitext(file.value)[1], "") for file in found}
    if found and (len(forms) > 1 or "" in forms):
        return _unreadable(dataset, node)
    made: dict[str, Any] | None = None
    if share or columns or inline is not None:
        if any(posixpath.splitext(file.value)[1] not in READ_HERE or "://" in file.value for file in found):
            return _untouched(dataset, node)
        made = {"files": found} if inline is None else {"rows": [row.get("vars") or {} for row in inline]}
        if share and split is not None:
            made |= {"splits": dataset.tree("splits"), "split": split}
        made |= {"first": first} if first is not None else {}
        made |= {"columns": columns} if columns else {}
        made |= {"max_rows": most} if most is not None else {}
    return Rows(
        dataset.address.name, named.sources, dataset, node, "json" if made else next(iter(forms)), tuple(found),
        split=split, max_rows=None if made else _fewer(most, first), weight=weight, part=made, columns=columns,
    )


def _fewer(*numbers: Sourced[int] | None) -> Sourced[int] | None:
    said = [number for number in numbers if number is not None]
    return min(said, key=lambda number: number.value) if said else None


def _fields(node: Node) -> dict[str, Sourced[str]]:
    return {meaning: column for meaning, column in (node.tree("fields") or {}).items() if meaning != column.value}


def _at_source(dataset: View[Any], split: Sourced[str] | None) -> Sourced[str] | None:
    """The source's own name of a split."""
    if split is None or split.value not in (dataset.value.get("splits") or {}):
        return split
    own = dataset.maybe_text("splits", split.value)
    return split if own is None else own.because(split)


def _files(lowering: Lowering, dataset: View[Any]) -> Iterator[Sourced[str]]:
    """From the repository's root: those of the project, an address, or what another tool makes."""
    written = dataset.get("files")
    if written is not None:
        for pattern in written.value if isinstance(written.value, list) else [written.value]:
            for path in dataset.project.globs.get(pattern) or (pattern,):
                yield Sourced(posixpath.normpath(posixpath.join(lowering.root, path)), written.sources)
        return
    uri = dataset.maybe_text("source", "uri")
    if uri is not None:
        yield uri.map(lambda text: text.removeprefix(LOCAL))
    elif dataset.has("derive") or dataset.has("source", "dvc"):
        task = lowering.ask(Task, dataset)
        for result in task.results[:1] if task is not None else ():
            yield result if isinstance(result, Sourced) else Sourced(result)


def _of_split(dataset: View[Any], split: Sourced[str], found: list[Sourced[str]]) -> Iterator[Sourced[str]]:
    """The files that a split names: by path, by name, or by the name's first part."""
    wanted = dataset.text("splits", split.value)
    for file in found:
        name = posixpath.basename(file.value)
        if wanted.value in (name, name.partition(".")[0]) or file.value.endswith(f"/{wanted.value}"):
            yield file.because(wanted, split)


def _unreadable(dataset: View[Any], node: Node) -> Finding:
    at = next((key for key in ("files", "source", "derive") if dataset.has(key)), "trust")
    return Finding(
        f"no trainer can read rows from `{dataset.address.name}`",
        (Label(node.at(), "", primary=True), Label(dataset.at(at), "where they are")),
        notes=("rows are read from .jsonl, .json, .csv, .parquet and .txt files, all of one kind",),
        severity=Severity.ERROR,
    )  # fmt: skip


def _no_split(dataset: View[Any], node: Node, split: str) -> Finding:
    places = [Label(dataset.at("splits"), "its splits")] if dataset.has("splits") else []
    return Finding(
        f"`{dataset.address.name}` has no rows of a split `{split}`",
        (Label(node.at("split"), "", primary=True), *places), severity=Severity.ERROR,
    )  # fmt: skip


def _untouched(dataset: View[Any], node: Node) -> Finding:
    return Finding(
        f"no part of `{dataset.address.name}` can be taken before the training",
        (Label(node.at(), "", primary=True),),
        notes=("shares and columns are taken from local .jsonl, .json and .csv files",),
        help=("name a split of the source, and call its columns as they are called there",),
        severity=Severity.ERROR,
    )  # fmt: skip


def script() -> bytes:
    """`rows.py`, which makes the files of such parts before the training."""
    return resources(__package__).joinpath("scripts", "rows.py").read_bytes()


def reward(lowering: Lowering, tuning: View[Any], tool: str) -> Sourced[str] | Finding | None:
    """The function that scores an answer, as a program that runs in the repository's root imports it."""
    code, function = tuning.maybe_text("reward", "code"), tuning.maybe_text("reward", "function")
    if code is None or function is None:
        return None
    path = _inside(lowering, code.value)
    module = path.removesuffix(".py").split("/")
    if not path.endswith(".py") or not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", word) for word in module):
        return Finding(
            "this file cannot be imported by its path", (Label(tuning.at("reward", "code"), "", primary=True),),
            notes=(f"{tool} imports `{path}` from the repository's root",),
            help=("give file and folders names of letters, digits and `_`",), severity=Severity.ERROR,
        )  # fmt: skip
    dotted = ".".join(module)
    return code.express(lambda _: f"{dotted}.{function.value}").because(function)


# --- numbers -----------------------------------------------------------------------------------------------------


def on_cpu(reader: Reader, tuning: View[Any]) -> Sourced[bool] | None:
    """Whether it runs on processor cores; None where nothing says what it runs on."""
    cores = tuning.get("hardware", "cpu")
    if cores is not None:
        return Sourced(True, (tuning.source("hardware"),), raw=True)
    machines = pool(reader, tuning)
    name = None if machines is None else machines.maybe_text("accelerator")
    if name is None:
        return None
    pool_name = tuning.maybe_text("hardware", "pool")
    return name.express(lambda text: text == "cpu").because(pool_name)


def precision(reader: Reader, facts: Facts, tuning: View[Any]) -> Sourced[str] | None:
    """The numbers of the computation: `bf16`, `fp16`, `fp32`; None where nothing says what it runs on."""
    cpu = on_cpu(reader, tuning)
    if cpu is not None and cpu.value:
        return cpu.express(lambda _: "fp32")
    gpu = accelerator(reader, facts, tuning)
    if gpu is None:
        return None
    row = _table()["bfloat16"]
    has = gpu.value.vendor in row["vendors"] or (
        gpu.value.compute_capability is not None and gpu.value.compute_capability >= tuple(row["compute_capability"])
    )
    fact = Fact("precision/bfloat16", row["source"], row["as_of"])
    return Sourced("bf16" if has else "fp16", merge(gpu.sources, (fact, tuning.source("hardware", "pool"))), raw=True)


@cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(resources(__package__).joinpath("data", "precision.json").read_bytes())
    return loaded


# --- places ------------------------------------------------------------------------------------------------------


def folder(lowering: Lowering, tuning: View[Any]) -> Sourced[str] | None:
    """The folder that it writes, from the repository's root; None where `output.uri` is an address elsewhere."""
    written = tuning.maybe_text("output", "uri")
    if written is None:
        return Sourced(_inside(lowering, f"{OUTPUTS}/{tuning.address.name}"), (), raw=True)
    if written.value.startswith(LOCAL):
        return written.map(lambda text: text.removeprefix(LOCAL))
    return None if "://" in written.value else written.map(lambda path: _inside(lowering, path))


def beside(lowering: Lowering, tuning: View[Any], what: str) -> str:
    """A folder of the same run: the rows that are made for it, the adapter that is merged."""
    return _inside(lowering, f"{OUTPUTS}/{tuning.address.name}.{what}")


def _inside(lowering: Lowering, path: str) -> str:
    return posixpath.normpath(posixpath.join(lowering.root, path))


def starts_from(lowering: Lowering, tuning: View[Any]) -> Sourced[str] | None:
    """The weights that are trained: a repository, a path, or an address; of another fine-tuning, what it wrote."""
    base = finetune.base(tuning)
    other = None if base is None else finetune.of_model(base)
    if other is not None:
        made = result(lowering, other)
        return None if made is None else made.map(lambda text: text.removeprefix(HUB)).because(tuning.ref_name("base"))
    where, _ = finetune.weights(tuning)
    return None if where is None else where.map(lambda text: text.removeprefix(LOCAL))


def result(lowering: Lowering, tuning: View[Any]) -> Sourced[str] | None:
    """What a fine-tuning makes, as its trainer says: a folder or an address."""
    trained = lowering.ask(Trained, tuning)
    return None if trained is None else trained.place
