"""A tokenizer's file of the project: what of it is taken, and why another is refused.

It may come from a stranger's pull request. Of a tokenizer.json only tokens, merges and added tokens are taken; how a
text is changed and cut must equal a form of the catalogue word for word, so that no pattern of a file is ever run. A
file of tiktoken holds tokens alone. What is read here is checked so far that a library can take it without surprise.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.facts import TokenizerForm

MAX_TOKENS = 1_000_000
MAX_MERGES = 4_000_000
MAX_ADDED = 20_000
MAX_TOKEN = 1_024
"""Characters, or bytes, of one token."""
MAX_ID = 1 << 24
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_MODEL = ("byte_fallback", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "max_input_chars_per_word",
          "type", "unk_token")
_NAME = re.compile(r"[A-Za-z]{1,40}")
_JOINED = re.compile(r"\S(?= )")


class RefusedError(Exception):
    """A file that is not counted with: `why`, in words that follow "it"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A tokenizer.json of a known form. `body` is what a library is given: nothing of it is the file's own but tokens.

    `joining` are the characters behind which a token goes on with a space: behind any other one a text falls apart at
    a space, whatever stands around. `words`: no token has letters on both sides of white space.
    """

    form: TokenizerForm
    body: Mapping[str, Any]
    sizes: frozenset[int]
    highest: int
    longest: int
    joining: frozenset[str]
    words: bool

    @property
    def prefixed(self) -> bool:
        """Whether each text gets a space before it."""
        return "Prepend" in json.dumps(self.form.normalizer)

    @property
    def normal(self) -> str | None:
        return "NFC" if self.form.normalizer == {"type": "NFC"} else None


@dataclass(frozen=True, slots=True)
class RanksFile:
    """A file of tiktoken: its tokens with their ranks, and how texts are cut."""

    ranks: Mapping[bytes, int]
    pattern: str
    longest: int

    @property
    def sizes(self) -> frozenset[int]:
        return frozenset((len(self.ranks),))

    @property
    def highest(self) -> int:
        return max(self.ranks.values())


def is_json(data: bytes) -> bool:
    return data[:64].lstrip()[:1] == b"{"


def read_ranks(data: bytes, pattern: str) -> RanksFile:
    """Reads a file of tiktoken: in each line a token in base64 and its rank."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = _whole(int(rank[:10]))
        except (ValueError, binascii.Error):
            raise RefusedError(f"is neither a tokenizer.json nor a file of tiktoken: line {number}") from None
        if number > MAX_TOKENS:
            raise RefusedError(f"has more than {MAX_TOKENS:,} tokens")
    if not ranks or len(set(ranks.values())) != len(ranks):
        raise RefusedError("has no tokens" if not ranks else "has a rank twice")
    if sum(len(token) == 1 for token in ranks) != 256:
        raise RefusedError("has no token for some bytes")
    return RanksFile(ranks, pattern, _longest(ranks))


def read_json(data: bytes, forms: Iterable[TokenizerForm]) -> JsonFile:
    """Reads a tokenizer.json."""
    try:
        table = json.loads(data)
    except (ValueError, RecursionError):
        raise RefusedError("is no JSON") from None
    model = table.get("model") if isinstance(table, dict) else None
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict):
        raise RefusedError("has no map of tokens (`model.vocab`), as BPE and WordPiece have")
    form = _form(table, model, tuple(forms))
    vocabulary, added = _vocabulary(model["vocab"]), _added(table.get("added_tokens"))
    clean = {
        **form.settings, "vocab": vocabulary, "dropout": None,
        **({} if form.spelling == "words" else {"merges": _merges(model.get("merges"))}),
        **({"ignore_merges": True} if model.get("ignore_merges") is True else {}),
    }
    if "unk_token" in form.settings and form.settings["unk_token"] not in vocabulary:
        raise RefusedError(f"has no token `{form.settings['unk_token']}`")
    _bytes(form, vocabulary)
    contents = [entry["content"] for entry in added]
    inside = sum(content in vocabulary for content in contents)
    tokens = contents
    if form.spelling == "spaces":
        tokens = [token.replace(SPACE, " ") for token in (*vocabulary, *contents)]
    return JsonFile(
        form=form, sizes=frozenset((len(vocabulary), len(vocabulary) - inside)),
        highest=max(vocabulary.values()),
        longest=max(_longest(vocabulary), _longest(contents)),
        joining=frozenset(before for token in tokens if " " in token for before in _JOINED.findall(token)),
        words=not any(_spans(token) for token in tokens),
        body={
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": form.normalizer, "pre_tokenizer": form.pre_tokenizer, "post_processor": None,
            "decoder": None, "model": clean,
        },
    )


def _spans(token: str) -> bool:
    """Whether it has letters or digits on both sides of white space."""
    parts = token.split()
    return len(parts) > 1 and sum(any(map(str.isalnum, part)) for part in parts) > 1


