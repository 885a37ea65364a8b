"""Cases of targets: a small project each, and everything that the target writes for it.

`tests/targets/<target>/cases/<case>/` holds the project (llmops.yaml is optional: one environment `dev`) and
`expected/`, the target's artifacts by their path from the repository. Locks and programs that a target ships are
compared by name only.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.support.golden import accepted

HERE = Path(__file__).parent
SHIPPED = (
    "package-lock.json", "requirements.txt", "server.py", "agent_graphs", "haystack_parts.py", "pipeline_wrapper.py",
)
LOCK = b"(the lock file that the target ships)\n"
CASES = sorted(path for path in HERE.glob("*/cases/*") if path.is_dir())


def project_files(case: Path) -> dict[str, bytes]:
    """The project of a case; a config.yaml that selects every resource file is made if there is none."""
    files = {
        str(path.relative_to(case)): path.read_bytes()
        for path in sorted(case.rglob("*"))
        if path.is_file() and path.relative_to(case).parts[0] != "expected"
    }
    files.setdefault("llmops.yaml", b"name: case\nenvironments: {dev: []}\n")
    if "conf/config.yaml" not in files:
        kinds: dict[str, list[str]] = {}
        for name in files:
            parts = name.split("/")
            if len(parts) == 3 and parts[0] == "conf" and parts[1] != "env":
                kinds.setdefault(parts[1], []).append(parts[2].removesuffix(".yaml"))
        lines = [f"  - {kind}: [{', '.join(names)}]" for kind, names in sorted(kinds.items())]
        files["conf/config.yaml"] = "\n".join(["defaults:", *lines, "  - env: dev", ""]).encode()
    return files


def compile_case(case: Path) -> Compilation:
    return compile_project(Memory(project_files(case)), Request())


@pytest.mark.parametrize("case", CASES, ids=[f"{c.parent.parent.name}-{c.name}" for c in CASES])
def test_case(case: Path) -> None:
    target = case.parent.parent.name.replace("_", "-")
    result = compile_case(case)
    assert [(d.code, d.message) for d in result.diagnostics if d.severity == "error"] == []
    made = {e.path: e.content for e in result.emitted if e.target == target}
    assert made, "the case compiles to nothing of this target"
    for path, content in made.items():
        if set(SHIPPED) & set(Path(path).parts):
            content = b"# the program that the target ships\n" if path.endswith(".py") else LOCK
        accepted(case / "expected" / path, content)
    expected = {str(p.relative_to(case / "expected")) for p in (case / "expected").rglob("*") if p.is_file()}
    assert expected == set(made)
