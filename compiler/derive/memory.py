"""How much accelerator memory a model needs: its weights, its cache of keys and values, and what is beside them.

All amounts are bytes on one accelerator, and lower bounds where a figure is an assumption (`data/memory.json` says so),
so that "does not fit" is never said of what fits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.architecture import Dimensions, architecture
from llmops.compiler.derive.hardware import Parallelism, memory_per_gpu, parallelism, utilisation
from llmops.compiler.facts import Facts
from llmops.compiler.model.sourced import Sourced, combine, merge
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.view import Reader, View

GIB = 2**30


@cache
def table() -> dict[str, Any]:
    """The figures of this module, each with its source."""
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath("data", "memory.json").read_bytes())
    return loaded


def _origin(name: str) -> Fact:
    row = table()[name]
    return Fact(f"memory/{name}", row["source"], row["as_of"])


def dtype_bytes(dtype: str) -> int | None:
    """Bytes of a number of that type; None for a type that the table does not have."""
    found: int | None = table()["dtypes"]["bytes"].get(dtype)
    return found


def loaded_dtype(dimensions: Dimensions, wanted: str | None) -> str | None:
    """The type that weights are loaded in: as asked for, else their own, never wider than 16 bits."""
    if wanted is not None and wanted != "auto":
        return wanted
    own = dimensions.dtype
    return None if own is None else table()["auto_dtype"]["becomes"].get(own, own)


def weight_bytes(dimensions: Dimensions, dtype: str | None = None) -> int | None:
    """Of all weights together. Quantized ones keep their embeddings in the model's own type."""
    size = dtype_bytes(loaded_dtype(dimensions, dtype) or "")
    if dimensions.parameters is None:
        return None
    if dimensions.quantization is None:
        return None if size is None else dimensions.parameters * size
    bits = table()["quantizations"]["bits"].get(dimensions.quantization)
    if bits is None:
        return None
    embeddings = (dimensions.vocabulary or 0) * (dimensions.hidden_size or 0)
    return int((dimensions.parameters - embeddings) * bits / 8) + embeddings * (size or 2)


