"""The facts catalogue: every row is sourced, tables are read when asked for, and known values come out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler import facts as facts_package
from llmops.compiler.facts import Facts

HERE = Path(__file__).parent
DATA = Path(facts_package.__file__).parent / "data"
TABLES = sorted(path.relative_to(DATA).as_posix() for path in DATA.rglob("*.json"))
SOURCE = re.compile(
    r"(?:[a-z]+: )?(?:pypi:[\w.-]+==[\w.]+#\S.*|npm:[\w.@/-]+(?:#\S+)?"
    r"|github:[\w.-]+/[\w.-]+@[0-9a-f]{40}:\S.*|https://\S+)"
)
GIB = 2**30


def table(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / path).read_text(encoding="utf-8"))
    return loaded


def rows() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every row of every table with what it inherits from its table."""
    for path in TABLES:
        if path != "engines/index.json":
            loaded = table(path)
            head = {key: loaded[key] for key in ("source", "as_of") if key in loaded}
            for name, row in loaded["rows"].items():
                yield path, name, head | row


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_every_row_has_a_source_and_a_day() -> None:
    bad = []
    for path, name, row in rows():
        told = row.get("sources") or str(row.get("source", "")).split("; ")
        day = str(row.get("as_of", ""))
        if not all(SOURCE.fullmatch(source) for source in told) or date.fromisoformat(day) < date(2025, 1, 1):
            bad.append((path, name, told, day))
    assert bad == []


def test_tables_are_sorted_one_row_a_line() -> None:
    for path in TABLES:
        lines = (DATA / path).read_text(encoding="utf-8").splitlines()
        names = [found[1] for line in lines if (found := re.match(r'  "((?:[^"\\]|\\.)*)": ', line))]
        known = [key for value in table(path).values() if isinstance(value, dict) for key in value]
        assert sorted(names) == sorted(known), path


def test_a_table_is_read_when_it_is_asked_for_and_once() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return (DATA / path).read_bytes() if (DATA / path).is_file() else None

    catalogue = Facts(read)
    assert asked == []
    catalogue.model("openai", "gpt-4o-mini")
    catalogue.model("openai", "gpt-4o")
    catalogue.dated_forms("openai", "gpt-4o")
    assert asked == ["models/openai.json"]
    catalogue.engine("vllm", "0.32.0")
    catalogue.engine("vllm", "0.32")
    assert asked == ["models/openai.json", "engines/index.json", "engines/vllm/0.32.0.json"]
    assert catalogue.opened() == ("engines/index.json", "engines/vllm/0.32.0.json", "models/openai.json")


@pytest.mark.parametrize("provider", ["", "nobody", "../architectures", "OPENAI", "a/b"])
def test_an_unknown_provider_is_unknown(facts: Facts, provider: str) -> None:
    assert facts.model(provider, "gpt-4o-mini") is None
    assert facts.model_names(provider) == ()
    assert facts.dated_forms(provider, "gpt-4o-mini") == ()


def test_a_hosted_model(facts: Facts) -> None:
    model = facts.model("openai", "gpt-4o-mini")
    assert model is not None
    assert model.fact == "model/openai/gpt-4o-mini"
    assert model.source.startswith("pypi:litellm==")
    assert (model.mode, model.context, model.max_output) == ("chat", 128_000, 16_384)
    assert (model.input_price, model.output_price) == (1.5e-07, 6e-07)
    assert model.can("function_calling") is True
    assert model.can("levitation") is None
    assert model.parameters is not None
    assert {"temperature", "max_tokens", "stop", "tools"} <= model.parameters
    assert dict(model.fixed) == {}
    with pytest.raises(FrozenInstanceError):
        model.context = 1  # type: ignore[misc]


def test_a_reasoning_model_fixes_the_temperature(facts: Facts) -> None:
    model = facts.model("openai", "o1")
    assert model is not None
    assert dict(model.fixed) == {"temperature": 1}
    assert model.parameters is not None
    assert "frequency_penalty" not in model.parameters


