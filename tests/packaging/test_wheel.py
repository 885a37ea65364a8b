"""The wheel and the sdist: the same bytes from two builds, whole, and working where there is no checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EPOCH = {"SOURCE_DATE_EPOCH": "1750000000"}
pytestmark = pytest.mark.slow


def run(command: list[str | Path], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **(env or {})}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def checkout(folder: Path) -> Path:
    """The tracked files of this checkout, links as links, without anything that lies around."""
    folder.mkdir()
    names = run(["git", "ls-files", "-z"], REPOSITORY).split("\0")
    for name in filter(None, names):
        source, target = REPOSITORY / name, folder / name
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return folder


def build(source: Path, out: Path, *what: str) -> dict[str, Path]:
    """Built by the project's own back end, with what the environment has: no network."""
    run([sys.executable, "-P", "-m", "build", "--no-isolation", *what, "--outdir", out, source], source, EPOCH)
    return {path.suffix: path for path in out.iterdir()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("built")
    return build(checkout(folder / "source"), folder / "out", "--sdist", "--wheel")


def test_two_builds_give_the_same_bytes(built: dict[str, Path], tmp_path: Path) -> None:
    again = build(checkout(tmp_path / "elsewhere"), tmp_path / "out", "--sdist", "--wheel")
    for suffix, path in built.items():
        assert again[suffix].name == path.name
        assert again[suffix].read_bytes() == path.read_bytes(), f"{path.name} differs"


def test_the_wheel_of_the_sdist_is_the_wheel(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built[".gz"]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    again = build(source, tmp_path / "out", "--wheel")
    first, second = zipfile.ZipFile(built[".whl"]), zipfile.ZipFile(again[".whl"])
    assert {n: first.read(n) for n in first.namelist()} == {n: second.read(n) for n in second.namelist()}


def test_the_wheel_holds_the_package_whole_and_nothing_else(built: dict[str, Path]) -> None:
    names = zipfile.ZipFile(built[".whl"]).namelist()
    found = {name.removeprefix("llmops/") for name in names if name.startswith("llmops/")}
    tracked = run(["git", "ls-files", "compiler", "schemas", "targets"], REPOSITORY).split()
    own = {name.removeprefix("src/llmops/") for name in run(["git", "ls-files", "src/llmops"], REPOSITORY).split()}
    own -= {"compiler", "schemas", "targets"}
    assert sorted((set(tracked) | own) - found) == []
    assert sorted(found - set(tracked) - own) == []
    assert all(name.startswith(("llmops/", "llmops_compiler-")) for name in names)


def test_the_dependencies_are_few(built: dict[str, Path]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wheel = zipfile.ZipFile(built[".whl"])
    (metadata,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    lines = wheel.read(metadata).decode().splitlines()
    needed = [line.split(": ", 1)[1].split(">")[0].split("<")[0] for line in lines if line.startswith("Requires-Dist")]
    assert sorted(needed) == [
        "click", "filelock", "hydra-core", "jinja2", "jsonschema", "jsonschema-rs", "networkx", "omegaconf", "pyyaml",
    ]
    assert len(project["dependencies"]) == len(needed)


def test_the_installed_command_compiles_from_another_folder(built: dict[str, Path], tmp_path: Path) -> None:
    """In a new environment, with the dependencies of this one: the compiled bytes are those that are committed."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    site = next((home / "lib").glob("python*")) / "site-packages"
    with zipfile.ZipFile(built[".whl"]) as wheel:
        wheel.extractall(site)
    dependencies = next(p for p in map(Path, sys.path) if p.name == "site-packages")
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    example = REPOSITORY / "examples" / "support-rag"
    entry = ["-c", "from llmops.__main__ import main; main()"]
    for number, command in enumerate((["-m", "llmops"], entry)):
        project = tmp_path / f"project{number}"
        ignored = shutil.ignore_patterns("generated", ".github", "llmops.lock", ".llmops")
        shutil.copytree(example, project, ignore=ignored)
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [home / "bin" / "python", "-I", *command, "-C", str(project), "compile"], cwd=tmp_path, env=clean,
            text=True, check=False, capture_output=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for path in (p for folder in ("generated", ".github") for p in (example / folder).rglob("*") if p.is_file()):
            assert (project / path.relative_to(example)).read_bytes() == path.read_bytes(), path


def test_the_console_scripts_are_declared(built: dict[str, Path]) -> None:
    wheel = zipfile.ZipFile(built[".whl"])
    (entry,) = (n for n in wheel.namelist() if n.endswith(".dist-info/entry_points.txt"))
    assert wheel.read(entry).decode().split() == [
        "[console_scripts]", "llmops", "=", "llmops.__main__:main", "llmops-compiler", "=", "llmops.__main__:main",
    ]
