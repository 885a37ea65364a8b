"""From the JSON of a table to its typed rows. A table's `source` and `as_of` hold for rows without their own."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from .rows import (
    ActionPin,
    Architecture,
    Caller,
    Embedder,
    EngineFacts,
    EngineMetric,
    EngineOption,
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
    VectorType,
)

Row = dict[str, Any]


def origin(table: Row, row: Row) -> tuple[str, str]:
    """Where a row was read and when: its own words, else the table's."""
    return row.get("source") or table["source"], row.get("as_of") or table["as_of"]


def model_row(table: Row, provider: str, model_id: str, row: Row) -> ModelFacts:
    """A row of `models/<provider>.json`."""
    source, as_of = origin(table, row)
    number = row.get("params")
    parameters = None if number is None else frozenset(table["parameter_sets"][number])
    shortens = True if parameters is not None and "dimensions" in parameters else None
    return ModelFacts(
        fact=f"model/{provider}/{model_id}",
        source=source,
        as_of=as_of,
        provider=provider,
        id=model_id,
        mode=row.get("mode"),
        context=row.get("context"),
        max_output=row.get("max_output"),
        input_price=row.get("input_price"),
        output_price=row.get("output_price"),
        cached_input_price=row.get("cached_input_price"),
        query_price=row.get("query_price"),
        dimension=row.get("dimension"),
        retires=row.get("retires"),
        capabilities=frozenset(row.get("has", ())),
        lacking=frozenset(row.get("lacks", ())),
        parameters=parameters,
        fixed=MappingProxyType(row.get("fixed", {})),
        shortens=row.get("shortens", shortens),
    )


def architecture_row(table: Row, repo: str, row: Row) -> Architecture:
    """A row of `architectures.json`."""
    source, as_of = origin(table, row)
    return Architecture(
        fact=f"architecture/{repo}",
        source=source,
        as_of=as_of,
        repo=repo,
        family=row["family"],
        architecture=row["architecture"],
        layers=row["layers"],
        hidden_size=row["hidden_size"],
        heads=row["heads"],
        kv_heads=row["kv_heads"],
        head_dim=row["head_dim"],
        vocabulary=row["vocabulary"],
        context=row.get("context"),
        rope_type=row.get("rope_type"),
        rope_factor=row.get("rope_factor"),
        original_context=row.get("original_context"),
        context_includes_rope=row.get("context_includes_rope"),
        dtype=row.get("dtype"),
        quantization=row.get("quantization"),
        parameters=row.get("parameters"),
        parameters_from=row.get("parameters_from"),
        experts=row.get("experts"),
        experts_per_token=row.get("experts_per_token"),
        kv_lora_rank=row.get("kv_lora_rank"),
        qk_rope_head_dim=row.get("qk_rope_head_dim"),
        sliding_window=row.get("sliding_window"),
        full_attention_layers=row.get("full_attention_layers"),
        licence=row.get("licence"),
        gated=row.get("gated"),
    )


def embedder_row(table: Row, repo: str, row: Row) -> Embedder:
    """A row of `embedders.json`."""
    source, as_of = origin(table, row)
    return Embedder(
        fact=f"embedder/{repo}",
        source=source,
        as_of=as_of,
        repo=repo,
        dimension=row["dimension"],
        max_tokens=row.get("max_tokens"),
        normalised=row.get("normalised"),
        parameters=row.get("parameters"),
        licence=row.get("licence"),
        revision=row.get("revision"),
        prefixes=MappingProxyType(row.get("prefixes", {})),
        shortened=None if "shortened" not in row else tuple(row["shortened"]),
        shortened_from=row.get("shortened_from"),
    )


def store_facts(table: Row, name: str, row: Row, asked: str | None, exact: bool) -> StoreFacts:
    """A row of `stores.json`, named `engine/version`."""
    source, as_of = origin(table, row)
    engine, _, version = name.partition("/")
    vectors = {kind: _vector_type(found) for kind, found in row.get("vectors", {}).items()}
    return StoreFacts(
        fact=f"store/{name}", source=source, as_of=as_of, engine=engine, version=version, asked=asked, exact=exact,
        metrics=MappingProxyType(row.get("metrics", {})), vectors=MappingProxyType(vectors),
    )


def tokenizer_row(table: Row, name: str, row: Row) -> Tokenizer:
    """A row of `tokenizers.json`."""
    source, as_of = origin(table, row)
    return Tokenizer(
        fact=f"tokenizer/{name}", source=source, as_of=as_of, name=name, vocabulary=row["vocabulary"],
        bytes=row["bytes"], letters=row["letters"], words=row["words"], extra=row.get("extra", 0),
        normal=row.get("normal"),
    )


def form_row(table: Row, name: str, row: Row) -> TokenizerForm:
    """A row of `tokenizer_forms.json`."""
    source, as_of = origin(table, row)
    return TokenizerForm(
        fact=f"tokenizer form/{name}", source=source, as_of=as_of, name=name, tokenizer=row["tokenizer"],
        spelling=row["spelling"], normalizer=row["normalizer"], pre_tokenizer=row["pre_tokenizer"],
        settings=row["settings"], sizes=frozenset((row["tokens"], row["tokens"] - row["added"])),
    )


