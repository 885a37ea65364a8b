"""What fills an index: a pipeline from files to chunks in a store, and what it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.derive.cases import in_repository
from llmops.compiler.derive.index import vectors
from llmops.compiler.derive.model import fact_source, hosted, repo
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.sourced import Sourced, under
from llmops.compiler.model.sources import At
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.targets.haystack.calls import embedder
from llmops.targets.haystack.known import converters, ours
from llmops.targets.haystack.pipe import Pipe, component
from llmops.targets.haystack.stores import collection, document_store

LOADERS = {
    "md": "TextFileToDocument", "txt": "TextFileToDocument", "html": "HTMLToDocument", "htm": "HTMLToDocument",
    "pdf": "PyPDFToDocument", "docx": "DOCXToDocument",
}
"""What reads a file by its extension, where the index does not say. Markdown stays as it is written."""
UNITS = {"sentences": "sentence", "pages": "page"}
TABLES = ("cl100k_base", "o200k_base")
"""Tokenizers that tiktoken knows by these names."""
ROWS = ("jsonl", "json", "csv")
"""Files that hold rows: each is a document of its own."""
PLAIN = "TextFileToDocument"
SEPARATORS = ["\n\n", "\n", ". ", " "]
"""Where a text is cut by characters: between paragraphs, lines, sentences, words."""
TEXT_COLUMNS = ("text", "content", "document", "passage")


@dataclass(slots=True)
class Filling:
    """The pipeline of an index and what its script reads."""

    index: View[Any]
    pipe: Pipe
    sources: list[Sourced[dict[str, Any]]] = field(default_factory=list)
    files: list[Sourced[str]] = field(default_factory=list)
    loaders: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """What the script is told, as JSON."""
        fields = [Sourced(node.name, (node.source(),), raw=True) for node in self.index.entries("fields")]
        return {"index": self.index.label, "fields": fields, "sources": self.sources}


def lower_index(lowering: Lowering, index: View[Any]) -> Filling:
    filling = Filling(index, Pipe(lowering))
    for number in range(len(index.value["documents"])):
        dataset, named = index.ref("documents", number), index.ref_name("documents", number)
        if dataset is not None and named is not None:
            _dataset(filling, dataset, named)
    _pipeline(filling)
    _unsupported(filling)
    return filling


# --- what is read -------------------------------------------------------------------------------------------------


def _dataset(filling: Filling, dataset: View[Any], named: Sourced[str]) -> None:
    pipe = filling.pipe
    for kind in ("source", "derive"):
        if dataset.has(kind):
            pipe.error(
                named_at(named, filling.index), f"the documents of {dataset.address} stand in no file of the project",
                "the script reads files of the project", "name a dataset with `files`",
            )
            return
    if dataset.has("rows"):
        rows = [row.tree("vars") for row in dataset.entries("rows")]
        text = _text_column(filling, dataset, named)
        loader = _loader(filling, "txt", named)
        if text is not None and loader is not None:
            read = {"loader": loader, "rows": rows, "text": text, "name": dataset.label}
            filling.sources.append(Sourced(read, named.sources, raw=True))
        return
    written = dataset.get("files")
    patterns = written.value if written is not None and isinstance(written.value, list) else [None]
    for number, _ in enumerate(patterns):
        keys = ("files", number) if patterns != [None] else ("files",)
        pattern = dataset.text(*keys)
        _files(filling, dataset, pattern.because(named), named)


def named_at(named: Sourced[str], index: View[Any]) -> Any:
    return next((s.path for s in named.sources if isinstance(s, At)), index.at("documents"))


def _files(filling: Filling, dataset: View[Any], pattern: Sourced[str], named: Sourced[str]) -> None:
    matched = dataset.project.globs.get(pattern.value, (pattern.value,))
    endings = sorted({path.rpartition(".")[2].lower() for path in matched if "." in path.rpartition("/")[2]})
    full = pattern.map(lambda path: in_repository(filling.pipe.lowering, path))
    filling.files.append(full)
    for ending in endings:
        source: dict[str, Any] = {"files": full, "extension": ending}
        if ending in ROWS:
            text = _text_column(filling, dataset, named)
            loader = _loader(filling, "txt", named)
            if text is None or loader is None:
                continue
            source["text"] = text
        else:
            loader = _loader(filling, ending, named)
            if loader is None:
                continue
        filling.sources.append(Sourced({"loader": loader, **source}, named.sources, raw=True))


def _text_column(filling: Filling, dataset: View[Any], named: Sourced[str]) -> Sourced[str] | None:
    """The column that holds a row's text: by its meaning, by its name, or the only one."""
    for meaning in TEXT_COLUMNS:
        if meaning in (dataset.value.get("fields") or {}):
            return dataset.text("fields", meaning)
    columns = dataset.value.get("columns") or {}
    names = list(columns) or list(dict.fromkeys(
        name for row in dataset.value.get("rows") or () for name in row.get("vars", {})
    ))
    for name in TEXT_COLUMNS:
        if name in names:
            return Sourced(name)
    if len(names) == 1:
        return Sourced(str(names[0]))
    filling.pipe.error(named_at(named, filling.index), f"nothing says which column of {dataset.address} is the text",
                       "", "say it: `fields: {text: …}` of the dataset")
    return None


