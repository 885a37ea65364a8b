"""The formulas of weights and cache, against what engines printed when they started."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.derive.architecture import Dimensions
from llmops.compiler.derive.memory import GIB, kv_bytes, table, tokens_in, weight_bytes
from llmops.compiler.facts import Facts

LOGS = json.loads((Path(__file__).parent / "engine_logs.json").read_text())
ROWS: dict[str, dict[str, Any]] = LOGS["rows"]
BLOCK = LOGS["block_tokens"]
ROUNDING = 0.005
"""GiB by which a log's own number may be off."""

facts = Facts()


def dimensions(row: dict[str, Any]) -> Dimensions:
    found = facts.architecture(row["architecture"])
    assert found is not None, row["architecture"]
    return Dimensions(**{field.name: getattr(found, field.name) for field in fields(Dimensions)})


def known(*keys: str) -> list[str]:
    """The logs that give these numbers, of models that the catalogue has."""
    listed = [(name, row) for name, row in ROWS.items() if facts.architecture(row["architecture"])]
    return [name for name, row in listed if all(key in row for key in keys)]


def test_enough_architectures_are_compared() -> None:
    assert len({ROWS[name]["architecture"] for name in (*known("kv_tokens"), *known("needed_gib"))}) >= 4


def test_the_block_is_the_one_of_the_logs() -> None:
    assert table()["block"]["tokens"] == BLOCK


@pytest.mark.parametrize("name", known("kv_tokens", "kv_gib"))
def test_tokens_in_the_memory_that_was_left(name: str) -> None:
    row = ROWS[name]
    exact = row["kv_gib"] * 100 != round(row["kv_gib"] * 100)
    slack = 0 if exact else ROUNDING
    low, high = (
        tokens_in(dimensions(row), int((row["kv_gib"] + by) * GIB), row["kv_cache_bytes"], row["tensor_parallel"])
        for by in (-slack, slack)
    )
    assert low is not None
    assert high is not None
    assert low - BLOCK <= row["kv_tokens"] <= high + BLOCK


@pytest.mark.parametrize("name", known("estimated_max_model_len", "kv_gib"))
def test_the_longest_request_that_the_engine_offers(name: str) -> None:
    row = ROWS[name]
    found = tokens_in(dimensions(row), int(row["kv_gib"] * GIB), row["kv_cache_bytes"], row["tensor_parallel"])
    assert found == pytest.approx(row["estimated_max_model_len"], rel=0.002)


@pytest.mark.parametrize("name", known("needed_gib", "max_model_len"))
def test_memory_of_one_request(name: str) -> None:
    row = ROWS[name]
    found = kv_bytes(dimensions(row), row["max_model_len"], row["kv_cache_bytes"], row["tensor_parallel"])
    assert found is not None
    assert found / GIB == pytest.approx(row["needed_gib"], abs=0.01)


@pytest.mark.parametrize("name", known("weights_gib", "weights_bytes_per_parameter"))
def test_weights_are_within_two_percent(name: str) -> None:
    row = ROWS[name]
    found = weight_bytes(dimensions(row))
    assert found is not None
    assert found / row["tensor_parallel"] / GIB == pytest.approx(row["weights_gib"], rel=0.02)


@pytest.mark.parametrize("name", [n for n in known("weights_gib") if dimensions(ROWS[n]).quantization])
def test_quantized_weights_are_never_overrated(name: str) -> None:
    """Engines pad them and keep some layers wide: the estimate is a lower bound, and not far below."""
    row = ROWS[name]
    found = weight_bytes(dimensions(row))
    assert found is not None
    assert 0.85 * row["weights_gib"] <= found / row["tensor_parallel"] / GIB <= row["weights_gib"]


@pytest.mark.parametrize("name", known("activation_gib"))
def test_the_assumed_activations_are_a_lower_bound(name: str) -> None:
    row = ROWS[name]
    assert table()["activations"]["bytes"] / GIB <= row["activation_gib"] + row.get("other_gib", 0)


def test_a_pipeline_holds_its_layers_only() -> None:
    whole = Dimensions(layers=10, kv_heads=8, head_dim=64)
    assert kv_bytes(whole, 16, 2) == 10 * 2 * 8 * 64 * 2 * 16
    assert kv_bytes(whole, 16, 2, pipeline=4) == 3 * 2 * 8 * 64 * 2 * 16


def test_kv_heads_are_kept_once_on_each_accelerator_at_least() -> None:
    few = Dimensions(layers=1, kv_heads=2, head_dim=64)
    assert kv_bytes(few, 1, 2, tensor=8) == 2 * 1 * 64 * 2


def test_a_window_limits_what_its_layers_keep() -> None:
    mixed = Dimensions(layers=4, kv_heads=1, head_dim=1, sliding_window=100, full_attention_layers=1)
    assert kv_bytes(mixed, 1000, 1) == 2 * (1000 + 3 * 100)
    assert tokens_in(mixed, 2 * (1600 + 3 * 100), 1) == 1600


def test_what_is_unknown_is_none() -> None:
    assert weight_bytes(Dimensions(dtype="bfloat16")) is None
    assert weight_bytes(Dimensions(parameters=1)) is None
    assert weight_bytes(Dimensions(parameters=1, dtype="bfloat16", quantization="of tomorrow")) is None
    assert kv_bytes(Dimensions(layers=1), 16, 2) is None
