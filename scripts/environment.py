#!/usr/bin/env python3
"""Make the virtual environment that every `make` command runs in, pinned by requirements/dev.txt.

It stands in a cache folder outside the repository (`$LLMOPS_TOOLS_CACHE`, else `~/.cache/llmops-tools`), named by the
digest of its lock, so that a fresh clone with an unchanged lock is ready at once. Prints the folder. Standard library
only: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
LOCK = REPOSITORY / "requirements" / "dev.txt"
RECIPE = "1"


def cache_folder() -> Path:
    chosen = os.environ.get("LLMOPS_TOOLS_CACHE")
    return Path(chosen).expanduser().resolve() if chosen else Path.home() / ".cache" / "llmops-tools"


def place() -> Path:
    version = ".".join(str(part) for part in sys.version_info[:3])
    digest = hashlib.sha256(LOCK.read_bytes() + f"{RECIPE} {version} {sys.prefix}".encode()).hexdigest()[:12]
    return cache_folder() / f"dev-{digest}"


def build(folder: Path) -> None:
    """Install into a temporary sibling and rename: an interrupted build leaves nothing half made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".dev-", dir=folder.parent))
    try:
        subprocess.run([sys.executable, "-m", "venv", str(temporary)], check=True)
        subprocess.run(
            [str(temporary / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)],
            check=True, stdin=subprocess.DEVNULL,
        )
        (temporary / ".ok").touch()
        # Programs in bin/ name the temporary folder in their first line: everything is run as `python -m`.
        temporary.rename(folder)
    except OSError:
        if not (folder / ".ok").is_file():  # not another build of the same lock that was faster
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - the message for those who have an older one
        print("llmops needs Python 3.11 or newer", file=sys.stderr)
        return 1
    folder = place()
    if not (folder / ".ok").is_file():
        print(f"installing the development environment ({LOCK.relative_to(REPOSITORY)}) …", file=sys.stderr)
        started = time.monotonic()
        build(folder)
        print(f"installed in {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
