"""What the target says of guardrails that NeMo Guardrails cannot be, and of files that it would pass over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.nemo_guardrails.known import check, data, version
from tests.targets.test_cases import HERE, project_files

CASE = HERE / "nemo_guardrails" / "cases" / "front"


def with_rail(text: str, **files: str) -> Compilation:
    """The case `front` with one guardrail alone."""
    project = {k: v for k, v in project_files(CASE).items() if not k.startswith(("conf/guardrail/", "conf/config"))}
    flow = "conf/flow/answer.yaml"
    start, _, _ = project[flow].decode().partition("guardrails:")
    project[flow] = f"{start}guardrails: [rail]\n".encode()
    project["conf/guardrail/rail.yaml"] = f"engine: nemo-guardrails\n{text}\n".encode()
    project.update({name: content.encode() for name, content in files.items()})
    folder = {k: v for k, v in project.items() if k != "conf/prompt/check_input.yaml" or "check_input" in text}
    return compile_project(Memory(complete(folder)), Request())


def complete(files: dict[str, bytes]) -> dict[str, bytes]:
    kinds: dict[str, list[str]] = {}
    for name in files:
        parts = Path(name).parts
        if len(parts) == 3:
            kinds.setdefault(parts[1], []).append(parts[2].removesuffix(".yaml"))
    lines = [f"  - {kind}: [{', '.join(names)}]" for kind, names in sorted(kinds.items())]
    return {**files, "conf/config.yaml": "\n".join(["defaults:", *lines, "  - env: dev", ""]).encode()}


def said(result: Compilation, code: str = "TGT002") -> list[tuple[str, int]]:
    return [(d.message, d.labels[0].span.line) for d in result.diagnostics if d.code == code]


SELF = "stage: input\ndetector: self_check\nmodel: judge\naction: block"


@pytest.mark.parametrize(
    ("rail", "message", "line"),
    [
        ("stage: input\ndetector: self_chek\nmodel: judge\naction: block", "no detector `self_chek`", 3),
        ("stage: tool\ndetector: self_check\nmodel: judge\naction: block", "sees nothing of what is inside", 7),
        ("stage: retrieval\ndetector: topic_control\nmodel: judge\naction: block", "cannot read that text", 2),
        ("stage: input\ndetector: self_check\nmodel: judge\naction: rewrite", "cannot rewrite a text", 5),
        ("stage: output\ndetector: regex\nparams: {patterns: [a]}\naction: redact", "cannot redact here", 5),
        ("stage: input\ndetector: self_check\naction: block", "asks a model, and none is named", 3),
        ("stage: input\ndetector: topic_control\nmodel: judge\naction: block", "no topics are named", 3),
        ("stage: input\ndetector: content_safety\nmodel: judge\naction: block", "no prompt is named", 3),
        ("stage: input\ndetector: pii\naction: block", "no entities are named", 3),
        ("stage: input\ndetector: regex\naction: block", "no patterns are given", 3),
        ("stage: input\ndetector: jailbreak\naction: block", "load models of its own into the server", 3),
        (f"{SELF}\nthreshold: 0.5", "`self_check` gives no score", 6),
        (f"{SELF}\nentities: [A]", "looks for no entities", 6),
        (f"{SELF}\nlatency: 300ms", "it waits until the detector has answered", 6),
        (f"{SELF}\nstreaming: {{chunk: 9}}", "what comes in is never streamed", 6),
        (f"{SELF}\nparams: {{max_token: 9}}", "has no setting `max_token`", 6),
        ("stage: input\ndetector: regex\nparams: {patterns: ['(']}\naction: block", "the pattern is none", 4),
        ("stage: input\ndetector: pii\nentities: [A]\nlanguages: [de]\naction: block", "reads English alone", 5),
        ("stage: input\ndetector: pii\nentities: [A]\nthreshold: 0.3\naction: redact", "a score of its own", 5),
        ("stage: output\ndetector: grounding\nmodel: judge\naction: block", "`rail` would see no passages", 7),
        (f"{SELF}\nprompt: answer", "nothing fills `", 2),
    ],
)
def test_what_it_cannot_be_is_said_with_its_place(rail: str, message: str, line: int) -> None:
    found = said(with_rail(rail))
    assert [(message in text, at) for text, at in found if message in text][:1] == [(True, line)], found


def test_a_pii_rail_is_presidio_s_own() -> None:
    result = with_rail("stage: output\ndetector: pii\nentities: [EMAIL_ADDRESS]\nthreshold: 0.3\naction: block")
    assert not result.failed
    config = next(e.data for e in result.emitted if e.path.endswith("config.yml"))
    assert config["rails"] == {
        "config": {"sensitive_data_detection": {"output": {"entities": ["EMAIL_ADDRESS"], "score_threshold": 0.3}}},
        "output": {"flows": ["detect sensitive data on output"], "streaming": {"enabled": True, "stream_first": False}},
    }


def test_a_pattern_in_a_passage_keeps_the_answer_back() -> None:
    """The library's own action gives passages back without what was found, and says that they may pass."""
    case = HERE / "nemo_guardrails" / "cases" / "server"
    files = dict(project_files(case))
    files["conf/guardrail/spoilt.yaml"] = (
        b"stage: retrieval\ndetector: secrets\nengine: nemo-guardrails\naction: block\nmessage: No.\n"
    )
    made = compile_project(Memory(files), Request())
    code = next(e.content.decode() for e in made.emitted if e.path.endswith("answer/rails.co"))
    lines = code[code.index("guard spoilt"):].splitlines()
    assert lines[1:3] == [
        '  $response = execute detect_regex_pattern(source="retrieval", text=$relevant_chunks)',
        "  if $response.is_blocked or $response.is_transform",
    ]


