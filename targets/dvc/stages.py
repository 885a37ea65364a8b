"""The stages of the pipeline: datasets, and what the option `stages` asks for."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.exports import Check, Task
from llmops.compiler.model.keys import Address
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Source
from llmops.compiler.model.view import View
from llmops.schemas.types import EVAL, FINETUNE, INDEX
from llmops.targets.dvc.work import Work, files, metrics, output, template

KINDS: Mapping[str, Kind[Any]] = {"index": INDEX, "finetune": FINETUNE, "eval": EVAL}
RECIPE, MARK = "recipe.py", "mark.py"


@dataclass(frozen=True, slots=True)
class Stage:
    """`leaves` is the file that later stages wait for, from the repository's root."""

    name: str
    resource: View[Any]
    body: dict[str, Any]
    leaves: str
    why: tuple[Source, ...] = ()
    """What of the config says that it is there."""


# --- datasets ----------------------------------------------------------------------------------------------------


def dataset_stage(work: Work, dataset: View[Any]) -> Stage:
    name, out = dataset.address.name, output(dataset)
    described, leaves = _described(dataset), f"{work.lowering.folder}/{out}"
    if dataset.has("source"):
        return Stage(name, dataset, {**described, **_fetched(dataset, out)}, leaves)
    script = work.script(RECIPE)
    body: dict[str, Any] = {**described, "cmd": f"python {script} {name}"}
    body["deps"] = [script, *_read(work, dataset)]
    body["params"] = [name]
    body["outs"] = [out]
    body["metrics"] = [{metrics(dataset): {"cache": False}}]
    runner = dataset.maybe_text("derive", "runner")
    return Stage(name, dataset, body, leaves, runner.sources if runner is not None else ())


def _described(resource: View[Any]) -> dict[str, Any]:
    text = resource.maybe_text("description")
    return {} if text is None else {"desc": text}


def _fetched(dataset: View[Any], out: str) -> dict[str, Any]:
    """What DVC tracks in another repository."""
    where, path, revision = (
        dataset.text("source", "dvc"), dataset.text("source", "path"), dataset.maybe_text("source", "revision"),
    )  # fmt: skip
    words = ["dvc", "get", "--force", "--out", out]
    words += ["--rev", revision.value] if revision is not None else []
    command = shlex.join([*words, "--", where.value, path.value])
    sources = merge(where.sources, path.sources, *([revision.sources] if revision is not None else []))
    return {"cmd": Sourced(template(command), sources, raw=True), "outs": [Sourced(out, path.sources)]}


def _read(work: Work, dataset: View[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for word in ("from", "against"):
        for node in dataset.entries("derive", word):
            below = node.ref()
            for file in files(work, below, node.at()) if below is not None else ():
                found.setdefault(file.value, file.because(node.text()))
    code = dataset.maybe_text("derive", "code")
    if code is not None and dataset.text("derive", "recipe").value == "derived":
        path = code.map(lambda text: work.here(posixpath.normpath(posixpath.join(work.lowering.root, text))))
        found.setdefault(path.value, path)
    return list(found.values())


# --- other resources ---------------------------------------------------------------------------------------------


def asked(work: Work) -> list[Sourced[str]]:
    options = work.lowering.options
    return [] if options is None else [node.text() for node in options.entries("stages")]


def other_stages(work: Work) -> Iterator[Stage]:
    """A stage for each index, fine-tuning and eval that a target of this environment can run."""
    for kind in asked(work):
        views: list[View[Any]] = list(work.lowering.reader.of(KINDS[kind.value]))
        for view in views:
            how = work.lowering.ask(Check, view) if kind.value == "eval" else work.lowering.ask(Task, view)
            if how is not None:
                yield _other(work, kind.value, view, how, kind.sources)


def _other(work: Work, kind: str, view: View[Any], how: Task | Check, why: tuple[Source, ...]) -> Stage:
    name = f"{kind}-{view.address.name}"
    mark = f"{work.lowering.folder}/done/{name}"
    commands: list[Any] = [_command(how.settings, argv) for argv in (*how.prepare, how.argv)]
    commands.append(f"python {work.lowering.shared_folder}/{MARK} {mark}")
    results = [_plain(result) for result in how.results]
    deps = {path.value: path for file in how.files if (path := _plain(file)).value not in {r.value for r in results}}
    body: dict[str, Any] = {
        **_described(view), "wdir": work.here("."), "cmd": commands,
        "deps": [path for path in deps.values() if "*" not in path.value],
        "outs": [*({path.value: _kept(kind)} for path in results), {mark: {"cache": False}}],
    }  # fmt: skip
    for path in results:
        if "${" in path.value:
            work.error(view.at(), f"DVC would read a parameter in `{path.value}`", "", "give the file another name")
    return Stage(name, view, body, mark, why)


def _kept(kind: str) -> dict[str, Any]:
    """What was trained is kept in DVC's cache, results of evals in git or nowhere."""
    return {"cache": kind != "eval"}


def _plain(path: Sourced[str] | str) -> Sourced[str]:
    return path if isinstance(path, Sourced) else Sourced(path)


def _command(settings: Mapping[str, Sourced[str]], argv: tuple[Sourced[str], ...]) -> Sourced[str]:
    """A line for the shell: DVC sets no variables for a stage."""
    words = [f"{name}={value.value}" for name, value in settings.items()]
    line = shlex.join([*(["env", *words] if words else []), *(word.value for word in argv)])
    return Sourced(template(line), merge(*(word.sources for word in (*settings.values(), *argv))), raw=True)


# --- order -------------------------------------------------------------------------------------------------------


def ordered(stages: list[Stage]) -> dict[str, Any]:
    """All stages by name, each with what those before it leave among its `deps`: what the graph says, nothing else."""
    by_address = {stage.resource.address: stage for stage in stages}
    out: dict[str, Any] = {}
    for stage in stages:
        body = dict(stage.body)
        if stage.name != stage.resource.address.name:
            body["deps"] = _with(body, [before.leaves for before in _before(stage, by_address)])
        out[stage.name] = Sourced(body, stage.why, raw=True)
    return out


def _with(body: Mapping[str, Any], more: list[str]) -> list[Any]:
    there = {path.value if isinstance(path, Sourced) else path for path in body.get("deps", [])}
    return [*body.get("deps", []), *(path for path in more if path not in there)]


def _before(stage: Stage, all_: Mapping[Address, Stage]) -> list[Stage]:
    """The stages that it needs, without those that another of them needs."""
    project = stage.resource.project
    needed = [a for a in project.dependencies(stage.resource.address) if a in all_]
    further = {below for one in needed for below in project.dependencies(one)}
    return [all_[address] for address in needed if address not in further]
