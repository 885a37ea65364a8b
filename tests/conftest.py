"""Options of the whole test run."""

from __future__ import annotations

pytest_plugins = ["tests.tools.fixtures"]