def _loader(filling: Filling, extension: str, named: Sourced[str]) -> str | None:
    """The component that reads files of an extension; it is added once."""
    index, pipe = filling.index, filling.pipe
    chosen = index.maybe_text("loader")
    if chosen is None and extension in (index.value.get("loader") or {}):
        chosen = index.maybe_text("loader", extension)
    kind = chosen.value if chosen is not None else LOADERS.get(extension)
    if kind is None:
        pipe.error(named_at(named, index), f"no component of Haystack is known to read `.{extension}` files",
                   "", f"say one: `loader: {{{extension}: …}}`, of {', '.join(converters())}")
        return None
    if kind not in converters():
        at = index.at("loader") if index.maybe_text("loader") is not None else index.at("loader", extension)
        close = nearest(kind, converters())
        pipe.problems.append(Finding(
            f"Haystack has no component `{kind}` that reads files",
            (Label(at, f"did you mean `{close[0]}`?" if close else "", primary=True),),
            notes=(f"it has: {', '.join(converters())}",), severity=Severity.ERROR, found=kind,
            expected=close[0] if close else None,
        ))
        return None
    name = f"{kind.removesuffix('ToDocument').removesuffix('File').lower()}-loader"
    filling.loaders[name] = kind
    pipe.add(name, kind, {}, chosen)
    return name


# --- what is done with it -----------------------------------------------------------------------------------------


def _pipeline(filling: Filling) -> None:
    pipe, index = filling.pipe, filling.index
    senders = [f"{name}.documents" for name in pipe.components]
    if len(senders) > 1:
        pipe.add("joiner", "DocumentJoiner", {"join_mode": "concatenate", "sort_by_score": False})
        for sender in senders:
            pipe.connect(sender, "joiner.documents")
        senders = ["joiner.documents"]
    split = _splitter(filling)
    if split is not None:
        pipe.components["splitter"] = component(*split)
        pipe.shipped += [split[2].sources] if ours(split[0]) else []
        for sender in senders:
            pipe.connect(sender, "splitter.documents")
        senders = ["splitter.documents"]
    vector = next(vectors(pipe.lowering.facts, index), None)
    if vector is not None:
        made = embedder(pipe, "OpenAIDocumentEmbedder", vector.embedder, vector.node, "embedder", vector.document)
        if made is not None:
            pipe.components["embedder"] = made
            for sender in senders:
                pipe.connect(sender, "embedder.documents")
            senders = ["embedder.documents"]
    found = collection(pipe, index, index.at("store"))
    if found is not None:
        # Chunks are known by what they say: filling again writes the same ones over themselves.
        pipe.add("writer", "DocumentWriter", {
            "document_store": document_store(pipe, index, found, None), "policy": "OVERWRITE",
        })
        for sender in senders:
            pipe.connect(sender, "writer.documents")


def _splitter(filling: Filling) -> tuple[str, dict[str, Any], Sourced[Any]] | None:
    index = filling.index
    unit, size = index.maybe_text("chunking", "by"), index.maybe_integer("chunking", "size")
    if unit is None or size is None:
        return None
    overlap = index.maybe_integer("chunking", "overlap")
    shared = {"split_length": size, "split_overlap": overlap}
    if unit.value == "characters":
        separators = Sourced(SEPARATORS, unit.sources, raw=True)
        cut = {"split_unit": unit.express(lambda _: "char"), **shared, "separators": separators}
        return "RecursiveDocumentSplitter", cut, unit
    if unit.value == "tokens":
        tokenizer = _tokenizer(filling)
        # a block of its own: where another unit is meant there is none
        return None if tokenizer is None else ("TokenSplitter", {"tokenizer": under(tokenizer, unit), **shared}, unit)
    return "DocumentSplitter", {"split_by": unit.express(lambda u: UNITS[u]), **shared}, unit


def _tokenizer(filling: Filling) -> dict[str, Any] | None:
    """The tokenizer of the index's embedder: what a chunk's length is counted with."""
    index, pipe = filling.index, filling.pipe
    vector = next(vectors(pipe.lowering.facts, index), None)
    at = index.at("chunking", "by")
    if vector is None:
        pipe.error(at, "without an embedder nothing says whose tokens are meant", "", "`by: characters`")
        return None
    model, named = vector.embedder, vector.node.ref_name("embedder")
    repository = repo(model)
    if repository is not None:
        revision = model.maybe_text("weights", "revision")
        return {"repo": repository.because(named),
                **({"revision": revision.because(named)} if revision is not None else {})}
    row = hosted(pipe.lowering.facts, model)
    table = pipe.lowering.facts.tokenizer_of(row.provider, row.id) if row is not None else None
    if row is None or table is None or table.name not in TABLES:
        pipe.error(at, f"the tokenizer of {model.address} is not known", "its tokens are meant", "`by: characters`")
        return None
    return {"tiktoken": Sourced(table.name, (fact_source(row), model.source("id")), raw=True).because(named)}


def _unsupported(filling: Filling) -> None:
    index, pipe = filling.index, filling.pipe
    if index.has("vectors"):
        pipe.unsupported(index.at("vectors"), "a document of Haystack's has one vector", "make an index of each")
    for name, why in (("max_tokens", "chunks are measured by one unit"), ("keep", "its cuts know no tables or code")):
        if index.has("chunking", name):
            pipe.unsupported(index.at("chunking", name), why)
    for name in index.value.get("loader") or {} if isinstance(index.value.get("loader"), dict) else ():
        index.has("loader", name)
