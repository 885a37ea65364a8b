"""A fault of ours: one line for the user, and a report that holds nothing of the configs."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from llmops import __version__
from llmops.compiler.cli.codes import BUG002

_PACKAGE = Path(__file__).resolve().parents[2]


def report(error: BaseException) -> str:
    """Write the report; gives the line to show. Messages of exceptions are left out: they may quote a config."""
    head = f"error[{BUG002.code}]: a fault of llmops, not of your configs ({type(error).__name__})"
    try:
        handle, name = tempfile.mkstemp(prefix="llmops-fault-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(describe(error))
    except OSError:
        return f"{head}; no report could be written"
    return f"{head}; please report it with {name}, which holds no text of your configs"


def describe(error: BaseException) -> str:
    """Versions, the command's name, and where in the code it happened."""
    lines = [
        f"llmops {__version__}",
        f"python {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"command {_command(sys.argv[1:])}",
        "",
    ]
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        lines.append(type(current).__qualname__)
        frames = traceback.extract_tb(current.__traceback__)
        lines += [f"  {_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-60:]]
        current = current.__cause__ or current.__context__
    return "\n".join(lines) + "\n"


def _short(filename: str) -> str:
    """A file of ours or of a library by its own path in the package, and nothing of this machine's folders."""
    path = Path(filename)
    if "site-packages" in path.parts:
        return "/".join(path.parts[path.parts.index("site-packages") + 1 :])
    try:
        return str(path.resolve().relative_to(_PACKAGE))
    except ValueError:
        return path.name


def _command(arguments: list[str]) -> str:
    from llmops.compiler.cli.main import COMMANDS

    return next((argument for argument in arguments if argument in COMMANDS), "-")
