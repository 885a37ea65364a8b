"""What Compose has no word for, and what would make a file that it refuses."""

from __future__ import annotations

import pytest

from tests.targets.compose.kit import project, said, written

ENGINE = 'model: answerer\nengine: vllm\nversion: "0.26.0"\n'
MODEL = "weights: {repo: acme/weights, revision: 40c069824f4251a91eefaf281ebe4c544efd3e18}\n"


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("rollout: {strategy: canary, steps: [{weight: 0.1, hold: 1h}]}", "it replaces containers at once"),
        ("roles: {decode: {replicas: 2}}", "it runs one container of each deployment"),
        ("chart: {name: a, repo: 'https://example.com', version: '1'}", "it reads no Helm charts"),
        ("schedule: {cron: '0 2 * * *'}", "it runs containers all the time"),
        ("region: eu-central-1", "it runs on the machine that it is called on"),
        ("sku: S1", "nothing is rented"),
        ("capacity_tpm: 1000", "nothing is rented"),
        ("timeout: 5m", "it does not see requests"),
        ("access: signed_in", "it asks nobody to sign in"),
        ("balance: prefix", "its network gives requests to containers in turn"),
        ("networks: [default]", "the project's own network has that name"),
        ("replicas: 2\ncontainer_name: shop", "a name leads to one container"),
        ("replicas: {min: 1, max: 3}", "it does not follow the load"),
        ("replicas: 2\npublish: 80", "one port of the machine leads to one container"),
        ("hardware: {cpu: 1, disk: 10GiB}", "a container's disk has no size of its own"),
        ("volumes: {data: {path: /data, size: 1GiB}}", "a volume of the machine has no size of its own"),
        ("probes: {ready: {path: /up}}", "it asks on a port, and none is given"),
        ("port: 80\nprobes: {ready: {period: 5s}}", "no probe says which path to ask"),
        ("port: 80\nprobes: {ready: {path: /a}, live: {path: /a}}",
         "it starts a container again when it ends, not when it is unwell"),
        ("port: 80\nprobes: {ready: {path: /a}, startup: {path: /b}}", "it asks one path, that of `ready`"),
        ("port: 80\nprobes: {ready: {path: /a}, startup: {timeout: 5s}}", "it has one timeout, that of `ready`"),
    ],
)  # fmt: skip
def test_a_field_without_a_word_is_named(field: str, why: str) -> None:
    found = project(deployment__service=f"image: acme/service:1\n{field}\n")
    last = field.count("\n") + 2
    where = [(severity, message) for severity, message, _, line in said(found) if line <= last]
    assert where == [("warning", f"compose cannot express this: {why}")]


def test_replicas_beside_accelerators_would_share_them() -> None:
    found = project(model__answerer=MODEL, deployment__answerer=ENGINE + "hardware: {pool: gpu}\nreplicas: 2\n")
    why = "compose cannot express this: its containers would share the same accelerators"
    assert said(found) == [("warning", why, "deployment/answerer.yaml", 5)]


def test_accelerators_are_numbered_over_all_containers() -> None:
    found = project(
        model__answerer=MODEL,
        deployment__first=ENGINE + "hardware: {pool: gpu, count: 2}\n",
        deployment__second=ENGINE + "hardware: {pool: gpu}\n",
    )
    devices = {
        name: service["deploy"]["resources"]["reservations"]["devices"][0]["device_ids"]
        for name, service in written(found)["services"].items()
    }
    assert devices == {"first": ["0", "1"], "second": ["2"]}


def test_more_accelerators_than_the_machine_has() -> None:
    found = project(
        model__answerer=MODEL,
        deployment__first=ENGINE + "hardware: {pool: gpu, count: 3}\nparallel: {pipeline: 3, tensor: 1}\n",
        deployment__second=ENGINE + "hardware: {pool: gpu, count: 2}\n",
    )
    message = "the machine has 4 accelerators, and 5 are wanted up to here"
    assert said(found) == [("error", message, "deployment/second.yaml", 4)]


