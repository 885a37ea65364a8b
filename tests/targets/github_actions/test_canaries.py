"""Hostile texts in every text field of a pipeline: they stay text, in a workflow that the tools still accept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmops.compiler.driver import compile_project, toolkit
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.support.projects import MINIMAL
from tests.targets.github_actions.support import workflows
from tests.tools import toolbox

FIELDS = (
    "branch", "tag", "runner", "command", "matrix", "artifact", "description", "default", "option", "reviewer", "role",
    "region", "requirements",
)  # fmt: skip
HARMLESS = "harmless"
TOOLS = toolkit()
SIGN = "${{ '${{' }}"
EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def project(text: str, fields: tuple[str, ...], name: str = "questions.jsonl") -> dict[str, str]:
    """A project with the text in these fields; `name` is that of a file which decides an eval."""
    said = {field: json.dumps(text if field in fields else HARMLESS) for field in FIELDS}
    if "runner" not in fields:
        said["runner"] = "ubuntu-24.04"
    pipeline = f"""\
engine: github-actions
runner: {said["runner"]}
triggers:
  push: {{branches: [main, {said["branch"]}]}}
  tag: {{pattern: {said["tag"]}}}
  manual:
    inputs:
      a: {{description: {said["description"]}, default: {said["default"]}}}
      b: {{type: choice, options: [{said["option"]}, other]}}
login: {{aws: {{role: {said["role"]}, region: {said["region"]}}}}}
stages:
  quality: {{eval: [quality]}}
  tests:
    run: {said["command"]}
    environment: dev
    matrix: {{axis: [{said["matrix"]}, other]}}
    artifacts: [{said["artifact"]}]
    approval: {{by: [{said["reviewer"]}]}}
"""
    affected = "engine: github-actions\ntriggers: {push: {}, pull_request: {}}\nstages: {evals: {affected: evals}}\n"
    dataset = f"files: {json.dumps('data/' + name)}\ncolumns: {{question: string}}\n"
    config = MINIMAL["conf/config.yaml"].replace("[pull_request]", "[pull_request, affected]")
    config = config.replace("  - env", "  - dataset: [questions]\n  - target: [github-actions]\n  - env")
    return {
        **MINIMAL,
        "conf/config.yaml": config,
        "conf/pipeline/pull_request.yaml": pipeline,
        "conf/pipeline/affected.yaml": affected,
        "conf/dataset/questions.yaml": dataset + "trust: trusted\nsensitivity: public\n",
        "conf/eval/quality.yaml": MINIMAL["conf/eval/quality.yaml"].split("rows:")[0] + "rows: {dataset: questions}\n",
        "conf/target/github-actions.yaml": f"check: {{requirements: {said['requirements']}}}\n",
        f"data/{name}": '{"question": "Hello?"}\n',
        "harmless": "", text: "",
    }  # fmt: skip


def made(files: dict[str, str]) -> dict[str, str] | None:
    """The workflows; None where a pass before refuses the text."""
    result = compile_project(Memory(files), Request(), tools=TOOLS)
    return None if result.failed else workflows(result)


def strings(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from strings(value)
    elif isinstance(data, list):
        for item in data:
            yield from strings(item)
    elif isinstance(data, str):
        yield data


def scripts(text: str) -> list[str]:
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def expressions(text: str) -> list[str]:
    return [found for said in strings(yaml.safe_load(text)) for found in EXPRESSION.findall(said) if found != SIGN]


def versions(text: str, fields: tuple[str, ...] = FIELDS) -> Iterator[dict[str, str]]:
    """The workflows with the text in all fields that do not refuse it, and in the name of a file."""
    together = made(project(text, fields))
    if together is None:
        taken = tuple(field for field in fields if made(project(text, (field,))) is not None)
        together = made(project(text, taken))
    assert together is not None
    yield together
    if "/" not in text:
        found = made(project(HARMLESS, (), f"{text}.jsonl"))
        if found is not None:
            yield found


@pytest.mark.parametrize("text", CANARIES)
def test_a_text_is_no_expression_and_stands_in_no_script(text: str) -> None:
    harmless = made(project(HARMLESS, ()))
    assert harmless is not None
    for found in versions(text):
        for path, workflow in found.items():
            assert set(scripts(workflow)) <= set(scripts(harmless[path]))
            assert set(expressions(workflow)) <= set(expressions(harmless[path]))


@pytest.mark.tools
def test_the_tools_accept_what_became_of_them(tmp_path: Path) -> None:
    fields = tuple(field for field in FIELDS if field != "runner")  # actionlint wants to know the label
    found = {made: path for text in CANARIES for version in versions(text, fields) for path, made in version.items()}
    files = []
    for number, (text, path) in enumerate(found.items()):
        files.append(tmp_path / str(number) / path)
        files[-1].parent.mkdir(parents=True)
        files[-1].write_text(text)
    assert len(files) > len(CANARIES)
    for start in range(0, len(files), 50):
        linted = toolbox.actionlint(files[start : start + 50], tmp_path)
        assert linted.ok, linted.output[:6000]
    audited = toolbox.zizmor(files)
    assert audited.ok, audited.output[:6000]


def test_the_fields_take_a_sign_as_text() -> None:
    found = made(project("a ${{ b }}", ("command", "artifact", "description")))
    assert found is not None
    text = next(text for path, text in found.items() if "pull_request" in path)
    assert text.count(SIGN) == 3
