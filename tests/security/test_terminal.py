"""Text of a project is printed so that no terminal, log or page takes it for more than text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.security.kit import CONFIG, EVAL, MODEL, PROMPT, UNSAFE, Files, called, project, run
from tests.support.projects import MINIMAL

COMMAND = re.compile(r"^(?:::(?!error title=|warning title=)|[^:\n]*##\[)", re.MULTILINE)
"""A command to the runner of GitHub Actions that is none of ours."""

ALLOWED = {
    "a command": "::error file=a.py::hello", "stop": "::stop-commands::x", "an old command": "##[error]x",
    "an escaped line end": "a%0A::error::x%0D%0A::set-output name=x::y", "properties": "a,line=1::b",
    "bidi": "a\u202e\u2066x\u2069b", "zero width": "a\u200b\u2060b", "tags": "a\U000e0041\U000e0042b",
    "markdown": "](https://example.com) <img src=x> @here #12 | ``` <!-- -->",
}  # fmt: skip
"""What a config may hold: nothing of it is a control character."""
REFUSED = {
    "colour": "\x1b[31mred\x1b[0m", "a link": "\x1b]8;;http://example.com\x07x\x1b]8;;\x07", "title": "\x1b]0;x\x07",
    "a return": "fine\rerror[XXX999]: mine", "back": "abc\x08\x08\x08", "C1": "\x9b31m", "line": "a\u2028::error::x",
}  # fmt: skip
"""What the gate keeps out, and names of files and arguments may hold."""


def places(text: str) -> dict[str, Files]:
    """The text in many places, most of which end in a message that quotes it."""
    said = json.dumps(text, ensure_ascii=False)
    return {
        "a value": {MODEL: f"provider: openai\nid: {said}\nlabels: {{a: {said}}}\nowner: {said}\n"},
        "an unknown key": {MODEL: f"{MINIMAL[MODEL]}? {said}\n: 1\n"},
        "one of a list": {MODEL: f"provider: {said}\nid: x\n"},
        "a wrong type": {MODEL: f"provider: openai\nid: x\nparams: {said}\n"},
        "a reference": {EVAL: MINIMAL[EVAL].replace("model: answerer", f"model: {said}")},
        "a variable": {PROMPT: MINIMAL[PROMPT].replace("{question: string}", f"{{? {said} : string}}")},
        "a file": {PROMPT: f"files: {{user: {said}}}\nvariables: {{question: string}}\n"},
        "a selection": {CONFIG: f"defaults:\n  - model: [answerer, {said}]\n"},
        "an interpolation": {MODEL: f"{MINIMAL[MODEL]}labels: {{a: {json.dumps('${model.answerer.' + text + '}')}}}\n"},
        "the name": {"llmops.yaml": f"name: {said}\nenvironments: {{dev: []}}\n"},
        "an environment": {"llmops.yaml": f"name: a\nenvironments: {{? {said} : []}}\n"},
        "an override": {"llmops.yaml": f"name: a\nenvironments: {{dev: [{said}]}}\n"},
        "a comment": {MODEL: f"# llmops: ignore[{text}]: x\n{MINIMAL[MODEL]}nope: 1 # {text}\n"},
        "prose": {MODEL: f"{MINIMAL[MODEL]}description: {said}\n"},
    }


def harmless(text: str) -> None:
    assert UNSAFE.search(text) is None, ascii(text)
    assert COMMAND.search(text) is None, text


FORMATS = ("text", "json", "sarif", "github")


@pytest.mark.parametrize("name", ALLOWED)
def test_config_text_commands_nothing(tmp_path: Path, name: str) -> None:
    """In the process of the tests, since there are many: `main` is what the command is."""
    for place, changes in places(ALLOWED[name]).items():
        folder = project(tmp_path / place.replace(" ", "-"), changes)
        for shape in FORMATS:
            harmless(_in_process("compile", "--dry-run", "-v", "-C", str(folder), "--output-format", shape))
        for arguments in (("explain", "model.answerer"), ("graph",), ("ls",)):
            harmless(_in_process(*arguments, "-C", str(folder)))


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_gate_refuses_is_not_printed_either(tmp_path: Path, name: str) -> None:
    text = REFUSED[name]
    for place, changes in places("TEXT").items():
        for said in (text, json.dumps(text)[1:-1]):
            raw = {path: data.replace("TEXT", said) for path, data in changes.items() if isinstance(data, str)}
            folder = project(tmp_path / place.replace(" ", "-"), raw)
            for shape in FORMATS:
                harmless(_in_process("compile", "--dry-run", "-v", "-C", str(folder), "--output-format", shape))


@pytest.mark.parametrize("name", [*ALLOWED, *REFUSED])
def test_names_of_files_and_arguments(tmp_path: Path, name: str) -> None:
    text = {**ALLOWED, **REFUSED}[name]
    file = text.replace("/", "_")
    folder = project(tmp_path / f"p{file}", {f"conf/model/{file}.yaml": "nope: 1\n", f"conf/{file}/a.yml": "a: 1\n"})
    for shape in FORMATS:
        harmless(_in_process("compile", "--dry-run", "-v", "-C", str(folder), "--output-format", shape))
    for arguments in (
        (text,), ("compile", text), ("compile", f"--{text}"), ("compile", "--env", text), ("explain", text),
        ("compile", "--dry-run", f"model.answerer.id={text}"), ("compile", "--dry-run", f"{text}=1"), ("ls", text),
        ("new", "model", text), ("new", text, "a"), ("graph", "--focus", text), ("schema", text),
        ("compile", "--force", text), ("compile", "--output-format", text), ("-C", text, "compile"),
    ):  # fmt: skip
        harmless(_in_process("-C", str(folder), *arguments))


def _in_process(*arguments: str) -> str:
    """What a run in GitHub Actions prints."""
    return called(*arguments, GITHUB_ACTIONS="true").text


def test_the_same_through_the_command_itself(tmp_path: Path) -> None:
    """Once as a process, with the summary of a job; colours forced, so that only what we paint is painted."""
    summary = tmp_path / "summary.md"
    changes = places("::error::x ##[group]y a%0A::z <img src=x> | @here")["an unknown key"]
    folder = project(tmp_path / "p", changes)
    done = run("compile", cwd=folder, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary), FORCE_COLOR="1")
    harmless(done.text)
    assert [line.split(" ")[0] for line in done.text.splitlines() if line.startswith("::")] == ["::error"]
    assert "%250A" in done.text
    page = summary.read_text()
    assert "<img" not in re.sub("(`+).*?\\1", "", page)
    assert "@here" not in re.sub("(`+).*?\\1", "", page)


def test_colour_is_ours_alone(tmp_path: Path) -> None:
    folder = project(tmp_path, places("a\u202ex")["an unknown key"])
    done = run("compile", "--color", "always", cwd=folder)
    assert done.code == 1
    harmless(re.sub(r"\x1b\[[0-9;]*m", "", done.text))


def test_a_drawing_is_bounded(tmp_path: Path) -> None:
    """Mermaid draws no more than 500 lines and 50,000 characters; identifiers are ours."""
    names = [f"m{number}" for number in range(900)]
    routes = "".join(f"  {name}: {{}}\n" for name in names)
    folder = project(tmp_path, {
        CONFIG: f"defaults:\n  - model: [answerer, {', '.join(names)}]\n  - prompt: [answer]\n  - eval: [quality]\n"
        "  - gateway: [main]\n",
        "conf/gateway/main.yaml": f"engine: litellm\nroutes:\n  answerer: {{}}\n{routes}",
        **{f"conf/model/{name}.yaml": MINIMAL[MODEL] for name in names},
    })  # fmt: skip
    done = run("graph", cwd=folder)
    assert done.code == 0
    assert len(done.out) < 50_000
    assert len(re.findall(r"-->|---", done.out)) <= 500
