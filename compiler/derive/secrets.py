"""Which variable a consumer reads a secret from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.compiler.facts import Facts
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.view import View
from llmops.schemas.types import SECRET


def variable(secret: View[Any], consumer: str) -> Sourced[str]:
    """The environment variable: what `variables` says for the consumer, else `variable`, else the name in capitals.

    For a secret that the catalogue brings, its row is the origin.
    """
    found = secret.maybe_text("variables", consumer) or secret.maybe_text("variable")
    if found is None:
        return secret.label.map(str.upper)
    if secret.resource.implied:
        return Sourced(found.value, (Fact(secret.resource.implied, "", ""),), raw=True)
    return found


def known(facts: Facts, kind: str) -> tuple[str, ...]:
    """The names of which the catalogue knows something that it could bring: the providers, for secrets."""
    return facts.providers() if kind == SECRET.name else ()


def brought(facts: Facts, kind: str, name: str) -> tuple[Mapping[str, Any], str] | None:
    """What the catalogue brings where no file does: the secret of a provider whose key has a name, and its fact."""
    provider = facts.provider(name) if kind == SECRET.name else None
    if provider is None or provider.key_variable is None:
        return None
    return {"variable": provider.key_variable}, provider.fact
