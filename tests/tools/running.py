"""Runs that need more than one command: whole workflows by act, and the LiteLLM proxy with traffic."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.toolbox import (
    STUBS,
    ToolResult,
    clean_environment,
    end_group,
    end_leftovers,
    make_venv,
    own_home,
    require_tool,
    run_tool,
)

RUNNERS = ("ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04", "ubuntu-24.04-arm", "self-hosted")
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*['\"]?([^\s'\"#]+@[^\s'\"#]+)", re.MULTILINE)


def act_validate(workflow: Path, repo_dir: Path) -> ToolResult:
    """act reads the workflow strictly: unknown keys and contexts."""
    program = require_tool("act")
    with own_home() as home:
        _quiet_act(home)
        return run_tool([program, "--validate", "--strict", "-W", workflow], repo_dir, home=home)


def stubs_for(workflow: Path) -> dict[str, Path]:
    """`owner/name@ref` → stand-in, for every `uses:` of the workflow but checkout, which act does itself."""
    found: dict[str, Path] = {}
    for uses in USES.findall(workflow.read_text(encoding="utf-8")):
        name = uses.partition("@")[0]
        if name == "actions/checkout" or uses.startswith("./"):
            continue
        folder = STUBS / name.rpartition("/")[2]
        if not folder.is_dir():
            raise LookupError(f"no stand-in for `{uses}`: add {folder.relative_to(STUBS.parent)}/action.yml")
        found[uses] = folder
    return found


def act_run(
    workflow: Path,
    repo_dir: Path,
    event: str = "push",
    stubs: Mapping[str, Path] | None = None,
    env: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    *,
    payload: Mapping[str, Any] | None = None,
    inputs: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    job: str | None = None,
    artifacts: Path | None = None,
    python_bin: Path | None = None,
    prefilled: Sequence[str] = (),
    path: Sequence[Path] = (),
    timeout: float = 300,
) -> ToolResult:
    """Run the workflow on this machine, without containers: real steps, real exit codes.

    `repo_dir` is a git repository with one commit (`make_git_repo`). `stubs` default to `stubs_for(workflow)`.
    setup-python's stand-in puts `python_bin` on the path, by default a new virtual environment of this run
    (`prefilled` as in `make_venv`); `path` comes before the system's; `artifacts` receives what upload-artifact
    was given, a folder a name. What the job summary got stands in the output behind "Summary - ". Processes that
    the steps leave running are ended. A job with `container:` or `services:` cannot run here.
    """
    program = require_tool("act")
    chosen = stubs_for(workflow) if stubs is None else stubs
    with own_home() as home:
        _quiet_act(home)
        command: list[str | Path] = [program, event, "-W", workflow, "--no-cache-server", "--rm"]
        for runner in RUNNERS:
            command += ["-P", f"{runner}=-self-hosted"]
        for uses, folder in sorted(chosen.items()):
            command += ["--local-repository", f"{uses}={folder}"]
        if payload is not None:
            (home / "event.json").write_text(json.dumps(payload))
            command += ["-e", home / "event.json"]
        command += ["-j", job] if job else []
        settings = {
            "LLMOPS_STUB_ARTIFACTS": str(artifacts or home / "artifacts"),
            "PIP_CACHE_DIR": str(_shared_cache("pip")),
            "npm_config_cache": str(_shared_cache("npm")),
            **(env or {}),
        }
        if any("/setup-python@" in uses for uses in chosen):
            settings["LLMOPS_STUB_PYTHON_BIN"] = str(python_bin or make_venv(home / "venv", prefilled))
        if any("/setup-node@" in uses for uses in chosen):
            settings["LLMOPS_STUB_NODE_BIN"] = str(require_tool("node").parent)
        for flag, values in (("--env", settings), ("-s", secrets), ("--input", inputs), ("--var", variables)):
            for name, value in sorted((values or {}).items()):
                command += [flag, f"{name}={value}"]
        search = os.pathsep.join([*map(str, path), os.environ.get("PATH", os.defpath)])
        try:
            return run_tool(command, repo_dir, {"PATH": search}, home=home, timeout=timeout)
        finally:
            end_leftovers(home)


def _quiet_act(home: Path) -> None:
    """Without this file act asks which image it should take."""
    folder = home / ".config" / "act"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "actrc").write_text("")


def _shared_cache(name: str) -> Path:
    from tests.tools import install

    folder = install.cache_folder() / f".cache-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: Any


def post(url: str, body: Mapping[str, Any], key: str | None = None, timeout: float = 60) -> Reply:
    """JSON there, JSON (or text) back; an error status is an answer like any other."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status, received, raw = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, received, raw = error.code, error.headers, error.read()
    text = raw.decode(errors="replace")
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        parsed = text
    return Reply(status, {name.lower(): value for name, value in received.items()}, parsed)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running gateway. `url` without `/v1`."""

    url: str
    log_file: Path

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def chat(self, model: str, text: str, key: str | None = None, **fields: Any) -> Reply:
        messages = [{"role": "user", "content": text}]
        return post(f"{self.base_url}/chat/completions", {"model": model, "messages": messages, **fields}, key)


@contextlib.contextmanager
def litellm_proxy(
    config: Path, env: Mapping[str, str] | None = None, port: int | None = None, *, deadline: float = 120
) -> Iterator[Proxy]:
    """The real LiteLLM proxy with this config, once it says that it lives; its whole process group ends after.

    Raises `RuntimeError` with the log when it ends early or is not up at the deadline (seconds).
    """
    program = require_tool("litellm")
    chosen = port or free_port()
    with own_home() as home:
        settings = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONUNBUFFERED": "1", **(env or {})}
        proxy = Proxy(f"http://127.0.0.1:{chosen}", home / "litellm.log")
        with proxy.log_file.open("wb") as log:
            process = subprocess.Popen(
                [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(chosen)],
                cwd=config.parent, env=clean_environment(home, settings), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            _wait_until_live(process, proxy, deadline)
            yield proxy
        finally:
            end_group(process)


def _wait_until_live(process: subprocess.Popen[bytes], proxy: Proxy, deadline: float) -> None:
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"litellm ended with {process.returncode}:\n{proxy.log()[-4000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{proxy.url}/health/liveliness", timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"litellm is not up after {deadline:g} s:\n{proxy.log()[-4000:]}")
