"""The `load` pass: from files to one composed config for each environment."""

from __future__ import annotations

from llmops.compiler.load.codes import CODES
from llmops.compiler.load.disk import Disk, Memory, Overlay
from llmops.compiler.load.project import load

__all__ = ["CODES", "Disk", "Memory", "Overlay", "load"]
