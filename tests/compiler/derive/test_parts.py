"""What follows of indexes, tools, guardrails, served flows and fine-tunings, each with its origins."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive import finetune, index, model, tools
from llmops.compiler.derive.calls import calls
from llmops.compiler.derive.guard import guarded, guards, rails
from llmops.compiler.derive.route import route
from llmops.compiler.derive.serving import running, serving
from llmops.compiler.model.sourced import Sourced, plain
from llmops.compiler.model.sources import At, Fact
from llmops.compiler.model.view import View
from llmops.schemas.types import FINETUNE, FLOW, INDEX, MODEL, STORE, TOOL
from tests.compiler.derive.test_flow import PARTS
from tests.compiler.derive.test_model import FACTS, OWN, reader

MINI = "weights: {repo: sentence-transformers/all-MiniLM-L6-v2}\n"
E5 = "weights: {repo: intfloat/multilingual-e5-large}\n"


def paths(value: Sourced[Any] | None) -> set[str]:
    assert value is not None
    return {
        ".".join(map(str, s.path)) if isinstance(s, At) else "fact"
        for s in value.sources if isinstance(s, (At, Fact))
    }


def an_index(embedder: str, text: str = "") -> View[Any]:
    found = reader(**{**PARTS, "model_embedder": embedder, "index_policies": PARTS["index_policies"] + text}).get(
        INDEX, "policies"
    )
    assert found is not None
    return found


def test_the_dimension_is_the_embedders() -> None:
    vector = index.used(FACTS, an_index(MINI))
    assert vector is not None
    assert vector.dimension is not None
    assert vector.dimension.value == 384
    assert {"fact", "model.embedder.weights.repo", "index.policies.embedder"} <= paths(vector.dimension)


def test_a_shortened_dimension_wins() -> None:
    vector = index.used(FACTS, an_index("provider: openai\nid: text-embedding-3-small\ndimension: 512\n"))
    assert vector is not None
    assert vector.dimension is not None
    assert (vector.dimension.value, "model.embedder.dimension" in paths(vector.dimension)) == (512, True)


def test_prefixes_are_the_configs_else_the_catalogues() -> None:
    known = index.used(FACTS, an_index(E5))
    assert known is not None
    assert known.query is not None
    assert known.query.value == "query: "
    written = index.used(FACTS, an_index(E5 + "prefixes: {query: 'ask: '}\n"))
    assert written is not None
    assert written.query is not None
    assert written.query.value == "ask: "
    plain_one = index.used(FACTS, an_index(MINI))
    assert plain_one is not None
    assert plain_one.query is None


def test_several_vectors_and_none() -> None:
    several = list(index.vectors(FACTS, an_index(MINI, "vectors: {title: {embedder: embedder, field: title}}\n")))
    assert [(v.name.value if v.name else None, v.field.value if v.field else None) for v in several] == [
        (None, None), ("title", "title"),
    ]
    searched = "documents: [policies]\nstore: vectors\nkeyword: {language: english}\n"
    words = reader(**{**PARTS, "index_policies": searched})
    found = words.get(INDEX, "policies")
    assert found is not None
    assert index.used(FACTS, found) is None


def test_the_schema_of_a_function_is_closed_and_leaves_optional_ones_out() -> None:
    refund = reader(**PARTS).get(TOOL, "refund")
    assert refund is not None
    assert plain(tools.arguments(refund)) == {
        "type": "object", "properties": {"order": {"type": "string"}, "note": {"type": "string"}},
        "required": ["order"], "additionalProperties": False,
    }
    (function,) = tools.functions(refund)
    assert (function.name.value, function.effects.value, function.server) == ("refund", "write", False)
    assert plain(tools.returned(refund)) == {"type": "object", "properties": {"status": {"type": "string"}}}


def test_the_functions_of_a_server_are_its_allow_list() -> None:
    server = reader(tool_web=(
        "mcp:\n  transport: http\n  url: https://mcp.example.com/mcp\n  allow:\n"
        "    look: {effects: read, trust: untrusted}\n    send: {effects: external, trust: trusted, approval: human}\n"
    )).get(TOOL, "web")
    assert server is not None
    found = [(f.name.value, f.effects.value, f.approval.value if f.approval else None) for f in tools.functions(server)]
    assert found == [("look", "read", None), ("send", "external", "human")]
    assert tools.worst(server) == Sourced("external", (At("dev", ("tool", "web", "mcp", "allow", "send", "effects")),))


RAIL = "stage: {}\ndetector: self_check\nengine: {}\naction: block\n"
SERVED = (
    "access: internal\nguardrails: [a, b]\ninputs: {q: string}\n"
    "steps: {r: {tool: refund, with: {order: q}}}\noutputs: {x: q}\n"
)


def test_guardrails_stand_where_they_are_listed() -> None:
    made = reader(
        **PARTS, guardrail_a=RAIL.format("input", "nemo-guardrails"), guardrail_b=RAIL.format("output", "presidio"),
        flow_main=SERVED,
    )
    flow = made.get(FLOW, "main")
    assert flow is not None
    assert [(g.rail.address.name, g.stage) for g in guards(flow)] == [("a", "input"), ("b", "output")]
    assert [g.rail.address.name for g in guards(flow, engine="presidio")] == ["b"]
    assert [g.rail.address.name for g in guards(flow, stage="input")] == ["a"]
    assert [(holder.address.name, len(found)) for holder, found in guarded(made, "presidio")] == [("main", 1)]
    assert [rail.address.name for rail in rails(made, "nemo-guardrails")] == ["a"]


def test_where_a_flow_is_served_and_a_store_runs() -> None:
    made = reader(
        **PARTS, guardrail_a=RAIL.format("input", "x"), guardrail_b=RAIL.format("input", "x"), flow_main=SERVED,
        deployment_app="serves: {main: {path: /main}}\nengine: haystack\n", deployment_database="store: vectors\n",
    )
    flow, store = made.get(FLOW, "main"), made.get(STORE, "vectors")
    assert flow is not None
    assert store is not None
    (place,) = serving(made, flow)
    assert (place.deployment.address.name, place.node.text("path").value) == ("app", "/main")
    database = running(made, store)
    assert database is not None
    assert database.address.name == "database"


TONE = "base: answerer\ndata: {talks: {split: train}}\nmethod: sft\ntrainer: trl\n"
TALKS = "rows: [{vars: {messages: []}}]\ntrust: trusted\nsensitivity: internal\n"
LEARNT = {"model_answerer": OWN, "model_toned": "weights: {finetune: tone}\n", "dataset_talks": TALKS}


def test_a_fine_tuned_model_is_what_its_base_is() -> None:
    made = reader(**LEARNT, finetune_tone=TONE + "adapter: {type: lora}\n")
    toned, tone = made.get(MODEL, "toned"), made.get(FINETUNE, "tone")
    assert toned is not None
    assert tone is not None
    context = model.context_tokens(FACTS, toned)
    assert context is not None
    assert context.value == 40960
    assert {"model.answerer.weights.repo", "finetune.tone.base", "model.toned.weights.finetune"} <= paths(context)
    assert [m.address.name for m in finetune.made(made, tone)] == ["toned"]
    assert not finetune.merged(tone)
    where, revision = finetune.weights(tone)
    assert where is not None
    assert revision is not None
    assert (where.value, len(revision.value)) == ("Qwen/Qwen3-8B", 40)
    assert [part.dataset.address.name for part in finetune.parts(tone)] == ["talks"]


def test_all_weights_and_merged_adapters_are_models_of_their_own() -> None:
    for more in ("", "adapter: {type: none}\n", "adapter: {type: lora}\noutput: {merge: true}\n"):
        tone = reader(**LEARNT, finetune_tone=TONE + more).get(FINETUNE, "tone")
        assert tone is not None
        assert finetune.merged(tone)


def test_an_adapter_is_reached_where_its_base_is_served() -> None:
    made = reader(
        **LEARNT, finetune_tone=TONE,
        deployment_main="model: answerer\nengine: vllm\nadapters: [toned]\n", deployment_other="image: redis:8\n",
    )
    toned = made.get(MODEL, "toned")
    assert toned is not None
    way = route(made, toned)
    assert way.deployment is not None
    assert (way.deployment.address.name, way.level, way.reached) == ("main", "deployment", True)
    assert way.why == (At("dev", ("deployment", "main", "adapters", 0)),)


def test_who_calls_a_model_and_for_what() -> None:
    made = reader(
        **PARTS, guardrail_a=RAIL.format("input", "x") + "model: answerer\n",
        flow_main="access: internal\ninputs: {question: string}\nsteps:\n"
        "  look: {index: policies, query: question, planner: answerer}\n"
        "  say: {prompt: answer, model: answerer, with: {passages: look}}\noutputs: {x: say}\n",
    )
    answerer, embedder = made.get(MODEL, "answerer"), made.get(MODEL, "embedder")
    assert answerer is not None
    assert embedder is not None
    assert {(call.resource, call.task) for call in calls(made, answerer)} == {
        ("guardrail.a", None), ("flow.main", "chat"), ("agent.helper", "chat"),
    }
    assert {(call.resource, call.task) for call in calls(made, embedder)} == {("index.policies", "embedding")}
