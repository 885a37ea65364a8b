"""Hostile and ambiguous text: what is refused, with which code, and where."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from llmops.compiler.load import gate, headers, parse
from llmops.compiler.load.events import Parser, PureParser
from llmops.compiler.load.places import Places
from tests.compiler.load.kit import found

BYTES: list[tuple[str, bytes, list[tuple[str, int, int]]]] = [
    ("not utf-8", b"a: 1\nb: caf\xe9\n", [("CFG001", 2, 7)]),
    ("utf-16", "a: 1\n".encode("utf-16"), [("CFG001", 1, 1)]),
    ("encoded surrogate", b"a: \xed\xa0\x80\n", [("CFG001", 1, 4)]),
    ("byte order mark", b"\xef\xbb\xbfa: 1\n", [("CFG002", 1, 1)]),
    ("NUL", b"a: x\x00y\n", [("CFG003", 1, 5)]),
    ("bell, twice", b"a: \x07\nb: \x07\n", [("CFG003", 1, 4), ("CFG003", 2, 4)]),
    ("C1", "a: x\x85y\n".encode(), [("CFG003", 1, 5)]),
    ("line separator", "a: 'x\u2028y'\n".encode(), [("CFG003", 1, 6)]),
    ("lone carriage return", b"a: 1\rb: 2\n", [("CFG003", 1, 5)]),
    ("byte order mark inside", "a: 'x\ufeff'\n".encode(), [("CFG003", 1, 6)]),
    ("NUL by escape", b'a: "x\\0"\n', [("CFG003", 1, 4)]),
    ("separator by escape", b'a: "\\u2029"\n', [("CFG003", 1, 4)]),
    ("bell by escape in a key", b'"\\a": 1\n', [("CFG003", 1, 1)]),
    ("bidi", "a: 'x\u202ey'\n".encode(), [("CFG004", 1, 6)]),
    ("zero width in a key", "a\u200bb: 1\n".encode(), [("CFG004", 1, 2)]),
    ("syntax", b"a: b: c\n", [("CFG006", 1, 5)]),
    ("tab", b"a:\n\tb: 1\n", [("CFG006", 2, 1)]),
    ("open quote", b'a: "x\n', [("CFG006", 2, 1)]),
    ("open bracket", b"a: [1, 2\n", [("CFG006", 2, 1)]),
    ("depth", b"a: " + b"[" * 80 + b"]" * 80 + b"\n", [("CFG007", 1, 67)]),
    ("depth of maps", b"a: " + b"{a: " * 80 + b"}" * 80 + b"\n", [("CFG007", 1, 4 + 63 * 4)]),
    ("values", b"a: [" + b"1," * 50_001 + b"]\n", [("CFG008", 1, 5 + 2 * 49_997)]),
    ("empty maps", b"a: [" + b"{}," * 50_001 + b"]\n", [("CFG008", 1, 5 + 3 * 49_997)]),
    ("long text", b"a: " + b"x" * 200_001 + b"\n", [("CFG009", 1, 4)]),
    ("long quoted text", b"b: 1\na: '" + b"x" * 200_001 + b"'\n", [("CFG009", 2, 4)]),
    ("anchor", b"a: &x 1\n", [("CFG010", 1, 4)]),
    ("alias", b"a: &x [1]\nb: *x\n", [("CFG010", 1, 4), ("CFG010", 2, 4)]),
    ("merge key", b"a: {b: 1}\n<<: {c: 1}\n", [("CFG011", 2, 1)]),
    ("merge as a value", b"a: <<\n", [("CFG011", 1, 4)]),
    ("tag", b"a: !!python/object:os.system x\n", [("CFG012", 1, 4)]),
    ("tag on a map", b"a: !x {b: 1}\n", [("CFG012", 1, 4)]),
    ("tag that means text", b"a: ! 12\n", [("CFG012", 1, 4)]),
    ("directive", b"%YAML 1.2\n---\na: 1\n", [("CFG013", 1, 1)]),
    ("documents", b"a: 1\n---\nb: 2\n", [("CFG014", 2, 1)]),
    ("list", b"- a\n", [("CFG015", 1, 1)]),
    ("scalar", b"hello\n", [("CFG015", 1, 1)]),
    ("null key", b"null: 1\n", [("CFG016", 1, 1)]),
    ("empty key", b"? \n: 1\n", [("CFG016", 1, 2)]),
    ("number as key", b"a: {1: x, 2.5: y}\n", [("CFG016", 1, 5), ("CFG016", 1, 11)]),
    ("boolean as key", b"on: push\n", [("CFG016", 1, 1)]),
    ("map as key", b"? {a: 1}\n: 2\n", [("CFG016", 1, 3)]),
    ("list as key", b"[a, b]: 2\n", [("CFG016", 1, 1)]),
    ("same key", b"a: 1\nb: 2\na: 3\n", [("CFG017", 3, 1)]),
    ("same key, quoted", b"a: 1\n'a': 3\n", [("CFG017", 2, 1)]),
    ("same key in Unicode", "a: {ﬁ: 1, fi: 2}\n".encode(), [("CFG017", 1, 11)]),
    ("same key in Unicode, other order", "a: {fi: 1, ﬁ: 2}\n".encode(), [("CFG017", 1, 12)]),
    ("base 60", b"a: 12:30\n", [("CFG018", 1, 4)]),
    ("digits", b"a: 1234567890123456789\n", [("CFG019", 1, 4)]),
    ("many digits", b"a: " + b"9" * 100_000 + b"\n", [("CFG019", 1, 4)]),
    ("infinite", b"a: 1.0e999\n", [("CFG019", 1, 4)]),
    ("three at once", b"a: yes\nb: 012\nc: .nan\n", [("CFG018", 1, 4), ("CFG018", 2, 4), ("CFG018", 3, 4)]),
]


@pytest.mark.parametrize(("data", "expected"), [pytest.param(d, e, id=name) for name, d, e in BYTES])
def test_refused_at_its_place(data: bytes, expected: list[tuple[str, int, int]]) -> None:
    parsed = parse.parse("f.yaml", data)
    spans = [(d.code, d.labels[0].span.line, d.labels[0].span.column) for d in (*parsed.warnings, *parsed.problems)]
    assert spans == expected


@pytest.mark.parametrize(("data", "expected"), [pytest.param(d, e, id=name) for name, d, e in BYTES])
def test_same_without_libyaml(
    data: bytes, expected: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places of a few syntax errors differ by where each parser gives up."""
    monkeypatch.setattr(parse, "Parser", PureParser)
    parsed = parse.parse("f.yaml", data)
    found = [(d.code, d.labels[0].span.line, d.labels[0].span.column) for d in (*parsed.warnings, *parsed.problems)]
    if expected[0][0] == "CFG006":
        assert [f[0] for f in found] == ["CFG006"]
    else:
        assert found == expected


