"""The plan of a flow: where each value comes from, in which order the steps run, and what does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.derive.flow import Plan, plan
from llmops.compiler.derive.ports import fits
from llmops.compiler.model.sourced import plain
from llmops.schemas.types import FLOW
from tests.compiler.derive.test_model import FACTS, HOSTED, reader

PARTS = {
    "model_answerer": HOSTED,
    "model_embedder": "provider: openai\nid: text-embedding-3-small\n",
    "model_sorter": "provider: cohere\nid: rerank-v3.5\ntask: rerank\n",
    "prompt_answer": "messages: [{user: '{{ passages }} {{ question }}'}]\n"
    "variables: {question: string, passages: array, tone: {type: string, optional: true}}\n"
    "output_schema: {type: object, properties: {label: {type: string}, more: {type: object}}}\n",
    "dataset_policies": "rows: [{vars: {text: x}}]\ntrust: trusted\nsensitivity: public\n",
    "store_vectors": "engine: elsewhere\n",
    "index_policies": "documents: [policies]\nembedder: embedder\nstore: vectors\n",
    "tool_refund": "parameters: {order: {type: string}, note: {type: string, optional: true}}\n"
    "effects: write\ntrust: trusted\nreturns: {type: object, properties: {status: {type: string}}}\n",
    "agent_helper": "model: answerer\nprompt: answer\nmax_steps: 3\n",
}


def followed(steps: str, inputs: str = "{question: string}", outputs: str = "{answer: question}", **more: str) -> Plan:
    text = f"access: internal\ninputs: {inputs}\nsteps:\n{steps}\noutputs: {outputs}\n"
    found = reader(**{**PARTS, **more}, flow_main=text).get(FLOW, "main")
    assert found is not None
    return plan(FACTS, found)


def messages(made: Plan) -> list[str]:
    return [problem.message for problem in made.problems]


RETRIEVE = "  retrieve: {index: policies, query: question}\n"
ANSWER = "  answer: {prompt: answer, model: answerer, with: {passages: retrieve}}\n"


def test_steps_come_after_what_they_need_whatever_the_order_in_the_file() -> None:
    made = followed(ANSWER + RETRIEVE, outputs="{answer: answer.text}")
    assert [step.name for step in made.steps] == ["retrieve", "answer"]
    assert messages(made) == []
    answer = made.step("answer")
    assert answer is not None
    assert (answer.verb, answer.needs) == ("prompt", frozenset({"retrieve"}))
    assert answer.model is not None
    assert answer.model.address.name == "answerer"


def test_after_is_an_order_of_its_own() -> None:
    made = followed(
        "  late: {tool: refund, with: {order: question}, after: [early]}\n"
        "  early: {tool: refund, with: {order: question}}\n"
    )
    assert [step.name for step in made.steps] == ["early", "late"]


def test_a_variable_named_like_an_input_is_bound_and_knows_its_place() -> None:
    made = followed(RETRIEVE + ANSWER, outputs="{answer: answer}")
    answer = made.step("answer")
    assert answer is not None
    assert set(answer.bound) == {"passages", "question"}
    assert answer.bound["question"].input == "question"
    assert [s.path for s in answer.bound["question"].text.sources] == [("flow", "main", "inputs", "question")]  # type: ignore[union-attr]
    assert answer.bound["passages"].step == "retrieve"
    assert answer.bound["passages"].type == "documents"


def test_values_below_a_step_have_the_types_of_its_schema() -> None:
    made = followed(RETRIEVE + ANSWER, outputs=(
        "{label: answer.output.label, deep: answer.output.more.anything, text: answer.text, whole: answer.output}"
    ))
    assert messages(made) == []
    types = {name: (value.type, value.path) for name, value in made.outputs.items()}
    assert types == {
        "label": ("string", ("output", "label")), "deep": ("any", ("output", "more", "anything")),
        "text": ("string", ("text",)), "whole": ("object", ("output",)),
    }


def test_a_literal_and_the_first_that_is_there() -> None:
    made = followed(
        RETRIEVE + ANSWER
        + "  a: {prompt: answer, model: answerer, with: {passages: {value: [x]}, tone: {value: kind}}}\n",
        outputs="{answer: {first: [answer.text, a.text]}}",
    )
    a = made.step("a")
    assert a is not None
    assert (plain(a.bound["tone"].literal), a.bound["tone"].type) == ("kind", "string")
    assert made.outputs["answer"].steps == {"answer", "a"}
    assert [value.step for value in made.outputs["answer"].first] == ["answer", "a"]


def test_conditions() -> None:
    made = followed(
        RETRIEVE + ANSWER
        + "  pay: {tool: refund, with: {order: question}, when: {answer.output.label: [refund, swap],"
        " retrieve: present}}\n",
        outputs="{status: pay.output.status}",
    )
    pay = made.step("pay")
    assert pay is not None
    assert [(c.value.step, c.equals, c.present) for c in pay.conditions] == [
        ("answer", ("refund", "swap"), None), ("retrieve", (), True),
    ]
    assert pay.needs == {"answer", "retrieve"}


def test_a_step_for_each_entry_gives_a_list() -> None:
    made = followed(
        "  one: {tool: refund, each: orders, with: {order: item}}\n", "{orders: array}", "{all: one.text}",
    )
    one = made.step("one")
    assert one is not None
    assert one.bound["order"].item
    assert one.each is not None
    assert one.each.input == "orders"
    assert made.outputs["all"].type == "array"


def test_what_a_model_called_is_told_by_tool_and_parameter() -> None:
    made = followed(
        "  answer: {prompt: answer, model: answerer, tools: [refund], with: {passages: {value: []}}}\n",
        outputs="{order: answer.calls.refund.order}",
    )
    assert messages(made) == []
    assert made.outputs["order"].type == "string"
    assert followed(
        "  answer: {prompt: answer, model: answerer, tools: [refund], with: {passages: {value: []}}}\n",
        outputs="{order: answer.calls.refund.oder}",
    ).problems[0].message == "step `answer` gives no `calls.refund.oder`"


@pytest.mark.parametrize(("steps", "message"), [
    ("  retrieve: {index: policies}\n", "step `retrieve` does not say its `query`"),
    ("  r: {model: sorter, query: question}\n", "step `r` does not say its `input`"),
    ("  retrieve: {index: policies, query: qestion}\n", "`qestion` is no input and no step of `flow.main`"),
    ("  pay: {tool: refund}\n", "nothing fills `order` of tool `refund`"),
    ("  pay: {tool: refund, with: {ordr: question}}\n", "tool `refund` takes no `ordr`"),
    ("  pay: {tool: refund, with: {order: question.id}}\n", "input `question` is a string: nothing is below it"),
    ("  question: {tool: refund, with: {order: {value: x}}}\n", "`question` is an input and a step"),
    ("  ask: {agent: helper}\n", "nothing fills `passages` of agent `helper`"),
])
def test_one_message_for_one_mistake(steps: str, message: str) -> None:
    assert messages(followed(steps)) == [message]


def test_steps_that_wait_for_each_other_still_come_in_some_order() -> None:
    made = followed(ANSWER + "  retrieve: {index: policies, query: answer.text}\n", outputs="{answer: answer}")
    assert messages(made) == ["steps wait for each other: answer → retrieve → answer"]
    assert {step.name for step in made.steps} == {"answer", "retrieve"}


def test_a_value_that_nobody_takes_is_told_only_where_all_else_fits() -> None:
    assert messages(followed(RETRIEVE)) == ["nothing takes what step `retrieve` gives"]
    assert messages(followed(RETRIEVE, outputs="{answer: retrive}")) == [
        "`retrive` is no input and no step of `flow.main`"
    ]


@pytest.mark.parametrize(("given", "wanted", "fit"), [
    ("documents", "string", True), ("documents", "array", True), ("documents", "number", False),
    ("integer", "number", True), ("number", "integer", False), ("number", "string", True), ("string", "number", False),
    ("any", "image", True), ("array", "string", False),
])
def test_types(given: str, wanted: str, fit: Any) -> None:
    assert fits(given, wanted) is fit
