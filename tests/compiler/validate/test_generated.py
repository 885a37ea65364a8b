"""What is generated from the schemas is up to date, and says what the schemas say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

from llmops import schemas
from llmops.schemas import types

ROOT = Path(__file__).parents[3]


def test_up_to_date() -> None:
    ran = subprocess.run(
        [sys.executable, "scripts/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_field_names() -> None:
    for name in (*schemas.kind_names(), "env"):
        literal = getattr(types, f"{name.title().replace('_', '')}Field")
        assert get_args(literal) == tuple(schemas.schema(name)["properties"])


def test_types_read_no_schema() -> None:
    """Importing the constants is cheap: a kind's schema is read when its shape is first asked for."""
    code = (
        "import llmops.schemas.types, llmops.schemas as s, sys; "
        "assert s.schema.cache_info().currsize == 0; "
        "assert not {'jsonschema', 'jsonschema_rs', 'referencing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=True)