@pytest.mark.parametrize("parser", [Parser, PureParser])
def test_a_surrogate_written_as_an_escape(parser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "Parser", parser)
    assert [(p.code, p.labels[0].span.line) for p in parse.parse("f", b'a: "\\ud800"\n').problems] == [("CFG003", 1)]


def test_a_repeated_key_shows_both_places() -> None:
    parsed = parse.parse("f.yaml", b"a: {b: 1, b: 2}\n")
    assert [(p.span.line, p.span.column, p.text) for p in parsed.problems[0].labels] == [
        (1, 11, "again"),
        (1, 5, "first here"),
    ]


def test_a_broken_resource_keeps_its_name() -> None:
    assert found({"conf/model/a.yaml": b"provider: [\n"}) == [("CFG006", "conf/model/a.yaml", 2, 1)]


def test_a_file_above_the_limit() -> None:
    assert found({"conf/model/a.yaml": b"#" * (gate.MAX_BYTES + 1)}) == [("CFG005", "conf/model/a.yaml", 1, 1)]
    assert found({"llmops.yaml": b"#" * (gate.MAX_BYTES + 1)}) == [("CFG005", "llmops.yaml", 1, 1)]


BOMBS = [
    b"a: " + b"[" * 500_000,
    b"a: " + b"{" * 500_000,
    b"- " * 500_000,
    b"? " * 500_000,
    b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (c + 1, c + 1, c, c) for c in range(97, 120)),
    b"a: '" + b"''" * 500_000,
    b'a: "' + b"\\x41" * 250_000 + b'"',
    b"\n".join(b"k%d: 1" % n for n in range(60_000)),
    b"a: |\n" + b" x\n" * 300_000,
    b"#" * 1_000_000,
    b"a: " + b"x " * 500_000,
    b"a: " + b"\n" * 1_000_000,
    b"[" * 1000 + b"\n" + b"[" * 1000,
    b"a: " + b"!" * 1_000_000,
    b"%" * 1_000_000,
]


@pytest.mark.parametrize("number", range(len(BOMBS)))
def test_nothing_takes_long(number: int) -> None:
    start = time.process_time()
    parsed = parse.parse("f.yaml", BOMBS[number])
    headers.comments(BOMBS[number])
    headers.header("f.yaml", BOMBS[number].decode())
    assert time.process_time() - start < 10
    assert len(parsed.problems) <= gate.MAX_PROBLEMS


