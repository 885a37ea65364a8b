"""Start a rule, a target or a kind: the files that it needs, and a test that fails until they say something.

    python scripts/new.py rule AREA CODE NAME      rule serving SRV027 some-name
    python scripts/new.py target NAME              target some-tool
    python scripts/new.py kind NAME                kind some_kind

Nothing that exists is overwritten. The failing test's own text says what comes next.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(0, str(ROOT))

from scripts.scaffolds import KIND, RULE, TARGET  # noqa: E402


class Refused(Exception):
    """What was asked for cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Files to write, and the test that fails then."""

    files: Mapping[str, str]
    test: str


def rule(area: str, code: str, name: str) -> Scaffold:
    from llmops.compiler.diagnostics.codes import all_codes

    _spelt("the area", area, "[a-z][a-z_]*", "a folder of compiler/rules, such as `serving`")
    _spelt("the code", code, "[A-Z]{3}[0-9]{3}", "three capital letters and three digits, such as `SRV027`")
    _spelt("the name", name, "[a-z0-9]+(-[a-z0-9]+)*", "lower-case words joined by `-`, such as `some-name`")
    for one in all_codes():
        if code == one.code or name == one.name:
            raise Refused(f"{one.code} {one.name} exists; codes and names are never used twice")
    module = name.replace("-", "_")
    words = {"AREA": area, "CODE": code, "NAME": name, "MODULE": module}
    files = _filled(RULE, words)
    if not (ROOT / f"compiler/rules/{area}").exists():
        files[f"compiler/rules/{area}/__init__.py"] = f'"""Rules of the area {area}."""\n'
    return Scaffold(files, f"tests/rules -k {module}")


def target(name: str) -> Scaffold:
    _spelt("the name", name, "[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower-case words joined by `-`, such as `some-tool`")
    module = name.replace("-", "_")
    words = {"NAME": name, "MODULE": module, "TITLE": name.replace("-", " ").capitalize()}
    return Scaffold(_filled(TARGET, words), f"tests/targets/test_cases.py -k {module}-first")


def kind(name: str) -> Scaffold:
    _spelt("the name", name, "[a-z][a-z0-9]*(_[a-z0-9]+)*", "lower-case words joined by `_`, such as `some_kind`")
    words = {"NAME": name, "TITLE": name.replace("_", " ").capitalize()}
    return Scaffold(_filled(KIND, words), f"tests/compiler/validate/test_schemas.py -k {name}/properties/next")


MAKERS: Mapping[str, tuple[Callable[..., Scaffold], int]] = {
    "rule": (rule, 3), "target": (target, 1), "kind": (kind, 1),
}  # fmt: skip


def _spelt(what: str, text: str, pattern: str, form: str) -> None:
    if re.fullmatch(pattern, text) is None:
        raise Refused(f"{what} is {form}, not {text!r}")


def _filled(templates: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """Paths and texts with `<WORD>` filled in."""

    def fill(text: str) -> str:
        return re.sub("<([A-Z]+)>", lambda found: words[found[1]], text)

    return {fill(path): fill(text) for path, text in templates.items()}


def write(made: Scaffold) -> None:
    there = [path for path in made.files if (ROOT / path).exists()]
    if there:
        raise Refused(f"{', '.join(there)} is there already")
    for path, text in made.files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(f"wrote: {path}")
    # A process of its own: this one has read the schemas and codes as they were.
    subprocess.run([sys.executable, str(ROOT / "scripts/generate.py")], check=True)
    print(f"Next, see it fail, and why:  python -m pytest {made.test}")


def main(arguments: list[str]) -> int:
    what, *words = arguments or [""]
    maker, count = MAKERS.get(what, (None, 0))
    if maker is None or len(words) != count:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        write(maker(*words))
    except Refused as refused:
        print(f"error: {refused}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
