from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.compiler.emit import yaml as writer
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.emit.scalars import AMBIGUOUS, read_plain
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Content
from tests.compiler.emit.trees import TEXTS, at, exact, labelled, read_core, text_of, trees, write

AMBIGUOUS_TEXTS = """
1e-5 1e3 1E5 08 007 0o10 0x1F 0b11 1_000 _1 12:30 12:30:45 1:1.5 2026-01-01 2026-01-01T00:00:00Z 1. .5 1.5 -1 +1
-.5 .inf -.INF .NaN ~ null Null NULL y Y n N yes Yes on On ON off true TRUE False = << - -- --- ... ? :
e15 E5 -e5 1.2.3 1,000 0 -0 0.0 1e 0x 9 a: *a &a !a %a @a `a` | > [a] 'a'
""".split()  # noqa: SIM905
AMBIGUOUS_TEXTS += ["", " ", " a", "a ", "a: b", "a #b", "#a", "{a: b}", '"a"']

READERS = {
    "1.1, C": lambda text: yaml.load(text, yaml.CSafeLoader),
    "1.1": lambda text: yaml.load(text, yaml.SafeLoader),
    "1.2": read_core,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", [*AMBIGUOUS_TEXTS, *CANARIES])
def test_a_text_stays_a_text_for_every_reader(text: str, reader: str) -> None:
    read = READERS[reader](text_of({"key": text, "list": [text], text: None}))
    assert exact(read) == exact({"key": text, "list": [text], text: None})


@pytest.mark.parametrize("text", AMBIGUOUS_TEXTS)
def test_an_ambiguous_text_is_quoted(text: str) -> None:
    assert writer.scalar(text).startswith('"')


@pytest.mark.parametrize(
    "text",
    [
        "answerer",
        "--max-num-seqs=256",
        "-v",
        "qwen/qwen3-14b:latest",
        "https://host:4000/v1",
        "/models",
        "./x",
        "a b, c",
        "${{ secrets.TOKEN }}",
        "python -m vllm",
        "a#b",
        "$HOME",
        "nvidia.com/gpu",
        "x[0]",
    ],
)
def test_an_ordinary_text_goes_without_quotes(text: str) -> None:
    assert writer.scalar(text) == text


@given(st.one_of(TEXTS, st.text(max_size=8)))
def test_the_check_of_plain_scalars_agrees_with_both_readers(text: str) -> None:
    """Where our own reading says something, both readers say the same."""
    if text != text.strip() or not text.isprintable() or not text.isascii():
        return
    try:
        events = list(yaml.parse(text))
    except yaml.YAMLError:
        return
    scalar = events[2] if len(events) == 5 else None
    if not isinstance(scalar, yaml.ScalarEvent) or scalar.style or scalar.tag or scalar.value != text:
        return
    ours = read_plain(text)
    if ours is not AMBIGUOUS:
        assert exact(yaml.safe_load(text)) == exact(ours)
        assert exact(read_core(text)) == exact(ours)


@settings(max_examples=400, deadline=None)
@given(trees())
def test_any_tree_reads_back(tree: Any) -> None:
    text = text_of(tree)
    for read in READERS.values():
        assert exact(read(text)) == exact(tree)


@settings(max_examples=200, deadline=None)
@given(trees())
def test_each_line_knows_its_origins(tree: Any) -> None:
    body = labelled(tree)
    emitted = write(body)
    text = emitted.content.decode()
    expected: list[set[Any]] = [set() for _ in text.split("\n")[:-1]]

    def visit(node: yaml.Node, value: Any, first: int, inherited: set[Any]) -> None:
        """`first` is the line of the key or dash."""
        own = set(inherited)
        if isinstance(value, Sourced):
            own |= set(value.sources)
            value = value.value
        if isinstance(node, yaml.ScalarNode):
            last = node.end_mark.line - 1 if node.style == "|" else node.end_mark.line
            if node.style == "|":
                # The reader's mark stands behind the blank lines that follow a `|-`; there are none.
                last = first + len(value.split("\n")) - value.endswith("\n")
            for line in range(first, last + 1):
                expected[line] |= own
            return
        expected[first] |= own
        if isinstance(node, yaml.MappingNode):
            for (key, below), item in zip(node.value, value.values(), strict=True):
                visit(below, item, key.start_mark.line, own)
        else:
            for below, item in zip(node.value, value, strict=True):
                visit(below, item, below.start_mark.line, own)

    node = yaml.compose(text, yaml.SafeLoader)
    assert node is not None
    visit(node, body, 0, set())
    # A nested container's own first line is its key's or its dash's; a root has none of its own.
    if isinstance(node, yaml.CollectionNode) and node.value and isinstance(body, Sourced):
        expected[0] |= set(body.sources)
    assert [set(line) for line in emitted.lines] == expected
    assert all(len(set(line)) == len(line) for line in emitted.lines)


def test_a_tree_in_full() -> None:
    body = {
        "model": Sourced("on", (at("model"),)),
        "env": Sourced({"A": 1, "B": Sourced(1e-5, (at("b"),))}, (at("env"),)),
        "steps": [{"run": "make\nmake test\n", "with": {}}, [[1, 2], []], []],
        "keep": "a\n\n",
        "strip": "a\n  b\n\nc",
        "blank first": "\na",
        "é": "\u2028\U000e0041",
        "none": None,
    }
    emitted = write(body)
    assert emitted.content.decode() == (
        'model: "on"\n'
        "env:\n"
        "  A: 1\n"
        "  B: 1.0e-05\n"
        "steps:\n"
        "  - run: |\n"
        "      make\n"
        "      make test\n"
        "    with: {}\n"
        "  - - - 1\n"
        "      - 2\n"
        "    - []\n"
        "  - []\n"
        "keep: |+\n"
        "  a\n"
        "\n"
        "strip: |-\n"
        "  a\n"
        "    b\n"
        "\n"
        "  c\n"
        'blank first: "\\na"\n'
        '"é": "\\u2028\\U000e0041"\n'
        "none: null\n"
    )
    assert emitted.lines[:5] == ((at("model"),), (at("env"),), (at("env"),), (at("env"), at("b")), ())


def test_a_text_of_a_file_knows_its_lines() -> None:
    body = {"prompt": Sourced("one\ntwo\n\nfour", (at("prompt"), Content("prompts/a.md", 3)))}
    assert write(body).lines == (
        (at("prompt"), Content("prompts/a.md", 3)),
        (at("prompt"), Content("prompts/a.md", 3)),
        (at("prompt"), Content("prompts/a.md", 4)),
        (at("prompt"), Content("prompts/a.md", 5)),
        (at("prompt"), Content("prompts/a.md", 6)),
    )


def test_a_row_of_a_file_stays_on_its_line() -> None:
    row = Sourced({"question": "one\ntwo"}, (Content("rows.jsonl", 12),))
    assert set(write({"rows": [row]}).lines) == {(), (Content("rows.jsonl", 12),)}
    whole = Sourced("one\ntwo", (Content("prompts/a.md"),))
    assert set(write([whole]).lines) == {(Content("prompts/a.md"),)}


def test_a_value_used_twice_is_written_twice() -> None:
    shared = {"a": [1]}
    assert text_of({"x": shared, "z": shared}) == "x:\n  a:\n    - 1\nz:\n  a:\n    - 1\n"


@pytest.mark.parametrize("value", [1e-5, 1e16, 1e22, 1.0, -0.0, 0.1, 1.5e300, 5e-324])
def test_a_float_stays_that_float(value: float) -> None:
    for read in READERS.values():
        assert repr(read(text_of([value]))) == repr([value])


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1\n", {"a": 1.0}),
        ("a: 1\n", {"a": True}),
        ("a: 1\n", {"a": "1"}),
        ("a: on\n", {"a": "on"}),
        ("a: 1e-5\n", {"a": 1e-5}),
        ("a: 1\nb: 2\n", {"b": 2, "a": 1}),
        ("a: &x 1\n", {"a": 1}),
        ("a: !!int 1\n", {"a": 1}),
        ("- 1\n- 2\n", [1]),
        ("- 1\n", [1, 2]),
        ("a: 1\n---\nb\n", {"a": 1}),
        ("", {}),
        ("a: [\n", {"a": []}),
        ("x: *y\n", {"x": 1}),
        ("a: 08\n", {"a": "08"}),
        ("a: 1\na: 1\n", {"a": 1}),
    ],
)
def test_a_wrong_file_is_noticed(text: str, data: Any) -> None:
    assert writer.difference(text, data) is not None


def test_every_short_text_without_quotes_is_text_by_our_own_reading() -> None:
    for length in range(1, 5):
        for letters in itertools.product("01eExo_.-+:yfa~/$=", repeat=length):
            text = "".join(letters)
            assert writer.scalar(text)[0] == '"' or read_plain(text) == text
