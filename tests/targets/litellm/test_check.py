"""What the target says of a gateway that LiteLLM cannot be, and of files that it would misread."""

from __future__ import annotations

import json

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.litellm.known import check, image, locked_version
from tests.support.projects import MINIMAL


def with_gateway(text: str, **files: str) -> Compilation:
    project = {k: v for k, v in MINIMAL.items() if not k.startswith("conf/pipeline/")}
    project["conf/config.yaml"] = project["conf/config.yaml"].replace("  - pipeline: [pull_request]\n", "")
    project["conf/config.yaml"] = project["conf/config.yaml"].replace("model: [answerer]", "model: [answerer, backup]")
    project["conf/model/backup.yaml"] = "provider: mistral\nid: mistral-small-2603\n"
    project["conf/gateway/main.yaml"] = f"engine: litellm\n{text}"
    project.update(files)
    return compile_project(Memory({k: v.encode() for k, v in project.items()}), Request())


def said(result: Compilation, code: str) -> list[tuple[str, int]]:
    return [(d.message, d.labels[0].span.line) for d in result.diagnostics if d.code == code]


@pytest.mark.parametrize(
    ("gateway", "message", "line"),
    [
        ("routes: {answerer: {fallbacks: {timeout: [backup]}}, backup: {}}", "no fallbacks for timeouts alone", 2),
        ("routes: {answerer: {}}\nlimits: {rpm: 5}", "no such limit for all routes together", 3),
        ("routes: {answerer: {}}\nbudget: {usd_per_month: 5}", "without a database", 3),
        ("routes: {answerer: {budget: {tokens_per_day: 5}}}", "it counts US dollars a day or a month", 2),
        ("routes: {answerer: {}}\nkeys: {shop: {routes: [answerer]}}", "its keys live in its database", 3),
        ("routes: {answerer: {}}\ncache: {scope: tenant}", "knows no users or tenants", 3),
        ("routes: {answerer: {rollout: {strategy: canary}}}", "weights stay as they are written", 2),
        ("routes: {answerer: {}}\nparams: {custom_auth: mine.check}", "it would import and run code", 3),
        ("routes: {answerer: {}}\nparams: {alowed_fails: 3}", "LiteLLM has no setting `alowed_fails`", 3),
        ("routes: {answerer: {}}\ncallbacks: [mine.logger]", "LiteLLM has no callback `mine.logger`", 3),
        ("routes: {answerer: {}}\nstrategy: least-bussy", "LiteLLM has no strategy `least-bussy`", 3),
        ('routes: {answerer: {}}\nversion: "1.2.3"', "from the lock", 3),
    ],
)
def test_what_it_cannot_express_is_said_with_its_place(gateway: str, message: str, line: int) -> None:
    found = said(with_gateway(gateway), "TGT002")
    assert len(found) == 1
    assert message in found[0][0]
    assert found[0][1] == line


def test_a_scope_that_it_cannot_keep_caches_nothing() -> None:
    result = with_gateway("routes: {answerer: {}}\ncache: {scope: user}")
    assert all(b"cache" not in e.content for e in result.emitted if e.path.endswith("main.yaml"))


def test_a_parameter_never_redirects_a_call() -> None:
    result = with_gateway("routes: {answerer: {}}", **{
        "conf/model/answerer.yaml": "provider: openai\nid: gpt-4o-mini\nparams: {base_url: http://10.0.0.1, seed: 1}\n",
    })
    if not result.failed:
        config = next(e.data for e in result.emitted if e.path.endswith("main.yaml"))
        assert config["model_list"][0]["litellm_params"] == {
            "model": "openai/gpt-4o-mini", "api_key": "os.environ/OPENAI_API_KEY", "seed": 1,
        }
    assert [d.labels[0].span.line for d in result.diagnostics if "base_url" in str(d) or d.code == "TGT002"] == [3]


def test_an_override_with_a_misspelt_key_is_refused() -> None:
    patch = "overrides: {litellm: {main.yaml: {router_settings: {alowed_fails: 3}}}}"
    found = said(with_gateway(f"routes: {{answerer: {{}}}}\n{patch}"), "TGT006")
    assert found == [("`main.yaml`: router_settings has no key `alowed_fails`; did you mean `allowed_fails`?", 3)]


def test_text_of_a_config_never_reads_the_environment() -> None:
    result = with_gateway("routes: {answerer: {metadata: {note: os.environ/HOME}}}")
    assert [d.labels[0].span.line for d in result.diagnostics if "os.environ/" in d.message] == [2]
    assert not any(e.path.endswith("main.yaml") for e in result.emitted)


def test_a_master_key_in_the_file_is_refused() -> None:
    found = list(check("main.yaml", {"model_list": [], "general_settings": {"master_key": "sk-1234"}}))
    assert found == ["the master key stands in the file: name its variable"]


def test_the_gateway_that_runs_elsewhere_writes_nothing() -> None:
    url = "endpoint: {url: {variable: GATEWAY_URL}}"
    result = with_gateway(f"routes: {{answerer: {{}}}}\n{url}\nsecret: shop", **{
        "conf/secret/shop.yaml": "variable: SHOP_KEY\n",
        "conf/config.yaml": "defaults:\n  - model: [answerer]\n  - prompt: [answer]\n  - eval: [quality]\n"
        "  - gateway: [main]\n  - secret: [shop]\n  - env: dev\n",
    })
    assert not any(e.target == "litellm" for e in result.emitted)
    suite = next(e.data for e in result.emitted if e.path.endswith("quality.yaml"))
    assert suite["providers"][0]["config"]["apiBaseUrl"] == "{{ env.GATEWAY_URL }}"
    assert suite["providers"][0]["config"]["apiKeyEnvar"] == "SHOP_KEY"


def test_the_image_is_the_published_one_of_the_locked_release() -> None:
    assert image(locked_version()) == f"ghcr.io/berriai/litellm:v{locked_version()}"
    from llmops.targets.litellm.known import _data

    assert f"=={locked_version()}," in json.dumps(_data("keys.json")["source"])
