"""The rows of the catalogue: what is known of the world outside a configuration.

A value that is not known is `None` or, for a set of names, an absent name; it is never 0. Memory is in bytes,
a context is in tokens, money is in US dollars per token. Every row says where it was read (`source`), how old
that reading is (`as_of`, `YYYY-MM-DD`), and how to name it in a message (`fact`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ActionPin",
    "Architecture",
    "Caller",
    "Embedder",
    "EngineFacts",
    "EngineMetric",
    "EngineOption",
    "Family",
    "Gpu",
    "Licence",
    "ModelFacts",
    "Provider",
    "Revision",
    "StoreFacts",
    "Tokenizer",
    "TokenizerForm",
    "TokenizerPattern",
    "VectorType",
]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A hosted model as one provider offers it.

    `context` is what a request may hold, `max_output` what an answer may hold (tokens). Prices are US dollars
    per token; `query_price` is US dollars per rerank query. `dimension` is the length of an embedding.
    `parameters` are the request parameters, in OpenAI's words, that the provider's API takes for this model;
    `fixed` are those among them that take one value only, with that value (`temperature: 1`). `shortens` says whether
    an embedding of less than `dimension` numbers may be asked for.
    """

    fact: str
    source: str
    as_of: str
    provider: str
    id: str
    mode: str | None
    context: int | None
    max_output: int | None
    input_price: float | None
    output_price: float | None
    cached_input_price: float | None
    query_price: float | None
    dimension: int | None
    retires: str | None
    capabilities: frozenset[str]
    lacking: frozenset[str]
    parameters: frozenset[str] | None
    fixed: Mapping[str, float]
    shortens: bool | None = None

    def can(self, capability: str) -> bool | None:
        """Whether the model has `capability` (`function_calling`, `vision`, …); None if nobody says."""
        if capability in self.capabilities:
            return True
        return False if capability in self.lacking else None


@dataclass(frozen=True, slots=True)
class Architecture:
    """The dimensions of an open-weight model, from its published `config.json`.

    `context` is `max_position_embeddings` in tokens; `rope_factor` is what a scaling written in the
    configuration multiplies `original_context` by (where `context` already holds the product, as in Llama 3.1,
    `context_includes_rope` is true). `parameters` counts every weight, `parameters_from` says how.
    A model with latent attention (MLA) has `kv_lora_rank` and `qk_rope_head_dim`, and caches their sum per
    token and layer instead of keys and values per head. `sliding_window` is in tokens; `full_attention_layers`
    is how many of `layers` see the whole context (None: all of them, or unknown where a window is set).
    """

    fact: str
    source: str
    as_of: str
    repo: str
    family: str
    architecture: str
    layers: int
    hidden_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int | None
    rope_type: str | None
    rope_factor: float | None
    original_context: int | None
    context_includes_rope: bool | None
    dtype: str | None
    quantization: str | None
    parameters: int | None
    parameters_from: str | None
    experts: int | None
    experts_per_token: int | None
    kv_lora_rank: int | None
    qk_rope_head_dim: int | None
    sliding_window: int | None
    full_attention_layers: int | None
    licence: str | None
    gated: bool | None


@dataclass(frozen=True, slots=True)
class Embedder:
    """An open-weight embedding model: `dimension` numbers a text, of which it reads `max_tokens` tokens.

    `normalised` says whether those numbers have length 1; `revision` is the commit that the source looked at.
    `shortened` are the lengths that its embeddings may be cut to, `shortened_from` the least of a range of which any
    may be asked for; None where nobody says. `prefixes` is what it wants before a `query` and a `document`.
    """

    fact: str
    source: str
    as_of: str
    repo: str
    dimension: int
    max_tokens: int | None
    normalised: bool | None
    parameters: int | None
    licence: str | None
    revision: str | None
    prefixes: Mapping[str, str]
    shortened: tuple[int, ...] | None
    shortened_from: int | None

    def may_be(self, length: int) -> bool | None:
        """Whether its embeddings may have this length; None if nobody says."""
        if length == self.dimension:
            return True
        if length > self.dimension:
            return False
        if self.shortened_from is not None:
            return length >= self.shortened_from
        return None if self.shortened is None else length in self.shortened