@pytest.mark.parametrize(
    ("via", "url"),
    [
        ("", "http://127.0.0.1:4010/v1/chat/completions"),
        (", via: {deployment: guarded}", "http://127.0.0.1:4010/v1/chat/completions"),
        (", via: {deployment: assistant}", "{{ env.ASSISTANT_URL }}/answer"),
    ],
)
def test_who_calls_the_flow_goes_through_the_rails_unless_told_otherwise(via: str, url: str) -> None:
    suite = f"runner: promptfoo\nsubject: {{flow: answer{via}}}\nrows: [{{vars: {{question: Hello}}}}]\n"
    result = with_rail(SELF, **{"conf/eval/quality.yaml": suite})
    assert not result.failed, [d.message for d in result.diagnostics]
    provider = next(e.data for e in result.emitted if e.path.endswith("quality.yaml"))["providers"][0]
    assert provider["config"]["url"] == url


def test_guardrails_that_stand_before_nothing_are_told() -> None:
    result = with_rail(SELF, **{
        "conf/deployment/guarded.yaml": "serves: {answer: {path: /other}}\nendpoint: {url: {variable: OTHER_URL}}\n",
    })
    assert ("`answer` is served, and its guardrails stand before nothing", 7) in said(result)


def test_a_flow_without_a_guardrail_has_no_server() -> None:
    result = with_rail(SELF, **{
        "conf/flow/answer.yaml": "inputs: {question: string}\nsteps: {answer: {prompt: answer, model: answerer}}\n"
        "outputs: {answer: answer.text}\naccess: public\n",
    })
    assert ("`answer` lists no guardrail of NeMo Guardrails", 1) in said(result)


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ({"models": [], "rails": {"inputs": {"flows": []}}}, "rails has no key `inputs`; did you mean `input`?"),
        ({"models": [], "rails": {"input": {"flow": []}}}, "input has no key `flow`; did you mean `flows`?"),
        ({"models": [{"type": "a", "engin": "b"}]}, "models has no key `engin`; did you mean `engine`?"),
        ({"prompts": [{"taks": "a"}]}, "prompts has no key `taks`; did you mean `task`?"),
        (
            {"rails": {"input": {"flows": ["self chek input"]}}},
            "there is no input rail `self chek input`; did you mean `self check input`?",
        ),
        (
            {"models": [{"type": "a", "parameters": {"api_key": "x"}}]},
            "a key stands in the file (`api_key`): name its variable as `api_key_env_var`",
        ),
    ],
)
def test_what_would_be_passed_over_is_found(file: object, found: str) -> None:
    assert list(check("answer/config.yml", file)) == [found]


def test_an_override_with_a_misspelt_key_is_refused() -> None:
    patch = "overrides: {nemo-guardrails: {answer/config.yml: {rails: {inputs: {flows: []}}}}}"
    found = said(with_rail(f"{SELF}\n{patch}"), "TGT006")
    assert [text for text, _ in found] == ["`answer/config.yml`: rails has no key `inputs`; did you mean `input`?"]


def test_the_lists_are_those_of_the_locked_release() -> None:
    assert f"=={version()}," in json.dumps(data("keys.json")["source"])
    assert all(f"=={version()}" in str(data(name)["source"]) for name in ("prompts.json", "tasks.json"))
