"""Refresh `data/architectures.json` from copies of published config.json files in public repositories.

    python scripts/facts/refresh_architectures.py CLONES

`architecture_sources.json` beside this script names repository, commit, path and key of each copy. CLONES holds
the clones as `<owner>+<name>`; a folder without git history is read as plain files. A repository that is not
there leaves its rows as they are.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render
from parameter_count import parameters

SOURCES = Path(__file__).with_name("architecture_sources.json")
# Words of configurations in Python, in the words of config.json.
WORDS = {
    "block_size": "max_position_embeddings",
    "emb_dim": "hidden_size",
    "head_size": "head_dim",
    "intermediate_size": "intermediate_size",
    "kvheads": "num_key_value_heads",
    "max_expected_seq_len": "max_position_embeddings",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_layer": "num_hidden_layers",
    "n_query_groups": "num_key_value_heads",
    "nheads": "num_attention_heads",
    "nlayers": "num_hidden_layers",
    "padded_vocab_size": "vocab_size",
    "rope_adjustments": "rope_scaling",
    "sliding_window_size": "sliding_window",
    "src_vocab_size": "vocab_size",
    "tie_heads": "tie_word_embeddings",
}
Config = dict[str, Any]


def text_of(clones: Path, source: str) -> str | None:
    """The file that `github:owner/name@commit:path` names; None if its repository is not among the clones."""
    place = re.fullmatch(r"github:([^/]+)/([^@]+)@([0-9a-f]{40}):([^#]+)(?:#.*)?", source)
    if place is None:
        raise SystemExit(f"not a place in a repository: {source}")
    owner, name, commit, path = place.groups()
    clone = clones / f"{owner}+{name}"
    if (clone / path).is_file() and not (clone / "HEAD").exists():
        return (clone / path).read_text(encoding="utf-8")
    shown = subprocess.run(["git", "-C", clone, "show", f"{commit}:{path}"], capture_output=True, text=True)
    return shown.stdout if shown.returncode == 0 else None


def config_of(text: str, source: str) -> Config:
    """The configuration in a file: the whole file, or what its key names."""
    path, _, key = source.partition("#")
    if path.endswith(".json"):
        return json.loads(text)  # type: ignore[no-any-return]
    if path.endswith(".md"):  # a heading, then the JSON below it
        start = text.index("{", text.index(f"{key}\n{{"))
        return json.JSONDecoder().raw_decode(text, start)[0]  # type: ignore[no-any-return]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Dict):
            for name, value in zip(node.keys, node.values, strict=True):
                if isinstance(name, ast.Constant) and name.value == key and isinstance(value, ast.Dict):
                    return ast.literal_eval(value)  # type: ignore[no-any-return]
        if isinstance(node, ast.Call) and (called := keywords(node)).get("name") == key:
            return called
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and key in named(node):
            return keywords(node.value)
    raise SystemExit(f"no {key} in {path}")


def named(assign: ast.Assign) -> list[str]:
    """The plain names that an assignment binds."""
    return [target.id for target in assign.targets if isinstance(target, ast.Name)]


def keywords(call: ast.Call) -> Config:
    """The keyword arguments of a call that are plain numbers, texts or sums of such, in config.json's words."""
    found: Config = {}
    for keyword in call.keywords:
        value = plain(keyword.value)
        if keyword.arg and value is not None:
            found[WORDS.get(keyword.arg, keyword.arg)] = value
    if "hidden_grow_factor" in found:
        found["intermediate_size"] = round(found["hidden_grow_factor"] * found["hidden_size"])
    return found


def plain(node: ast.expr) -> Any:
    """The value of a constant, a quotient of constants or a dict(…) of them; None of anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return plain(node.left) / plain(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return keywords(node)
    return None


def row_of(config: Config, entry: Config) -> Config:
    """The columns of a model, from its configuration and what its entry says beside it."""
    config = {**config, **config.get("text_config", {}), **entry.get("also", {})}
    heads = config["num_attention_heads"]
    row: Config = {
        "family": entry["family"],
        "architecture": config["architectures"][0],
        "layers": config["num_hidden_layers"],
        "hidden_size": config["hidden_size"],
        "heads": heads,
        "kv_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or config["hidden_size"] // heads,
        "vocabulary": config["vocab_size"],
        "context": config.get("max_position_embeddings"),
        "dtype": config.get("torch_dtype") or config.get("dtype"),
        "quantization": (config.get("quantization_config") or {}).get("quant_method"),
        "experts": config.get("num_local_experts") or config.get("num_experts") or config.get("n_routed_experts"),
        "experts_per_token": config.get("num_experts_per_tok") or config.get("experts_per_token"),
        "parameters": parameters(config),
    }
    if row["parameters"]:
        row["parameters_from"] = "computed from config.json"
    if config.get("kv_lora_rank"):
        row["head_dim"] = config["qk_nope_head_dim"] + config["qk_rope_head_dim"]
        row |= {name: config[name] for name in ("kv_lora_rank", "qk_rope_head_dim")}
    row |= rope_of(config) | window_of(config)
    return {name: value for name, value in row.items() if value is not None}


def rope_of(config: Config) -> Config:
    """How positions are scaled, and whether `context` already counts it."""
    scaling = config.get("rope_scaling")
    if not scaling:
        return {}
    names = ("original_max_position_embeddings", "original_max_seq_len")
    original = next((place[name] for place in (scaling, config) for name in names if place.get(name)), None)
    kind = "llama3" if "low_freq_factor" in scaling else "linear"
    context = config.get("max_position_embeddings", 0)
    return {
        "rope_type": scaling.get("rope_type") or scaling.get("type") or kind,
        "rope_factor": scaling.get("factor"),
        "original_context": original,
        "context_includes_rope": context > original if original else config["model_type"] == "gemma3_text",
    }


def window_of(config: Config) -> Config:
    """The sliding window, where it is narrower than the context, and how many layers look beyond it."""
    window, layers = config.get("sliding_window"), config["num_hidden_layers"]
    unused = config.get("use_sliding_window") is False
    if not window or unused or window >= (config.get("max_position_embeddings") or window + 1):
        return {}
    full = None
    if kinds := config.get("layer_types"):
        full = kinds.count("full_attention")
    elif pattern := config.get("sliding_window_pattern"):
        full = layers // pattern
    elif config["model_type"] == "gemma2":
        full = layers // 2
    return {"sliding_window": window, "full_attention_layers": full}


def main() -> int:
    """Read the copies, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    path = DATA / "architectures.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
    entries = json.loads(SOURCES.read_text(encoding="utf-8"))["rows"]
    rows = {repo: row for repo, row in rows.items() if repo in entries}
    for repo, entry in entries.items():
        told = [entry["source"], *entry.get("sources", ())]
        text = text_of(options.clones, entry["source"])
        if text is None:
            print(f"kept as it is: {repo}")
            continue
        row = row_of(config_of(text, entry["source"]), entry)
        rows[repo] = row | entry.get("says", {}) | {"source": "; ".join(told), "as_of": entry["as_of"]}
    return finish({path: render({"rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