@dataclass(frozen=True, slots=True)
class VectorType:
    """How a store keeps vectors. `type` is its own word for that, `most` the longest that it keeps (numbers).

    `indexed` is the longest that each kind of index takes (`hnsw`, `ivfflat`), where there is a limit of its own;
    `operator_classes` are the names that an index is made with, by kind of index and metric.
    """

    type: str | None
    most: int | None
    indexed: Mapping[str, int]
    operator_classes: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What one version of a vector store takes.

    `version` is the release that was looked at, `asked` what was asked for, `exact` whether they are the same release.
    `metrics` are the store's words (or operators) for `cosine`, `dot` and `l2`; `vectors` are by what is done to a
    vector: `full`, `half` (of the bits), `binary` (one bit a number). A name that is absent is unknown for most
    stores.
    """

    fact: str
    source: str
    as_of: str
    engine: str
    version: str
    asked: str | None
    exact: bool
    metrics: Mapping[str, str]
    vectors: Mapping[str, VectorType]


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What bounds how many tokens a text has, from the vocabulary (see `compiler/derive/tokens.py`).

    `bytes`: every single byte is a token, so a text has at most as many tokens as bytes in UTF-8, and `extra` more.
    `letters` is the most bytes of letters and digits that one token has; `words`: no token has some on both sides of a
    space. `normal` is the form of Unicode that a text is brought into first.
    """

    fact: str
    source: str
    as_of: str
    name: str
    vocabulary: int
    bytes: bool
    letters: int
    words: bool
    extra: int
    normal: str | None


@dataclass(frozen=True, slots=True, eq=False)
class TokenizerForm:
    """A form that a published tokenizer.json has: how it changes and cuts a text, and how its tokens are spelt.

    `normalizer` and `pre_tokenizer` are as in such a file, `settings` what else of its model decides a count.
    `spelling` is `bytes` (a letter for each byte), `spaces` (text, a space as LOWER ONE EIGHTH BLOCK, single bytes as
    `<0x0A>`) or `words` (WordPiece). `sizes` are the tokens of the vocabulary it was published with, with and without
    those that are added to it.
    """

    fact: str
    source: str
    as_of: str
    name: str
    tokenizer: str
    spelling: str
    normalizer: Mapping[str, Any] | None
    pre_tokenizer: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    sizes: frozenset[int]


@dataclass(frozen=True, slots=True)
class TokenizerPattern:
    """The regular expression by which texts are cut before a file of tiktoken is applied, by the vocabulary's name."""

    fact: str
    source: str
    as_of: str
    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Family:
    """How the open-weight models of a family are spoken to; None is "unknown" everywhere.

    `tool_parser` and `reasoning_parser` are an engine's names (ask `EngineFacts.tool_parsers` whether a version has
    them), `templates` those of its chat template by trainer. `end_of_turn` is the token that ends an answer.
    `system` says whether the template takes a system message. `message_bytes` and `prompt_bytes` are the most bytes
    that the template puts around each message and around all of them, so also the most tokens. `licence` is that of
    all models of the family.
    """

    fact: str
    source: str
    as_of: str
    name: str
    tokenizer: str | None
    tool_parser: str | None
    reasoning_parser: str | None
    templates: Mapping[str, str]
    end_of_turn: str | None
    system: bool | None
    message_bytes: int | None
    prompt_bytes: int | None
    licence: str | None


