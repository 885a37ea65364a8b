"""Flags against the lists of each version: what the engine would refuse is said before it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.facts import Facts
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.vllm import check
from llmops.targets.vllm.data import image_name, of_version

HERE = Path(__file__).parent
FACTS = Facts()
MODEL = "weights: {repo: acme/weights, revision: 40c069824f4251a91eefaf281ebe4c544efd3e18}\n"
VERSIONS = FACTS.engine_versions("vllm")


def project(deployment: str, model: str = MODEL, env: str = "{}", **files: str) -> Compilation:
    config = "defaults:\n  - model: [answerer]\n  - deployment: [answerer]\n" + files.pop("more", "") + "  - env: dev\n"
    return compile_project(
        Memory({
            "llmops.yaml": b"name: case\nenvironments: {dev: []}\n",
            "conf/config.yaml": config.encode(),
            "conf/env/dev.yaml": f"env: {env}\n".encode(),
            "conf/model/answerer.yaml": model.encode(),
            "conf/deployment/answerer.yaml": f"model: answerer\nengine: vllm\n{deployment}".encode(),
            **{f"conf/{name.replace('__', '/')}.yaml": text.encode() for name, text in files.items()},
        }),
        Request(),
    )  # fmt: skip


def said(found: Compilation, code: str = "TGT002") -> list[tuple[str, str, int]]:
    return [
        (d.severity.value, d.message, d.labels[0].span.line) for d in found.diagnostics if d.code == code and d.labels
    ]


def written(found: Compilation) -> dict[str, Any]:
    made = [e for e in found.emitted if e.target == "vllm"]
    assert len(made) == 1
    loaded: dict[str, Any] = yaml.safe_load(made[0].content)
    return loaded


def argv(body: dict[str, Any]) -> Iterator[str]:
    """As the config file's reader of every version up to 0.26 makes arguments of it."""
    for key, value in body.items():
        if value is True:
            yield f"--{key}"
        elif isinstance(value, list):
            yield from (f"--{key}", *map(str, value))
        elif value is not False:
            yield from (f"--{key}", str(value))


# --- every file of the cases -------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(HERE.glob("cases/*/expected/**/*.yaml")), ids=str)
def test_each_flag_of_each_case_is_one_of_its_version(file: Path) -> None:
    case = file.relative_to(HERE / "cases").parts[0]
    asked = yaml.safe_load((HERE / "cases" / case / "conf" / "deployment" / file.name).read_text()).get("version")
    engine = FACTS.engine("vllm", asked or VERSIONS[-1]) or FACTS.engine("vllm", VERSIONS[0])
    assert engine is not None
    body = yaml.safe_load(file.read_text())
    assert list(check(file.name, body)) == []
    for name, value in body.items():
        option = engine.option(name.split(".")[0])
        assert option is not None, name
        assert value is not False, "the reader of the file would drop it"
        assert not isinstance(value, dict), "the reader of 0.11 would write it as Python does"
        assert (option.kind == "flag") == (value is True), name
        assert option.many or not isinstance(value, list), name
        if option.kind == "json" and "." not in name:
            assert isinstance(json.loads(value), dict | list)


# --- mistakes ----------------------------------------------------------------------------------------------------


def test_an_unknown_flag_is_an_error_at_its_place_with_the_nearest_one() -> None:
    found = project('version: "0.11.2"\nargs:\n  enforce_eager: true\n  swap_spcae: 8\n')
    assert said(found) == [("error", "vLLM 0.11.2 has no flag `swap_spcae`", 6)]
    wrong = next(d for d in found.diagnostics if d.code == "TGT002")
    assert wrong.labels[0].text == "did you mean `swap_space`?"
    assert wrong.expected == "swap_space"


def test_a_flag_of_other_versions_says_which() -> None:
    found = project('version: "0.26.0"\nargs: {swap_space: 8}\n')
    assert said(found) == [("error", "vLLM 0.26.0 has no flag `swap_space`", 4)]
    assert "vLLM 0.11.2 has it" in next(d for d in found.diagnostics if d.code == "TGT002").notes


