"""How many weights a model has, from its `config.json` alone.

Counted are all tensors of the language model that are in the published checkpoint: embeddings, attention,
MLPs or experts with their router, norms, biases, and an output head of its own where embeddings are not tied.
Not counted: a vision or audio tower, and layers for multi-token prediction.
"""

from __future__ import annotations

from typing import Any

Config = dict[str, Any]

# What is known of a model type beyond its config.json: biases of q, k and v; of the output projection;
# norms of width `hidden` in a layer; norms of a head's width; tied embeddings where the file is silent.
QKV_BIAS = frozenset({"qwen2", "gpt_oss"})
OUTPUT_BIAS = frozenset({"gpt_oss"})
HEAD_NORMS = frozenset({"qwen3", "qwen3_moe", "gemma3_text"})
WIDE_HEAD_NORMS = frozenset({"olmo2", "olmo3"})  # over all heads at once
FOUR_NORMS = frozenset({"gemma2", "gemma3_text"})
TIED = frozenset({"gemma", "gemma2", "gemma3_text"})
KNOWN = frozenset(
    [
        "deepseek_v2",
        "deepseek_v3",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt_oss",
        "granite",
        "kimi_k2",
        "llama",
        "mistral",
        "mixtral",
        "olmo2",
        "olmo3",
        "phi3",
        "qwen2",
        "qwen3",
        "qwen3_moe",
    ]
)


def parameters(config: Config) -> int | None:
    """All weights of the model; None if its type is not one whose tensors are known here."""
    if config["model_type"] not in KNOWN:
        return None
    hidden, vocabulary = config["hidden_size"], config["vocab_size"]
    tied = config.get("tie_word_embeddings", config["model_type"] in TIED)
    layers = sum(layer(config, number) for number in range(config["num_hidden_layers"]))
    return int(vocabulary * hidden * (1 if tied else 2) + layers + hidden)


def layer(config: Config, number: int) -> int:
    """The weights of layer `number`, counted from 0."""
    norms = (4 if config["model_type"] in FOUR_NORMS else 2) * config["hidden_size"]
    attention = latent_attention(config) if config.get("kv_lora_rank") else grouped_attention(config)
    return int(attention + norms + feed_forward(config, number))


def grouped_attention(config: Config) -> int:
    """Query, key, value and output projections, with their biases and norms."""
    kind, hidden, heads = config["model_type"], config["hidden_size"], config["num_attention_heads"]
    groups = config.get("num_key_value_heads") or heads
    width = config.get("head_dim") or hidden // heads
    query, key = heads * width, groups * width
    count = hidden * (query + 2 * key) + query * hidden
    if kind in QKV_BIAS or config.get("attention_bias"):
        count += query + 2 * key
    if kind in OUTPUT_BIAS or (config.get("attention_bias") and kind not in QKV_BIAS):
        count += hidden
    if kind in HEAD_NORMS:
        count += 2 * width
    if kind in WIDE_HEAD_NORMS:
        count += query + key
    return int(count + (heads if kind == "gpt_oss" else 0))  # one attention sink a head


def latent_attention(config: Config) -> int:
    """Multi-head latent attention: queries and keys through a low rank, with their norms."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    rank, rope = config["kv_lora_rank"], config["qk_rope_head_dim"]
    nope, value = config["qk_nope_head_dim"], config["v_head_dim"]
    query = heads * (nope + rope)
    low = config.get("q_lora_rank")
    count = hidden * query if not low else hidden * low + low + low * query
    return int(count + hidden * (rank + rope) + rank + rank * heads * (nope + value) + heads * value * hidden)


def feed_forward(config: Config, number: int) -> int:
    """The gated MLP of a layer, or its experts with the router."""
    hidden = config["hidden_size"]
    experts = config.get("num_local_experts") or config.get("num_experts") or config.get("n_routed_experts")
    if not experts or number < config.get("first_k_dense_replace", 0) or number in config.get("mlp_only_layers", ()):
        return int(3 * hidden * config["intermediate_size"])
    width = config.get("moe_intermediate_size") or config["intermediate_size"]
    one = 3 * hidden * width
    count = experts * one + hidden * experts + (config.get("n_shared_experts") or 0) * one
    if config["model_type"] == "gpt_oss":
        count += experts * (2 * width + hidden) + experts  # biases of the experts and of the router
    if config.get("topk_method") == "noaux_tc":
        count += experts  # the router's correction of its scores
    return int(count)
