from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.compiler.write.difference import first_difference, sides

TEXTS = st.text(alphabet="ab=\n-", max_size=30).map(str.encode)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a: 512\n", "a: 256\n", (1, 1, 4, 7, "512", "256")),
        ("a: 1\nn: 16384\n", "a: 1\nn: 16000\n", (2, 2, 4, 9, "16384", "16000")),
        ("m: Qwen/Qwen3-14B\n", "m: Qwen/Qwen3-8B\n", (1, 1, 9, 18, "Qwen3-14B", "Qwen3-8B")),
        ("a\nmine\nb\n", "a\nb\n", (2, 2, 1, 5, "mine", None)),
        ("a\nb\n", "a\ntheirs\nb\n", (2, 2, 1, 2, None, "theirs")),
        ("a\n", "a", (2, 2, 1, 2, "", None)),
        ("a: [x]\n", "a: []\n", (1, 1, 5, 6, "x", "")),
        ("a: ä1\n", "a: ä2\n", (1, 1, 4, 6, "ä1", "ä2")),
    ],
)
def test_the_words_that_differ(old: str, new: str, expected: tuple[object, ...]) -> None:
    found = first_difference(old.encode(), new.encode())
    assert found is not None
    assert (found.old_line, found.new_line, found.column, found.end_column, found.old, found.new) == expected


@given(TEXTS, TEXTS)
def test_only_equal_texts_have_no_difference(old: bytes, new: bytes) -> None:
    found = first_difference(old, new)
    assert (found is None) == (old == new)
    if found:
        assert found.column < found.end_column
        lines = old.decode().split("\n")
        assert 1 <= found.old_line <= len(lines) + 1


def test_the_sides_of_a_conflict() -> None:
    text = b"a\n<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\n>>>>>>> other\nd\n"
    assert sides(text) == (b"a\nb\nd\n", b"a\nc\nd\n")
    assert sides(b"a\n=======\nb\n") is None
    assert sides(b"<<<<<<< HEAD\na\n") is None
    assert sides(b"<<<<<<< HEAD\r\na\r\n=======\r\nb\r\n>>>>>>> x\r\n") == (b"a\r\n", b"b\r\n")