def test_an_embedding_model_has_a_dimension(facts: Facts) -> None:
    model = facts.model("openai", "text-embedding-3-small")
    assert model is not None
    assert (model.mode, model.dimension, model.context, model.shortens) == ("embedding", 1536, 8191, True)
    older = facts.model("openai", "text-embedding-ada-002")
    assert older is not None
    assert older.shortens is False
    other = facts.model("vertex_ai", "text-embedding-005")
    assert other is not None
    assert other.shortens is True
    unsaid = facts.model("gemini", "gemini-embedding-001")
    assert unsaid is not None
    assert unsaid.shortens is None


def test_prices_are_never_nought_for_want_of_knowledge() -> None:
    free = [
        (path, name)
        for path, name, row in rows()
        if path.startswith("models/")
        and row["mode"] == "chat"
        and row.get("input_price") == row.get("output_price") == 0
    ]
    assert free == []


def test_retirements_are_days() -> None:
    days = [row["retires"] for path, _, row in rows() if path.startswith("models/") and "retires" in row]
    assert len(days) > 200
    assert all(date.fromisoformat(day) for day in days)


@pytest.mark.parametrize(
    ("provider", "alias", "forms"),
    [
        ("openai", "gpt-4o-mini", ("gpt-4o-mini-2024-07-18",)),
        ("openai", "gpt-4o-mini-2024-07-18", ()),
        ("openai", "text-embedding-3-small", ()),
        ("anthropic", "claude-sonnet-4-5", ("claude-sonnet-4-5-20250929",)),
        ("vertex_ai", "claude-haiku-4-5", ("claude-haiku-4-5@20251001",)),
        ("mistral", "mistral-large-latest", ("mistral-large-2512",)),
        ("cohere", "command-r-plus", ("command-r-plus-08-2024",)),
    ],
)
def test_dated_forms(facts: Facts, provider: str, alias: str, forms: tuple[str, ...]) -> None:
    assert facts.dated_forms(provider, alias) == forms


def test_architectures(facts: Facts) -> None:
    assert len(facts.architectures()) >= 25
    small = facts.architecture("meta-llama/Llama-3.1-8B-Instruct")
    assert small is not None
    assert (small.layers, small.heads, small.kv_heads, small.head_dim) == (32, 32, 8, 128)
    assert (small.context, small.context_includes_rope, small.dtype) == (131_072, True, "bfloat16")
    assert small.parameters == 8_030_261_248
    assert facts.architecture("meta-llama/llama-3.1-8b-instruct") is None
    latent = facts.architecture("deepseek-ai/DeepSeek-V3")
    assert latent is not None
    assert (latent.kv_lora_rank, latent.qk_rope_head_dim, latent.experts) == (512, 64, 256)
    windowed = facts.architecture("openai/gpt-oss-20b")
    assert windowed is not None
    assert (windowed.sliding_window, windowed.full_attention_layers, windowed.layers) == (128, 12, 24)


def test_architectures_are_coherent(facts: Facts) -> None:
    for repo in facts.architectures():
        row = facts.architecture(repo)
        assert row is not None
        assert row.heads % row.kv_heads == 0, repo
        assert min(row.layers, row.hidden_size, row.head_dim, row.vocabulary, row.context or 1) > 0, repo
        assert (row.kv_lora_rank is None) == (row.qk_rope_head_dim is None), repo
        assert (row.parameters is None) == (row.parameters_from is None), repo
        assert (row.rope_type is None) == (row.context_includes_rope is None), repo
        assert row.full_attention_layers is None or row.full_attention_layers < row.layers, repo


def test_parameters_agree_with_published_counts(facts: Facts) -> None:
    published = json.loads((HERE / "published_parameters.json").read_text(encoding="utf-8"))["rows"]
    assert len(published) >= 20
    for repo, row in published.items():
        ours = facts.architecture(repo)
        assert ours is not None
        assert ours.parameters == pytest.approx(row["parameters"], rel=0.01), repo


