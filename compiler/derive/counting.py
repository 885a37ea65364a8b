"""Counting tokens with a tokenizer's file of the project, where the libraries for it are installed.

The only module that speaks with them; both are imported when a model names a file, and never asked to fetch anything.
What is counted decides findings, and no artifact.

A text is counted as it stands. Of a template only pieces are known, and what is put between them may join them: the
tokens of a whole can be fewer than those of its pieces together (`ab` is one token, `a` and `b` are two). What holds
is this: in every form of the catalogue a text falls apart before a space that follows something else than white
space (but the few characters of `Counter.joining`), so from the first such place of a piece to the last one its tokens
are those that it has by itself, whatever stands around. At the ends of a piece, each word has one token at least.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from llmops.compiler.derive.architecture import architecture
from llmops.compiler.derive.model import trained
from llmops.compiler.derive.texts import content
from llmops.compiler.derive.tokenizer_file import JsonFile, RanksFile, RefusedError, is_json, read_json, read_ranks
from llmops.compiler.facts import Facts, Tokenizer, TokenizerForm
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import View

T = TypeVar("T")

MAX_TEXT = 100_000
"""Characters of one text that are counted. Some libraries give up on texts ten times as long, or take minutes."""
EXTRA = "tokens"
"""The extra of this package that brings the libraries."""


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the tokens of texts, special ones left out. `file` is where it was read from.

    `bounds` is what holds of the vocabulary without counting, for texts that are too long to be counted.
    """

    file: str
    bounds: Tokenizer
    sizes: frozenset[int]
    highest: int
    joining: frozenset[str]
    prefixed: bool
    encoded: Callable[[str], int | None]

    def count(self, text: str) -> int | None:
        """The tokens of a text by itself; None where it is too long, or the library gives up."""
        return self.encoded(text) if len(text) <= MAX_TEXT else None

    def whole(self, text: str) -> tuple[int, int] | None:
        """The least and the most tokens of a text that is sent as it stands; mostly the same.

        A chat template may take the space around it away, or put some there, with which its first or last word may
        have fewer tokens.
        """
        bare = text.strip()
        counted, least = self.count(text), self.count(bare)
        if counted is None or least is None:
            return None
        places = self._places(bare)
        first, last = (bare[: places[0]], bare[places[-1] :]) if places else (bare, bare)
        for word, joined in ((first, f" {first}"), (last, f"{last}\n")):
            least -= max(0, (self.count(word) or 0) - (self.count(joined) or 0))
        return max(0, min(counted, least)), counted

    def fewest(self, pieces: Iterable[str]) -> int | None:
        """The fewest tokens that a text has in which these pieces stand in this order, whatever stands between."""
        total, ends = 0, []
        for piece in pieces:
            places = self._places(piece)
            if len(places) < 2:
                ends.append(piece)
                continue
            inner = piece[places[0] : places[-1]]
            counted = self.count(inner[1:] if self.prefixed else inner)
            if counted is None:
                return None
            total += counted
            ends.append(f"{piece[: places[0]]} {piece[places[-1] :]}")
        words = [word for word in "".join(ends).split() if any(map(str.isalnum, word))]
        return total + (len(words) if self.bounds.words else min(len(words), 1))

    def _places(self, text: str) -> list[int]:
        """Where a text falls apart whatever stands around it."""
        found = []
        at = text.find(" ", 1)
        while at != -1:
            before = text[at - 1]
            if ("!" <= before <= "~" or before.isalnum()) and before not in self.joining:
                found.append(at)
            at = text.find(" ", at + 1)
        return found


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that is not counted with: `why`, in words that follow its name.

    `missing` is a package to install. `unnamed`: its vocabulary would have to be named.
    """

    file: str
    why: str
    missing: str | None = None
    unnamed: bool = False


def said(model: View[Any], key: str) -> Sourced[str] | None:
    """What a model says of its tokenizer (`file`, `vocabulary`); a fine-tuned one has its base's if it says nothing."""
    written = model.maybe_text("tokenizer", key)
    return written if written is not None else trained(model, lambda base: said(base, key))


