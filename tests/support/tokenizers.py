"""Small tokenizers of the catalogue's forms, trained here by the library itself."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import BpeTrainer, WordPieceTrainer

from llmops.compiler.derive.tokenizer_file import alphabet
from llmops.compiler.facts import Facts, TokenizerForm

CORPUS = (
    "Worn shoes are taken back within thirty days. Answer from the passages alone, in one short paragraph, and name "
    "the passage that says so. The customer's order has shipped; it'll arrive on 24 November 2026.\n"
    "def answer(question: str) -> str:\n    return ask(question)\n\n"
    "Schuhe werden innerhalb von dreißig Tagen zurückgenommen. 穿过的鞋子可以在三十天内退回。 Où est mon colis ?\n"
    "x:\n \n \n  - a\n \n \n  - b\n\n\n\n    c\n \n"
)
FACTS = Facts()
FORMS = {form.name: form for form in FACTS.tokenizer_forms()}


@cache
def trained(form: str, size: int = 420, joined: bool = False) -> bytes:
    """A tokenizer.json of a form, with about as many tokens, always the same.

    Where spaces are a part of tokens they begin them, as in published ones; `joined`: they stand anywhere in them.
    """
    made = Tokenizer.from_str(json.dumps(_empty(FORMS[form])))
    model = FORMS[form].settings
    if FORMS[form].spelling == "words":
        trainer: Any = WordPieceTrainer(vocab_size=size, special_tokens=["[UNK]"], show_progress=False)
    else:
        letters = alphabet() if FORMS[form].spelling == "bytes" else []
        fixed = [] if letters else ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
        trainer = BpeTrainer(
            vocab_size=size, initial_alphabet=letters, special_tokens=fixed, show_progress=False, max_token_length=12
        )
    if FORMS[form].spelling == "spaces" and not joined:
        made.pre_tokenizer = Split("▁", "merged_with_next")
    made.train_from_iterator([CORPUS] * 3, trainer)
    table = json.loads(made.to_str())
    table["added_tokens"] = [
        {"id": size + 1, "content": "<|end|>", "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True},
    ]
    table["model"] = {**table["model"], **model}
    table["pre_tokenizer"] = FORMS[form].pre_tokenizer
    return json.dumps(table, ensure_ascii=False).encode()


def _empty(form: TokenizerForm) -> dict[str, Any]:
    model = {**form.settings, "vocab": {form.settings["unk_token"]: 0} if "unk_token" in form.settings else {}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": form.normalizer,
        "pre_tokenizer": form.pre_tokenizer, "post_processor": None, "decoder": None,
        "model": model if form.spelling == "words" else {**model, "merges": []},
    }


def ranks() -> bytes:
    """A file of tiktoken with the tokens of a trained tokenizer, in their order."""
    byte = {letter: number for number, letter in enumerate(alphabet())}
    vocabulary = json.loads(trained("cl100k_base"))["model"]["vocab"]
    lines = []
    for token, rank in sorted(vocabulary.items(), key=lambda entry: entry[1]):
        raw = bytes(byte[letter] for letter in token)
        lines.append(f"{base64.b64encode(raw).decode()} {rank}\n")
    return "".join(lines).encode()