@dataclass(frozen=True, slots=True)
class Licence:
    """What a licence says, by the id that model hubs give it (`apache-2.0`, `llama3.1`).

    `spdx` is its id in SPDX's list, if it is there. `commercial` says whether commercial use is allowed, and
    `commercial_limit` under which condition. `notice`: its text or a notice must come along; `naming`: what the name of
    a model made from it must begin with. `trains_others`: whether outputs may improve other models.
    None is "unknown", not "no".
    """

    fact: str
    source: str
    as_of: str
    id: str
    title: str
    spdx: str | None
    commercial: bool | None
    commercial_limit: str | None
    notice: bool | None
    naming: str | None
    trains_others: bool | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """An accelerator. `memory` is its nominal size, `visible_memory` what a driver or an engine saw (bytes).

    `bandwidth` is bytes per second of its own memory; `compute_capability` is NVIDIA's, as `(8, 9)`;
    `resource` is the name that Kubernetes schedules it by.
    """

    fact: str
    source: str
    as_of: str
    name: str
    vendor: str
    memory: int
    visible_memory: int | None
    visible_source: str | None
    compute_capability: tuple[int, int] | None
    bandwidth: int | None
    resource: str | None


@dataclass(frozen=True, slots=True)
class EngineOption:
    """A command-line option of an engine; `name` is its first long spelling without dashes.

    `kind` is `flag` (takes no value), or the parser's type (`int`, `float`, `str`, `json`, …). `default` is
    kept where it is a plain value, else None. `flags` are all spellings, with dashes.
    """

    name: str
    flags: tuple[str, ...]
    kind: str
    boolean: bool
    many: bool
    choices: tuple[str, ...] | None
    default: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class EngineMetric:
    """A metric family that an engine exports, under the name that Prometheus sees (a counter ends in `_total`).

    `kind` is `counter`, `gauge` or `histogram`; `buckets` are the finite edges of a histogram, None where they are
    unknown or follow from the model's length; `labels` are None where no server was asked.
    """

    name: str
    kind: str
    labels: tuple[str, ...] | None
    buckets: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The options of one version of an engine.

    `version` is the snapshot that answered, `asked` what was asked for; `exact` is true if the snapshot is of
    the release that was asked for (`0.11` is answered exactly by any `0.11.x`).
    `metrics` are the metric families that this version can export, by name, also those that an option brings out
    (speculative decoding, LoRA, transfer of caches); None if nobody looked.
    """

    fact: str
    source: str
    as_of: str
    name: str
    version: str
    asked: str
    exact: bool
    options: Mapping[str, EngineOption]
    spellings: Mapping[str, str]
    tool_parsers: tuple[str, ...] | None
    reasoning_parsers: tuple[str, ...] | None
    metrics: Mapping[str, EngineMetric] | None

    def option(self, spelling: str) -> EngineOption | None:
        """The option written `max-model-len`, `--max-model-len`, `max_model_len` or by an alias of it."""
        key = spelling.lstrip("-").replace("_", "-")
        name = self.spellings.get(key)
        return None if name is None else self.options[name]


@dataclass(frozen=True, slots=True)
class Caller:
    """How a tool that calls providers by itself addresses one: `prefix` stands before the model's id.

    `key_variables` are the variables that it reads the key from; None: those of the provider. `source` is where that
    is from; None: the provider's.
    """

    prefix: str
    key_variables: tuple[str, ...] | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Provider:
    """An API that serves models: how to address it and which variable holds its key.

    `key_variables` are the variables that hold its key, any one of them (`keys_together`: all of them); `key_variable`
    is one that every caller reads, if there is one. `callers` are the tools that know it by a name of their own.
    `protocol` is `openai` for an API that speaks as OpenAI's, else its own name.
    """

    fact: str
    source: str
    as_of: str
    name: str
    title: str
    protocol: str
    base_url: str | None
    key_variable: str | None
    key_variables: tuple[str, ...]
    keys_together: bool
    callers: Mapping[str, Caller]


@dataclass(frozen=True, slots=True)
class ActionPin:
    """A GitHub Action at one release: `commit` is the 40-hex commit of tag `tag`."""

    fact: str
    source: str
    as_of: str
    name: str
    tag: str
    commit: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """A published commit of a Hugging Face repository, 40 hex digits."""

    fact: str
    source: str
    as_of: str
    repo: str
    revision: str