def layer_kv_bytes(dimensions: Dimensions, cache_bytes: int, tensor: int = 1) -> int | None:
    """Of one token in one layer: keys and values of the heads on one accelerator, or the latent vector of MLA,
    of which each accelerator keeps a copy."""
    if dimensions.kv_lora_rank is not None:
        return (dimensions.kv_lora_rank + (dimensions.qk_rope_head_dim or 0)) * cache_bytes
    if dimensions.kv_heads is None or dimensions.head_dim is None:
        return None
    return 2 * max(1, dimensions.kv_heads // tensor) * dimensions.head_dim * cache_bytes


def kv_bytes(dimensions: Dimensions, tokens: int, cache_bytes: int, tensor: int = 1, pipeline: int = 1) -> int | None:
    """Of one sequence of that many tokens; layers with a sliding window keep no more than the window."""
    layer = layer_kv_bytes(dimensions, cache_bytes, tensor)
    if layer is None or dimensions.layers is None:
        return None
    full = dimensions.layers if dimensions.sliding_window is None else dimensions.full_attention_layers or 0
    window = min(tokens, dimensions.sliding_window or tokens)
    whole = layer * (full * tokens + (dimensions.layers - full) * window)
    return whole if pipeline == 1 else whole * -(-dimensions.layers // pipeline) // dimensions.layers


def tokens_in(
    dimensions: Dimensions, available: int, cache_bytes: int, tensor: int = 1, pipeline: int = 1
) -> int | None:
    """The most tokens that the cache holds in `available` bytes, in whole blocks; None where nothing limits them."""
    block: int = table()["block"]["tokens"]
    one = kv_bytes(dimensions, block, cache_bytes, tensor, pipeline)
    if one is None or one == 0:
        return None
    if dimensions.sliding_window is None:
        return max(0, available) // one * block
    low, high = 0, max(1, available // block)
    while low < high:
        middle = (low + high + 1) // 2
        needed = kv_bytes(dimensions, middle * block, cache_bytes, tensor, pipeline) or 0
        low, high = (middle, high) if needed <= available else (low, middle - 1)
    return low * block


def cache_dtype(dimensions: Dimensions, deployment: View[Any]) -> str | None:
    """The type of the cache: as written, else that of the weights."""
    written = deployment.maybe_text("kv_cache_dtype")
    if written is not None and written.value != "auto":
        return written.value
    dtype = deployment.maybe_text("dtype")
    return loaded_dtype(dimensions, None if dtype is None else dtype.value)


@dataclass(frozen=True, slots=True)
class Budget:
    """The memory of one accelerator of a deployment: what may be used, and what the weights take of it."""

    dimensions: Dimensions
    parallel: Parallelism
    memory: int
    share: float
    weights: int
    cache_bytes: int
    sources: tuple[Any, ...]

    @property
    def usable(self) -> int:
        return int(self.memory * self.share)

    @property
    def beside(self) -> int:
        """What activations take at least."""
        return int(table()["activations"]["bytes"])

    @property
    def left(self) -> int:
        """For the cache."""
        return self.usable - self.weights - self.beside

    def cache(self, tokens: int, cache_bytes: int | None = None) -> int | None:
        size = self.cache_bytes if cache_bytes is None else cache_bytes
        return kv_bytes(self.dimensions, tokens, size, self.parallel.tensor, self.parallel.pipeline)

    def tokens(self) -> int | None:
        return tokens_in(
            self.dimensions, self.left, self.cache_bytes, self.parallel.tensor, self.parallel.pipeline
        )


def weights_per_gpu(dimensions: Dimensions, parallel: Parallelism, dtype: str | None) -> int | None:
    whole = weight_bytes(dimensions, dtype)
    return None if whole is None else whole // (parallel.tensor * parallel.pipeline)


def budget(reader: Reader, facts: Facts, deployment: View[Any], model: View[Any]) -> Budget | None:
    """None where a figure is missing: the model's dimensions, the accelerator, the engine's share."""
    found = architecture(facts, model)
    parallel = parallelism(deployment)
    memory = memory_per_gpu(reader, facts, deployment)
    share = utilisation(facts, deployment)
    if found is None or parallel is None or memory is None or share is None:
        return None
    dtype = deployment.maybe_text("dtype")
    weights = weights_per_gpu(found.value, parallel, None if dtype is None else dtype.value)
    cache_bytes = dtype_bytes(cache_dtype(found.value, deployment) or "")
    if weights is None or cache_bytes is None:
        return None
    figures = [_origin("dtypes"), _origin("activations"), _origin("block")]
    if found.value.quantization is not None:
        figures.append(_origin("quantizations"))
    sources = merge(found.sources, memory.sources, share.sources, parallel.sources, figures)
    return Budget(found.value, parallel, memory.value, share.value, weights, cache_bytes, sources)


def kv_bytes_per_token(facts: Facts, deployment: View[Any], model: View[Any]) -> Sourced[int] | None:
    """On all accelerators of one copy together, for a token that every layer keeps."""
    found = architecture(facts, model)
    if found is None or found.value.layers is None:
        return None
    size = dtype_bytes(cache_dtype(found.value, deployment) or "")
    layer = None if size is None else layer_kv_bytes(found.value, size)
    return None if layer is None else found.map(lambda d: layer * (d.layers or 0))


def weights_bytes(facts: Facts, model: View[Any], dtype: Sourced[str] | None = None) -> Sourced[int] | None:
    """Of all weights together, in the type that a deployment loads them in."""
    found = architecture(facts, model)
    size = None if found is None else weight_bytes(found.value, None if dtype is None else dtype.value)
    if found is None or size is None:
        return None
    return found.map(lambda _: size) if dtype is None else combine(lambda *_: size, found, dtype)


def gib(amount: int) -> str:
    """`16.0 GiB`."""
    return f"{amount / GIB:.1f} GiB"
