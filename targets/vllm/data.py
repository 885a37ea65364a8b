"""What is known of vLLM beside its options: images, formats and places of weights. Each table has its source."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact


@cache
def table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath("data.json").read_bytes())
    return loaded


def of_version(name: str, version: str) -> tuple[str, ...]:
    """A list that a snapshot of that version has; empty where nobody looked."""
    found: list[str] = table()[name]["versions"].get(version, [])
    return tuple(found)


def image_name(vendor: str, version: str) -> Sourced[str] | None:
    """The published image for a vendor's accelerators, without a tag; None where there is none of that version."""
    row = table()["images"].get(vendor)
    if row is None or release(version) < release(row["since"]):
        return None
    return Sourced(row["name"], (Fact(f"vllm/images/{vendor}", row["source"], row["as_of"]),), raw=True)


def release(version: str) -> tuple[int, ...]:
    """`v0.11.2` is (0, 11, 2); what starts with no number is newer than every release (`nightly`)."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else (10**6,)
