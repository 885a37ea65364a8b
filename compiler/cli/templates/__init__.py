"""The projects that `init` starts from: a folder each, copied as it is but for the project's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

TEMPLATES = ("minimal", "chat", "rag")
_NAME = "PROJECT_NAME"

ATTRIBUTES = """\
# Generated files have LF endings everywhere. Reviews collapse the derived ones; workflows are always shown.
generated/** text eol=lf linguist-generated
llmops.lock text eol=lf linguist-generated
.github/workflows/llmops-*.yml text eol=lf
"""
IGNORED = ".llmops/\n"


@dataclass(frozen=True, slots=True)
class Made:
    """What `create` wrote, each file with a few words about it, and what it left alone."""

    written: dict[str, str]
    kept: list[str]


class PathTakenError(Exception):
    """Something that is no plain file or folder stands where one belongs."""


def project_name(folder: str) -> str:
    """A folder's name as a project may be called."""
    name = re.sub("[^a-z0-9_-]+", "-", folder.lower()).strip("-_")
    name = name if name[:1].isalpha() else f"app-{name}".rstrip("-")
    return name[:40].rstrip("-_")


def create(root: Path, template: str, name: str) -> Made:
    """Write the template's files that are missing below `root`."""
    from llmops.compiler.cli.editor import settings
    from llmops.schemas import kind_names

    wanted = {
        **{path: (text.replace(_NAME, name), _about(path)) for path, text in read(template).items()},
        ".gitattributes": (ATTRIBUTES, "LF endings for generated files; collapses the derived ones in reviews"),
        ".gitignore": (IGNORED, "keeps .llmops/, a local cache, out of git"),
        ".vscode/settings.json": (settings(list(kind_names())), "completion; its schemas come with the first compile"),
    }
    for path in wanted:
        _refuse_links(root, path)
    made = Made({}, [])
    for path, (text, about) in wanted.items():
        full = root / path
        if path == ".gitignore" and full.is_file():
            _ignore(full, made)
        elif full.exists():
            made.kept.append(path)
        else:
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_text(text, encoding="utf-8", newline="\n")
            made.written[path] = about
    return made


def read(template: str) -> dict[str, str]:
    """A template's files by path, the project file first."""
    base = files(__name__).joinpath(template)
    found: dict[str, str] = {}
    waiting = [(base, "")]
    while waiting:
        folder, before = waiting.pop()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            path = f"{before}{entry.name}"
            if entry.is_dir():
                waiting.append((entry, f"{path}/"))
            elif path.endswith((".yaml", ".md", ".jsonl")):
                found[path] = entry.read_text(encoding="utf-8")
    return dict(sorted(found.items(), key=lambda item: (item[0] != "llmops.yaml", item[0])))


def _about(path: str) -> str:
    words = {
        "llmops.yaml": "the project and its environments",
        "conf/config.yaml": "selects the resources",
    }
    if path.startswith("data/"):
        return "a document to search in"
    parts = path.split("/")
    if path in words:
        return words[path]
    if parts[0] == "conf" and len(parts) == 3:
        return f"{parts[1]}.{parts[2].removesuffix('.yaml')}" if parts[1] != "env" else "what this environment changes"
    return ""


def _refuse_links(root: Path, path: str) -> None:
    """Nothing is written through a link."""
    here = root
    for part in Path(path).parts:
        here = here / part
        if here.is_symlink():
            raise PathTakenError(f"{path}: a link stands there, and nothing is written through a link")
    if any((root / parent).is_file() for parent in Path(path).parents if str(parent) != "."):
        raise PathTakenError(f"{path}: a file stands where its folder belongs")


def _ignore(path: Path, made: Made) -> None:
    """Add our line to a .gitignore that exists."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if any(line.strip() in (".llmops", ".llmops/", "/.llmops/", "/.llmops") for line in text.splitlines()):
        made.kept.append(".gitignore")
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(("" if not text or text.endswith("\n") else "\n") + IGNORED)
    made.written[".gitignore"] = "one line added: .llmops/"
