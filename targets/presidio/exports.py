"""How an app puts texts to a guardrail of Presidio's."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.exports import Screen
from llmops.compiler.model.finding import Finding, Severity
from llmops.compiler.model.sourced import literal
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import View
from llmops.schemas.types import GUARDRAIL
from llmops.targets.presidio.lower import NAME, problems


def screen(lowering: Lowering, rail: View[Any], near: str | None) -> Screen | None:
    """By `guard.py`, in an environment of its own."""
    if rail.address.kind != GUARDRAIL.name or rail.value.get("engine") != NAME:
        return None
    if any(isinstance(one, Finding) and one.severity is Severity.ERROR for one in problems(rail)):
        return None  # what is wrong with it is told where it is lowered
    shared, name = lowering.shared_folder, rail.address.name
    chosen = None if lowering.options is None else lowering.options.maybe_text("python")
    own = f"{shared}/venv"
    build = () if chosen is not None else (
        ("python", "-m", "venv", own),
        (f"{own}/bin/python", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "-r",
         f"{shared}/requirements.txt"),
    )
    return Screen(
        argv=(chosen or literal(f"{own}/bin/python"), literal(f"{shared}/guard.py"), literal(lowering.folder),
              literal("--lines")),
        install=build,
        files=(f"{shared}/guard.py", f"{shared}/requirements.txt",
               *(f"{lowering.folder}/{name}.{end}" for end in ("analyzer.yaml", "json"))),
    )
