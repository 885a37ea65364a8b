"""Counting with a tokenizer's file: exactly what the libraries count, and from below whatever a template puts in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from llmops.compiler.derive import counting
from llmops.compiler.derive.counting import MAX_TEXT, Counter, Refusal
from llmops.compiler.derive.tokens import fewest, most
from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.compiler.derive.test_tokens import COUNTED
from tests.rules.cases import without
from tests.security.kit import MODEL
from tests.support.projects import MINIMAL
from tests.support.tokenizers import CORPUS, FACTS, FORMS, ranks, trained

ALL = sorted([*FORMS, "gemma2 (joined)", "llama2 (joined)"])
BPE = sorted(name for name, form in FORMS.items() if form.spelling != "words")
PATTERN = FACTS.tokenizer_pattern("o200k_base")
WORDS = sorted({*CORPUS.replace("\n", " ").split(), "Kubernetes", "it's", "don't", "x", "1234567", "…", "(a)", "a/b"})
SPACED = st.sampled_from(WORDS).map(lambda word: f" {word}")
TEXT = st.lists(
    st.one_of(
        SPACED, SPACED, SPACED, st.sampled_from(WORDS),
        st.sampled_from([" ", "  ", "\n", "\n\n", "\t", " \n ", "\u00a0", "▁", "<|end|>", "\u0301", "é", "./'"]),
        st.text(max_size=3).filter(lambda text: text.isprintable()),
    ), max_size=12,
).map("".join)
VALUES = st.lists(st.one_of(st.just(""), st.sampled_from([" ", "\n", "s", " \n"]), TEXT), min_size=4, max_size=4)


def data(form: str) -> bytes:
    """Of a form with ` (joined)`, tokens go over spaces."""
    name, _, joined = form.partition(" (joined")
    return trained(name, joined=bool(joined))


def counter(form: str) -> Counter:
    found = counting._opened("tokenizer.json", data(form), FACTS.tokenizer_forms(), None)
    assert isinstance(found, Counter), found
    return found


def of_tiktoken() -> Counter:
    assert PATTERN is not None
    found = counting._opened("a.tiktoken", ranks(), FACTS.tokenizer_forms(), PATTERN.pattern)
    assert isinstance(found, Counter), found
    return found


def library(form: str) -> Callable[[str], int]:
    """The library by itself, on the whole file."""
    made = Tokenizer.from_str(data(form).decode())
    return lambda text: len(made.encode(text, add_special_tokens=False).ids)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_text_has_as_many_tokens_as_the_library_counts(form: str) -> None:
    mine, theirs = counter(form), library(form)
    for title, text in {**COUNTED["texts"], "corpus": CORPUS, "special": "one <|end|> two"}.items():
        assert mine.count(text) == theirs(text), title


def test_a_file_of_tiktoken_counts_as_tiktoken_does() -> None:
    assert PATTERN is not None
    table = {token: rank for rank, token in enumerate(_tokens(ranks()))}
    made = tiktoken.Encoding("own", pat_str=PATTERN.pattern, mergeable_ranks=table, special_tokens={})
    for title, text in COUNTED["texts"].items():
        assert of_tiktoken().count(text) == len(made.encode_ordinary(text)), title


def _tokens(data: bytes) -> list[bytes]:
    import base64

    return [base64.b64decode(line.split()[0]) for line in data.splitlines()]


@pytest.mark.parametrize("form", ALL)
@settings(max_examples=80, deadline=None)
@given(pieces=st.lists(TEXT, min_size=1, max_size=3), values=VALUES)
def test_whatever_stands_between_pieces_they_have_so_many_tokens(
    form: str, pieces: list[str], values: list[str]
) -> None:
    """Tokens may go over the ends of a piece: the bound counts none that could."""
    filled = values[0] + "".join(piece + value for piece, value in zip(pieces, values[1:], strict=False))
    least = counter(form).fewest(pieces)
    assert least is not None
    assert least <= library(form)(filled), filled


@settings(max_examples=80, deadline=None)
@given(pieces=st.lists(TEXT, min_size=1, max_size=3), values=VALUES)
def test_so_does_tiktoken(pieces: list[str], values: list[str]) -> None:
    filled = values[0] + "".join(piece + value for piece, value in zip(pieces, values[1:], strict=False))
    least, counted = of_tiktoken().fewest(pieces), of_tiktoken().count(filled)
    assert least is not None
    assert counted is not None
    assert least <= counted, filled


def test_the_sum_of_pieces_is_no_bound() -> None:
    """Why: joined, pieces have fewer tokens than apart."""
    mine = counter("qwen")
    apart = [mine.count(piece) or 0 for piece in ("Answ", "er")]
    assert sum(apart) > (mine.count("Answer") or 0)
    assert mine.fewest(["Answ", "er"]) == 1


@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_bound_of_a_template_is_near(form: str) -> None:
    """Of prose no more is lost than what stands at its ends."""
    text = " ".join(CORPUS.split())
    least, counted = counter(form).fewest([f"{text} "]), counter(form).count(text)
    assert least is not None
    assert counted is not None
    assert counted - 12 <= least <= counted


CHATS = (
    "<|end|>user\n{}<|end|>\n", "<|end|>user<|end|>\n\n{}<|end|>", "[INST] {} [/INST]", "<|end|>[INST]{}[/INST]",
)


@pytest.mark.parametrize("form", BPE)
@settings(max_examples=80, deadline=None)
@given(text=TEXT, trimmed=st.booleans())
def test_a_whole_text_takes_as_much_in_a_chat(form: str, text: str, trimmed: bool) -> None:
    """What a chat template puts around a message takes more than what it saves at the message's ends."""
    found = counter(form).whole(text)
    assert found is not None
    least, largest = found
    assert least <= largest
    for chat in CHATS:
        assert least <= library(form)(chat.format(text.strip() if trimmed else text)), chat


