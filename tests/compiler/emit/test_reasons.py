"""What stands somewhere because of a reference: a block, what came through it, a whole file."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.cli.origins import brought
from llmops.compiler.driver import compile_project, toolkit
from llmops.compiler.explain import writers
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.artifact import Format
from llmops.compiler.model.exports import App, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.request import Request
from llmops.compiler.model.sourced import Joined, Remark, Sourced, because_of, literal, plain, through, under
from llmops.compiler.model.sources import At
from llmops.compiler.model.view import Reader
from tests.compiler.emit.trees import at, write

USES = Sourced("answerer", (at("eval", "quality", "model"),))
ALSO = Sourced("main", (at("eval", "quality", "via"),))
NAME = Sourced("gpt", (at("model", "answerer", "name"),))


def origins(body: Any, form: Format = Format.YAML, **more: Any) -> list[tuple[str, tuple[Any, ...]]]:
    made = write(body, form, **more)
    return list(zip(made.content.decode().split("\n"), made.lines, strict=False))


def test_reasons_are_gathered_once_each() -> None:
    assert because_of(USES, None, ALSO, USES) == (*USES.sources, *ALSO.sources)


def test_every_line_of_a_block_comes_and_goes_with_its_reason() -> None:
    body = {"a": "x", "provider": under({"kind": "openai", "model": NAME}, USES)}
    assert origins(body) == [
        ("a: x", ()),
        ("provider:", USES.sources),
        ("  kind: openai", USES.sources),
        ("  model: gpt", (*USES.sources, *NAME.sources)),
    ]


def test_a_block_without_reasons_is_the_block() -> None:
    block = {"kind": "openai"}
    assert under(block) is block
    assert under(block, None, literal("x")) is block
    assert through(block, None) is block


def test_the_text_of_a_config_stays_untrusted_in_a_block() -> None:
    made = write({"a": under({"own": "x", "theirs": NAME}, USES)}, escape=str.upper)
    assert made.content.decode() == "a:\n  own: x\n  theirs: GPT\n"


def test_what_came_through_a_reference_says_so_wherever_it_stands() -> None:
    tree: dict[str, Any] = {"model": NAME, "list": ["x", Remark(NAME, "why")], "text": Joined((NAME, "fixed"))}
    made = through(tree, USES)
    assert plain(made) == plain(tree)
    assert made["model"].sources == (*NAME.sources, *USES.sources)
    assert made["list"].sources == USES.sources
    assert made["list"].value[0].sources == USES.sources
    assert made["list"].value[1].value.sources == (*NAME.sources, *USES.sources)
    assert made["text"].lines[0].sources == (*NAME.sources, *USES.sources)


def test_of_one_resource_only_what_was_read_from_it() -> None:
    other = Sourced(1, (at("eval", "quality", "seed"),))
    tree: dict[str, Any] = {"model": NAME, "seed": other, "fixed": "x"}
    tree["params"] = Sourced({"name": NAME}, other.sources)
    made = through(tree, USES, of=("model", "answerer"))
    assert made["model"].sources == (*NAME.sources, *USES.sources)
    assert (made["seed"], made["fixed"]) == (other, "x")
    assert made["params"].sources == other.sources
    assert made["params"].value["name"].sources == (*NAME.sources, *USES.sources)


def test_what_a_target_exports_keeps_its_type() -> None:
    key = Variable(Sourced("KEY", (at("secret", "key"),)), Address("secret", "key"))
    app = App(literal("http://x"), "POST", {"model": "answer", "given": NAME}, key=key)
    made = through(app, USES)
    assert isinstance(made, App)
    assert made.url == Sourced("http://x", USES.sources, raw=True)
    assert made.method == "POST"
    assert made.body["model"] == Sourced("answer", USES.sources, raw=True)
    assert made.key is not None
    assert made.key.secret == Address("secret", "key")
    assert made.key.name.sources == (*key.name.sources, *USES.sources)


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ({"a": NAME}, Format.YAML), ({"a": NAME}, Format.JSON), ([{"a": NAME}], Format.JSONL),
        (["one", NAME], Format.TEXT), (b"one\ntwo\n", Format.VERBATIM),
    ],
)
def test_every_line_of_a_file_says_why_there_is_one(body: Any, form: Format) -> None:
    for comment in ("#", None):
        made = write(body, form, comment=comment, because=USES.sources)
        assert made.lines
        assert all(USES.sources[0] in line for line in made.lines)


# --- what is read by way of a reference ---------------------------------------------------------------------------

CONF = {
    "llmops.yaml": "llmops: '1'\nname: demo\nenvironments: {prod: []}\n",
    "conf/config.yaml": "defaults:\n  - model: [answerer]\n  - prompt: [answer]\n  - eval: [quality]\n  - _self_\n",
    "conf/model/answerer.yaml": "provider: openai\nid: gpt-4o-mini\n",
    "conf/prompt/answer.yaml": "messages:\n  - user: Hello\n",
    "conf/eval/quality.yaml": "subject: {model: answerer, prompt: answer}\nrunner: promptfoo\nrows:\n  - vars: {}\n",
}


def test_a_value_knows_the_reference_by_which_its_reader_came() -> None:
    made = compile_project(Memory(CONF), Request(), tools=toolkit())
    assert made.workspace is not None
    project = made.workspace.projects["prod"]
    reader = Reader(project)
    eval_ = reader.view(Address("eval", "quality"))
    assert eval_ is not None
    reference = ("eval", "quality", "subject", "model")
    model = eval_.ref("subject", "model")
    assert model is not None
    place = At("prod", ("model", "answerer", "id"), by=reference)
    assert model.text("id").sources == (place,)
    assert model.reference == Sourced("answerer", (At("prod", reference),))
    assert model.unreached().text("id").sources == (At("prod", place.path),)
    spans = [(span.file, span.line) for span in writers(made.workspace, (place,))]
    assert spans == [("conf/model/answerer.yaml", 2), ("conf/eval/quality.yaml", 1)]
    assert brought((place,)) == (At("prod", reference),)
    assert brought((place, At("prod", reference))) == ()
