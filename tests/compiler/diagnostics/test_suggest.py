from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.diagnostics.suggest import did_you_mean, distance, listed, nearest

WORDS = st.text("abc_", max_size=8)


@pytest.mark.parametrize(
    ("name", "candidates", "near"),
    [
        ("anwserer", ["judge", "answerer", "answers"], ("answerer",)),
        ("temprature", ["temperature", "top_p"], ("temperature",)),
        ("temp", ["temperature", "top_p"], ("temperature",)),
        ("max-tokens", ["max_tokens"], ("max_tokens",)),
        ("x", ["y", "abc"], ("y",)),
        ("gateway", ["flow", "eval"], ()),
        ("ab", ["ac", "ad", "ae", "af", "ag"], ("ac", "ad", "ae", "af")),
    ],
)
def test_nearest(name, candidates, near):
    assert nearest(name, candidates) == near


def test_words():
    assert did_you_mean("anwserer", ["answerer"]) == "did you mean `answerer`?"
    assert did_you_mean("ab", ["ac", "ad", "ae"]) == "did you mean `ac`, `ad` or `ae`?"
    assert did_you_mean("zzz", ["answerer"]) is None
    assert listed(["b", "a", "c"], most=2) == "`a`, `b` and 1 more"


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_bounded(a, b):
    assert distance(a, b, 9) == distance(b, a, 9) <= max(len(a), len(b))
    assert (distance(a, b, 9) == 0) == (a == b)
    assert distance(a, b, 2) == min(distance(a, b, 9), 3)


@given(WORDS, WORDS)
def test_similar_words_have_a_small_distance(a, b):
    same = SequenceMatcher(None, a, b).find_longest_match().size
    assert distance(a, b, 9) >= abs(len(a) - len(b))
    assert distance(a, b, 9) <= len(a) + len(b) - 2 * same