@pytest.mark.parametrize("form", BPE)
@settings(max_examples=80, deadline=None)
@given(text=TEXT)
def test_what_bounds_a_text_without_counting_holds(form: str, text: str) -> None:
    mine = counter(form)
    counted, highest = mine.count(text), most(mine.bounds, text)
    assert counted is not None
    assert highest is not None
    assert fewest(mine.bounds, text.replace("<|end|>", "")) <= counted <= highest


@pytest.mark.parametrize("form", sorted(FORMS))
def test_plain_prose_is_counted_exactly(form: str) -> None:
    mine = counter(form)
    text = "Worn shoes are taken back within thirty days."
    assert mine.whole(text) == (mine.count(text), mine.count(text))


def test_a_text_too_long_is_not_counted() -> None:
    mine = counter("qwen")
    assert mine.count("a " * (MAX_TEXT // 2)) is not None
    assert mine.count("a " * (MAX_TEXT // 2) + "a") is None
    assert mine.whole("a " * MAX_TEXT) is None
    assert mine.fewest(["a " * MAX_TEXT]) is None


SHAPES = ("a", "A", " ", "\n", ".", "'", "中", "\u0301", "1", "aA", "a ", " \n", "\u200b", "😀")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_longest_texts_are_counted_soon(shape: str) -> None:
    text = (shape * MAX_TEXT)[:MAX_TEXT]
    for form in sorted(FORMS):
        assert counter(form).count(text) is not None, form
    for name in FACTS.tokenizer_patterns():
        row = FACTS.tokenizer_pattern(name)
        assert row is not None
        found = counting._opened("a.tiktoken", ranks(), FACTS.tokenizer_forms(), row.pattern)
        assert isinstance(found, Counter)
        assert found.count(text) is not None, name


def test_a_token_over_a_space_is_seen() -> None:
    """Where a token goes on behind a space, a text does not fall apart there: such places count for nothing."""
    assert counter("gemma2").joining == frozenset()
    assert counter("gemma2 (joined)").joining > {"s"}
    table = json.loads(trained("gemma2"))
    table["model"]["vocab"] |= {"s▁": 900, "Z": 901}
    table["model"]["merges"] = [*table["model"]["merges"], ["s", "▁"]]
    found = counting._opened("a.json", json.dumps(table).encode(), FACTS.tokenizer_forms(), None)
    assert isinstance(found, Counter)
    assert found.joining == {"s"}
    assert found.count("s Zs Z") == 4
    spaced = replace(found, bounds=replace(found.bounds, words=True))
    assert spaced.fewest(["s Zs Z"]) == 3
    assert replace(spaced, joining=frozenset()).fewest(["s Zs Z"]) == 5


def test_each_piece_between_words_counts_as_it_stands() -> None:
    """Where each text gets a space before it, the one that a piece begins with is the one."""
    mine = counter("llama2")
    text = "a passages passages passages a"
    assert mine.bounds.words is False  # some of its tokens go over line ends: all words at the ends count as one
    assert (mine.fewest([text]), mine.count(text)) == (7, 8)


def test_a_first_word_may_be_shorter_behind_a_space() -> None:
    mine = counter("qwen")
    alone, behind = mine.count("passages"), mine.count(" passages")
    assert (alone, behind) == (3, 2)
    assert mine.whole("passages") == (2, 3)
    assert mine.whole(" passages") == (2, 2)


def test_white_space_before_a_space_keeps_nothing_apart() -> None:
    mine = counter("qwen")
    assert mine.fewest(["\n \n \n "]) == 0
    assert mine.fewest(["x \n y"]) == 2


@pytest.mark.parametrize("name", ["tokenizers", "tiktoken"])
def test_without_the_library_a_file_is_known_and_not_counted_with(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    raw = trained("qwen") if name == "tokenizers" else ranks()
    counting._opened.cache_clear()
    found = counting._opened("a", raw, FACTS.tokenizer_forms(), ".")
    counting._opened.cache_clear()
    assert found == Refusal("a", "cannot be read here", name)


def test_what_is_written_is_the_same_without_the_library() -> None:
    """Counts decide findings alone."""
    files: dict[str, str | bytes] = {
        **MINIMAL, "t.json": trained("qwen"), MODEL: MINIMAL[MODEL] + "tokenizer: {file: t.json}\n",
    }
    counted = compile_project(Memory(files), Request())
    with without(("tokenizers",)):
        estimated = compile_project(Memory(files), Request())
    assert counted.emitted
    assert counted.emitted == estimated.emitted
    said = {one.code for one in estimated.diagnostics} ^ {one.code for one in counted.diagnostics}
    assert said == {"MOD015", "MOD016"}
