"""Where the project is: llmops.yaml in this folder or above it, and the repository that it belongs to."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.compiler.cli.options import Usage

PROJECT_FILE = "llmops.yaml"
_REPOSITORY = re.compile(r"^repository[ \t]*:(.*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """A project on disk. `project` is its folder relative to the repository's root, `.` for the top."""

    root: Path
    project: str

    @property
    def folder(self) -> Path:
        return self.root / self.project

    def inside(self, path: Path) -> str | None:
        """A path of this machine, relative to the repository; None if it lies outside."""
        try:
            return path.resolve().relative_to(self.root).as_posix()
        except ValueError:
            return None


def find(directory: str | None = None) -> Place:
    """The project around a folder (the current one by default)."""
    start = Path(directory or os.curdir).resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return Place(*_repository(folder))
    raise Usage(
        f"no {PROJECT_FILE} in {directory or 'this folder'} or above it; start a project with: llmops init my-app"
    )


def _repository(folder: Path) -> tuple[Path, str]:
    """The repository's root, and the project's folder in it: the folder itself, or what `repository:` says."""
    said = _REPOSITORY.search(_read_text(folder / PROJECT_FILE))
    wanted = said.group(1).split("#")[0].strip(" \t\r\"'") if said else "."
    if wanted in ("", "."):
        return folder, "."
    root = (folder / wanted).resolve()
    if root == folder:
        return folder, "."
    if root not in folder.parents or not (root / ".git").exists():
        raise Usage(f"`repository: {wanted}` in {PROJECT_FILE} must be a folder above the project that holds .git")
    return root, folder.relative_to(root).as_posix()


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(1024 * 1024).decode("utf-8", errors="replace")


# --- for completion: a quick look, which no pass relies on ---------------------------------------------------------


def environment_names(directory: str | None) -> list[str]:
    found = _project_file(directory).get("environments")
    return sorted(map(str, found)) if isinstance(found, dict) else []


def file_addresses(directory: str | None) -> list[str]:
    """`model.answerer` for each file of a folder of a kind."""
    try:
        place = find(directory)
    except Usage:
        return []
    conf = place.folder / str(_project_file(directory).get("conf", "conf"))
    files = (path.relative_to(conf) for path in conf.glob("*/**/*.yaml"))
    return sorted({f"{path.parts[0]}.{path.stem}" for path in files if path.parts[0] != "env"})


def _project_file(directory: str | None) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.load(_read_text(find(directory).folder / PROJECT_FILE), Loader=yaml.CSafeLoader)
    except (Usage, OSError, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
