"""A repository to write into, and a snapshot of it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmops.compiler.model.artifact import Emitted
from llmops.compiler.model.finding import Diagnostic
from llmops.compiler.model.keys import Address
from llmops.compiler.write.apply import Report, apply, read_lock
from llmops.compiler.write.plan import Plan
from llmops.compiler.write.run import prepare

PLACES = {"vllm": (), "github": (".github/workflows/llmops-bot-",)}
STATE_FILES = {".gitignore", "write.lock"}

Files = Mapping[str, str]


def emitted(path: str, text: str | bytes, *, scope: str | None = None, executable: bool = False) -> Emitted:
    content = text.encode() if isinstance(text, str) else text
    parts = path.split("/")
    found = parts[parts.index("generated") + 1] if "generated" in parts[:-1] else "project"
    target = "github" if path.startswith(".github/") else "vllm"
    return Emitted(path, target, scope or found, content, (), (Address("model", "answerer"),), executable)


@dataclass
class Repo:
    root: Path
    project: str = "."
    version: str = "0.1.0"
    places: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: PLACES)

    def plan(
        self, files: Files | Collection[Emitted], *, scopes: Collection[str] | None = None, force: Collection[str] = (),
        writing: bool = True,
    ) -> tuple[Plan, tuple[Diagnostic, ...]]:  # fmt: skip
        plan, found = self.try_plan(files, scopes=scopes, force=force, writing=writing)
        assert plan is not None, found
        return plan, found

    def try_plan(
        self, files: Files | Collection[Emitted], *, scopes: Collection[str] | None = None, force: Collection[str] = (),
        writing: bool = True,
    ) -> tuple[Plan | None, tuple[Diagnostic, ...]]:  # fmt: skip
        artifacts = [emitted(p, t) for p, t in files.items()] if isinstance(files, Mapping) else list(files)
        outcome = prepare(
            artifacts, self.root, compiler=self.version, targets={"vllm": "1", "github": "1"}, places=self.places,
            project=self.project, scopes=scopes, force=force, writing=writing,
        )  # fmt: skip
        return outcome.value, outcome.diagnostics

    def compile(
        self, files: Files | Collection[Emitted], *, scopes: Collection[str] | None = None, force: Collection[str] = (),
        explain: Callable[[str, int], str | None] | None = None, step: Callable[[str], None] = lambda name: None,
    ) -> tuple[Report, tuple[Diagnostic, ...]]:  # fmt: skip
        plan, found = self.plan(files, scopes=scopes, force=force)
        done = apply(plan, self.root, explain_line=explain, wait=0.2, step=step)
        return done.value, found + done.diagnostics

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def lock(self) -> dict[str, tuple[str, ...]]:
        entries = read_lock(self.root, self.project).value.entries
        return {path: tuple(entry.scope for entry in found) for path, found in entries.items()}

    def files(self) -> dict[str, str]:
        """Everything but the state folder and the lock."""
        return {path: text for path, text in self.snapshot().items() if path != "llmops.lock" and text != "<folder>"}

    def snapshot(self) -> dict[str, str]:
        """Files, links and folders with what they hold, without the state folder."""
        return snapshot(self.root)

    def state(self) -> set[str]:
        folder = self.root / self.project / ".llmops"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def snapshot(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if ".llmops" in name.split("/"):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[name] = f"-> {path.readlink()}"
        elif stat.S_ISDIR(mode):
            found[name] = "<folder>"
        else:
            found[name] = path.read_bytes().decode("utf-8", errors="replace") + ("*" if mode & 0o100 else "")
    return found


def codes(found: Collection[Diagnostic]) -> list[str]:
    return [problem.code for problem in found]
