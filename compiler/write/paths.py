"""Which paths may be written: normal, portable, at a declared place, and apart from each other on any file system."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from llmops.compiler.model.finding import Diagnostic, diagnose

from . import codes
from .difference import shorten

STATE = ".llmops"
"""The folder of a project that holds the stage, the journal and the lock file; git ignores it."""

LOCK_NAME = "llmops.lock"

MAX_NAME = 255
MAX_PATH = 1024
MAX_DEPTH = 64
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
)
_FORBIDDEN = frozenset('<>:"|?*\\')
_PRIVATE = frozenset([".git", STATE])


def inside(project: str, path: str) -> str:
    """A path of the project, relative to the repository."""
    return path if project in (".", "") else f"{project}/{path}"


def is_normal(path: str) -> bool:
    """Relative, with single `/`, without `.` and `..`, and encodable: a path that means the same to everyone."""
    if not path or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        return False
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def unportable(path: str) -> str | None:
    """Why some file system cannot hold this path, in words; None if all can."""
    if len(path.encode("utf-8")) > MAX_PATH:
        return f"it is longer than {MAX_PATH} bytes"
    if path.count("/") >= MAX_DEPTH:
        return f"it is deeper than {MAX_DEPTH} folders"
    for name in path.split("/"):
        if len(name.encode("utf-8")) > MAX_NAME:
            return f"a name in it is longer than {MAX_NAME} bytes"
        if name.split(".")[0].rstrip(" ").casefold() in _RESERVED:
            return f"Windows keeps the name `{name}` for a device"
        if name[-1] in ". ":
            return f"Windows drops the last character of `{name}`"
        if not name.isprintable() or not _FORBIDDEN.isdisjoint(name):
            bad = next(char for char in name if char in _FORBIDDEN or not char.isprintable())
            return f"it holds the character U+{ord(bad):04X}"
    return None


def allowed(path: str, project: str, places: Iterable[str]) -> bool:
    """Whether a path is below `generated/` of the project or one of the places.

    A place is a folder or a file (`.github/dependabot.yml`); one that ends in `-` or `*` is the start of a file's name
    (`.github/workflows/llmops-bot-`). Git's own folder and ours are never places.
    """
    if not is_normal(path) or any(part.casefold() in _PRIVATE for part in path.split("/")):
        return False
    return path.startswith(inside(project, "generated/")) or any(_below(path, place) for place in places)


def _below(path: str, place: str) -> bool:
    if place.endswith(("-", "*")):
        start = place.removesuffix("*")
        return path.startswith(start) and "/" not in path[len(start) :] and len(path) > len(start)
    place = place.rstrip("/")
    return bool(place) and (path == place or path.startswith(f"{place}/"))


def fold(path: str) -> str:
    """Equal for two paths that a file system could take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def check_paths(
    wanted: Mapping[str, str], others: Iterable[str], project: str, places: Mapping[str, tuple[str, ...]]
) -> dict[str, Diagnostic]:
    """What is wrong with the paths to be written (path -> target); `others` are those that stay as they are."""
    bad: dict[str, Diagnostic] = {}
    for path, target in wanted.items():
        if not allowed(path, project, places.get(target, ())):
            bad[path] = _outside(path, target, project, places.get(target, ()))
        elif why := unportable(path):
            bad[path] = diagnose(
                codes.UNPORTABLE_PATH, f"`{shorten(path)}` is no file name on every system", None,
                notes=(why, f"the target `{target}` makes it"), help=("rename the resource that it is made from",),
            )
    for path, other in _collisions([path for path in wanted if path not in bad], others):
        bad[path] = diagnose(
            codes.PATH_COLLISION, f"`{path}` and `{other}` cannot both be written", None,
            notes=("they are one file where case and accents do not count, or one needs a folder where the other is a "
                   "file",),
            help=("rename one of the resources that they are made from",),
        )  # fmt: skip
    return bad


def _outside(path: str, target: str, project: str, places: tuple[str, ...]) -> Diagnostic:
    roots = [inside(project, "generated/"), *places]
    return diagnose(
        codes.OUTSIDE_PLACES, f"the target `{target}` may not write `{shorten(path)}`", None,
        notes=("its places are " + ", ".join(f"`{root}`" for root in roots),),
    )  # fmt: skip


def _collisions(wanted: list[str], others: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of a wanted path and another path that some file system takes for the same, or for its folder."""
    spelling: dict[str, str] = {}
    files: dict[str, str] = {}
    for path in (*others, *wanted):
        files.setdefault(fold(path), path)
    for path in (*others, *wanted):
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            folded = fold(prefix)
            if depth < len(parts) and folded in files:
                yield path, files[folded]
                break
            if (known := spelling.setdefault(folded, prefix)) != prefix:
                yield path, known
                break


def parents(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
