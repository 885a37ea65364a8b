"""The files that fields point to, as they are read on demand."""

from __future__ import annotations

from llmops.compiler.model.project import Project
from llmops.compiler.model.request import TooLarge


def content(project: Project, path: str) -> bytes | None:
    """A file's bytes; None where it is missing or too large, which was reported when the reference was followed."""
    try:
        return project.texts.get(path)
    except TooLarge:
        return None