def test_engine_logs_agree_with_the_dimensions(facts: Facts) -> None:
    """What engines in the field computed for their caches is what our dimensions give."""
    logs = json.loads((HERE.parent / "derive" / "engine_logs.json").read_text(encoding="utf-8"))
    seen = set()
    for name, log in logs["rows"].items():
        model = facts.architecture(log["architecture"])
        assert model is not None
        if "kv_gib" not in log:
            continue
        if model.kv_lora_rank and model.qk_rope_head_dim:
            numbers = model.layers * (model.kv_lora_rank + model.qk_rope_head_dim)
        else:
            numbers = 2 * model.layers * (model.kv_heads // log["tensor_parallel"]) * model.head_dim
        token = numbers * log["kv_cache_bytes"]
        tokens = log.get("kv_tokens", log.get("estimated_max_model_len"))
        if tokens is not None:  # whole blocks, of a size that the log rounds to a hundredth of a GiB
            assert abs(tokens * token - log["kv_gib"] * GIB) <= logs["block_tokens"] * token + 0.005 * GIB, name
        if "needed_gib" in log:
            assert log["max_model_len"] * token / GIB == pytest.approx(log["needed_gib"], abs=0.006), name
        seen.add(log["architecture"])
    assert len(seen) >= 6


def test_embedders(facts: Facts) -> None:
    row = facts.embedder("sentence-transformers/all-MiniLM-L6-v2")
    assert row is not None
    assert (row.dimension, row.max_tokens, row.normalised, row.licence) == (384, 256, True, "apache-2.0")
    assert len(facts.embedders()) > 100


def test_embedders_of_which_the_benchmark_is_wrong(facts: Facts) -> None:
    """fastembed runs these, and compares what they give: 384 numbers, not the 512 of the benchmark's metadata."""
    for repo in ("BAAI/bge-small-en", "BAAI/bge-small-en-v1.5"):
        row = facts.embedder(repo)
        assert row is not None
        assert row.dimension == 384
        assert "github:qdrant/fastembed@" in row.source
    assert facts.embedder("Alibaba-NLP/gte-Qwen2-1.5B-instruct") is None, "said to make 8960 of a size that makes 1536"
    row = facts.embedder("intfloat/multilingual-e5-large")
    assert row is not None
    assert row.max_tokens == 512, "two of its 514 positions are the padding's"


def test_gpus(facts: Facts) -> None:
    wanted = {"A10", "A10G", "A100-40GB", "A100-80GB", "B200", "H100", "H200", "L4", "L40S", "MI300X", "RTX4090", "T4"}
    assert wanted | {"V100-16GB", "V100-32GB"} <= set(facts.gpus())
    card = facts.gpu("L40S")
    assert card is not None
    assert (card.memory, card.compute_capability, card.resource) == (48 * GIB, (8, 9), "nvidia.com/gpu")
    assert card.visible_memory is not None
    assert 44 * GIB < card.visible_memory < 45 * GIB
    assert facts.gpu("nvidia-l40s") == card
    assert facts.gpu("L41S") is None
    amd = facts.gpu("MI300X")
    assert amd is not None
    assert (amd.vendor, amd.resource, amd.compute_capability) == ("amd", "amd.com/gpu", None)


def test_gpus_are_coherent(facts: Facts) -> None:
    spelt: list[str] = []
    for name in facts.gpus():
        row = facts.gpu(name)
        assert row is not None
        assert row.name == name
        assert row.visible_memory is None or 0.85 * row.memory < row.visible_memory <= row.memory, name
        assert (row.visible_memory is None) == (row.visible_source is None), name
        spelt += [spelling.casefold() for spelling in (name, *table("gpus.json")["rows"][name].get("aliases", ()))]
    assert len(spelt) == len(set(spelt))


def test_the_newest_snapshot_of_a_release_answers(facts: Facts) -> None:
    versions = facts.engine_versions("vllm")
    assert len(versions) >= 2
    for version in versions:
        engine = facts.engine("vllm", version)
        assert engine is not None
        assert (engine.version, engine.exact, engine.fact) == (version, True, f"engine/vllm/{version}")
        release = version.rpartition(".")[0]
        short = facts.engine("vllm", release)
        assert short is not None
        assert (short.version, short.asked, short.exact) == (version, release, True)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("0.33.1", ("0.32.0", False)),
        ("v0.21.0", ("0.20.2", False)),
        ("1", ("0.32.0", False)),
        ("0.1.0", None),
        ("", None),
    ],
)
def test_another_version_is_answered_by_an_older_snapshot(
    facts: Facts, asked: str, answer: tuple[str, bool] | None
) -> None:
    engine = facts.engine("vllm", asked)
    assert (None if engine is None else (engine.version, engine.exact)) == answer


