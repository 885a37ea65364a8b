"""References: each problem with its place, and the graph that the sound ones make."""

from __future__ import annotations

import pytest

from llmops.compiler.driver import Compilation, Options, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.keys import Address
from llmops.compiler.model.request import Request
from tests.support.projects import MINIMAL

Found = list[tuple[str, str, int, int, str]]


def compiled(changes: dict[str, str]) -> Compilation:
    return compile_project(Memory({**MINIMAL, **changes}), Request(), Options(emit=False))


def found(changes: dict[str, str], area: str = "REF") -> Found:
    rows: Found = []
    for d in compiled(changes).diagnostics:
        if d.code.startswith(area) and d.primary is not None:
            rows.append((d.code, d.primary.span.file, d.primary.span.line, d.primary.span.column, d.message))
    return rows


EVAL = MINIMAL["conf/eval/quality.yaml"]
CONFIG = MINIMAL["conf/config.yaml"]
CASES: dict[str, tuple[dict[str, str], Found]] = {
    "sound": ({}, []),
    "misspelt": (
        {"conf/eval/quality.yaml": EVAL.replace("model: answerer", "model: anwserer")},
        [("REF001", "conf/eval/quality.yaml", 2, 34, "no model is named `anwserer`")],
    ),
    "of another kind": (
        {"conf/eval/quality.yaml": EVAL.replace("prompt: answer,", "prompt: answerer,")},
        [
            ("REF001", "conf/eval/quality.yaml", 2, 19, "no prompt is named `answerer`"),
            ("REF004", "conf/prompt/answer.yaml", 1, 1, "nothing refers to `prompt.answer`"),
        ],
    ),
    "a route's own name is no model": (
        {"conf/gateway/main.yaml": "engine: litellm\nroutes: {answer: {}}\n"},
        [("REF001", "conf/gateway/main.yaml", 2, 10, "no model is named `answer`")],
    ),
    "an entry that is not there": (
        {"conf/gateway/main.yaml": "engine: litellm\nroutes: {answerer: {fallbacks: {any: [backup]}}}\n"},
        [("REF002", "conf/gateway/main.yaml", 2, 39, "`routes` of `gateway.main` has no `backup`")],
    ),
    "a missing file": (
        {"conf/prompt/answer.yaml": "files: {system: prompts/a.md}\nvariables: {}\n"},
        [("REF005", "conf/prompt/answer.yaml", 1, 17, "there is no file `prompts/a.md`")],
    ),
    "an unselected file": (
        {"conf/model/other.yaml": "provider: openai\nid: gpt-5.4-2026-03-05\n"},
        [("REF007", "conf/model/other.yaml", 1, 1, "no environment selects `model.other`")],
    ),
    "an unused resource": (
        {
            "conf/model/other.yaml": "provider: openai\nid: gpt-5.4-2026-03-05\n",
            "conf/config.yaml": CONFIG.replace("[answerer]", "[answerer, other]"),
        },
        [("REF004", "conf/model/other.yaml", 1, 1, "nothing refers to `model.other`")],
    ),
    "an unknown environment": (
        {"conf/pipeline/pull_request.yaml": MINIMAL["conf/pipeline/pull_request.yaml"].replace(
            "[quality]}", "[quality], environment: prod}"
        )},
        [("REF008", "conf/pipeline/pull_request.yaml", 3, 50, "the project has no environment `prod`")],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_problems(name: str) -> None:
    changes, expected = CASES[name]
    assert found(changes) == expected


def test_a_broken_resource_is_still_a_known_name() -> None:
    broken = {"conf/model/answerer.yaml": "provider: openai\nid: gpt-5.4-2026-03-05\nparms: {}\n"}
    assert [d.code for d in compiled(broken).diagnostics] == ["SCH001"]


def test_names_are_looked_up_in_the_environment_of_the_stage() -> None:
    files = {
        "llmops.yaml": "name: faq-bot\nenvironments: {dev: [], prod: []}\n",
        "conf/env/prod.yaml": "defaults:\n  - /eval: [release]\n",
        "conf/eval/release.yaml": EVAL,
        "conf/pipeline/pull_request.yaml": (
            "engine: github-actions\ntriggers: {pull_request: {}}\n"
            "stages: {quality: {eval: [quality]}, release: {eval: [release], environment: prod}}\n"
        ),
    }
    assert found(files) == []
    missing = files["conf/pipeline/pull_request.yaml"].replace(", environment: prod", "")
    assert [row[:2] for row in found({**files, "conf/pipeline/pull_request.yaml": missing})] == [
        ("REF001", "conf/pipeline/pull_request.yaml"),
    ]


def test_what_a_file_is_made_of_is_not_unused() -> None:
    """A server offers a tool to others, so that none of the project's own agents has to name it."""
    files = {
        **MINIMAL,
        "conf/tool/weather.yaml": (
            "description: The weather of a town.\neffects: read\ntrust: trusted\nparameters: {town: {type: string}}\n"
            "endpoint: {url: 'https://weather.example.com/'}\n"
        ),
        "conf/config.yaml": f"{CONFIG.rstrip()}\n  - tool: [weather]\n",
    }
    offered = {
        **files, "conf/target/mcp.yaml": "clients: [vscode]\n",
        "conf/config.yaml": f"{files['conf/config.yaml']}  - target: [mcp]\n",
    }
    for project, hints in ((files, ["nothing refers to `tool.weather`"]), (offered, [])):
        made = compile_project(Memory(project), Request())
        assert not made.failed, made.diagnostics
        assert [d.message for d in made.diagnostics if d.code == "REF004"] == hints


def test_edges_and_reachability() -> None:
    workspace = compiled({}).workspace
    assert workspace is not None
    project = workspace.projects["dev"]
    assert [(str(e.source), str(e.target), e.role) for e in sorted(project.edges)] == [
        ("eval.quality", "model.answerer", "model"),
        ("eval.quality", "prompt.answer", "prompt"),
        ("gateway.main", "model.answerer", "answerer"),
        ("model.answerer", "secret.openai", "secret"),
        ("pipeline.pull_request", "eval.quality", "eval"),
    ]
    assert project.dependencies(Address("eval", "quality")) == (
        Address("model", "answerer"), Address("prompt", "answer"), Address("secret", "openai"),
    )
    assert project.dependents(Address("model", "answerer")) == (
        Address("eval", "quality"), Address("gateway", "main"), Address("pipeline", "pull_request"),
    )
    assert project.path(Address("pipeline", "pull_request"), Address("secret", "openai")) == (
        Address("pipeline", "pull_request"), Address("eval", "quality"), Address("model", "answerer"),
        Address("secret", "openai"),
    )
