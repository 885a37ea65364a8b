"""What is known of a model: the config's own word first, then the catalogue's, each with its origin; else unknown."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.derive import model as derive
from llmops.compiler.derive.calls import calls
from llmops.compiler.derive.context import effective_context
from llmops.compiler.derive.hardware import parallelism, utilisation
from llmops.compiler.derive.memory import kv_bytes_per_token, weights_bytes
from llmops.compiler.derive.route import route
from llmops.compiler.driver import Options, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.compiler.model.sources import At, Fact
from llmops.compiler.model.view import Reader, View
from llmops.schemas.types import DEPLOYMENT, MODEL

HOSTED = "provider: openai\nid: gpt-4o-mini-2024-07-18\n"
OWN = "weights: {repo: Qwen/Qwen3-8B, revision: b968826d9c46dd6066d109eabc6255188de91218}\n"
TOOLS = toolkit()
FACTS = TOOLS.facts


def reader(**files: str) -> Reader:
    """One environment of a project with these resources: `model_answerer="provider: …"`."""
    project = {f"conf/{name.replace('_', '/', 1)}.yaml": text for name, text in files.items()}
    kinds = [name.split("_", 1) for name in files if not name.startswith("env_")]
    lines = "".join(f"  - {kind}: [{name}]\n" for kind, name in kinds)
    project["llmops.yaml"] = "name: x\nenvironments: {dev: []}\n"
    project["conf/config.yaml"] = f"defaults:\n{lines}  - env: dev\n"
    result = compile_project(Memory(project), Request(), Options(emit=False), TOOLS)
    assert result.workspace is not None
    return Reader(result.workspace.projects["dev"])


def model(text: str) -> View[Any]:
    found = reader(model_answerer=text).get(MODEL, "answerer")
    assert found is not None
    return found


def test_the_catalogue_answers_and_says_so() -> None:
    context = derive.context_tokens(FACTS, model(HOSTED))
    assert context is not None
    assert context.value == 128000
    assert isinstance(context.sources[0], Fact)
    assert context.sources[0].fact == "model/openai/gpt-4o-mini-2024-07-18"
    assert context.sources[1] == At("dev", ("model", "answerer", "id"))


def test_the_config_wins_and_is_the_origin() -> None:
    context = derive.context_tokens(FACTS, model(HOSTED + "facts: {context: 9000}\n"))
    assert context is not None
    assert (context.value, context.sources) == (9000, (At("dev", ("model", "answerer", "facts", "context")),))


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (derive.max_output, 16384), (derive.task, "chat"), (lambda f, m: derive.capability(f, m, "vision"), True),
        (lambda f, m: derive.price(f, m, "input"), 1.5e-07),
    ],
)
def test_hosted(ask: Any, expected: Any) -> None:
    found = ask(FACTS, model(HOSTED))
    assert found is not None
    assert found.value == expected


def test_what_nobody_says_is_unknown() -> None:
    tomorrow = model("provider: openai\nid: a-model-of-tomorrow\n")
    for ask in (derive.context_tokens, derive.max_output, derive.retires, derive.task, derive.dimension):
        assert ask(FACTS, tomorrow) is None
    assert derive.capability(FACTS, model(OWN), "vision") is None


def test_a_price_of_ones_own_is_per_token_too() -> None:
    found = derive.price(FACTS, model(HOSTED + "facts: {price: {usd_per_million_input: 3}}\n"), "input")
    assert found is not None
    assert found.value == pytest.approx(3e-06)


def test_embedders_have_a_dimension_and_a_task() -> None:
    embedder = model("weights: {repo: sentence-transformers/all-MiniLM-L6-v2}\n")
    dimension, task = derive.dimension(FACTS, embedder), derive.task(FACTS, embedder)
    assert dimension is not None
    assert task is not None
    assert (dimension.value, task.value) == (384, "embedding")


def test_a_way_is_as_long_as_its_shortest_part() -> None:
    project = reader(
        model_answerer=OWN, prompt_answer="messages: [{user: hi}]\nvariables: {}\n",
        deployment_answerer="model: answerer\nengine: vllm\nhardware: {pool: gpu}\nmax_model_len: 8192\n",
        gateway_main="engine: litellm\nroutes: {answerer: {}}\n",
        eval_quality="runner: promptfoo\nsubject: {prompt: answer, model: answerer}\nrows: [{vars: {}}]\n",
        env_dev="env: {pools: {gpu: {accelerator: H100}}}\n",
    )
    answerer = project.get(MODEL, "answerer")
    assert answerer is not None
    (call,) = calls(project, answerer)
    assert (call.resource, call.task) == ("eval.quality", "chat")
    length = effective_context(project, FACTS, route(project, answerer, call.caller))
    assert length is not None
    assert (length.value, length.sources) == (8192, (At("dev", ("deployment", "answerer", "max_model_len")),))


def test_tensor_parallelism_follows_from_the_accelerators() -> None:
    project = reader(
        model_answerer=OWN, deployment_a="model: answerer\nengine: vllm\nhardware: {pool: gpu, count: 4}\n",
        deployment_b="model: answerer\nengine: vllm\nhardware: {pool: gpu, count: 4}\nparallel: {pipeline: 2}\n",
        deployment_c="model: answerer\nengine: vllm\nhardware: {pool: gpu, count: 4}\nparallel: {data: 3}\n",
        env_dev="env: {pools: {gpu: {accelerator: H100}}}\n",
    )
    found = [parallelism(deployment) for deployment in project.of(DEPLOYMENT)]
    assert [None if p is None else (p.tensor, p.pipeline, p.data) for p in found] == [(4, 1, 1), (2, 2, 1), None]


def test_sizes_of_weights_and_cache() -> None:
    project = reader(
        model_answerer=OWN, deployment_a="model: answerer\nengine: vllm\nhardware: {pool: gpu}\nkv_cache_dtype: fp8\n",
        deployment_b="model: answerer\nengine: ollama\nhardware: {pool: gpu}\n",
        env_dev="env: {pools: {gpu: {accelerator: H100}}}\n",
    )
    answerer = project.get(MODEL, "answerer")
    assert answerer is not None
    a, b = project.of(DEPLOYMENT)
    weights, cache, wide = (
        weights_bytes(FACTS, answerer), kv_bytes_per_token(FACTS, a, answerer), kv_bytes_per_token(FACTS, b, answerer)
    )
    assert weights is not None
    assert cache is not None
    assert wide is not None
    assert weights.value == 8190735360 * 2
    assert (cache.value, wide.value) == (36 * 2 * 8 * 128, 36 * 2 * 8 * 128 * 2)
    assert utilisation(FACTS, a) is not None
    assert utilisation(FACTS, b) is None