def test_an_accelerator_that_nobody_knows() -> None:
    env = "{platform: compose, pools: {gpu: {accelerator: Imaginary9000}}}"
    found = project(env, model__answerer=MODEL, deployment__answerer=ENGINE + "hardware: {pool: gpu}\n")
    unknown = "compose cannot express this: it is not known how a container is given an accelerator"
    assert ("warning", unknown, "env/dev.yaml", 1) in said(found)
    assert ("error", "no image is known for `answerer`", "deployment/answerer.yaml", 3) in said(found)


def test_no_image_is_an_error_with_a_place() -> None:
    # 0.15 is no whole release, and no list of flags says which was its newest.
    deployment = 'model: answerer\nengine: vllm\nversion: "0.15"\n'
    found = project(model__answerer=MODEL, deployment__answerer=deployment)
    assert ("error", "no image is known for `answerer`", "deployment/answerer.yaml", 3) in said(found)
    assert found.failed
    helped = project(
        model__answerer=MODEL, deployment__answerer=deployment, target__compose="images: {answerer: 'acme/vllm:1'}\n"
    )
    assert written(helped)["services"]["answerer"]["image"] == "acme/vllm:1"


@pytest.mark.parametrize(
    ("version", "options", "image"),
    [
        ('version: "0.26.0"\n', None, "vllm/vllm-openai:v0.26.0"),
        ('version: "0.26"\n', None, "vllm/vllm-openai:v0.26.0"),
        ('version: "v0.15.1"\n', None, "vllm/vllm-openai:v0.15.1"),
        ('version: nightly-abc\n', None, "vllm/vllm-openai:nightly-abc"),
        ("", None, "vllm/vllm-openai:v0.32.0"),
        ('version: "0.26.0"\n', "image: acme/vllm\n", "acme/vllm:v0.26.0"),
        ('version: "0.26.0"\n', "image: localhost:5000/vllm\n", "localhost:5000/vllm:v0.26.0"),
        ('version: "0.26.0"\n', "image: 'acme/vllm:mine'\n", "acme/vllm:mine"),
    ],
)  # fmt: skip
def test_the_image_of_the_version(version: str, options: str | None, image: str) -> None:
    files = {"model__answerer": MODEL, "deployment__answerer": f"model: answerer\nengine: vllm\n{version}"}
    if options is not None:
        files["target__vllm"] = options
    assert written(project(**files))["services"]["answerer"]["image"] == image


def test_one_name_for_two_secrets() -> None:
    found = project(
        secret__one="variable: KEY\n", secret__two="variable: KEY\n",
        deployment__a="image: a:1\nsecrets: [one]\n", deployment__b="image: b:1\nsecrets: [two]\n",
    )  # fmt: skip
    assert ("error", "`KEY` would hold two secrets: secret.one and secret.two") in [(s, m) for s, m, *_ in said(found)]


def test_two_keys_of_two_engines_have_names_of_their_own_outside() -> None:
    found = project(
        model__answerer=MODEL,
        secret__one="variable: FIRST_KEY\nvariables: {vllm: VLLM_API_KEY}\n",
        secret__two="variable: SECOND_KEY\nvariables: {vllm: VLLM_API_KEY}\n",
        deployment__a=ENGINE + "secrets: [one]\n", deployment__b=ENGINE + "secrets: [two]\n",
    )  # fmt: skip
    services = written(found)["services"]
    assert services["a"]["environment"] == {"VLLM_API_KEY": "${FIRST_KEY:?}"}
    assert services["b"]["environment"] == {"VLLM_API_KEY": "${SECOND_KEY:?}"}


def test_a_deployment_elsewhere_is_not_in_the_file() -> None:
    found = project(deployment__a="image: a:1\n", deployment__b="image: b:1\nendpoint: {url: 'https://b.example.com'}\n")
    assert list(written(found)["services"]) == ["a"]