def test_an_unknown_engine_is_unknown(facts: Facts) -> None:
    assert facts.engine_versions("nope") == ()
    assert facts.engine("nope", "1.0") is None


def test_options_of_an_engine(facts: Facts) -> None:
    engine = facts.engine("vllm", "0.32.0")
    assert engine is not None
    assert len(engine.options) > 300
    length = engine.option("max-model-len")
    assert length is not None
    assert (length.kind, length.boolean) == ("int", False)
    assert engine.option("--max_model_len") == length
    tensor = engine.option("-tp")
    assert tensor is not None
    assert (tensor.name, tensor.default) == ("tensor-parallel-size", 1)
    cache = engine.option("kv-cache-dtype")
    assert cache is not None
    assert cache.choices is not None
    assert "fp8" in cache.choices
    eager = engine.option("no-enforce-eager")
    assert eager is not None
    assert (eager.name, eager.boolean, eager.kind) == ("enforce-eager", True, "flag")
    assert engine.option("max-modl-len") is None
    assert engine.tool_parsers is not None
    assert "hermes" in engine.tool_parsers
    assert engine.reasoning_parsers is not None
    assert "qwen3" in engine.reasoning_parsers
    older = facts.engine("vllm", "0.11")
    assert older is not None
    assert older.option("swap-space") is not None
    assert engine.option("swap-space") is None


def test_metrics_of_an_engine(facts: Facts) -> None:
    engine = facts.engine("vllm", "0.32.0")
    assert engine is not None
    assert engine.metrics is not None
    first = engine.metrics["vllm:time_to_first_token_seconds"]
    assert first.kind == "histogram"
    assert first.buckets is not None
    assert 0.75 in first.buckets
    assert engine.metrics["vllm:num_requests_waiting"].buckets is None


def test_providers(facts: Facts) -> None:
    row = facts.provider("openai")
    assert row is not None
    assert (row.key_variable, row.base_url, row.protocol) == ("OPENAI_API_KEY", "https://api.openai.com/v1", "openai")
    assert {name: caller.prefix for name, caller in row.callers.items()} == {
        "litellm": "openai/", "promptfoo": "openai:",
    }
    shared = facts.provider("fireworks_ai")
    assert shared is not None
    assert shared.key_variable == "FIREWORKS_API_KEY"
    apart = facts.provider("nvidia_nim")
    assert apart is not None
    assert apart.key_variables == ("NVIDIA_NIM_API_KEY",)
    assert apart.callers["promptfoo"].key_variables == ("NVIDIA_API_KEY",)
    assert apart.callers["litellm"].key_variables is None
    assert facts.provider("nobody") is None
    assert {"anthropic", "azure", "bedrock", "gemini", "groq", "mistral", "vertex_ai"} <= set(facts.providers())


def test_actions_are_pinned_by_commit(facts: Facts) -> None:
    assert len(facts.actions()) >= 7
    for name in facts.actions():
        pin = facts.action(name)
        assert pin is not None
        assert re.fullmatch("[0-9a-f]{40}", pin.commit), name
        assert re.fullmatch(r"v\d+\.\d+\.\d+", pin.tag), name
        assert len({source.partition("@")[0] for source in pin.sources}) >= 2, name
    assert facts.action("actions/checkout") is not None
    assert facts.action("actions/nothing") is None


def test_revisions_are_commits(facts: Facts) -> None:
    assert {"Qwen/Qwen3-8B", "sentence-transformers/all-MiniLM-L6-v2", "meta-llama/Llama-3.1-8B-Instruct"} <= set(
        facts.revisions()
    )
    for repo in facts.revisions():
        row = facts.revision(repo)
        assert row is not None
        assert re.fullmatch("[0-9a-f]{40}", row.revision), repo
