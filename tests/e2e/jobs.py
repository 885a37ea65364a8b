"""What targets say of a compiled project is done here, word for word: commands run, servers start, as a job would.

    jobs = Jobs(root, "ci")                        an example, with its committed output, in a folder of its own
    jobs.run(jobs.tasks["index.policies"])         fills an index
    with jobs.serve("deployment.assistant"): …     a server, once it says that it is ready

Each thing runs in the environment of its own lock, as in a workflow.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from llmops.compiler.load.disk import Disk
from llmops.compiler.model.exports import Check, Service, Task
from tests.support.asking import asked
from tests.tools.toolbox import ToolResult, clean_environment, end_group, own_home, require_tool, run_tool

PROGRAMS = {
    "haystack": "hayhooks", "litellm": "litellm", "nemo-guardrails": "nemoguardrails", "inspect": "inspect",
    "trl": "trl", "vllm": "vllm", "promptfoo": "promptfoo",
}  # fmt: skip
"""A program of each target's environment, by which that is found."""


def copy(example: Path, root: Path) -> Path:
    """An example with all that is committed of it; what `npm ci` would lay beside its lock is the tests' own."""
    shutil.copytree(example, root, ignore=shutil.ignore_patterns(".llmops", "node_modules"))
    modules = require_tool("promptfoo").parents[1]
    (root / "generated" / "project" / "promptfoo" / "node_modules").symlink_to(modules)
    return root


@dataclass(slots=True)
class Server:
    """A running server: `url` without a path."""

    url: str
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")


@dataclass
class Jobs:
    """The jobs of one environment of a project in `root`. `variables` are what CI passes them."""

    root: Path
    env: str
    variables: dict[str, str] = field(default_factory=dict)

    def _asked(self, export: type[Any], *targets: str) -> dict[str, tuple[str, Any]]:
        found: dict[str, tuple[str, Any]] = {}
        for target in targets:
            for name, said in asked(Disk(self.root), export, target)[1].items():
                env, _, resource = name.partition(".")
                if env == self.env and said is not None:
                    found.setdefault(resource, (target, said))
        return found

    @cached_property
    def services(self) -> dict[str, tuple[str, Service]]:
        return self._asked(Service, "litellm", "haystack", "nemo-guardrails", "vllm")

    @cached_property
    def tasks(self) -> dict[str, tuple[str, Task]]:
        return self._asked(Task, "haystack", "trl")

    @cached_property
    def checks(self) -> dict[str, tuple[str, Check]]:
        return self._asked(Check, "promptfoo", "inspect")

    def environment(self, target: str, settings: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a job's step, its lock's programs first on the PATH."""
        folder = require_tool(PROGRAMS[target]).parent
        search = os.pathsep.join(map(str, (folder, *_beside(target), os.environ.get("PATH", os.defpath))))
        return {
            **OFFLINE, "PATH": search, **{name: str(getattr(v, "value", v)) for name, v in settings.items()},
            **self.variables,
        }

    def run(self, what: tuple[str, Check | Task], **variables: str) -> ToolResult:
        """The commands of an eval or a task, up to the first that fails."""
        target, job = what
        env = {**self.environment(target, job.settings), **variables}
        done: ToolResult | None = None
        for command in (*job.prepare, job.argv):
            done = run_tool([str(getattr(word, "value", word)) for word in command], self.root, env, timeout=400)
            if not done.ok:
                break
        assert done is not None
        return done

    @contextlib.contextmanager
    def serve(self, resource: str, deadline: float = 240) -> Iterator[Server]:
        """A server, ended with all that it started. `RuntimeError` with its log where it does not come up."""
        target, service = self.services[resource]
        words = [word.value for word in service.argv]
        env = self.environment(target, service.settings)
        with server(words, self.root, env, service.port.value, service.health, deadline) as started:
            yield started


@contextlib.contextmanager
def server(
    words: list[str], root: Path, env: Mapping[str, str], port: int, health: str, deadline: float
) -> Iterator[Server]:
    """A command as a server on its port, once it says that it is ready; its whole process group ends after.

    Raises `RuntimeError`, with the log, when it ends early or is not up at the deadline (seconds), and where somebody
    else listens there: he would answer in its place.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise RuntimeError(f"port {port} of {words[0]} is taken")
    with own_home() as home:
        started = Server(f"http://127.0.0.1:{port}", home / "server.log")
        with started.log_file.open("wb") as log:
            process = subprocess.Popen(
                words, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, env=clean_environment(home, env),
            )  # fmt: skip
        try:
            _wait(process, started, health, words[0], deadline)
            yield started
        finally:
            end_group(process)


OFFLINE = {
    "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}  # fmt: skip


def _beside(target: str) -> tuple[Path, ...]:
    """Node.js for what runs on it."""
    return (require_tool("node").parent,) if target == "promptfoo" else ()


def _wait(process: subprocess.Popen[bytes], started: Server, health: str, name: str, deadline: float) -> None:
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}:\n{started.log()[-6000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(started.url + health, timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"{name} is not up after {deadline:g} s:\n{started.log()[-6000:]}")
