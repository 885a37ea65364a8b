"""Nothing outside the repository is read, nothing of the project is imported, no variable is seen."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from llmops.compiler.load import Disk, Memory, Overlay, load
from llmops.compiler.load.disk import MAX_DATA
from llmops.compiler.load.gate import MAX_BYTES
from llmops.compiler.model.request import Request, TooLarge
from tests.compiler.load.kit import KINDS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    repo = tmp_path / "repo"
    (repo / "conf").mkdir(parents=True)
    (repo / "conf" / "a.yaml").write_text("a: 1\n")
    return repo


def test_reads_and_lists(root: Path) -> None:
    disk = Disk(root)
    assert disk.read("conf/a.yaml") == b"a: 1\n"
    assert disk.list(".") == ("conf/",)
    assert disk.list("conf") == ("a.yaml",)
    assert disk.read("conf/none.yaml") is None
    assert disk.read("conf") is None
    assert disk.list("none") == ()


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "/etc/passwd",
        "conf/../../secret.txt",
        "./conf/a.yaml",
        "conf//a.yaml",
        "",
        "conf/a.yaml\x00",
        "conf\\a.yaml",
        "conf/a.yaml/",
    ],
)
def test_other_spellings_do_not_exist(root: Path, path: str) -> None:
    assert Disk(root).read(path) is None


def test_links(root: Path) -> None:
    (root / "out.txt").symlink_to(root.parent / "secret.txt")
    (root / "in.yaml").symlink_to(root / "conf" / "a.yaml")
    (root / "outside").symlink_to(root.parent)
    (root / "inside").symlink_to(root / "conf")
    (root / "loop").symlink_to(root / "loop")
    disk = Disk(root)
    assert disk.read("out.txt") is None
    assert disk.read("in.yaml") is None
    assert disk.read("outside/secret.txt") is None
    assert disk.read("inside/a.yaml") == b"a: 1\n"
    assert disk.read("loop") is None
    assert disk.read("loop/x") is None
    assert disk.list(".") == ("conf/",)
    assert disk.list("outside") == ()


def test_what_is_no_file(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert Disk(root).read("pipe") is None


def test_limits(root: Path) -> None:
    (root / "big.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (root / "big.jsonl").write_bytes(b"#" * (MAX_BYTES + 1))
    with (root / "huge.bin").open("wb") as file:
        file.truncate(MAX_DATA + 1)
    disk = Disk(root)
    with pytest.raises(TooLarge):
        disk.read("big.yaml")
    assert len(disk.read("big.jsonl") or b"") == MAX_BYTES + 1
    with pytest.raises(TooLarge):
        disk.read("huge.bin")


def test_overlay(root: Path) -> None:
    over = Overlay(Disk(root), {"conf/a.yaml": None, "conf/new/b.yaml": b"b: 1\n"})
    assert over.read("conf/a.yaml") is None
    assert over.read("conf/new/b.yaml") == b"b: 1\n"
    assert over.list("conf") == ("new/",)
    assert over.list("conf/new") == ("b.yaml",)
    assert Memory({"x/y.yaml": "z"}).list(".") == ("x/",)


def test_a_link_cannot_be_selected(root: Path) -> None:
    (root / "llmops.yaml").write_text("name: app\nenvironments: {dev: []}\n")
    (root / "conf" / "model").mkdir()
    (root / "conf" / "config.yaml").write_text("defaults: [{model: [b]}, {env: dev}]\n")
    (root / "conf" / "model" / "b.yaml").symlink_to(root.parent / "secret.txt")
    assert [d.code for d in load(Request(), Disk(root), KINDS).diagnostics] == ["CFG034"]


def test_importing_the_pass_does_not_import_hydra() -> None:
    code = (
        "import sys, llmops.compiler.load; print([m for m in ('hydra', 'omegaconf', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


CANARY = """
import os, sys, pathlib
sys.path.insert(0, os.getcwd())
before = set(sys.modules)
os.environ["CANARY"] = "seen"
from llmops.compiler.load import Disk, load
from llmops.compiler.model.request import Request
from tests.compiler.load.kit import KINDS
outcome = load(Request(), Disk(pathlib.Path(".")), KINDS)
assert not pathlib.Path("imported").exists(), "a plugin of the project was imported"
assert not any(name.startswith("hydra_plugins") for name in sys.modules)
text = repr(outcome.value.environments["dev"].tree) + repr(outcome.diagnostics)
assert "seen" not in text, text
print(sorted({d.code for d in outcome.diagnostics}))
import hydra, hydra._internal.defaults_list as module
assert module.create_defaults_list.__module__ == "hydra._internal.defaults_list"
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
assert not any("Plugins" in str(c) for c in Singleton._instances), "plugins were looked for"
"""


def test_nothing_of_the_project_is_imported_or_read_from_outside(root: Path) -> None:
    plugin = "from pathlib import Path\nPath('imported').write_text('x')\n"
    for path in ("hydra_plugins/evil.py", "hydra_plugins/evil/__init__.py", "yaml.py.off", "sitecustomize.py.off"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(plugin)
    (root / "llmops.yaml").write_text("name: app\nenvironments: {dev: []}\n")
    (root / "conf" / "model").mkdir()
    (root / "conf" / "config.yaml").write_text("defaults: [{model: [a]}, {env: dev}]\n")
    (root / "conf" / "model" / "a.yaml").write_text(
        textwrap.dedent("""\
        id: ${oc.env:CANARY}
        region: ${hydra:runtime.cwd}
        description: ${oc.env:CANARY}
        params: {_target_: os.system, _args_: [touch imported]}
    """)
    )
    here = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", CANARY],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{here / 'src'}{os.pathsep}{here}"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['CFG062']\n"
