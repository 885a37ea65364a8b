"""What of a tokenizer's file is taken: a known form, checked numbers and texts, and never a pattern of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from llmops.compiler.derive import counting
from llmops.compiler.derive.counting import Counter, Refusal
from llmops.compiler.derive.tokenizer_file import MAX_TOKEN, alphabet
from tests.support.tokenizers import FACTS, FORMS, ranks, trained

Table = dict[str, Any]


def opened(data: bytes) -> Counter | Refusal:
    return counting._opened("a", data, FACTS.tokenizer_forms(), "unused")


def changed(change: Callable[[Table], object], form: str = "qwen") -> bytes:
    table = json.loads(trained(form))
    change(table)
    return json.dumps(table).encode()


def split(pattern: str) -> Table:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def added(**more: Any) -> Callable[[Table], object]:
    return lambda table: table["added_tokens"].append({"id": 5000, "content": "<x>", **more})


REFUSED: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{" * 10, "is no JSON"),
    "deep JSON": (b'{"model": ' + b"[" * 200_000, "is no JSON"),
    "a number without end": (b'{"model": ' + b"9" * 100_000 + b"}", "is no JSON"),
    "not UTF-8": (b'{"model": "\xff"}', "is no JSON"),
    "a list of pieces": (changed(lambda t: t["model"].update(vocab=[["a", -1.0]])), "has no map of tokens"),
    "Unigram": (changed(lambda t: t["model"].update(type="Unigram")), "is of the type `Unigram`"),
    "a type of markup": (changed(lambda t: t["model"].update(type="\x1b[31m")), "is of the type unreadable"),
    "chance": (changed(lambda t: t["model"].update(dropout=0.1)), "drops merges by chance"),
    "a suffix": (changed(lambda t: t["model"].update(end_of_word_suffix="</w>")), "has settings of its model"),
    "a pattern": (changed(lambda t: t.update(pre_tokenizer=split("(a+)+$"))), "cuts texts in a way"),
    "a pattern in a known sequence": (
        changed(lambda t: t["pre_tokenizer"]["pretokenizers"].insert(0, split("(a|a)*b"))), "cuts texts in a way",
    ),
    "a pattern with one sign more": (
        changed(lambda t: t["pre_tokenizer"]["pretokenizers"][0]["pattern"].update(
            Regex=t["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] + "+")), "cuts texts in a way",
    ),
    "another form's way to cut": (
        changed(lambda t: t.update(pre_tokenizer=FORMS["gemma2"].pre_tokenizer)), "cuts texts in a way",
    ),
    "a normalizer that grows": (
        changed(lambda t: t.update(normalizer={"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10**5})),
        "changes texts in a way that no known form has (`Replace`)",
    ),
    "a normalizer's charsmap": (
        changed(lambda t: t.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"})),
        "changes texts in a way",
    ),
    "many normalizers": (
        changed(lambda t: t.update(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}] * 1000})),
        "changes texts in a way",
    ),
    "no tokens": (changed(lambda t: t["model"].update(vocab={})), "has no tokens"),
    "a number twice": (changed(lambda t: t["model"]["vocab"].update(twice=7)), "gives two tokens the same number"),
    "a negative number": (changed(lambda t: t["model"]["vocab"].update(less=-1)), "numbers a token"),
    "a flag for a number": (changed(lambda t: t["model"]["vocab"].update(less=True)), "numbers a token"),
    "a large number": (changed(lambda t: t["model"]["vocab"].update(more=2**64)), "numbers a token"),
    "a long token": (changed(lambda t: t["model"]["vocab"].update({"a" * (MAX_TOKEN + 1): 900})), "has a token longer"),
    "a byte without a token": (changed(lambda t: t["model"]["vocab"].pop(alphabet()[0])), "has no token for some"),
    "no merges": (changed(lambda t: t["model"].pop("merges")), "has no list of merges"),
    "a merge of three": (changed(lambda t: t["model"].update(merges=[["a", "b", "c"]])), "has a merge that is no pair"),
    "a merge of nothing known": (changed(lambda t: t["model"].update(merges=[["q!", "!q"]])), "has merges of tokens"),
    "added tokens of another type": (changed(lambda t: t.update(added_tokens={"a": 1})), "has no list of added"),
    "many added tokens": (changed(lambda t: t.update(added_tokens=t["added_tokens"] * 30_000)), "has no list of added"),
    "an empty added token": (changed(added(content="")), "has an added token without a text"),
    "an added token that takes space": (changed(added(lstrip=True)), "has an added token that depends"),
    "an added token that stands alone": (changed(added(single_word=True)), "has an added token that depends"),
    "a long added token": (changed(added(content="x" * (MAX_TOKEN + 1))), "has a token longer"),
    "words, and no unknown token": (
        changed(lambda t: t["model"]["vocab"].pop("[UNK]"), "bert_uncased"), "has no token `[UNK]`",
    ),
    "words of any length": (
        changed(lambda t: t["model"].update(max_input_chars_per_word=10**9), "bert_uncased"),
        "has settings of its model",
    ),
    # files of tiktoken
    "nothing": (b"", "has no tokens"),
    "prose": (b"one two three\n", "is neither a tokenizer.json nor a file of tiktoken: line 1"),
    "no base64": (b"a?b 1\n", "is neither a tokenizer.json nor a file of tiktoken: line 1"),
    "no rank": (ranks() + b"YWFhYQ== x\n", "is neither a tokenizer.json nor a file of tiktoken: line"),
    "a rank twice": (ranks() + b"YWFhYQ== 7\n", "has a rank twice"),
    "bytes that are no tokens": (b"YQ== 0\n", "has no token for some bytes"),
    "a long token of tiktoken": (ranks() + b"YWFh" * 1000 + b" 9000\n", "has a token longer"),
    "lines and lines": (b"\n" * 5_000_000, "has no tokens"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_soon_and_said_why(name: str) -> None:
    data, why = REFUSED[name]
    started = time.monotonic()
    found = opened(data)
    assert isinstance(found, Refusal), found
    assert found.why.startswith(why)
    assert found.missing is None
    assert time.monotonic() - started < 10


TAKEN: dict[str, bytes] = {
    "offsets": changed(lambda t: t["pre_tokenizer"]["pretokenizers"][1].update(trim_offsets=True)),
    "a truncation, which would cut": changed(lambda t: t.update(truncation={
        "max_length": 1, "strategy": "LongestFirst", "stride": 0, "direction": "Right"})),
    "a padding, which would add": changed(lambda t: t.update(padding={
        "strategy": {"Fixed": 99}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "!"})),
    "a post-processor, which would add": changed(lambda t: t.update(post_processor={"type": "Nonsense"})),
    "merges as texts": changed(lambda t: t["model"].update(merges=[" ".join(pair) for pair in t["model"]["merges"]])),
    "no added tokens": changed(lambda t: t.pop("added_tokens")),
    "settings that are nothing": changed(lambda t: t["model"].update(end_of_word_suffix="", fuse_unk=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_what_counts_nothing_is_left_out(name: str) -> None:
    found, plain = opened(TAKEN[name]), opened(trained("qwen"))
    assert isinstance(found, Counter), found
    assert isinstance(plain, Counter)
    text = "Worn shoes are taken back within thirty days."
    assert found.count(text) == plain.count(text)


def test_an_empty_sequence_is_no_normalizer() -> None:
    found = opened(changed(lambda t: t.update(normalizer=None), "deepseek_v3"))
    assert isinstance(found, Counter)
