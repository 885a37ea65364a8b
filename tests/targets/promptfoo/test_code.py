"""Code of one's own as a subject: promptfoo calls the function that the config names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.targets.promptfoo.test_lower import compiled, suite
from tests.tools.toolbox import promptfoo_eval

APP = """\
def answer(prompt, options, context):
    return {"output": "30 days"}


def call_api(prompt, options, context):
    return {"output": "the wrong function"}
"""


@pytest.mark.tools
def test_the_function_is_called(tmp_path: Path) -> None:
    """Without one it is promptfoo's own name for it, so that one of the two answers is wrong and the gate red."""
    made = compiled(
        "subjects: {named: {code: app/own.py, function: answer}, plain: {code: app/own.py}}\n"
        "rows: [{vars: {q: a}, assert: [{type: equals, value: 30 days}]}]\n",
        **{"app/own.py": APP},
    )
    ids = [provider["id"] for provider in suite(made)["providers"]]
    assert ids == ["file://../../../app/own.py:answer", "file://../../../app/own.py"]
    (tmp_path / "app").mkdir()
    (tmp_path / "app/own.py").write_text(APP)
    for emitted in made.emitted:
        (tmp_path / emitted.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / emitted.path).write_bytes(emitted.content)
    done = promptfoo_eval(tmp_path / "generated/dev/promptfoo/quality.yaml", tmp_path / "out.json")
    assert done.exit_code == 100, done.output
    found = json.loads((tmp_path / "out.json").read_text())["results"]["results"]
    assert sorted(one["response"]["output"] for one in found) == ["30 days", "the wrong function"]
