"""Comparing with accepted output on disk; `LLMOPS_ACCEPT=1` rewrites it, to be reviewed as a difference."""

from __future__ import annotations

import os
from difflib import unified_diff
from itertools import islice
from pathlib import Path


def accepted(path: Path, found: str | bytes) -> None:
    """Assert that `found` is what the file holds."""
    data = found.encode() if isinstance(found, str) else found
    if os.environ.get("LLMOPS_ACCEPT") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    assert path.is_file(), f"{path.name} is missing: `make accept` writes it"
    kept, text = path.read_text("utf-8"), data.decode()
    assert text == kept, f"{path} differs: `make accept` rewrites it, then review\n{_changes(kept, text)}"


def _changes(kept: str, found: str) -> str:
    """The first lines in which they differ."""
    return "\n".join(islice(unified_diff(kept.splitlines(), found.splitlines(), "accepted", "found", lineterm=""), 40))
