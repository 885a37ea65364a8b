"""Write what follows from other files: the types of the kinds and the pages of the reference.

    python scripts/generate.py [--check]

Each generator yields files (path below the repository, text). A folder that a generator owns is emptied of files that
it no longer yields. `--check` writes nothing, and exits with 1 if a file is not up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from scripts.generators import cli, kinds, rules, targets, types  # noqa: E402


@dataclass(frozen=True, slots=True)
class Generator:
    """`files` yields path and text; `owns` is a folder, below the repository, in which nothing else may stand."""

    files: Callable[[], Iterable[tuple[str, str]]]
    owns: str | None = None


GENERATORS = [
    Generator(types.files),
    Generator(kinds.files, owns="docs/reference/kinds"),
    Generator(rules.files, owns="docs/reference/rules"),
    Generator(targets.files, owns="docs/reference/targets"),
    Generator(cli.files),
]


def differences() -> Iterator[tuple[Path, str | None]]:
    """Files that are not what they should be, with the text that they should have (None: they should not exist)."""
    for generator in GENERATORS:
        wanted = {ROOT / path: text for path, text in generator.files()}
        for path, text in wanted.items():
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                yield path, text
        if generator.owns is not None:
            for path in sorted((ROOT / generator.owns).rglob("*")):
                if path.is_file() and path not in wanted:
                    yield path, None


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    found = list(differences())
    for path, text in found:
        print(f"{'not up to date' if check else 'wrote' if text is not None else 'removed'}: {path.relative_to(ROOT)}")
        if check:
            continue
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return 1 if check and found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
