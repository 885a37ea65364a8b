"""The catalogue: tables of facts beside this module, each read when first asked for, and once.

A question that the tables cannot answer is answered None (or an empty tuple): the caller says "unknown".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import TypeVar

from .parse import (
    Row,
    action_row,
    architecture_row,
    embedder_row,
    engine_facts,
    family_row,
    form_row,
    gpu_row,
    licence_row,
    model_row,
    pattern_row,
    provider_row,
    revision_row,
    store_facts,
    tokenizer_row,
)
from .rows import (
    ActionPin,
    Architecture,
    Embedder,
    EngineFacts,
    Family,
    Gpu,
    Licence,
    ModelFacts,
    Provider,
    Revision,
    StoreFacts,
    Tokenizer,
    TokenizerForm,
    TokenizerPattern,
)

__all__ = ["Facts"]

T = TypeVar("T")

_FILE_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_DATED = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{2}-\d{4}|\d{8}|\d{6}|\d{4}|\d{3})$")
_MONTH_FIRST = re.compile(r"^(\d{2})-(\d{4})$")
_ALIAS_SUFFIX = re.compile(r"[-@](latest|default)$")


def _packaged(path: str) -> bytes | None:
    """The bytes of a table shipped with this package; None if there is none of that name."""
    table = files(__package__).joinpath("data", *path.split("/"))
    return table.read_bytes() if table.is_file() else None


class Facts:
    """All facts. Lazy (a table is read when first asked for), cached, and pure from then on.

    `read` answers the bytes of a table by its path below `data/`, or None; the default reads the package.
    """

    def __init__(self, read: Callable[[str], bytes | None] = _packaged) -> None:
        self._read = read
        self._tables: dict[str, Row | None] = {}
        self._dated: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._engines: dict[tuple[str, str], EngineFacts | None] = {}
        self._forms: tuple[TokenizerForm, ...] | None = None

    def opened(self) -> tuple[str, ...]:
        """The tables that were read so far, by path, sorted."""
        return tuple(sorted(path for path, table in self._tables.items() if table is not None))

    # Hosted models

    def model(self, provider: str, model_id: str) -> ModelFacts | None:
        """What is known of a provider's model, by the id that a request names."""
        table = self._models(provider)
        row = None if table is None else table["rows"].get(model_id)
        return None if table is None or row is None else model_row(table, provider, model_id, row)

    def model_names(self, provider: str) -> tuple[str, ...]:
        """The ids of all models that are known of a provider, sorted; for "did you mean"."""
        return tuple(sorted(_rows(self._models(provider))))

    def dated_forms(self, provider: str, model_id: str) -> tuple[str, ...]:
        """The ids that pin the alias `model_id` to a day or a number, empty if there are none.

        They come in the order of their digits: oldest first where these start with the year.
        `gpt-4o-mini` gives `("gpt-4o-mini-2024-07-18",)`; so do `…-latest` and `…@default` of a base name.
        """
        if provider not in self._dated:
            self._dated[provider] = _dated_forms(self.model_names(provider))
        return self._dated[provider].get(_ALIAS_SUFFIX.sub("", model_id), ())

    # Open weights

    def architecture(self, repo: str) -> Architecture | None:
        """The dimensions of an open-weight model, by its exact repository id."""
        return self._row("architectures.json", repo, architecture_row)

    def architectures(self) -> tuple[str, ...]:
        """The repositories whose architecture is known, sorted."""
        return self._names("architectures.json")

    def embedder(self, repo: str) -> Embedder | None:
        """An open-weight embedding model, by its exact repository id."""
        return self._row("embedders.json", repo, embedder_row)

    def embedders(self) -> tuple[str, ...]:
        """The repositories of the embedding models that are known, sorted."""
        return self._names("embedders.json")

    def revision(self, repo: str) -> Revision | None:
        """A published commit of a Hugging Face repository."""
        return self._row("revisions.json", repo, revision_row)

    def revisions(self) -> tuple[str, ...]:
        """The repositories of which a commit is known, sorted."""
        return self._names("revisions.json")

    # How models are spoken to, and on what terms

    def family(self, repo: str) -> Family | None:
        """How a model of open weights is spoken to: its tokenizer, chat template, parsers, by its repository id.

        The family is that of its architecture (`Architecture.family`); `family_named` asks by the family's own name.
        """
        dimensions = self.architecture(repo)
        return None if dimensions is None else self.family_named(dimensions.family)

    def family_named(self, name: str) -> Family | None:
        """A family by its own name (`llama3.1`)."""
        return self._row("families.json", name, family_row)

    def families(self) -> tuple[str, ...]:
        """The names of the families that are known, sorted."""
        return self._names("families.json")

    def template(self, repo: str, trainer: str) -> str | None:
        """The name of a model's chat template in a trainer, by its repository id.

        A trainer may register repositories one by one; otherwise the family's template answers.
        """
        own = _rows(self._table("templates.json")).get(repo, {}).get(trainer)
        if isinstance(own, str):
            return own
        family = self.family(repo)
        return family.templates.get(trainer) if family else None

    def tokenizer(self, name: str) -> Tokenizer | None:
        """What bounds the tokens of a text, by the tokenizer's name (`o200k_base`, `qwen`)."""
        return self._row("tokenizers.json", name, tokenizer_row)

    def tokenizers(self) -> tuple[str, ...]:
        """The names of the tokenizers that are known, sorted."""
        return self._names("tokenizers.json")

    def tokenizer_of(self, provider: str, model_id: str) -> Tokenizer | None:
        """The tokenizer of a provider's model."""
        row = _rows(self._table("tokenized.json")).get(f"{provider}/{model_id}")
        return None if row is None else self.tokenizer(row["tokenizer"])

    def tokenizer_forms(self) -> tuple[TokenizerForm, ...]:
        """The forms of a tokenizer.json that texts are counted with, by name; the same objects each time."""
        if self._forms is None:
            found = (self._row("tokenizer_forms.json", name, form_row) for name in self._names("tokenizer_forms.json"))
            self._forms = tuple(form for form in found if form is not None)
        return self._forms

    def tokenizer_pattern(self, name: str) -> TokenizerPattern | None:
        """How texts are cut for a vocabulary of tiktoken, by its name (`o200k_base`)."""
        return self._row("tokenizer_patterns.json", name, pattern_row)

    def tokenizer_patterns(self) -> tuple[str, ...]:
        """The vocabularies whose way of cutting texts is known, sorted."""
        return self._names("tokenizer_patterns.json")

    def licence(self, name: str) -> Licence | None:
        """A licence by the id that model hubs give it, in any case (`apache-2.0`, `llama3.1`, `gemma`)."""
        return self._row("licences.json", name.casefold(), licence_row)

    def licence_of(self, repo: str) -> Licence | None:
        """The licence of open weights, by their repository id."""
        architecture, embedder, family = self.architecture(repo), self.embedder(repo), self.family(repo)
        names = [row.licence for row in (architecture, embedder, family) if row is not None and row.licence is not None]
        return self.licence(names[0]) if names else None

    def licences(self) -> tuple[str, ...]:
        """The ids of the licences that are known, sorted."""
        return self._names("licences.json")

    # Machines, engines, services

    def store(self, engine: str, version: str | None = None) -> StoreFacts | None:
        """What a vector store takes: of the newest row of release `version`, else of the newest one before it.

        Without a version the newest row answers. A version older than every row is answered None.
        """
        listed = _rows(self._table("stores.json"))
        rows = sorted((name for name in listed if name.startswith(f"{engine}/")), key=_release_of)
        asked = None if version is None else _release(version)
        if asked == ():
            return None
        older = [name for name in rows if asked is None or _release_of(name)[: len(asked)] <= asked]
        if not older:
            return None
        exact = asked is not None and _release_of(older[-1])[: len(asked)] == asked
        return store_facts(self._table("stores.json") or {}, older[-1], listed[older[-1]], version, exact)

    def stores(self) -> tuple[str, ...]:
        """The engines of vector stores of which something is known, sorted."""
        return tuple(sorted({name.partition("/")[0] for name in _rows(self._table("stores.json"))}))

    def gpu(self, name: str) -> Gpu | None:
        """An accelerator by name (`L40S`) or by an alias of it (`NVIDIA-L40S`), in any case."""
        wanted = name.casefold()
        for known, row in _rows(self._table("gpus.json")).items():
            if wanted in (spelling.casefold() for spelling in (known, *row.get("aliases", ()))):
                return self._row("gpus.json", known, gpu_row)
        return None

    def gpus(self) -> tuple[str, ...]:
        """The names of the accelerators that are known, sorted."""
        return self._names("gpus.json")

    def engine(self, name: str, version: str) -> EngineFacts | None:
        """The options of an engine: of the newest snapshot of release `version`, else of the newest one before.

        `0.11` asks for the newest `0.11.x`. A version older than every snapshot is answered None: flags are
        added far more often than taken away, so an older snapshot knows what a newer engine accepts, not the
        reverse. `EngineFacts.version` says which snapshot answered, `exact` whether it is of that release.
        """
        key = (name, version)
        if key not in self._engines:
            self._engines[key] = self._answer(name, version)
        return self._engines[key]

    def engine_versions(self, name: str) -> tuple[str, ...]:
        """The versions of an engine of which there is a snapshot, oldest first."""
        listed = self._table("engines/index.json")
        row = _rows(listed).get(name)
        return () if row is None else tuple(sorted(row["versions"], key=_release))

    def provider(self, name: str) -> Provider | None:
        """How to address a provider's API."""
        return self._row("providers.json", name, provider_row)

    def providers(self) -> tuple[str, ...]:
        """The names of the providers that are known, sorted."""
        return self._names("providers.json")

    def action(self, name: str) -> ActionPin | None:
        """The commit to pin a GitHub Action to, by `owner/name`."""
        return self._row("actions.json", name, action_row)

    def actions(self) -> tuple[str, ...]:
        """The GitHub Actions that can be pinned, sorted."""
        return self._names("actions.json")

    # How tables are read

    def _table(self, path: str) -> Row | None:
        if path not in self._tables:
            raw = self._read(path)
            self._tables[path] = None if raw is None else json.loads(raw)
        return self._tables[path]

    def _models(self, provider: str) -> Row | None:
        return self._table(f"models/{provider}.json") if _FILE_NAME.fullmatch(provider) else None

    def _row(self, path: str, name: str, make: Callable[[Row, str, Row], T]) -> T | None:
        table = self._table(path)
        row = None if table is None else table["rows"].get(name)
        return None if table is None or row is None else make(table, name, row)

    def _names(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(_rows(self._table(path))))

    def _answer(self, name: str, version: str) -> EngineFacts | None:
        asked = _release(version)
        if not asked:
            return None
        older = [known for known in self.engine_versions(name) if _release(known)[: len(asked)] <= asked]
        if not older:
            return None
        table = self._table(f"engines/{name}/{older[-1]}.json")
        exact = _release(older[-1])[: len(asked)] == asked
        return None if table is None else engine_facts(table, name, version, exact)


def _rows(table: Row | None) -> Mapping[str, Row]:
    return MappingProxyType({}) if table is None else table["rows"]


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version: `v0.11.2.post2` is (0, 11, 2); empty if it starts with none."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _release_of(name: str) -> tuple[int, ...]:
    return _release(name.partition("/")[2])


def _dated_forms(names: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Each base name with the dated names that extend it, in the order of their digits."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        if date := _DATED.search(name):
            digits = _MONTH_FIRST.sub(r"\2\1", date[1]).replace("-", "")
            found.setdefault(name[: date.start()], []).append((digits, name))
    return {base: tuple(name for _, name in sorted(forms)) for base, forms in found.items()}
