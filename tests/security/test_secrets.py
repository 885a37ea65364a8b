"""A secret that was written into a project is an error, and is printed and kept nowhere, whatever else is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llmops.compiler.driver import Toolkit, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.security.kit import (
    CONFIG,
    DATA,
    EVAL,
    FILE_PROMPT,
    MODEL,
    PROMPT,
    Files,
    called,
    environment,
    everything,
    project,
    run,
)
from tests.support.projects import MINIMAL

KEY = "sk-proj-" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA" * 2
PRIVATE = "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw"
SHOWN = KEY[8:16]
"""A part of it that nobody may see."""
HEAD = "name: a\nenvironments: {dev: []}\n"


def model(line: str) -> Files:
    return {MODEL: f"{MINIMAL[MODEL]}{line}\n"}


PLACES: dict[str, Files] = {
    "a value": model(f"description: {KEY}"),
    "a comment": model(f"# {KEY}"),
    "a key": model(f"{KEY}: 1"),
    "a key of an open map": model(f"labels: {{x-{KEY}: '1'}}"),
    "a key that stands twice": model(f"{KEY}: 1\n{KEY}: 2"),
    "a wrong type": {MODEL: MINIMAL[MODEL].replace("temperature: 0", f"temperature: {KEY}")},
    "one of a list": {MODEL: f"provider: {KEY}\nid: x\n"},
    "a reference": {EVAL: MINIMAL[EVAL].replace("model: answerer", f"model: {KEY}")},
    "a selection": {CONFIG: f"{MINIMAL[CONFIG]}  - {KEY}\n"},
    "the only selection": {CONFIG: f"defaults:\n  - model: [{KEY}]\n"},
    "an interpolation": model(f"labels: {{a: '${{model.answerer.{KEY}}}'}}"),
    "a resolver": model(f"labels: {{a: '${{{KEY}:x}}'}}"),
    "a header": {MODEL: f"# @package {KEY}\n{MINIMAL[MODEL]}"},
    "a misspelt header": {MODEL: f"# @pakcage {KEY}\n{MINIMAL[MODEL]}"},
    "a silence": model(f"# llmops: ignore[{KEY}]: {KEY}"),
    "broken YAML": {MODEL: f"provider: [{KEY}\n"},
    "more broken YAML": {MODEL: f"id: {KEY}: {KEY}\n"},
    "a path": {PROMPT: f"files: {{user: {KEY}.md}}\nvariables: {{question: string}}\n"},
    "a variable of a prompt": {PROMPT: MINIMAL[PROMPT].replace("{{ question }}", f"{{{{ question }}}} {KEY}")},
    "a patch": model(f"overrides: {{litellm: {{main.yaml: {{x: {KEY}}}}}}}"),
    "an address": {MODEL: f"provider: openai-compatible\nid: x\nendpoint: {{url: 'https://u:{KEY}@h.example/'}}\n"},
    "a private key": model(
        f"description: |\n  -----BEGIN RSA PRIVATE KEY-----\n  {PRIVATE}\n  -----END RSA PRIVATE KEY-----"
    ),
    "the name": {"llmops.yaml": f"name: {KEY}\nenvironments: {{dev: []}}\n"},
    "a key of llmops.yaml": {"llmops.yaml": f"{HEAD}{KEY}: 1\n"},
    "an environment": {"llmops.yaml": f"name: a\nenvironments: {{{KEY}: []}}\n"},
    "an override": {"llmops.yaml": f"name: a\nenvironments: {{dev: ['{KEY}']}}\n"},
    "an override of a value": {
        "llmops.yaml": f"name: a\nenvironments: {{dev: [env=dev, ++model.answerer.owner={KEY}]}}\n"
    },
    "the conf folder": {"llmops.yaml": f"{HEAD}conf: /{KEY}\n"},
    "the search path": {"llmops.yaml": f"{HEAD}search_path: [{KEY}]\n"},
    "the version": {"llmops.yaml": f"{HEAD}requires: {KEY}\n"},
    "a level": {"llmops.yaml": f"{HEAD}rules: {{{KEY}: error}}\n"},
    "a prompt's file": {**FILE_PROMPT, "p.md": f"{{{{ question }}}} {KEY}"},
    "a row": {**DATA, "data/a.jsonl": f'{{"question": "{KEY}"}}\n'},
    "a broken row": {**DATA, "data/a.jsonl": f'{{"question": "{KEY}\n'},
}  # fmt: skip
COMMANDS = (
    ("compile",), ("compile", "--output-format", "json"), ("compile", "--output-format", "sarif"),
    ("compile", "--output-format", "github"), ("compile", "-v"), ("validate", "-v"), ("explain", "model.answerer"),
    ("explain", "model.answerer", "--output-format", "json"), ("graph",), ("ls",),
)  # fmt: skip


@pytest.fixture(scope="module")
def tools() -> Toolkit:
    return toolkit()


@pytest.mark.parametrize("name", PLACES)
def test_it_is_an_error_and_is_not_shown(tmp_path: Path, name: str) -> None:
    folder = project(tmp_path / "p", PLACES[name])
    before = everything(folder)
    (tmp_path / "tmp").mkdir()
    for arguments in COMMANDS:
        done = called(*arguments, "-C", str(folder), TMPDIR=str(tmp_path / "tmp"))
        for secret in (SHOWN, PRIVATE[:8]):
            assert secret not in done.text, (arguments, done.text)
        if arguments[0] == "compile":
            assert (done.code, "PIP002" in done.text) == (1, True), (arguments, done.text)
    assert everything(folder) == before
    assert everything(tmp_path / "tmp") == {}


def test_nor_is_it_in_a_diagnostic(tools: Toolkit) -> None:
    """For editors and other programs that take them as values."""
    for name, changes in PLACES.items():
        made = compile_project(Memory({**MINIMAL, **changes}), Request(), None, tools)
        assert "PIP002" in {one.code for one in made.diagnostics}, name
        assert SHOWN not in repr((made.diagnostics, made.unknown, made.silenced)), name


ARGUMENTS = (
    ("compile", "--dry-run", f"model.answerer.owner={KEY}"), ("compile", "--dry-run", f"{KEY}=1"), ("compile", KEY),
    ("compile", "--dry-run", f"+x={KEY}("), ("compile", "--dry-run", f"env={KEY}"), ("compile", "--env", KEY), (KEY,),
    ("explain", KEY), ("explain", f"model.{KEY}"), ("new", "model", KEY), ("ls", KEY), ("graph", "--focus", KEY),
    ("compile", "--output-format", KEY), ("compile", f"--{KEY}"), ("-C", KEY, "compile"), ("compile", "--force", KEY),
    ("schema", KEY), ("completion", KEY), ("init", "--template", KEY), ("rules", KEY),
)  # fmt: skip


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=[" ".join(a).replace(KEY, "KEY") for a in ARGUMENTS])
def test_one_that_was_typed_is_not_shown(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = called("-C", str(project(tmp_path)), *arguments)
    assert done.code in (0, 1, 2)
    assert SHOWN not in done.text


def test_a_secret_on_the_command_line_is_an_error(tmp_path: Path) -> None:
    override = f"++model.answerer.owner={KEY}"
    done = run("compile", "--dry-run", "--output-format", "json", override, cwd=project(tmp_path))
    assert (done.code, done.errors) == (1, [("PIP002", "<override 1>:1:24")])
    assert SHOWN not in done.text


def test_so_much_is_shown(tmp_path: Path) -> None:
    """Enough to know which it is: the place, the kind, and four characters where a message must quote it."""
    done = run("compile", "--output-format", "json", cwd=project(tmp_path, model(f"{KEY}: 1")))
    told = {one["code"]: one["message"] for one in done.data["diagnostics"]}
    assert told == {
        "PIP002": "a secret must not be written in a config",
        "SCH001": "`model.answerer` has no field `sk-p‹redacted›`",
    }


FAULT = """
import sys
from pathlib import Path
import llmops.targets.litellm as litellm
from dataclasses import replace
def broken(lowering):
    text = Path({path!r}).read_text()
    raise RuntimeError(text) from ValueError({key!r})
litellm.TARGET = replace(litellm.TARGET, lower=broken)
sys.argv = ["llmops", "compile", {key!r}]
from llmops.compiler.cli.main import main
sys.exit(main(["compile", *{arguments!r}]))
"""


@pytest.mark.parametrize("arguments", [[], ["-v"], ["--output-format", "json"], ["--output-format", "github"]])
def test_a_fault_of_ours_tells_nothing(tmp_path: Path, arguments: list[str]) -> None:
    """A target that breaks, with the config in its message and in its variables: one line, and a report without it."""
    folder = project(tmp_path / "p", model("description: canary-of-the-config"))
    (tmp_path / "tmp").mkdir()
    script = FAULT.format(path=str(folder / MODEL), key=KEY, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment(TMPDIR=str(tmp_path / "tmp")), text=True,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error[BUG002]: a fault of llmops, not of your configs (RuntimeError)")
    (name, report), = everything(tmp_path / "tmp").items()
    assert name in done.stderr
    for text in (report.decode(), done.stderr):
        assert "canary" not in text
        assert SHOWN not in text
        assert "gpt" not in text
    assert str(tmp_path) not in report.decode()
    assert not (folder / "generated").exists()
    assert "command compile\n" in report.decode()