def test_a_version_without_a_list_takes_the_one_before_and_only_warns() -> None:
    found = project('version: "0.22.1"\nargs: {no_such_thing: 8}\n')
    assert said(found) == [
        ("info", "the flags of vLLM 0.22.1 are not known: those of 0.20.2 were taken", 3),
        ("warning", "vLLM 0.20.2 has no flag `no_such_thing`", 4),
    ]
    assert next(d for d in found.diagnostics if d.unknown).code == "TGT002"
    assert written(found)["no-such-thing"] == 8


@pytest.mark.parametrize(
    ("deployment", "message"),
    [
        ("kv_cache_dtype: fp7\n", "vLLM 0.11.2 knows no kv-cache-dtype `fp7`"),
        ("dtype: bf16\n", "vLLM 0.11.2 knows no dtype `bf16`"),
        ("args: {block_size: 12}\n", "vLLM 0.11.2 knows no block_size `12`"),
        ("args: {enforce_eager: 1}\n", "`enforce_eager` takes no value"),
        ("args: {swap_space: true}\n", "`swap_space` needs a value"),
        ("args: {seed: [1, 2]}\n", "`seed` takes one value"),
        ("prefix_caching: true\nargs: {no-enable-prefix-caching: true}\n",
         "`no-enable-prefix-caching` follows from `prefix_caching`"),
        ("args: {tp: 2}\nparallel: {tensor: 2}\n", "`tp` follows from `tensor`"),
    ],
)  # fmt: skip
def test_what_the_engine_would_refuse(deployment: str, message: str) -> None:
    assert [(s, m) for s, m, _ in said(project(f'version: "0.11.2"\n{deployment}'))] == [("error", message)]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("tool_parser: hermez\n", "vLLM 0.11.2 knows no tool parser `hermez`"),
        ("reasoning_parser: qwen4\n", "vLLM 0.11.2 knows no reasoning parser `qwen4`"),
    ],
)
def test_parsers_are_those_of_the_version(model: str, message: str) -> None:
    assert said(project('version: "0.11.2"\n', MODEL + model)) == [("error", message, 2)]


def test_a_plugin_may_bring_parsers() -> None:
    found = project('version: "0.11.2"\nargs: {tool_parser_plugin: mine.py}\n', MODEL + "tool_parser: mine\n")
    assert said(found) == []
    assert written(found)["tool-call-parser"] == "mine"


@pytest.mark.parametrize(
    ("weights", "version", "message"),
    [
        ('{uri: "az://models/a"}', "0.11.2", "vLLM 0.11.2 cannot read weights from `az://`"),
        ('{uri: "oci://models/a"}', "0.32.0", "vLLM 0.32.0 cannot read weights from `oci://`"),
        ("{repo: a/b, format: gguf}", "0.32.0", "vLLM 0.32.0 knows no format `gguf`"),
    ],
)
def test_weights_that_cannot_be_read(weights: str, version: str, message: str) -> None:
    found = project(f'version: "{version}"\n', f"weights: {weights}\n")
    assert ("error", message, 1) in said(found)


def test_fields_that_it_has_no_word_for_are_named() -> None:
    found = project('version: "0.32.0"\n', "weights: {repo: a/b, file: c.gguf}\ntask: speech\n")
    assert said(found) == [
        ("warning", "vllm cannot express this: it loads a repository, not one file of it", 1),
        ("warning", "vllm cannot express this: it makes texts and vectors", 2),
    ]


def test_a_providers_model_has_no_weights() -> None:
    found = project("", "provider: openai\nid: gpt-4o-mini\n")
    assert ("error", "vLLM serves weights, and `answerer` is a provider's model", 1) in said(found)


def test_gated_weights_need_a_token() -> None:
    found = project('version: "0.32.0"\n', "weights: {repo: meta-llama/Llama-3.1-8B-Instruct}\n")
    message = "`meta-llama/Llama-3.1-8B-Instruct` is gated, and this deployment has no token for it"
    assert said(found) == [("warning", message, 1)]


