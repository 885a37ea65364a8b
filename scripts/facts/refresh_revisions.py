"""Refresh `data/revisions.json`: commits of Hugging Face repositories that public files pin.

    python scripts/facts/refresh_revisions.py CLONES

CLONES holds a clone of kaito-project/kaito as `kaito-project+kaito`, whose list of models names the commit of each.
Others, found one by one, stand in `revision_claims.json` beside this script.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from common import DATA, finish, parser, render

LIST = "presets/workspace/models/supported_models.yaml"
CLAIMS = Path(__file__).with_name("revision_claims.json")
PINNED = re.compile(r"version: https://huggingface\.co/([^/\s]+/[^/\s]+)/commit/([0-9a-f]{40})")


def main() -> int:
    """Read the list, add the claims, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    clone = str(options.clones / "kaito-project+kaito")

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", clone, *words], capture_output=True, text=True, check=True).stdout

    commit, day = git("log", "-1", "--format=%H %cs").split()
    source = f"github:kaito-project/kaito@{commit}:{LIST}"
    rows = {
        repo: {"revision": revision, "source": source, "as_of": day}
        for repo, revision in PINNED.findall(git("show", f"HEAD:{LIST}"))
    }
    rows |= json.loads(CLAIMS.read_text(encoding="utf-8"))["rows"]
    return finish({DATA / "revisions.json": render({"rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