def _form(table: Mapping[str, Any], model: Mapping[str, Any], forms: tuple[TokenizerForm, ...]) -> TokenizerForm:
    """The form of the catalogue that the file has."""
    kinds = {form.settings["type"] for form in forms}
    kind = model.get("type") if isinstance(model.get("type"), str) else "BPE" if "merges" in model else None
    if kind not in kinds:
        raise RefusedError(f"is of the type {_shown(kind)}, of which no form is known")
    if model.get("dropout") not in (None, 0, 0.0):
        raise RefusedError("drops merges by chance: it counts differently each time")
    wanted = {key: model[key] for key in _MODEL if model.get(key) not in (None, "", False)} | {"type": kind}
    alike = [form for form in forms if dict(form.settings) == wanted]
    if not alike:
        raise RefusedError("has settings of its model that no known form has")
    normalizer, pre_tokenizer = table.get("normalizer"), table.get("pre_tokenizer")
    changing = [form for form in alike if _bare(form.normalizer) == _bare(normalizer)]
    if not changing:
        raise RefusedError(f"changes texts in a way that no known form has ({_kind(normalizer)})")
    cutting = [form for form in changing if _bare(form.pre_tokenizer) == _bare(pre_tokenizer)]
    if not cutting:
        raise RefusedError(f"cuts texts in a way that no known form has ({_kind(pre_tokenizer)})")
    return cutting[0]


def _bare(part: Any, depth: int = 0) -> Any:
    """Without what decides no count: the trimming of offsets, and a sequence of nothing."""
    if not isinstance(part, dict) or depth > 4:
        return part
    out = {key: value for key, value in part.items() if key != "trim_offsets"}
    for key in ("pretokenizers", "normalizers"):
        if isinstance(out.get(key), list):
            out[key] = [_bare(item, depth + 1) for item in out[key]]
    return None if out == {"type": "Sequence", "normalizers": []} else out


def _kind(part: Any) -> str:
    return _shown(part.get("type")) if isinstance(part, dict) else "none" if part is None else "unreadable"


def _shown(kind: Any) -> str:
    return f"`{kind}`" if isinstance(kind, str) and _NAME.fullmatch(kind) else "unreadable"


def _vocabulary(found: Mapping[str, Any]) -> dict[str, int]:
    if not found or len(found) > MAX_TOKENS:
        raise RefusedError("has no tokens" if not found else f"has more than {MAX_TOKENS:,} tokens")
    numbers = {_whole(number) for number in found.values()}
    if len(numbers) != len(found):
        raise RefusedError("gives two tokens the same number")
    _longest(found)
    return dict(found)


def _whole(number: Any) -> int:
    if type(number) is not int or not 0 <= number < MAX_ID:
        raise RefusedError("numbers a token with something else than a whole number below 16,777,216")
    return number


def _longest(tokens: Iterable[str] | Iterable[bytes]) -> int:
    longest = max(map(len, tokens), default=0)
    if longest > MAX_TOKEN:
        raise RefusedError(f"has a token longer than {MAX_TOKEN:,}")
    return longest


def _merges(found: Any) -> list[list[str]]:
    if not isinstance(found, list) or len(found) > MAX_MERGES:
        raise RefusedError("has no list of merges" if not isinstance(found, list) else "has too many merges")
    out = []
    for merge in found:
        pair = merge.split(" ") if type(merge) is str else merge
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str or type(pair[1]) is not str:
            raise RefusedError("has a merge that is no pair of tokens")
        out.append(pair)
    return out


def _added(found: Any) -> list[dict[str, Any]]:
    """Tokens that are found in a text before it is cut. Those that take space along, or stand alone, are not known."""
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > MAX_ADDED or not all(isinstance(entry, dict) for entry in found):
        raise RefusedError("has no list of added tokens, or too many")
    out = []
    for entry in found:
        content = entry.get("content")
        if not isinstance(content, str) or not content:
            raise RefusedError("has an added token without a text")
        if any(entry.get(flag) not in (None, False) for flag in ("lstrip", "rstrip", "single_word")):
            raise RefusedError("has an added token that depends on what stands around it")
        out.append({
            "id": _whole(entry.get("id")), "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": entry.get("normalized") is True, "special": entry.get("special") is True,
        })
    return out


def _bytes(form: TokenizerForm, vocabulary: Mapping[str, int]) -> None:
    """Without a token for each byte some text would be lost, and no number of bytes would bound it from above."""
    if form.spelling == "words":
        return
    spelt = alphabet() if form.spelling == "bytes" else [f"<0x{byte:02X}>" for byte in range(256)]
    for byte, single in enumerate(spelt):
        if single not in vocabulary and (form.spelling == "bytes" or byte > 127 or chr(byte) not in vocabulary):
            raise RefusedError("has no token for some bytes")


def alphabet() -> list[str]:
    """The letter that stands for each byte where tokens are spelt by bytes (GPT-2's spelling)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = {byte: chr(256 + number) for number, byte in enumerate(b for b in range(256) if b not in plain)}
    return [rest.get(byte, chr(byte)) for byte in range(256)]
