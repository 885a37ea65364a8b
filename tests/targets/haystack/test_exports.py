"""What other targets make of an app and an index: a workflow that fills and tests, containers, a suite."""

from __future__ import annotations

from typing import Any

import yaml

from tests.targets.compose.kit import project, said, written
from tests.targets.haystack.support import compiled
from tests.targets.test_cases import HERE

MORE = {
    "conf/eval/retrieval.yaml": (
        "runner: promptfoo\nsubject: {flow: answer}\n"
        "rows: [{vars: {question: 'May I return worn shoes?'}, assert: [{type: icontains, value: 30 days}]}]\n"
        "gate: {pass_rate: 1.0}\n"
    ),
    "conf/pipeline/main.yaml": (
        "engine: github-actions\ntriggers: {pull_request: {}}\n"
        "stages: {fill: {index: [policies]}, quality: {eval: [retrieval], after: [fill]}}\n"
    ),
    "conf/config.yaml": (
        "defaults:\n  - model: [answerer, embedder]\n  - dataset: [policies]\n  - store: [vectors]\n"
        "  - index: [policies]\n  - secret: [models, vectors]\n  - flow: [answer]\n  - prompt: [answer]\n"
        "  - deployment: [app]\n"
        "  - eval: [retrieval]\n  - pipeline: [main]\n  - env: dev\n"
    ),
}


def steps(workflow: Any, job: str) -> dict[str, Any]:
    return {step["name"]: step for step in workflow["jobs"][job]["steps"]}


def test_a_workflow_fills_the_index_and_tests_the_app() -> None:
    found, _ = compiled("rag", **MORE)
    workflow = next(e.data for e in found.emitted if e.target == "github-actions")
    fill = steps(workflow, "fill")["Fill index.policies"]
    folder = "generated/dev/haystack/indexes/policies"
    assert fill["run"].splitlines() == [
        f"python generated/project/haystack/fill.py --fetch {folder}.yaml",
        'python generated/project/pgvector/apply.py "$LLMOPS_WORD" generated/dev/pgvector/policies.sql',
        f"python generated/project/haystack/fill.py {folder}.yaml {folder}.json",
    ]
    assert fill["env"] == {
        "VECTORS_DATABASE": "${{ secrets.VECTORS_DATABASE }}", "HAYSTACK_TELEMETRY_ENABLED": "false",
        "LLMOPS_NO_KEY": "none", "LLMOPS_WORD": "VECTORS_DATABASE",
    }
    start = steps(workflow, "quality")["Start deployment.app"]
    pipelines = "--pipelines-dir generated/dev/haystack/apps/app"
    assert f"hayhooks run --host 127.0.0.1 --port 1416 {pipelines} " in start["run"]
    assert (start["env"]["HAYHOOKS_DURABLE_MODE"], start["env"]["HAYHOOKS_DURABLE_STORE"]) == ("true", "memory")
    assert start["env"]["MODELS_KEY"] == "${{ secrets.MODELS_KEY }}"
    assert "data/policies/*.md" in workflow["on"]["pull_request"]["paths"]
    suite = next(e.data for e in found.emitted if e.target == "promptfoo" and e.path.endswith("retrieval.yaml"))
    config = suite["providers"][0]["config"]
    assert (config["url"], config["body"]) == ("http://127.0.0.1:1416/answer/run", {"question": "{{ question }}"})
    assert '["result"]?.["answer"]?.["output"]' in config["transformResponse"]
    assert '["result"]?.["passages"]?.["output"]' in config["transformResponse"]


def containers(**more: str) -> Any:
    conf = HERE / "haystack" / "cases" / "rag" / "conf"
    files = {f"{path.parent.name}__{path.stem}": path.read_text() for path in sorted(conf.glob("*/*.yaml"))}
    files["dataset__policies"] = "rows: [{vars: {text: hello}}]\ntrust: trusted\nsensitivity: public\n"
    files["deployment__app"] = (
        "engine: haystack\nplatform: compose\npublish: 8000\nserves: {answer: {path: /answer/run}}\n"
    )
    files["deployment__database"] = "store: vectors\nplatform: compose\n"
    files["target__haystack"] = "image: registry.example.com/haystack:3.4.0\n"
    return project(**{**files, **more})