def test_fields_of_the_platform_are_not_its_business() -> None:
    found = project(
        'version: "0.32.0"\nreplicas: {min: 1, max: 4}\ngrace: 30s\nroles: {decode: {replicas: 2}}\n'
        "volumes: {cache: {path: /cache}}\nprobes: {ready: {period: 5s}}\n"
    )
    assert said(found) == []


def test_an_override_may_not_bring_a_flag_that_no_version_has() -> None:
    patch = "overrides: {vllm: {answerer.yaml: {max-modle-len: 4096}}}\n"
    found = project('version: "0.32.0"\n' + patch)
    assert said(found, "TGT006") == [
        ("error", "`answerer.yaml`: vLLM has no flag `max-modle-len`; did you mean `max-model-len`?", 4)
    ]


# --- what is written ---------------------------------------------------------------------------------------------


def test_a_switch_off_survives_the_reader_of_the_file() -> None:
    body = written(project('version: "0.20.2"\nprefix_caching: false\nargs: {headless: false}\n'))
    assert body["no-enable-prefix-caching"] is True
    assert "headless" not in body  # off unless it is given, and no way to say so


@pytest.mark.parametrize("text", CANARIES)
def test_no_text_of_a_config_becomes_a_flag(text: str) -> None:
    said_ = json.dumps(text)
    found = project(f'version: "0.32.0"\nargs: {{chat_template_content_format: auto, response_role: {said_}}}\n')
    if found.failed:
        return  # refused: by the gate, or as something that would be an option
    words = list(argv(written(found)))
    assert words[words.index("--response-role") + 1] == text
    flags = [word for word in words if word.startswith("-")]
    assert len(flags) == len(written(found))


def test_a_leading_dash_is_refused() -> None:
    found = project('version: "0.32.0"\nargs: {response_role: "--trust-remote-code"}\n')
    assert found.failed
    assert any("would be an option" in d.message for d in found.diagnostics)


def test_the_tables_cover_every_version_of_which_flags_are_known() -> None:
    for version in VERSIONS:
        assert of_version("load_formats", version)
        assert of_version("schemes", version)
    assert image_name("amd", "0.11.2") is None
    cpu = image_name("cpu", "0.26.0")
    assert cpu is not None
    assert cpu.value == "vllm/vllm-openai-cpu"


# --- what a fine-tuning makes ------------------------------------------------------------------------------------

TUNED = {
    "model__tone": "weights: {finetune: tone}\n",
    "dataset__chat": "rows: [{vars: {prompt: a, completion: b}}]\ntrust: trusted\nsensitivity: public\n",
    "more": "  - model: [tone]\n  - dataset: [chat]\n  - finetune: [tone]\n",
}
TUNING = "base: answerer\ndata: {chat: {}}\nmethod: sft\ntrainer: trl\n"


def test_an_adapter_brings_the_rank_that_the_engine_must_hold() -> None:
    for rank, held in (("rank: 24", 32), ("rank: 8", 8), ("alpha: 32", 16)):
        tuning = TUNING + f"adapter: {{type: lora, {rank}}}\n"
        body = written(project('version: "0.32.0"\nadapters: [tone]\n', finetune__tone=tuning, **TUNED))
        assert (body["enable-lora"], body["max-lora-rank"]) == (True, held)
        assert json.loads(body["lora-modules"][0]) == {"name": "tone", "path": "outputs/tone"}
    own = project("adapters: [tone]\nargs: {max_lora_rank: 64}\n", finetune__tone=tuning, **TUNED)
    assert written(own)["max-lora-rank"] == 64


def test_an_adapter_is_no_model_and_whole_weights_are_no_adapter() -> None:
    whole = project("adapters: [tone]\n", finetune__tone=TUNING, **TUNED)
    assert [(s, m) for s, m, _ in said(whole)] == [("error", "`tone` are whole weights, and no adapter")]
    more = TUNED["more"] + "  - deployment: [tone]\n"
    alone = project("", finetune__tone=TUNING + "adapter: {type: lora}\n", **{**TUNED, "more": more},
                    deployment__tone="model: tone\nengine: vllm\n")  # fmt: skip
    assert [(s, m) for s, m, _ in said(alone)] == [("error", "`tone` is an adapter, and no whole weights")]