def pattern_row(table: Row, name: str, row: Row) -> TokenizerPattern:
    """A row of `tokenizer_patterns.json`."""
    source, as_of = origin(table, row)
    return TokenizerPattern(
        fact=f"tokenizer pattern/{name}", source=source, as_of=as_of, name=name, pattern=row["pattern"]
    )


def family_row(table: Row, name: str, row: Row) -> Family:
    """A row of `families.json`."""
    source, as_of = origin(table, row)
    return Family(
        fact=f"family/{name}", source=source, as_of=as_of, name=name, tokenizer=row.get("tokenizer"),
        tool_parser=row.get("tool_parser"), reasoning_parser=row.get("reasoning_parser"),
        templates=row.get("templates", {}), end_of_turn=row.get("end_of_turn"), system=row.get("system"),
        message_bytes=row.get("message_bytes"), prompt_bytes=row.get("prompt_bytes"), licence=row.get("licence"),
    )


def licence_row(table: Row, name: str, row: Row) -> Licence:
    """A row of `licences.json`."""
    source, as_of = origin(table, row)
    return Licence(
        fact=f"licence/{name}", source=source, as_of=as_of, id=name, title=row["title"], spdx=row.get("spdx"),
        commercial=row.get("commercial"), commercial_limit=row.get("commercial_limit"), notice=row.get("notice"),
        naming=row.get("naming"), trains_others=row.get("trains_others"),
    )


def gpu_row(table: Row, name: str, row: Row) -> Gpu:
    """A row of `gpus.json`."""
    source, as_of = origin(table, row)
    capability = row.get("compute_capability")
    return Gpu(
        fact=f"gpu/{name}",
        source=source,
        as_of=as_of,
        name=name,
        vendor=row["vendor"],
        memory=row["memory"],
        visible_memory=row.get("visible_memory"),
        visible_source=row.get("visible_source"),
        compute_capability=None if capability is None else (capability[0], capability[1]),
        bandwidth=row.get("bandwidth"),
        resource=row.get("resource"),
    )


def provider_row(table: Row, name: str, row: Row) -> Provider:
    """A row of `providers.json`."""
    source, as_of = origin(table, row)
    variables = tuple(row.get("key_variables", ()))
    callers = {caller: _caller(said) for caller, said in row["callers"].items()}
    theirs = [caller.key_variables for caller in callers.values() if caller.key_variables]
    shared = [one for one in variables if all(one in names for names in theirs)] or list(variables)
    return Provider(
        fact=f"provider/{name}",
        source=source,
        as_of=as_of,
        name=name,
        title=row["title"],
        protocol=row["protocol"],
        base_url=row.get("base_url"),
        key_variable=shared[0] if shared else None,
        key_variables=variables,
        keys_together=row.get("keys_together", False),
        callers=callers,
    )


def _caller(row: Row) -> Caller:
    names = row.get("key_variables")
    return Caller(row["prefix"], None if names is None else tuple(names), row.get("source"))


def action_row(table: Row, name: str, row: Row) -> ActionPin:
    """A row of `actions.json`."""
    sources = tuple(row["sources"])
    return ActionPin(
        fact=f"action/{name}",
        source=sources[0],
        as_of=row["as_of"],
        name=name,
        tag=row["tag"],
        commit=row["commit"],
        sources=sources,
    )


def revision_row(table: Row, repo: str, row: Row) -> Revision:
    """A row of `revisions.json`."""
    source, as_of = origin(table, row)
    return Revision(fact=f"revision/{repo}", source=source, as_of=as_of, repo=repo, revision=row["revision"])


def engine_facts(table: Row, name: str, asked: str, exact: bool) -> EngineFacts:
    """A whole `engines/<name>/<version>.json`."""
    options = {key: _option(key, row) for key, row in table["rows"].items()}
    spellings = {flag.lstrip("-"): key for key, option in options.items() for flag in option.flags}
    return EngineFacts(
        fact=f"engine/{name}/{table['version']}",
        source=table["source"],
        as_of=table["as_of"],
        name=name,
        version=table["version"],
        asked=asked,
        exact=exact,
        options=MappingProxyType(options),
        spellings=MappingProxyType(spellings),
        tool_parsers=_names(table.get("tool_parsers")),
        reasoning_parsers=_names(table.get("reasoning_parsers")),
        metrics=_metrics(table.get("metrics")),
    )


def _vector_type(row: Row) -> VectorType:
    classes = {kind: MappingProxyType(names) for kind, names in row.get("operator_classes", {}).items()}
    return VectorType(
        type=row.get("type"), most=row.get("most"), indexed=MappingProxyType(row.get("indexed", {})),
        operator_classes=MappingProxyType(classes),
    )


def _names(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _metrics(table: Row | None) -> MappingProxyType[str, EngineMetric] | None:
    return None if table is None else MappingProxyType({name: _metric(name, row) for name, row in table.items()})


def _metric(name: str, row: Row) -> EngineMetric:
    buckets = row.get("buckets")
    edges = None if buckets is None else tuple(float(edge) for edge in buckets)
    return EngineMetric(name=name, kind=row["kind"], labels=_names(row.get("labels")), buckets=edges)


def _option(name: str, row: Row) -> EngineOption:
    return EngineOption(
        name=name,
        flags=tuple(row["flags"]),
        kind=row["kind"],
        boolean=row.get("boolean", False),
        many=row.get("many", False),
        choices=_names(row.get("choices")),
        default=row.get("default"),
    )
