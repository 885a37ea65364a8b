"""Which variable a consumer reads a secret from."""

from __future__ import annotations

from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.sources import Fact
from llmops.compiler.model.view import View


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
