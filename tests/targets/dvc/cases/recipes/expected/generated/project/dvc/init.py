#!/usr/bin/env python3
"""Make the repository one of DVC where it is none yet: `dvc repro` works in no other. Run in the repository's root.

    python init.py [<dvc.yaml> <stage> …]

What stages that ran elsewhere have left, and was brought here with dvc.lock, is taken as made; where what they
depend on has changed, DVC refuses that, and makes it again.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main(pipeline: str | None = None, *stages: str) -> int:
    here = Path.cwd()
    if not any((folder / ".dvc").is_dir() for folder in (here, *here.parents)):
        above = any((folder / ".git").exists() for folder in here.parents)
        how = [] if (here / ".git").exists() else ["--subdir"] if above else ["--no-scm"]
        done = subprocess.run(["dvc", "init", "--quiet", *how], check=False)
        if done.returncode != 0:
            return done.returncode
    if pipeline is not None and Path(pipeline).with_suffix(".lock").exists():
        for stage in stages:
            command = ["dvc", "commit", "--quiet", f"{pipeline}:{stage}"]
            subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
