from __future__ import annotations

import pytest

from llmops.compiler.cli.console import Console, wants_color


@pytest.mark.parametrize(
    ("when", "environment", "tty", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(when, environment, tty, wanted):
    assert wants_color(when, environment, tty) is wanted


def test_the_format_is_githubs_own_inside_of_its_actions(monkeypatch):
    assert Console().shape == "text"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert Console().shape == "github"
    assert Console(format="text").shape == "text"


def test_colour_by_flag_reaches_the_output(llmops, minimal):
    (minimal / "conf/model/answerer.yaml").write_text("provider: openai\nid: x\nparams: {temperature: 3}\n")
    plain = llmops("validate", cwd=minimal).stderr
    coloured = llmops("validate", "--color", "always", cwd=minimal).stderr
    assert "\x1b" not in plain
    assert "\x1b[1;31merror[SCH004]\x1b[0m" in coloured
    assert "\x1b]8;" not in coloured


def test_no_config_text_commands_the_runner(process, minimal):
    (minimal / "conf/prompt/answer.yaml").write_text(
        "messages:\n  - user: '::stop-commands::x ##[add-mask]{{ question }}'\nvariables: {question: string}\n"
    )
    for args in (["explain", "prompt.answer"], ["explain", "generated/dev/promptfoo/quality.yaml"], ["validate", "-v"]):
        for form in ("text", "json", "github"):
            if form == "github" and args[0] == "explain":
                continue
            done = process(*args, "--output-format", form, cwd=minimal, GITHUB_ACTIONS="true")
            lines = (done.stdout + done.stderr).splitlines()
            assert lines
            assert [line for line in lines if "##[" in line] == []
            assert [line for line in lines if line.lstrip().startswith(("::stop", "::add"))] == []
