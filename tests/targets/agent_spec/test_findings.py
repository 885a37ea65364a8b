"""What Open Agent Spec cannot express, each told at its place; no document is written that would do something else."""

from __future__ import annotations

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.test_cases import HERE, project_files

CASE = HERE / "agent_spec" / "cases" / "team"
WRITER, NOTE, BILLING, WRITE = (
    "conf/agent/writer.yaml", "conf/flow/note.yaml", "conf/agent/billing.yaml", "conf/prompt/write.yaml",
)  # fmt: skip
AGENT = "model: answerer\nprompt: write\nmax_steps: 3\n"
FLOW = "inputs: {question: string}\nsteps: {it: STEP}\noutputs: {kind: it.output.intent}\naccess: internal\n"
STEP = "{prompt: classify, model: answerer"
Place = tuple[str, int, int]


def compiled(changes: dict[str, str]) -> Compilation:
    files = {**project_files(CASE), **{name: text.encode() for name, text in changes.items()}}
    return compile_project(Memory(files), Request())


def told(made: Compilation, file: str) -> list[tuple[str, int, int]]:
    """What the target said of a file."""
    return [
        (d.message.removeprefix("agent-spec cannot express this: "), d.labels[0].span.line, d.labels[0].span.column)
        for d in made.diagnostics if d.code == "TGT002" and d.labels[0].span.file == file
    ]


def written(made: Compilation) -> set[str]:
    below = "generated/dev/agent-spec/"
    return {e.path.removeprefix(below) for e in made.emitted if e.path.startswith(below)}


WITHOUT_EFFECT: list[tuple[str, str, tuple[str, int, int]]] = [
    (WRITER, f"{AGENT}timeout: 5m\n", ("it has no time limit", 4, 10)),
    (WRITER, f"{AGENT}memory: {{short: {{window: 3}}}}\n",
     ("what a conversation keeps is the runtime's to decide", 4, 9)),
    (NOTE, FLOW.replace("STEP", f"{STEP}, retries: 2}}"), ("a step is not tried again", 2, 58)),
    (NOTE, FLOW.replace("STEP", f"{STEP}}}") + "timeout: 9s\n", ("it has no time limit", 5, 10)),
]  # fmt: skip
REFUSED: list[tuple[str, str, str, tuple[str, int, int], str]] = [
    (NOTE, FLOW.replace("STEP", f"{STEP}, when: {{question: present}}}}"), NOTE,
     ("Agent Spec branches by texts alone", 2, 66), "flows/note.yaml"),
    (NOTE, FLOW.replace("STEP", f"{STEP}, otherwise: or}}, or: {STEP}}}"), NOTE,
     ("Agent Spec is not written for a step in place of one that failed", 2, 60), "flows/note.yaml"),
    (NOTE, "inputs: {question: string}\nsteps: {a: {prompt: classify, model: answerer}, "
     "b: {prompt: classify, model: answerer}}\noutputs:\n  kind: {first: [a.output.intent, b.output.intent]}\n"
     "access: internal\n", NOTE,
     ("Agent Spec takes the last of several values, in the order of the steps", 4, 9), "flows/note.yaml"),
    (NOTE, "inputs: {question: string, topics: array}\nsteps: {it: {prompt: classify, model: answerer, each: topics}}\n"
     "outputs: {kind: it.output.intent}\naccess: internal\n", NOTE,
     ("a map node of Agent Spec gives each entry to one input, whole", 2, 55), "flows/note.yaml"),
    (WRITE, 'messages: [{system: "Write about {{ topic | upper }}."}]\nvariables: {topic: string}\n', WRITE,
     ("a prompt of Agent Spec has placeholders that are names, and nothing else", 1, 21), "agents/writer.yaml"),
    (WRITE, 'messages: [{system: "Say {{ this }} to {{ topic }}."}]\nsyntax: none\nvariables: {topic: string}\n',
     WRITE, ("a prompt of Agent Spec has placeholders that are names, and nothing else", 1, 21),
     "agents/writer.yaml"),
    (BILLING, "model: answerer\nprompt: billing\nhandoffs: [support]\nmax_steps: 4\n", BILLING,
     ("agent.billing can be handed a conversation, and has no description", 1, 1), "agents/support.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "message"), WITHOUT_EFFECT)
def test_what_has_no_effect_is_told(file: str, text: str, message: tuple[str, int, int]) -> None:
    made = compiled({file: text})
    assert message in told(made, file)
    assert {"agents/writer.yaml", "flows/note.yaml"} <= written(made)


@pytest.mark.parametrize(("file", "text", "place", "message", "path"), REFUSED)
def test_what_would_do_something_else_is_refused(
    file: str, text: str, place: str, message: tuple[str, int, int], path: str
) -> None:
    made = compiled({file: text})
    assert message in told(made, place)
    assert made.failed
    assert path not in written(made)
    assert "flows/answer.yaml" in written(made), "a document that has nothing to do with it is written all the same"


def test_an_address_that_is_known_only_outside_is_refused() -> None:
    model = "provider: openai\nid: gpt-5.4-mini-2026-03-17\nendpoint: {url: {variable: MODELS_URL}}\n"
    made = compiled({"conf/model/answerer.yaml": model})
    assert ("the address of model.answerer must be known when it is compiled", 1, 8) in told(made, WRITER)
    assert written(made) == set()
