"""Nothing of a project is imported or run, however it is called and however the command is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.security.kit import FILE_PROMPT, MODULE, ROOT, environment, everything, project, run

SHADOWS = (
    "yaml", "hydra", "omegaconf", "click", "jinja2", "jsonschema", "jsonschema_rs", "networkx", "filelock", "antlr4",
    "json", "os", "re", "ast", "typing", "dataclasses", "tempfile", "subprocess", "encodings", "sitecustomize",
    "usercustomize", "conftest", "setup", "compiler", "schemas", "targets",
)  # fmt: skip
"""What the compiler, its libraries or Python itself might import."""
CANARY = "print('IMPORTED')\n"
PLUGIN = f"{CANARY}raise SystemExit(0)\n"
SAFE = (sys.executable, "-P", "-m", "llmops")


def hostile(folder: Path, *more: str) -> Path:
    return project(folder, {
        **{f"{name}.py": CANARY for name in (*SHADOWS, *more)},
        **{f"conf/{name}.py": CANARY for name in SHADOWS},
        "hydra_plugins/evil/__init__.py": PLUGIN,
        "hydra_plugins/evil.py": PLUGIN,
        "conf/hydra_plugins/evil/__init__.py": PLUGIN,
        "pyproject.toml": '[project.entry-points."llmops.targets"]\nevil = "evil"\n',
        "evil.py": CANARY,
        "x.pth": "import evil\n",
        "pyvenv.cfg": "home = .\n",
    })  # fmt: skip


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The console script, as pip writes it."""
    path = tmp_path_factory.mktemp("bin") / "llmops"
    path.write_text("import sys\nfrom llmops.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n")
    return (sys.executable, str(path))


COMMANDS = (
    ("compile",), ("compile", "--check"), ("validate",), ("graph",), ("ls",), ("explain", "model.answerer"),
    ("schema",), ("targets",), ("rules",), ("completion", "bash"),
)  # fmt: skip


def test_no_module_of_the_project_is_imported(tmp_path: Path) -> None:
    folder = hostile(tmp_path)
    for arguments in COMMANDS:
        done = run(*arguments, cwd=folder)
        assert (done.code, "IMPORTED" in done.text) == (0, False), (arguments, done.text[-500:])


@pytest.mark.parametrize("inside", [".", "conf", "conf/model", "hydra_plugins"])
def test_nor_from_a_folder_in_it(tmp_path: Path, inside: str) -> None:
    folder = hostile(tmp_path)
    done = run("validate", cwd=folder / inside)
    assert (done.code, "IMPORTED" in done.text) == (0, False), done.text[-500:]


def test_nor_a_module_of_our_own_name(tmp_path: Path, script: tuple[str, ...]) -> None:
    """`python -m llmops` without `-P` is beyond us: before it runs anything, Python looks for `llmops` itself, and for
    some modules of its own, in the current folder. Hence the command `llmops`, or `-P`."""
    folder = hostile(tmp_path, "llmops", "contextlib", "functools", "types", "collections", "warnings", "runpy")
    for command in (script, SAFE):
        for arguments in COMMANDS:
            done = run(*arguments, cwd=folder, command=command)
            assert (done.code, "IMPORTED" in done.text) == (0, False), (arguments, done.text[-500:])


def test_an_empty_entry_in_the_path_of_python_changes_nothing(tmp_path: Path, script: tuple[str, ...]) -> None:
    """`PYTHONPATH=$PYTHONPATH:/more`, with nothing in it before, means the current folder."""
    folder = hostile(tmp_path)
    for name in ("sitecustomize", "usercustomize", "os", "re", "encodings"):
        (folder / f"{name}.py").unlink()  # Python itself imports these before any program starts
    for command in (MODULE, script, SAFE):
        done = run("compile", cwd=folder, command=command, PYTHONPATH=f":{ROOT / 'src'}")
        assert (done.code, "IMPORTED" in done.text) == (0, False), done.text[-500:]


def test_hydra_discovers_no_plugins(tmp_path: Path) -> None:
    """Also not those of the environment: plugins decide where configs come from."""
    (tmp_path / "site/hydra_plugins/evil").mkdir(parents=True)
    (tmp_path / "site/hydra_plugins/evil/__init__.py").write_text(PLUGIN)
    done = run("compile", cwd=project(tmp_path / "p"), PYTHONPATH=f"{tmp_path / 'site'}:{ROOT / 'src'}")
    assert (done.code, "IMPORTED" in done.text) == (0, False), done.text[-500:]


def test_no_code_that_a_config_names_is_run(tmp_path: Path) -> None:
    """Hydra's and promptfoo's ways to name code are plain keys and texts here."""
    model = "provider: openai\nid: gpt-5.4-mini-2026-03-17\n"
    folder = project(tmp_path, {**FILE_PROMPT, "p.md": "{{ question }}", "evil.py": CANARY})
    for key in ("_target_", "_partial_", "_recursive_", "_convert_", "_args_"):
        (folder / "conf/model/answerer.yaml").write_text(f"{model}{key}: evil.main\n")
        done = run("compile", "--output-format", "json", cwd=folder)
        assert done.errors == [("SCH001", "conf/model/answerer.yaml:3:1")]
    for text in ("${oc.env:HOME}", "${now:%Y}", "${hydra:runtime.cwd}", "${oc.decode:x}", "${eval:1}"):
        (folder / "conf/model/answerer.yaml").write_text(f"{model}params: {{x: '{text}'}}\n")
        done = run("compile", "--output-format", "json", cwd=folder)
        assert done.errors == [("CFG062", "conf/model/answerer.yaml:3:13")]


def test_what_the_environment_says_about_python_is_all_that_is_kept() -> None:
    """The tests above start from next to nothing: no variable of theirs helps the compiler."""
    assert sorted(environment()) == ["LANG", "PATH", "PYTHONPATH"]


def test_a_run_leaves_only_what_it_says(tmp_path: Path) -> None:
    folder = project(tmp_path)
    before = everything(folder)
    assert run("compile", cwd=folder).code == 0
    new = {path.split("/")[0] for path in everything(folder).keys() - before.keys()}
    assert new == {".github", ".llmops", "generated", "llmops.lock"}
    assert {path: data for path, data in everything(folder).items() if path in before} == before
