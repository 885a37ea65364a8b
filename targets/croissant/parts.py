"""What a dataset is kept in: files of the project, a source outside, or the file that a job will make."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.texts import content
from llmops.compiler.model.exports import Task
from llmops.compiler.model.sourced import Sourced, merge
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View

TABLES = {".jsonl": "application/jsonlines", ".csv": "text/csv", ".tsv": "text/tab-separated-values",
          ".json": "application/json", ".parquet": "application/x-parquet"}
"""Formats with columns, in the words of the validator."""
OTHERS = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
          ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".zip": "application/zip"}
TEXT = "text/plain"
HUB = "https://huggingface.co/datasets/"


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a set of files inside another part. `format` is its media type, `pattern` what of `inside` it is."""

    id: str
    format: str
    where: Sourced[str]
    path: str = ""
    sha256: Sourced[str] | None = None
    size: int | None = None
    inside: str | None = None
    split: str | None = None
    why: tuple[Source, ...] = ()
    """What of the config says that it is there, under that name."""

    @property
    def named(self) -> Sourced[str]:
        return Sourced(self.id, self.why)

    @property
    def table(self) -> bool:
        return self.format in TABLES.values()


def parts(lowering: Lowering, dataset: View[Any]) -> list[Part]:
    if dataset.has("files"):
        return _with_splits(dataset, list(_local(lowering, dataset)))
    if dataset.has("source", "repo"):
        return list(_repository(dataset))
    if dataset.has("source", "uri"):
        uri = dataset.text("source", "uri")
        name = posixpath.basename(uri.value.partition("?")[0]) or "source"
        return [Part(_file_id(name), format_of(name, b"\0"), uri, name, _digest(dataset), why=uri.sources)]
    return list(_made(lowering, dataset)) if dataset.has("derive") or dataset.has("source") else []


def _local(lowering: Lowering, dataset: View[Any]) -> Iterator[Part]:
    seen: set[str] = set()
    for pattern in _patterns(dataset):
        for path in dataset.project.globs.get(pattern.value, (pattern.value,)):
            data = content(dataset.project, path) if path not in seen else None
            seen.add(path)
            if data is None:
                continue
            digest = hashlib.sha256(data).hexdigest()
            sources = merge(pattern.sources, (Content(in_repository(lowering, path)),))
            where = Sourced(_address(lowering, path), pattern.sources).because(_base(lowering))
            made = _file_id(path), format_of(path, data)
            yield Part(*made, where, path, Sourced(digest, sources), len(data), why=pattern.sources)


def _file_id(path: str) -> str:
    return f"files/{quote(path, safe='/')}"


def _patterns(dataset: View[Any]) -> Iterator[Sourced[str]]:
    one = dataset.maybe_text("files")
    if one is not None:
        yield one
        return
    for item in dataset.entries("files"):
        yield item.text()


def _base(lowering: Lowering) -> Sourced[str] | None:
    return lowering.options.maybe_text("base") if lowering.options is not None else None


def _address(lowering: Lowering, path: str) -> str:
    """Where a reader of the description finds a file of the project: published, or beside it in the repository."""
    base = _base(lowering)
    if base is not None:
        return base.value + quote(path, safe="/")
    return posixpath.relpath(in_repository(lowering, path), lowering.folder)


def _made(lowering: Lowering, dataset: View[Any]) -> Iterator[Part]:
    """The file that a job leaves, the first of its results; its content is not known yet."""
    task, field = lowering.ask(Task, dataset), "derive" if dataset.has("derive") else "source"
    for result in task.results[:1] if task is not None else ():
        path = result.value if isinstance(result, Sourced) else result
        sources = result.sources if isinstance(result, Sourced) else ()
        if posixpath.splitext(path)[1] in TABLES:
            name = posixpath.basename(path)
            where = Sourced(posixpath.relpath(path, lowering.folder), merge((dataset.source(field),), sources))
            yield Part(_file_id(name), format_of(name, b""), where, name)


def _repository(dataset: View[Any]) -> Iterator[Part]:
    """A repository on Hugging Face, and the files of it that `splits` names."""
    repo, revision = dataset.text("source", "repo"), dataset.maybe_text("source", "revision")
    tree = "" if revision is None else f"/tree/{quote(revision.value, safe='')}"
    where = repo.map(lambda name: f"{HUB}{name}{tree}").because(revision)
    yield Part("repository", "git+https", where, sha256=_digest(dataset))
    for split in dataset.value.get("splits") or {}:
        pattern = dataset.maybe_text("splits", split)
        kind = posixpath.splitext(pattern.value)[1] if pattern is not None else ""
        if pattern is not None and kind in TABLES:
            yield Part(f"sets/{quote(split, safe='')}", TABLES[kind], pattern, split, inside="repository", split=split,
                       why=pattern.sources)


def _digest(dataset: View[Any]) -> Sourced[str] | None:
    digest = dataset.maybe_text("digest")
    return None if digest is None else digest.map(lambda text: text.removeprefix("sha256:"))


def _with_splits(dataset: View[Any], found: list[Part]) -> list[Part]:
    named = {name: value for name, value in (dataset.value.get("splits") or {}).items() if isinstance(value, str)}

    def split_of(part: Part) -> str | None:
        base = posixpath.basename(part.path)
        names = (part.path, base, base.partition(".")[0])
        return next((name for name, value in named.items() if value in names), None)

    return [
        Part(p.id, p.format, p.where, p.path, p.sha256, p.size, p.inside, split_of(p), p.why) for p in found
    ]


def format_of(path: str, data: bytes) -> str:
    """The media type, by the name; a text if the bytes are one."""
    ending = posixpath.splitext(path)[1].lower()
    known = TABLES.get(ending) or OTHERS.get(ending)
    if known is not None:
        return known
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "application/octet-stream" if "\0" in text else TEXT
