"""Run the equality test of compiler/load against each supported version of Hydra.

    equality_matrix.py [--trees N] [--workers N] [VERSION …]

Environments are made once, outside the repository, in `~/.cache/llmops-tools/hydra-<version>` (or below
`$LLMOPS_TOOLS_CACHE`), by uv where it is found and by venv and pip elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("1.3.8", "1.4.0rc3")
PACKAGES = ("pytest==9.2.0", "pytest-xdist==3.8.0")


def cache() -> Path:
    return Path(os.environ.get("LLMOPS_TOOLS_CACHE") or Path.home() / ".cache" / "llmops-tools")


def environment(version: str) -> Path:
    """The interpreter of an environment with that version of Hydra; made if it is not there."""
    folder = cache() / f"hydra-{version}"
    python = folder / "bin" / "python"
    stamp = folder / "complete"
    if stamp.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    wanted = [f"hydra-core=={version}", "pyyaml>=6.0.1", *PACKAGES]
    if uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--prerelease=allow", "--python", str(python), *wanted], check=True
        )
    else:
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--pre", *wanted], check=True)
    stamp.write_text("")
    return python


def run(python: Path, trees: int, workers: int, report: str) -> int:
    """One run of the test; its exit code."""
    variables = {
        **os.environ,
        "LLMOPS_EQUALITY_TREES": str(trees),
        "LLMOPS_EQUALITY_REPORT": report,
        "PYTHONPATH": str(ROOT / "src"),
    }
    command = [str(python), "-m", "pytest", "--noconftest", "-n", str(workers), "tests/compiler/load/test_equality.py"]
    return subprocess.run(command, cwd=ROOT, env=variables).returncode


def summarise(version: str, report: str) -> None:
    """What came of the trees, and which features they had, as shares."""
    outcomes: Counter[str] = Counter()
    features: Counter[str] = Counter()
    total = 0
    for line in report.splitlines():
        chunk = json.loads(line)
        total += chunk["trees"]
        outcomes.update(chunk["outcomes"])
        features.update(chunk["features"])
    print(f"hydra-core {version}: {total} trees")
    for name, number in outcomes.most_common():
        print(f"  {number:6} {number / max(1, total):6.1%}  {name}")
    print(
        "  " + ", ".join(f"{name} {number / max(1, total):.1%}" for name, number in features.most_common()), flush=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold our composition against each supported version of Hydra.")
    parser.add_argument("--trees", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    args = parser.parse_args()
    failed = []
    for version in args.versions:
        python = environment(version)
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as report:
            failed.extend([version] if run(python, args.trees, args.workers, report.name) else [])
            summarise(version, report.read())
    if failed:
        print(f"not equal on hydra-core {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
