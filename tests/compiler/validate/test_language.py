"""The examples of the language are valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compiler.validate.kit import rows, run

EXAMPLES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("language.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_the_language(name: str) -> None:
    validated = run(EXAMPLES[name], {"litellm": {}}.get)
    assert rows(validated) == []
    assert not any(resource.broken for resource in validated.resources.values())
