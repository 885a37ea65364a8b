"""What the refresh scripts share: one row a line, sorted, so that a diff of a table can be reviewed."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "compiler" / "facts" / "data"


def render(table: Mapping[str, object]) -> str:
    """The text of a table: its head one key a line, each of its maps one row a line, all sorted."""
    lines = []
    for key in sorted(table):
        value = table[key]
        if isinstance(value, dict) and value:
            rows = ",\n".join(f"  {_text(name)}: {_text(value[name])}" for name in sorted(value))
            lines.append(f" {_text(key)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {_text(key)}: {_text(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the one option that every refresh script has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    return made


def finish(tables: Mapping[Path, str], check: bool) -> int:
    """Write the tables, or with `check` show how they differ; the exit status (1: they differ)."""
    different = 0
    for path, text in sorted(tables.items()):
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old == text:
            continue
        different += 1
        if check:
            name = str(path.relative_to(DATA.parent))
            diff = difflib.unified_diff(old.splitlines(), text.splitlines(), name, "refreshed", lineterm="", n=0)
            sys.stdout.writelines(line + "\n" for line in list(diff)[:40])
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(f"{len(tables)} tables, {different} {'differ' if check else 'written'}")
    return 1 if check and different else 0


def read_wheel(wheel: Path, member: str) -> tuple[bytes, str]:
    """A file of a wheel and the day it was built, `YYYY-MM-DD`."""
    with zipfile.ZipFile(wheel) as archive:
        info = archive.getinfo(member)
        year, month, day = info.date_time[:3]
        return archive.read(info), f"{year:04}-{month:02}-{day:02}"
