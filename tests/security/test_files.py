"""Which files are read and written: plain ones of the project, and nothing behind a link or outside."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.security.kit import CONFIG, DATA, FILE_PROMPT, MODEL, PROMPT, compile_json, everything, project, run

SECRET = "outside-of-the-project"


def swap(path: Path, make: Callable[[Path], None]) -> None:
    """Something else in the place of a file or folder."""
    if path.is_dir():
        path.rename(path.parent / f"old-{path.name}")
    else:
        path.unlink()
    make(path)


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero
    except OSError:
        os.mkfifo(path)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 << 40)


THINGS: dict[str, Callable[[Path], None]] = {
    "a link to a file outside": link("/etc/passwd"),
    "a link to a file inside": link("llmops.yaml"),
    "a link up and back": link("../outside.txt"),
    "a link to the environment of the process": link("/proc/self/environ"),
    "a link to a device": link("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link that hangs": link("nowhere"),
    "a named pipe": os.mkfifo,
    "a device": device,
    "a folder": os.mkdir,
    "10 TiB of nothing": large,
}


@pytest.mark.parametrize("name", THINGS)
def test_what_stands_in_the_place_of_a_prompt(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.txt").write_text(f"{SECRET} {{{{ question }}}}")
    folder = project(tmp_path / "p", {**FILE_PROMPT, "p.md": "{{ question }}"})
    swap(folder / "p.md", THINGS[name])
    done = compile_json(folder)
    assert (done.code, done.errors) == (1, [("REF005", f"{PROMPT}:1:15")])
    assert SECRET not in done.text
    assert "root:" not in done.text
    assert not (folder / "generated").exists()


@pytest.mark.parametrize("name", THINGS)
def test_what_stands_in_the_place_of_a_config(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.txt").write_text(f"provider: {SECRET}\n")
    folder = project(tmp_path / "p")
    swap(folder / MODEL, THINGS[name])
    done = compile_json(folder)
    expected = ("CFG005", f"{MODEL}:1:1") if name == "10 TiB of nothing" else ("CFG034", f"{CONFIG}:2:13")
    assert (done.code, expected in done.errors) == (1, True), done.errors
    assert SECRET not in done.text
    assert "root:" not in done.text


@pytest.mark.parametrize("name", THINGS)
def test_what_stands_in_the_place_of_the_project_file(tmp_path: Path, name: str) -> None:
    folder = project(tmp_path / "p")
    swap(folder / "llmops.yaml", THINGS[name])
    done = run("compile", cwd=folder)
    assert done.code in (1, 2)
    assert "root:" not in done.text


@pytest.mark.parametrize("place", ["conf", "conf/model"])
def test_a_folder_that_leads_out(tmp_path: Path, place: str) -> None:
    """A folder inside may be a link to another one inside; what it holds is then read there."""
    project(tmp_path / "other", {MODEL: f"provider: openai\nid: {SECRET}\n"})
    folder = project(tmp_path / "p")
    swap(folder / place, link(str(tmp_path / "other" / place)))
    done = compile_json(folder)
    assert done.code == 1
    assert {code for code, _ in done.errors} <= {"CFG031", "CFG034", "REF001"}
    assert SECRET not in done.text


@pytest.mark.parametrize(
    "path", ["../outside.txt", "/etc/passwd", "a/../../outside.txt", "./p.md", "a//b", "..\\outside.txt", "~/x",
             ".git/config", ".GIT/config", "file:///etc/passwd", "p.md\\u0000x", "${oc.env:HOME}", "$HOME/x"]
)  # fmt: skip
def test_a_path_that_is_none_of_the_project(tmp_path: Path, path: str) -> None:
    """`.git/config` may hold the credentials of a checkout in CI."""
    (tmp_path / "outside.txt").write_text(SECRET)
    text = f'files: {{user: "{path}"}}\n'.replace("..\\", "..\\\\")
    folder = project(tmp_path / "p", {PROMPT: f"{text}variables: {{question: string}}\n", ".git/config": SECRET})
    done = compile_json(folder)
    assert done.code == 1
    assert {place for _, place in done.errors if place.startswith(PROMPT)}, done.errors
    assert SECRET not in done.text


def test_a_pattern_reaches_no_further_than_a_path(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jsonl").write_text(f'{{"question": "{SECRET}"}}\n')
    for pattern in ("../outside/*.jsonl", "a/../../outside/*.jsonl", "/*/a.jsonl", ".g*/*", "in/*.jsonl", "*/*.jsonl"):
        folder = project(tmp_path / "p", {
            **DATA, ".git/a.jsonl": "{}\n",
            "conf/dataset/rows.yaml": DATA["conf/dataset/rows.yaml"].replace("data/*.jsonl", f"'{pattern}'"),
        })  # fmt: skip
        if not (folder / "in").exists():
            (folder / "in").symlink_to(tmp_path / "outside")
        done = compile_json(folder)
        assert done.code == 1
        assert {code for code, _ in done.errors} <= {"REF005", "REF006"}, (pattern, done.errors)
        assert SECRET not in done.text


def test_llmops_yaml_leads_nowhere_else(tmp_path: Path) -> None:
    head = "name: a\nenvironments: {dev: []}\n"
    for line, code in {
        "conf: ../other": "CFG026", "conf: /etc": "CFG026", "conf: ..": "CFG026",
        "search_path: [../other]": "CFG030", "search_path: [/etc]": "CFG030", "search_path: ['file:///etc']": "CFG030",
        "search_path: ['pkg://hydra.conf']": "CFG030", "search_path: [.git]": "CFG030",
    }.items():  # fmt: skip
        folder = project(tmp_path / "p", {"llmops.yaml": f"{head}{line}\n", ".git/x.yaml": "a: 1\n"})
        project(tmp_path / "other")
        done = compile_json(folder)
        assert (done.code, code in [one for one, _ in done.errors]) == (1, True), (line, done.errors)
    for line in ("repository: ..", "repository: /", "repository: ../..", "repository: other"):
        folder = project(tmp_path / "p", {"llmops.yaml": f"{head}{line}\n"})
        assert run("compile", cwd=folder).code in (1, 2)


def test_a_selection_leads_nowhere_else(tmp_path: Path) -> None:
    project(tmp_path / "other")
    for entry in ("../../other/conf/model/answerer", "/etc/passwd", "pkg://hydra.conf", "hydra/launcher: basic",
                  "model@hydra.x: [answerer]", "override hydra/help: default", "'${oc.env:HOME}'", "file:///etc/passwd"):
        folder = project(tmp_path / "p", {CONFIG: f"defaults:\n  - {entry}\n"})
        done = compile_json(folder)
        assert (done.code, {place.split(":")[0] for _, place in done.errors}) == (1, {CONFIG}), (entry, done.errors)


def test_names_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    folder = project(tmp_path)
    raw = os.fsencode(folder)
    for name in (b"conf/model/\xff\xfe.yaml", b"conf/model/\xc3.yaml"):
        with open(os.path.join(raw, name), "wb") as file:  # noqa: PTH123, PTH118
            file.write(b"provider: x\n")
    assert (compile_json(folder).code) == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.uname().sysname != "Linux", reason="needs Linux capabilities")
@pytest.mark.parametrize("path", [MODEL, "p.md", "llmops.yaml", "conf/model", "conf"])
def test_what_may_not_be_read_is_a_problem_with_a_code(tmp_path: Path, path: str) -> None:
    folder = project(tmp_path, {**FILE_PROMPT, "p.md": "{{ question }}"})
    (folder / path).chmod(0)

    def without_rights() -> None:
        """Root reads everything, unless it gives that right away."""
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP

    try:
        done = run("compile", cwd=folder, prepare=without_rights)
    finally:
        (folder / path).chmod(0o755)
    assert done.code in (1, 2)
    assert done.err.startswith("error")
    assert str(tmp_path) not in done.err


# --- writing ---------------------------------------------------------------------------------------------------------


def test_the_schemas_for_the_editor_are_written_through_no_link(tmp_path: Path) -> None:
    for place, target in {
        ".llmops/schemas/model.json": "../../../victim/file", ".llmops/schemas/version": "../../../victim/new",
        ".llmops/schemas": "../../victim", ".llmops": "../victim", ".llmops/.gitignore": "../../victim/new",
    }.items():  # fmt: skip
        victim = tmp_path / "victim"
        victim.mkdir(exist_ok=True)
        (victim / "file").write_text("mine")
        folder = project(tmp_path / place.replace("/", "-"))
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(target)
        for arguments in (("compile",), ("schema", "--write")):
            run(*arguments, cwd=folder)
            assert everything(victim) == {"file": b"mine"}, (place, arguments)


@pytest.mark.parametrize("place", ["generated", "generated/dev", "generated/dev/litellm", "llmops.lock", ".github",
                                   ".llmops", ".llmops/stage", ".llmops/journal", ".llmops/write.lock"])
def test_artifacts_are_written_through_no_link(tmp_path: Path, place: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    folder = project(tmp_path / "p")
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).symlink_to(victim / "file" if "." in place.split("/")[-1][1:] else victim)
    run("compile", cwd=folder)
    assert everything(victim) == {"file": b"mine"}


@pytest.mark.parametrize("place", ["conf", "conf/model", "conf/config.yaml"])
def test_a_new_resource_is_written_through_no_link(tmp_path: Path, place: str) -> None:
    other = project(tmp_path / "other")
    folder = project(tmp_path / "p")
    swap(folder / place, link(str(other / place)))
    before = everything(other)
    done = run("new", "model", "judge", cwd=folder)
    assert (done.code, everything(other)) == (2, before)


@pytest.mark.parametrize("place", ["conf", "conf/model", "llmops.yaml", ".vscode", ".gitignore", ".gitattributes"])
def test_a_project_is_started_through_no_link(tmp_path: Path, place: str) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("mine")
    folder = tmp_path / "p"
    (folder / place).parent.mkdir(parents=True)
    (folder / place).symlink_to(victim / "new" if "." in place[1:] or place.startswith(".g") else victim)
    run("init", ".", cwd=folder)
    assert everything(victim) == {"file": b"mine"}
