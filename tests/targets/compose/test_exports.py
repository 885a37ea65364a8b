"""How other targets see what runs here: where it answers, and how it is brought up."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from llmops.compiler.driver import Compilation
from tests.targets.compose.kit import project, said, written

MODEL = "weights: {repo: acme/weights, revision: 40c069824f4251a91eefaf281ebe4c544efd3e18}\n"
ENGINE = 'model: answerer\nengine: vllm\nversion: "0.26.0"\nport: 8008\npublish: 18008\n'
GATEWAY = "engine: litellm\nsecret: gateway\nroutes: {answerer: {}}\n"
RELEASE = "engine: github-actions\ntriggers: {manual: {}}\nstages: {ship: {deployment: [cache], environment: dev}}\n"


def made(found: Compilation, target: str, end: str = "") -> Any:
    files = [e.content for e in found.emitted if e.target == target and e.path.endswith(end)]
    assert len(files) == 1, [(d.code, d.message) for d in found.diagnostics]
    return yaml.safe_load(files[0])


def test_a_gateway_beside_an_engine_calls_it_by_its_service() -> None:
    found = project(
        model__answerer=MODEL, deployment__llm=ENGINE, gateway__main=GATEWAY, deployment__door="gateway: main\n",
        secret__gateway="variable: GATEWAY_KEY\n",
    )  # fmt: skip
    backend = made(found, "litellm", ".yaml")["model_list"][0]["litellm_params"]
    assert backend["api_base"] == "http://llm:8008/v1"
    services = written(found)["services"]
    assert services["door"]["depends_on"] == {"llm": {"condition": "service_healthy"}}
    assert "GATEWAY_KEY" in str(services["door"]["environment"])


def test_a_gateway_outside_calls_the_published_port() -> None:
    found = project(
        model__answerer=MODEL, deployment__llm=ENGINE, gateway__main=GATEWAY,
        secret__gateway="variable: GATEWAY_KEY\n",
    )  # fmt: skip
    backend = made(found, "litellm", ".yaml")["model_list"][0]["litellm_params"]
    assert backend["api_base"] == "http://127.0.0.1:18008/v1"


UP = "compose --file generated/dev/compose/compose.yaml up --detach --wait"


@pytest.mark.parametrize(
    ("context", "run", "env"),
    [
        ("", f"docker {UP}", {}),
        # Texts of a config reach a job's shell as variables.
        ("context: staging, ", f'docker --context "$LLMOPS_CONTEXT" {UP}', {"LLMOPS_CONTEXT": "staging"}),
        (
            "context: {variable: DOCKER_HOSTS}, ", 'sh -c "$LLMOPS_WORD"',
            {
                "LLMOPS_WORD": f'exec docker --context "$DOCKER_HOSTS" {UP}',
                "DOCKER_HOSTS": "${{ vars.DOCKER_HOSTS }}",
            },
        ),
    ],
)  # fmt: skip
def test_the_command_of_a_job(context: str, run: str, env: dict[str, str]) -> None:
    found = project(
        f"{{{context}platform: compose}}", secret__key="variable: SERVICE_KEY\n", pipeline__release=RELEASE,
        deployment__cache="image: redis:8.2\nsecrets: [key]\nenv: {SHOP: {variable: SHOP_URL}}\n",
    )  # fmt: skip
    step = made(found, "github-actions")["jobs"]["ship"]["steps"][-1]
    assert step["run"] == run
    # What the file asks for with `${NAME:?}` is what the job is given.
    asked = {"SERVICE_KEY": "${{ secrets.SERVICE_KEY }}", "SHOP_URL": "${{ vars.SHOP_URL }}"}
    assert step["env"] == {**asked, **env}


def test_an_override_with_an_unknown_key_is_refused() -> None:
    patch = "overrides: {compose: {compose.yaml: {services: {cache: {privilegd: true}}}}}\n"
    found = project(deployment__cache=f"image: redis:8.2\n{patch}")
    message = "`compose.yaml`: service `cache` has no key `privilegd`; did you mean `privileged`?"
    assert [d.message for d in found.diagnostics if d.code == "TGT006"] == [message]
    fine = patch.replace("privilegd", "privileged")
    assert written(project(deployment__cache=f"image: redis:8.2\n{fine}"))["services"]["cache"]["privileged"] is True


def test_what_says_nothing_wrong_says_nothing() -> None:
    assert said(project(deployment__cache="image: redis:8.2\n")) == []
