"""A compiled case on disk, and runs of its graphs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.test_cases import HERE, project_files
from tests.tools.toolbox import clean_environment, own_home, require_tool, tool_python

RUN = Path(__file__).parent / "run.py"
CASES = HERE / "langgraph" / "cases"
KEY = "sk-models-41c7"


def calls(name: str, **arguments: Any) -> dict[str, Any]:
    """A rule's reply: the model calls a tool."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


def write(case: str, root: Path) -> Path:
    """The project and what is compiled of it, with the real server of functions; the folder of the graphs."""
    files = dict(project_files(CASES / case))
    for target, tool in (("mcp", "mcp"), ("presidio", "presidio"), ("nemo-guardrails", "nemo-guardrails")):
        if f"conf/target/{target}.yaml" in files:
            files[f"conf/target/{target}.yaml"] = f"python: {tool_python(tool)}\n".encode()
    made = compile_project(Memory(files), Request()).emitted
    for name, content in {**files, **{e.path: e.content for e in made}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root / "generated" / "dev" / "langgraph" / "app"


def python() -> Path:
    return require_tool("langgraph").parent / "python"


def runs(
    app: Path, told: Mapping[str, Mapping[str, Any]], models: str, more: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What `run.py` says of runs by their names, which are their threads too; `log` is what stood in its log."""
    with own_home() as home:
        env = clean_environment(home, {"MODELS_URL": models, "MODELS_KEY": KEY, **(more or {})})
        given = json.dumps([{"thread": name, **run} for name, run in told.items()])
        done = subprocess.run([python(), RUN, app], input=given, capture_output=True, text=True, check=False, env=env,
                              cwd=home, timeout=180)  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "log": done.stderr, "runs": dict(zip(told, found["runs"], strict=True))}