def counting(facts: Facts, model: View[Any], vocabulary: str | None) -> Counter | Refusal | None:
    """What counts for a model; None where it names no file, or one that is not there, which was reported.

    `vocabulary` is the name of the model's, as far as it is known.
    """
    path = said(model, "file")
    data = None if path is None else content(model.project, path.value)
    if path is None or data is None:
        return None
    return _opened(path.value, data, facts.tokenizer_forms(), _pattern(facts, vocabulary))


def misfit(facts: Facts, model: View[Any], counter: Counter, vocabulary: str | None) -> str | None:
    """Why a tokenizer cannot be the model's, in words that follow its file's name; None where nothing says so.

    What the catalogue says of the vocabulary, and of how many tokens the network knows, must agree with the file.
    """
    row = None if vocabulary is None else facts.tokenizer(vocabulary)
    expected = {size for form in facts.tokenizer_forms() if form.tokenizer == vocabulary for size in form.sizes}
    expected |= {row.vocabulary} if row is not None else set()
    if expected and not expected & counter.sizes:
        own = row.vocabulary if row is not None else max(expected)
        return f"has {max(counter.sizes):,} tokens, `{vocabulary}` has {own:,}"
    network = architecture(facts, model)
    known = network.value.vocabulary if network is not None else None
    if known is not None and counter.highest >= known:
        return f"has {counter.highest + 1:,} tokens, the model knows {known:,}"
    return None


def _pattern(facts: Facts, vocabulary: str | None) -> str | None:
    row = None if vocabulary is None else facts.tokenizer_pattern(vocabulary)
    return None if row is None else row.pattern


@lru_cache(maxsize=4)
def _opened(path: str, data: bytes, forms: tuple[TokenizerForm, ...], pattern: str | None) -> Counter | Refusal:
    """Kept for the environments of a run, which read the same bytes."""
    library = "tokenizers" if is_json(data) else "tiktoken"
    try:
        if library == "tokenizers":
            return _with_tokenizers(path, read_json(data, forms))
        if pattern is None:
            return Refusal(path, "does not say how texts are cut, nor does the catalogue of this model", unnamed=True)
        return _with_tiktoken(path, read_ranks(data, pattern))
    except RefusedError as refused:
        return Refusal(path, refused.why)
    except ImportError:
        return Refusal(path, "cannot be read here", library)


def _with_tokenizers(path: str, found: JsonFile) -> Counter | Refusal:
    from tokenizers import Tokenizer as Library

    made = _tried(lambda: Library.from_str(json.dumps(found.body, ensure_ascii=True)))
    if made is None:
        return Refusal(path, "has merges of tokens that it does not have")
    spelt = found.form.spelling
    bounds = Tokenizer(
        fact=path, source=path, as_of="", name=path, vocabulary=min(found.sizes), bytes=spelt != "words",
        letters=4 * found.longest, words=found.words, extra=1 if found.prefixed else 0, normal=found.normal,
    )
    encode = _kept(lambda text: len(made.encode(text, add_special_tokens=False).ids))
    return Counter(path, bounds, found.sizes, found.highest, found.joining, found.prefixed, encode)


def _with_tiktoken(path: str, found: RanksFile) -> Counter | Refusal:
    from tiktoken import Encoding

    made = _tried(lambda: Encoding(path, pat_str=found.pattern, mergeable_ranks=dict(found.ranks), special_tokens={}))
    if made is None:
        return Refusal(path, "cannot be read by tiktoken")
    bounds = Tokenizer(
        fact=path, source=path, as_of="", name=path, vocabulary=len(found.ranks), bytes=True, letters=found.longest,
        words=True, extra=0, normal=None,
    )
    encode = _kept(lambda text: len(made.encode_ordinary(text)))
    return Counter(path, bounds, found.sizes, found.highest, frozenset(), False, encode)


def _kept(count: Callable[[str], int]) -> Callable[[str], int | None]:
    @lru_cache(maxsize=10_000)
    def encoded(text: str) -> int | None:
        return _tried(lambda: count(text.encode("utf-8", "replace").decode("utf-8")))

    return encoded


def _tried(work: Callable[[], T]) -> T | None:
    """What it gives; None where the library gives up. A panic of its Rust is no `Exception`."""
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:
        return None
