"""What PostgreSQL with pgvector knows, as a real one told it: `scripts/targets/pgvector_lists.py`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def known(name: str) -> Any:
    """One of the lists: `operator_classes`, `languages`, `longest_name`, `settings`."""
    return _data("lists.json")[name]


@cache
def _data(name: str) -> Mapping[str, Any]:
    return dict(json.loads(files(__package__).joinpath("data", name).read_bytes()))


def image(version: str | None) -> str:
    """The published image: of a full version, else of the newest one whose number begins so."""
    row = _data("image.json")
    chosen = version if version is not None and version.count(".") == 2 else row["version"]
    return f"{row['image']}:{row['tag'].format(version=chosen)}"


def image_is_known(version: str) -> bool:
    """Whether `image` gives what a version asks for."""
    return version.count(".") == 2 or str(_data("image.json")["version"]).startswith(f"{version}.")


def short_name(name: str) -> str:
    """A name that PostgreSQL keeps whole: it cuts a longer one without a word, and then finds it no more."""
    longest: int = known("longest_name")
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: longest - 9]}_{digest}"