def test_an_app_and_its_database_as_containers() -> None:
    found = containers()
    assert said(found) == []
    services = written(found)["services"]
    assert services["app"]["command"] == [
        "hayhooks", "run", "--host", "0.0.0.0", "--port", "1416", "--pipelines-dir", "/app/pipelines",
    ]
    assert services["app"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["app"]["volumes"][0]["target"] == "/app/pipelines/answer.yaml"
    assert services["database"]["image"] == "pgvector/pgvector:0.8.1-pg17-trixie"
    assert services["database"]["healthcheck"]["test"] == ["CMD", "pg_isready", "--username", "postgres"]


def test_a_container_has_what_a_flow_runs() -> None:
    found, _ = compiled("steps", **{
        "conf/deployment/app.yaml": "engine: haystack\nplatform: compose\nserves: {order: {path: /order/run}, "
                                    "talk: {path: /talk/run}}\n",
    })
    service = written(found)["services"]["app"]
    mounts = {one["source"]: one["target"] for one in service["volumes"]}
    for name in ("flow.yaml", "flow.json", "pipeline_wrapper.py"):
        assert mounts[f"../haystack/apps/app/talk/{name}"] == f"/app/pipelines/talk/{name}"
    assert mounts["../../project/haystack/haystack_parts.py"] == "/app/parts/haystack_parts.py"
    assert mounts["../../../steps/pick.py"] == "/app/steps/pick.py"
    assert service["command"][-2:] == ["--additional-python-path", "/app/parts"]
    assert service["environment"]["HAYSTACK_DESERIALIZATION_ALLOWLIST"] == "haystack_parts"


def test_in_a_container_other_containers_are_called_by_name() -> None:
    found = containers(
        store__vectors="engine: qdrant\nversion: '1.17'\nsecret: vectors\n",
        secret__vectors="variable: VECTORS_KEY\n",
    )
    pipeline = next(e.content for e in found.emitted if e.path.endswith("apps/app/answer.yaml"))
    index = next(e.content for e in found.emitted if e.path.endswith("indexes/policies.yaml"))

    def stores(text: bytes) -> list[str]:
        return [line.strip() for line in text.decode().splitlines() if " url: " in line]

    assert stores(pipeline) == ["url: http://database:6333"]
    assert stores(index) == ["url: http://127.0.0.1:6333"]
    services = written(found)["services"]
    assert services["database"]["environment"] == {"QDRANT__SERVICE__API_KEY": "${VECTORS_KEY:?}"}
    assert services["app"]["environment"]["VECTORS_KEY"] == "${VECTORS_KEY:?}"
    assert services["app"]["depends_on"] == {"database": {"condition": "service_started"}}
    assert "healthcheck" not in services["database"]
    assert yaml.safe_load(pipeline)["components"]["retrieve-retriever"]["type"].endswith("QdrantEmbeddingRetriever")


def test_the_servers_of_tools_stand_in_the_apps_container() -> None:
    found = containers(
        tool__status="parameters: {order: {type: string}}\ncode: conf/tool/status.yaml\n"
        "effects: read\ntrust: trusted\n",
        target__mcp="{}\n",
        flow__answer=(
            "access: public\ninputs: {question: string}\nsteps:\n"
            "  retrieve: {index: policies, query: question}\n"
            "  answer: {prompt: answer, model: answerer, with: {passages: retrieve}, tools: [status]}\n"
            "outputs: {answer: answer.text}\n"
        ),
    )
    mounts = {one["source"]: one["target"] for one in written(found)["services"]["app"]["volumes"]}
    assert mounts == {
        "../haystack/apps/app/answer.yaml": "/app/pipelines/answer.yaml",
        "../../project/mcp/server.py": "/app/generated/project/mcp/server.py",
        "../mcp/tools.json": "/app/generated/dev/mcp/tools.json",
        "../../../conf/tool/status.yaml": "/app/conf/tool/status.yaml",
    }
    pipeline = next(e.data for e in found.emitted if e.path.endswith("apps/app/answer.yaml"))
    (tools,) = pipeline["components"]["answer-agent"]["init_parameters"]["tools"]
    assert tools["data"]["server_info"]["args"] == [
        "/app/generated/project/mcp/server.py", "/app/generated/dev/mcp/tools.json",
    ]