# --- scalars ---------------------------------------------------------------------------------------------------------

AMBIGUOUS = [
    "yes",
    "No",
    "ON",
    "off",
    "0123",
    "08",
    "-012",
    "1_000",
    "1_0.5",
    "12:30",
    "1:2:3",
    "1:30.5",
    ".inf",
    "-.Inf",
    ".nan",
    "1e3",
    "1E+5",
    "2020-01-01",
    "2001-12-14T21:59:43Z",
    "2001-12-14 21:59:43.10 -5",
    "0b11",
    "0o17",
    "0x_f",
    "-0x1f",
    "+.5",
    "-.5",
    "=",
    "007.5",
]
CLEAR: list[tuple[str, Any]] = [
    ("0", 0),
    ("-1", -1),
    ("+5", 5),
    ("0x1f", 31),
    ("1.5", 1.5),
    ("1.", 1.0),
    (".5", 0.5),
    ("1e-5", 1e-5),
    ("2.5e3", 2500.0),
    ("-0.0", -0.0),
    ("true", True),
    ("FALSE", False),
    ("null", None),
    ("~", None),
    ("y", "y"),
    ("n", "n"),
    ("1.2.3", "1.2.3"),
    ("127.0.0.1:80", "127.0.0.1:80"),
    ("750ms", "750ms"),
    ("2020-1", "2020-1"),
    ("0.8.1", "0.8.1"),
    ("a_b", "a_b"),
    ("1e", "1e"),
    ("-", "-"),
    ("nullx", "nullx"),
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_ambiguous_scalars_ask_for_quotes(text: str) -> None:
    with pytest.raises(gate.UnclearError) as caught:
        gate.plain(text)
    assert caught.value.code.code == "CFG018"
    assert parse.parse("f", f'a: "{text}"\n'.encode()).value == {"a": text}


@pytest.mark.parametrize(("text", "value"), CLEAR)
def test_clear_scalars(text: str, value: Any) -> None:
    assert gate.plain(text) == value
    assert type(gate.plain(text)) is type(value)


def by_omegaconf(text: str) -> Any:
    made = OmegaConf.to_container(OmegaConf.create("a: " + text))
    assert isinstance(made, dict)
    return made["a"]


def by_yaml(text: str) -> Any:
    return yaml.safe_load("a: " + text)["a"]


@settings(max_examples=1500, deadline=None)
@given(st.text(alphabet="0123456789+-._eExXoObnaNifInyYsSoOfFtTrRuUlL:~=", min_size=1, max_size=7))
def test_scalars_are_read_as_omegaconf_reads_them_or_not_at_all(text: str) -> None:
    if parse.parse("f", f"a: {text}\n".encode()).problems:
        return
    try:
        expected = by_omegaconf(text)
    except ValueError:
        raise AssertionError(f"{text} is accepted, and OmegaConf refuses it") from None
    value = gate.plain(text)
    assert (type(value), repr(value)) == (type(expected), repr(expected))


# --- places ----------------------------------------------------------------------------------------------------------


def test_places_of_keys_and_values() -> None:
    places = Places().of("f", "a: 1\nb: {ключ: 'x y', d: [1, {e: 2}]}\nt: |\n  text\nu: -3\n".encode())
    assert {
        p: (s.key and (s.key.line, s.key.column), (s.value.line, s.value.column, s.value.end_line, s.value.end_column))
        for p, s in places.items()
    } == {
        (): (None, (1, 1, 5, 6)),
        ("a",): ((1, 1), (1, 4, 1, 5)),
        ("b",): ((2, 1), (2, 4, 2, 33)),
        ("b", "ключ"): ((2, 5), (2, 11, 2, 16)),
        ("b", "d"): ((2, 18), (2, 21, 2, 32)),
        ("b", "d", 0): (None, (2, 22, 2, 23)),
        ("b", "d", 1): (None, (2, 25, 2, 31)),
        ("b", "d", 1, "e"): ((2, 26), (2, 29, 2, 30)),
        ("t",): ((3, 1), (3, 4, 5, 1)),
        ("u",): ((5, 1), (5, 4, 5, 6)),
    }


def test_comments_stand_outside_scalars() -> None:
    text = "# one\na: 'x # no' # two\nb: | # three\n  # no\n# four\nc: [x, # five\n  y#no]\n"
    text += "d: x#no\ne: >-\n  # no\n\n# six\n"
    expected = (
        (1, 1, "# one"),
        (2, 13, "# two"),
        (3, 6, "# three"),
        (5, 1, "# four"),
        (6, 8, "# five"),
        (12, 1, "# six"),
    )
    assert headers.comments(text.encode()) == expected
