"""Breaks the files of a project in small ways, as editors, merges and attackers do."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.security.kit import ROOT
from tests.support.projects import MINIMAL

Project = dict[str, bytes]

EXAMPLE = ROOT / "examples/support-rag"
WORDS = (
    "null", "~", "{}", "[]", "''", "true", "-1", "1e999", "0x1f", "???", "${model.answerer.id}", "${env.x}", "${",
    "&a x", "*a", "!!python/none x", "<<: {}", "yes", "2026-01-01", ".nan", "1_000", "\u202e", "\x00", "\x1b[31m",
    "\ufeff", "\u2028", "{{ x }}", "{% for", "../../etc/passwd", "/etc/passwd", "*", "**/*", "sk-" + "aB3" * 12,
    "- ", "? ", ": ", "#", "# @package x", "# llmops: ignore[SCH001]", "_global_", "hydra", "_target_: os.system", "|",
    ">-", "'", '"', "%YAML 1.2", "---", "...", "\t", "\r", "9" * 30, "a" * 2000, "::error::x", "é", "\U0001f600",
    "overrides: {litellm: {main.yaml: {x: 1}}}", "defaults: [x]", "env=prod", "[env=prod, ~model]", "provider: nobody",
)  # fmt: skip
KEYS = ("id", "model", "prompt", "provider", "runner", "engine", "rows", "gate", "routes", "stages", "params")


def projects() -> dict[str, Project]:
    return {
        "minimal": {path: text.encode() for path, text in MINIMAL.items()},
        "support-rag": {
            path.relative_to(EXAMPLE).as_posix(): path.read_bytes()
            for folder in ("conf", "prompts", "data")
            for path in sorted((EXAMPLE / folder).rglob("*"))
            if path.is_file()
        }
        | {"llmops.yaml": (EXAMPLE / "llmops.yaml").read_bytes()},
    }


def flip(chance: random.Random, data: bytes) -> bytes:
    """A few bytes are others."""
    changed = bytearray(data or b"x")
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.choice(b"\x00\n\t :-#'\"{}[]&*!|>%@`,?\x7f\x80\xc3\xff09azAZ")
    return bytes(changed)


def insert(chance: random.Random, data: bytes) -> bytes:
    """A word stands where none was."""
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(WORDS).encode() + data[at:]


def cut(chance: random.Random, data: bytes) -> bytes:
    """A stretch is gone."""
    start = chance.randint(0, len(data))
    return data[:start] + data[start + chance.randint(1, 40) :]


def value(chance: random.Random, data: bytes) -> bytes:
    """The value of a line is another."""
    lines = data.split(b"\n")
    numbers = [number for number, line in enumerate(lines) if b": " in line]
    if numbers:
        number = chance.choice(numbers)
        lines[number] = lines[number].partition(b": ")[0] + b": " + chance.choice(WORDS).encode()
    return b"\n".join(lines)


def key(chance: random.Random, data: bytes) -> bytes:
    """A key is another's."""
    return data.replace(chance.choice(KEYS).encode() + b":", chance.choice(KEYS).encode() + b":", 1)


def order(chance: random.Random, data: bytes) -> bytes:
    """Lines stand elsewhere, twice, or further in."""
    lines = data.split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines.insert(second, chance.choice((b"", b" ", b"  ", b"- ")) + lines[first])
    if chance.random() < 0.5:
        del lines[first]
    return b"\n".join(lines)


IN_FILE: tuple[Callable[[random.Random, bytes], bytes], ...] = (flip, insert, cut, value, key, order)


def mutated(chance: random.Random, files: Mapping[str, bytes]) -> Project:
    """A copy with one to three things wrong, or just different."""
    made = dict(files)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(sorted(made))
        if chance.random() < 0.85:
            made[path] = chance.choice(IN_FILE)(chance, made[path])
            continue
        other = chance.choice(sorted(made))
        match chance.randrange(4):
            case 0:
                del made[path]
            case 1:
                made[other] = made[path]
            case 2:
                made[str(Path(other).parent / Path(path).name)] = made[path]
            case _:
                end = chance.choice(("x.yaml", ".yml", "/a.yaml", "é.yaml"))
                made[path.removesuffix(".yaml") + end] = made[path]
    return made
