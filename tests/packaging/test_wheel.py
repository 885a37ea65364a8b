"""What is published: built twice it is the same, it holds what is needed and nothing else, and it works elsewhere."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXAMPLE = ROOT / "examples/support-rag"
SOURCES = ("compiler", "schemas", "targets", "src", "README.md", "LICENSE", "pyproject.toml")
DEPENDENCIES = {
    "click", "filelock", "hydra-core", "jinja2", "jsonschema", "jsonschema-rs", "networkx", "omegaconf", "pyyaml",
}  # fmt: skip
BUILD = """
import sys
from hatchling import build
print(getattr(build, f"build_{sys.argv[1]}")(sys.argv[2]))
"""

pytestmark = pytest.mark.slow


def build(kind: str, source: Path, out: Path, **variables: str) -> Path:
    """As `python -m build --no-isolation` does; the backend is the pinned one of the development environment."""
    out.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(out)], cwd=source, env={**os.environ, **variables},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return out / done.stdout.split()[-1]


def checkout(folder: Path) -> Path:
    """The sources as a clone has them: no caches, other times, another folder."""
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, folder / name)
    return folder


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("source") / "llmops")


@pytest.fixture(scope="session")
def wheel(source: Path) -> Path:
    return build("wheel", source, source.parent / "dist")


@pytest.fixture(scope="session")
def sdist(source: Path) -> Path:
    return build("sdist", source, source.parent / "dist")


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_built_again_elsewhere_they_are_the_same(tmp_path: Path, wheel: Path, sdist: Path) -> None:
    other = checkout(tmp_path / "somewhere else")
    for path in other.rglob("*"):
        os.utime(path, (10**9, 10**9), follow_symlinks=False)
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
    variables = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    assert build("wheel", other, tmp_path, **variables).read_bytes() == wheel.read_bytes()
    assert build("sdist", other, tmp_path, **variables).read_bytes() == sdist.read_bytes()


def test_the_wheel_made_from_the_sdist_is_the_wheel(tmp_path: Path, wheel: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert build("wheel", unpacked, tmp_path / "dist").read_bytes() == wheel.read_bytes()


def test_the_wheel_holds_the_package_and_nothing_else(source: Path, wheel: Path) -> None:
    found = names(wheel)
    assert wheel.name == f"llmops_compiler-{PROJECT['version']}-py3-none-any.whl"
    assert {name.split("/")[0] for name in found} == {"llmops", f"llmops_compiler-{PROJECT['version']}.dist-info"}
    assert {name.split("/")[1] for name in found if name.startswith("llmops/")} == {
        "__init__.py", "__main__.py", "py.typed", "compiler", "schemas", "targets",
    }  # fmt: skip
    assert sorted(name for name in found if name.startswith("llmops/") and name.count("/") > 1) == sorted(
        f"llmops/{path.relative_to(source).as_posix()}"
        for folder in ("compiler", "schemas", "targets")
        for path in (source / folder).rglob("*")
        if path.is_file()
    )
    for name in (
        "compiler/facts/data/", "compiler/cli/templates/", "compiler/derive/data/token_shapes.json", "schemas/kinds/",
        "targets/github_actions/templates/", "targets/promptfoo/lock/", "targets/litellm/lock/",
    ):  # fmt: skip
        assert any(file.startswith(f"llmops/{name}") for file in found), name


def test_the_sdist_holds_what_a_build_needs(source: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    top = f"llmops_compiler-{PROJECT['version']}"
    assert {member.name.split("/")[0] for member in members} == {top}
    assert {member.name.split("/")[1] for member in members} - {".gitignore"} == {*SOURCES, "PKG-INFO"}
    assert not [member.name for member in members if "__pycache__" in member.name or "/tests/" in member.name]
    assert not [member.name for member in members if member.uid or member.gid or member.uname or member.gname]


def test_what_it_says_of_itself(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        folder = f"llmops_compiler-{PROJECT['version']}.dist-info"
        said = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        commands = archive.read(f"{folder}/entry_points.txt").decode()
    needed = said.get_all("Requires-Dist", [])
    assert {line.split(">")[0].split("<")[0] for line in needed if "extra ==" not in line} == DEPENDENCIES
    extra = sorted(line for line in needed if "extra ==" in line)
    assert [re.sub(r"[>;].*", "", line) for line in extra] == ["tiktoken", "tokenizers"]
    assert all("extra == 'tokens'" in line for line in extra)
    assert (said["Name"], said["License-Expression"], said["Requires-Python"]) == (
        "llmops-compiler", "Apache-2.0", ">=3.11",
    )  # fmt: skip
    assert commands == (
        "[console_scripts]\nllmops = llmops.__main__:main\nllmops-compiler = llmops.__main__:main\n"
    )


# --- installed -------------------------------------------------------------------------------------------------------


def clean(folder: Path) -> Path:
    """A virtual environment that has the dependencies of the development environment, and not the project itself."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    (site,) = (folder / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    assert call(folder, "python", "-c", "import llmops").returncode == 1
    return folder


def call(folder: Path, command: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "bin" / command), *arguments], cwd=cwd or folder, env={"PATH": os.environ["PATH"]}, text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip


def install(folder: Path, *what: str) -> None:
    flags = ("-q", "--no-index", "--no-deps", "--no-build-isolation")
    done = call(folder, "python", "-m", "pip", "install", *flags, *what)
    assert done.returncode == 0, done.stderr


def compiled(folder: Path, command: list[str], environment: Path) -> Mapping[str, bytes]:
    """The example, compiled from another folder."""
    ignored = shutil.ignore_patterns(".llmops", "generated", ".github", "llmops.lock")
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    done = call(environment, *command, "compile", "-C", str(folder), cwd=folder.parent / "elsewhere")
    assert done.returncode == 0, done.stderr
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".llmops" not in path.parts
    }


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Mapping[str, bytes]:
    """What the sources compile it to, run where they are."""
    folder = tmp_path_factory.mktemp("here") / "p"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".llmops", "generated", ".github", "llmops.lock"))
    subprocess.run(
        [sys.executable, "-P", "-m", "llmops", "compile"], cwd=folder, check=True, capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(source / "src")},
    )  # fmt: skip
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".llmops" not in path.parts
    }


def test_installed_it_works_and_gives_the_same_bytes(tmp_path: Path, wheel: Path, here: Mapping[str, bytes]) -> None:
    environment = clean(tmp_path / "environment")
    install(environment, str(wheel))
    where = call(environment, "python", "-c", "import llmops.targets; print(llmops.targets.__file__)").stdout
    assert Path(where.strip()).is_relative_to(environment)
    for number, command in enumerate((["llmops"], ["llmops-compiler"], ["python", "-m", "llmops"])):
        assert compiled(tmp_path / str(number) / "p", command, environment) == here, command
        assert call(environment, *command, "--version").stdout == f"llmops {PROJECT['version']}\n"
    made = call(environment, "llmops", "init", str(tmp_path / "bot"))
    assert (made.returncode, (tmp_path / "bot/llmops.yaml").is_file()) == (0, True), made.stderr
    assert call(environment, "llmops", "explain", "REF001").stdout.startswith("REF001 ")


def test_an_editable_install_runs_the_sources(tmp_path: Path, source: Path, here: Mapping[str, bytes]) -> None:
    environment = clean(tmp_path / "environment")
    install(environment, "-e", str(source))
    where = call(environment, "python", "-c", "import llmops; print(llmops.__file__)").stdout
    assert Path(where.strip()) == source / "src/llmops/__init__.py"
    assert compiled(tmp_path / "0/p", ["llmops"], environment) == here
