"""Refresh `data/actions.json`: the newest release of each GitHub Action that two public repositories pin alike.

    python scripts/facts/refresh_actions.py CLONES

CLONES holds clones of repositories that pin actions by commit with the tag in a comment
(`uses: actions/checkout@<40 hex> # v7.0.1`), each as `<owner>+<name>`. The repository of an action itself bears out its
own tags; a pin without a comment then counts for the tag that stands at its commit.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from common import DATA, finish, parser, render

ACTIONS = (
    "actions/checkout",
    "actions/download-artifact",
    "actions/github-script",
    "actions/setup-node",
    "actions/setup-python",
    "actions/upload-artifact",
    "astral-sh/setup-uv",
    "aws-actions/configure-aws-credentials",
    "azure/login",
    "google-github-actions/auth",
)
PIN = re.compile(r"^HEAD:([^:]+):.*uses:\s*([\w./-]+)@([0-9a-f]{40})(?:\s+#\s*(v\d+(?:\.\d+){2}))?\s*$")
TAG = re.compile(r"^([0-9a-f]{40})\s+refs/tags/(v\d+(?:\.\d+){2})(?:\^\{\})?$")
WITNESSES = 2  # repositories that must agree
Release = tuple[int, ...]


def own_tags(clones: Path) -> dict[str, dict[str, str]]:
    """Commit to tag, of the actions whose own repository is among the clones."""
    found: dict[str, dict[str, str]] = {}
    for name in ACTIONS:
        for clone in clones.iterdir():
            if clone.name.casefold() == name.replace("/", "+").casefold():
                listed = subprocess.run(["git", "ls-remote", "--tags", str(clone)], capture_output=True, text=True)
                matches = (TAG.match(line) for line in listed.stdout.splitlines())
                found[name] = {match[1]: match[2] for match in matches if match}
    return found


def pins(clone: Path, tags: dict[str, dict[str, str]]) -> dict[tuple[str, str, str], str]:
    """The pins of one clone, each with the first file that has it."""
    wanted = ["git", "-C", str(clone), "grep", "-E", "uses:.*@[0-9a-f]{40}", "HEAD", "--", ".github"]
    found: dict[tuple[str, str, str], str] = {}
    for line in subprocess.run(wanted, capture_output=True, text=True).stdout.splitlines():
        if (match := PIN.match(line)) and match[2] in ACTIONS:
            tag = match[4] or tags.get(match[2], {}).get(match[3])
            if tag:
                found.setdefault((match[2], tag, match[3]), match[1])
    for name, known in tags.items():
        if clone.name.casefold() == name.replace("/", "+").casefold():
            found |= {(name, tag, commit): "action.yml" for commit, tag in known.items()}
    return found


def release(tag: str) -> Release:
    """The numbers of a tag."""
    return tuple(int(part) for part in tag.removeprefix("v").split("."))


def main() -> int:
    """Gather the pins, keep the newest that are borne out."""
    command = parser(main.__doc__ or "")
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    seen: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    tags = own_tags(options.clones)
    for clone in sorted(path for path in options.clones.iterdir() if (path / "HEAD").exists()):
        head = ["git", "-C", str(clone), "log", "-1", "--format=%H %cs"]
        commit, day = subprocess.run(head, capture_output=True, text=True, check=True).stdout.split()
        for pin, path in pins(clone, tags).items():
            source = f"github:{clone.name.replace('+', '/')}@{commit}:{path}"
            seen.setdefault(pin, []).append((day, source))
    rows: dict[str, object] = {}
    for name in ACTIONS:
        known = [pin for pin, places in seen.items() if pin[0] == name and len(places) >= WITNESSES]
        if known:
            pin = max(known, key=lambda pin: release(pin[1]))
            places = sorted(seen[pin], reverse=True)
            rows[name] = {
                "tag": pin[1],
                "commit": pin[2],
                "as_of": places[0][0],
                "sources": sorted(source for _, source in places)[:4],
            }
    return finish({DATA / "actions.json": render({"rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
