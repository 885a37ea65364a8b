#!/usr/bin/env python3
"""Write the lock files of the tools that the tests run and that the targets ship.

    python scripts/lock.py             solve again, keeping every pin that still fits
    python scripts/lock.py --upgrade   solve again with the newest transitive versions
    python scripts/lock.py --check     no network: are the committed locks complete and clean?

A direct version is changed by hand, in an `.in` file or a package.json; this script does the rest. Locks hold
digests and no address: users install them from whichever index or registry they have.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.tools import install  # noqa: E402  (the path above makes it importable)

TOOLS = REPOSITORY / "tests" / "tools"
PYTHON_LOCKS = (
    (REPOSITORY / "requirements" / "dev.in", REPOSITORY / "requirements" / "dev.txt"),
    (TOOLS / "uv.in", TOOLS / "uv.txt"),
    (TOOLS / "lint.in", TOOLS / "lint.txt"),
    (TOOLS / "nodejs.in", TOOLS / "nodejs.txt"),
    (TOOLS / "agent_spec.in", TOOLS / "agent_spec.txt"),
    (TOOLS / "data.in", TOOLS / "data.txt"),
    (TOOLS / "labelling.in", TOOLS / "labelling.txt"),
    (TOOLS / "training.in", TOOLS / "training.txt"),
    (TOOLS / "axolotl.in", TOOLS / "axolotl.txt"),
    (TOOLS / "axolotl_alone.in", TOOLS / "axolotl_alone.txt"),
    (TOOLS / "llama_factory.in", TOOLS / "llama_factory.txt"),
    (TOOLS / "llama_factory_alone.in", TOOLS / "llama_factory_alone.txt"),
    (TOOLS / "vllm.in", TOOLS / "vllm.txt"),
    (TOOLS / "engines.in", TOOLS / "engines.txt"),
    *(
        (REPOSITORY / "targets" / name / "lock" / "requirements.in",
         REPOSITORY / "targets" / name / "lock" / "requirements.txt")
        for name in ("axolotl", "llama_factory", "trl")
    ),
    (
        REPOSITORY / "targets" / "dvc" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "dvc" / "lock" / "requirements.txt",
    ),
    (TOOLS / "retrieval.in", TOOLS / "retrieval.txt"),
    (
        REPOSITORY / "targets" / "haystack" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "haystack" / "lock" / "requirements.txt",
    ),
    (
        REPOSITORY / "targets" / "qdrant" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "qdrant" / "lock" / "requirements.txt",
    ),
    (
        REPOSITORY / "targets" / "pgvector" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "pgvector" / "lock" / "requirements.txt",
    ),
    (
        REPOSITORY / "targets" / "litellm" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "litellm" / "lock" / "requirements.txt",
    ),
    *(
        (REPOSITORY / "targets" / name / "lock" / "requirements.in",
         REPOSITORY / "targets" / name / "lock" / "requirements.txt")
        for name in ("guidellm", "inspect", "lm_eval", "nemo_guardrails", "presidio")
    ),
    (
        REPOSITORY / "targets" / "langgraph" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "langgraph" / "lock" / "requirements.txt",
    ),
    (
        REPOSITORY / "targets" / "mcp" / "lock" / "requirements.in",
        REPOSITORY / "targets" / "mcp" / "lock" / "requirements.txt",
    ),
)
BARE = (
    TOOLS / "labelling.in", TOOLS / "axolotl_alone.in", TOOLS / "llama_factory_alone.in", TOOLS / "engines.in",
    TOOLS / "retrieval.in",
)  # fmt: skip
"""Locked as listed, without what they depend on."""
WITHOUT = "without.txt"
"""Beside a list: what is left out of its lock although something asks for it, as uv's overrides."""
NODE_LOCKS = (TOOLS / "node", TOOLS / "gemini", REPOSITORY / "targets" / "promptfoo" / "lock")


def lock_python(source: Path, lock: Path, upgrade: bool) -> None:
    """Pins and digests for CPython 3.11 and later on every platform, without index lines or a header."""
    uv = install.install("uv") / "bin" / "uv"
    command = [
        str(uv), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
        *(["--upgrade"] if upgrade else []), *(["--no-deps"] if source in BARE else []),
        *(["--override", WITHOUT] if (source.parent / WITHOUT).is_file() else []),
        source.name, "--output-file", lock.name,
    ]  # fmt: skip
    subprocess.run(command, cwd=source.parent, env=install.uv_environment(), check=True)


def lock_node(folder: Path, upgrade: bool) -> None:
    """package-lock.json with integrity digests and without the `resolved` addresses."""
    install.install("nodejs")
    if upgrade:
        (folder / "package-lock.json").unlink(missing_ok=True)
    node = install.node_bin()
    command = [
        str(node / "npm"), "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund",
        "--omit-lockfile-registry-resolved",
    ]  # fmt: skip
    env = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)


def problems() -> Iterator[str]:
    """What is wrong with the committed locks, one line each."""
    for source, lock in PYTHON_LOCKS:
        name, text = lock.relative_to(REPOSITORY), lock.read_text()
        requirements = re.sub(r"\\\n\s*", " ", text).splitlines()
        for line in requirements:
            if not re.match(r"^[a-z0-9._-]+==[^ ]+ ", line):
                yield f"{name}: `{line[:60]}` is no pinned requirement"
            elif "--hash=sha256:" not in line:
                yield f"{name}: `{line.split()[0]}` has no digest"
        pinned = {line.split()[0] for line in requirements if line}
        for wanted in re.sub(r"#.*", "", source.read_text()).split():
            if re.sub(r"\[.*\]", "", wanted) not in {re.sub(r"\[.*\]", "", pin) for pin in pinned}:
                yield f"{name}: `{wanted}` of {source.name} is not in the lock"
        if "://" in text:
            yield f"{name}: holds an address"
    for folder in NODE_LOCKS:
        name = (folder / "package-lock.json").relative_to(REPOSITORY)
        wanted_by = json.loads((folder / "package.json").read_text())
        lock_data = json.loads((folder / "package-lock.json").read_text())
        for key in ("dependencies", "engines"):
            if lock_data["packages"][""].get(key, {}) != wanted_by.get(key, {}):
                yield f"{name}: its `{key}` are not those of package.json"
        for path, package in lock_data["packages"].items():
            if "resolved" in package:
                yield f"{name}: `{path}` holds an address"
            if path and "integrity" not in package and not package.get("inBundle"):
                yield f"{name}: `{path}` has no digest"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the lock files of the tools.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest transitive versions")
    parser.add_argument("--check", action="store_true", help="only look at the committed locks")
    options = parser.parse_args()
    if not options.check:
        for source, lock in PYTHON_LOCKS:
            lock_python(source, lock, options.upgrade)
            print(f"wrote {lock.relative_to(REPOSITORY)}", flush=True)
        for folder in NODE_LOCKS:
            lock_node(folder, options.upgrade)
            print(f"wrote {folder.relative_to(REPOSITORY)}/package-lock.json", flush=True)
    found = list(problems())
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
