"""Each code: a snippet, and the whole of what is said about it."""

from __future__ import annotations

import pytest
import yaml

from llmops.compiler.model.finding import Code
from llmops.compiler.validate.codes import CODES
from llmops.schemas import kind_names
from tests.compiler.validate.kit import Row, rows, run

NAMES = "a name starts with a lower-case letter and holds lower-case letters, digits and `_`"
DURATION = "a duration is a whole number with ms, s, m, h or d behind it"
PROVIDER = ("`provider`: Who serves the model over an API.", "`weights`: The files of a model that you serve yourself.")

CASES: dict[str, tuple[str, list[Row]]] = {
    # --- SCH001 unknown-field
    "a misspelt field is one message, though it leaves a required one missing": (
        "model: {answerer: {provder: openai, id: gpt-4o-mini}}",
        [("SCH001", "model.answerer.provder", "`model.answerer` has no field `provder`", ())],
    ),
    "a misspelt choice": (
        "eval: {quality: {runner: promptfoo, subjct: {prompt: answer, model: answerer}}}",
        [("SCH001", "eval.quality.subjct", "`eval.quality` has no field `subjct`", ())],
    ),
    "a field of another map": (
        "model: {answerer: {provider: openai, id: a, max_tokens: 300}}",
        [("SCH001", "model.answerer.max_tokens", "`model.answerer` has no field `max_tokens`",
          ("`max_tokens` is a field of `params`",))],
    ),
    "a field of the resource in one of its maps": (
        "gateway: {main: {engine: litellm, routes: {answerer: {callbacks: [prometheus]}}}}",
        [("SCH001", "gateway.main.routes.answerer.callbacks", "`routes.answerer` has no field `callbacks`",
          ("`callbacks` is a field of `gateway.main`",))],
    ),
    "few fields are listed": (
        "model: {answerer: {provider: openai, id: a, via: {gatway: main}}}",
        [("SCH001", "model.answerer.via.gatway", "`via` has no field `gatway`",
          ("its fields: `gateway`, `route`, `deployment`",))],
    ),
    "a field of an item": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, rows: [{vars: {}, asert: []}]}}",
        [("SCH001", "eval.q.rows[0].asert", "`rows[0]` has no field `asert`",
          ("its fields: `vars`, `assert`, `description`, `metadata`",))],
    ),
    "a field of the environment": (
        "env: {platfrm: kubernetes}",
        [("SCH001", "env.platfrm", "`env` has no field `platfrm`", ())],
    ),
    # --- SCH002 missing-field
    "a required field": (
        "dataset: {d: {files: data/x.jsonl, trust: trusted}}",
        [("SCH002", "dataset.d", "`dataset.d` has no `sensitivity`",
          ("`sensitivity`: How much harm a leak does.",
           "write `sensitivity:` and one of `internal`, `personal`, `public`, `secret`"))],
    ),
    "a field that another one needs": (
        "model: {answerer: {provider: openai}}",
        [("SCH002", "model.answerer.provider", "`provider` needs `id` beside it",
          ("`id`: The provider's own name of the model.", "for example `id: gpt-4o-mini`"))],
    ),
    "a prompt without its model is not also a missing choice": (
        "eval: {q: {runner: promptfoo, subject: {prompt: answer}}}",
        [("SCH002", "eval.q.subject.prompt", "`prompt` needs `model` beside it",
          ("`model`: The model that answers.", "for example `model: answerer`"))],
    ),
    "an entry of a named map": (
        "env: {pools: {gpu: {per_node: 4}}}",
        [("SCH002", "env.pools.gpu", "`pools.gpu` has no `accelerator`",
          ("`accelerator`: The accelerator in each machine, by its usual name; cpu for none.",
           "for example `accelerator: L40S`"))],
    ),
    # --- SCH003 wrong-type
    "a number of thousands": (
        "model: {answerer: {provider: openai, id: a, params: {max_tokens: 8k}}}",
        [("SCH003", "model.answerer.params.max_tokens", "`max_tokens` must be a whole number of tokens",
          ("write 8192 if 8 Ki tokens are meant, 8000 if not",))],
    ),
    "a number in quotes": (
        'model: {answerer: {provider: openai, id: a, dimension: "512"}}',
        [("SCH003", "model.answerer.dimension", "`dimension` must be a whole number",
          ("write it without quotes: `512`",))],
    ),
    "per cent": (
        "deployment: {d: {model: a, gpu_memory_utilization: 90%}}",
        [("SCH003", "deployment.d.gpu_memory_utilization", "`gpu_memory_utilization` must be a number",
          ("write `0.9`",))],
    ),
    "a version without quotes": (
        "model: {answerer: {provider: openai, id: a, version: 0.11}}",
        [("SCH003", "model.answerer.version", '`version` must be a version in quotes, such as `"0.11"`',
          ("put it in quotes, as it stands",))],
    ),
    "a duration without a unit": (
        "gateway: {main: {engine: litellm, routes: {a: {}}, timeout: 30}}",
        [("SCH003", "gateway.main.timeout", "`timeout` must be a duration such as `30s`",
          ("write `30s` if seconds are meant, `30m` if minutes are",))],
    ),
    "yes for true": (
        'model: {answerer: {provider: openai, id: a, trust_remote_code: "yes"}}',
        [("SCH003", "model.answerer.trust_remote_code", "`trust_remote_code` must be true or false",
          ("write `true`",))],
    ),
    "one name for a list of names": (
        "pipeline: {p: {engine: github-actions, triggers: {push: {}}, stages: {s: {eval: quality}}}}",
        [("SCH003", "pipeline.p.stages.s.eval", "`eval` must be a list", ("write it as a list: `[quality]`",))],
    ),
    "a list for a named map": (
        "gateway: {main: {engine: litellm, routes: [answerer]}}",
        [("SCH003", "gateway.main.routes", "`routes` must be a map",
          ("give each item a name and write a map, for example `{answerer: {}, backup: {model: answerer_backup}}`",))],
    ),
    "an entry without a value": (
        "gateway: {main: {engine: litellm, routes: {answerer: null}}}",
        [("SCH003", "gateway.main.routes.answerer", "`routes.answerer` has no value",
          ("write `{}` for an entry with no fields of its own, or take the key out",))],
    ),
    "a field without a value": (
        "model: {answerer: {provider: null, id: a}}",
        [("SCH003", "model.answerer.provider", "`provider` has no value",
          ("write a name such as `github-actions`, or take the key out",))],
    ),
    "none of the alternatives": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, rows: 5}}",
        [("SCH003", "eval.q.rows", "`rows` must be a list or a map",
          ("for example `{dataset: questions, split: test}`",))],
    ),
    "a kind that holds no resources": (
        "model: [answerer]",
        [("SCH003", "model", "`model` must be a map of resources by name",
          ("each of them is a file: conf/model/NAME.yaml",))],
    ),
    "a reference that is a map": (
        "eval: {q: {runner: promptfoo, subject: {model: {name: a}}}}",
        [("SCH003", "eval.q.subject.model", "`model` must be the name of a model", ())],
    ),
    # --- SCH004 out-of-range
    "a temperature": (
        "model: {answerer: {provider: openai, id: a, params: {temperature: 3.0}}}",
        [("SCH004", "model.answerer.params.temperature", "`temperature` must be between 0 and 2", ())],
    ),
    "a share in per cent": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, gate: {pass_rate: 95}}}",
        [("SCH004", "eval.q.gate.pass_rate", "`pass_rate` must be between 0 and 1",
          ("write `0.95` if 95 % is meant",))],
    ),
    "a bound that is not reached": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, gate: {pass_rate: 1, confidence: 1}}}",
        [("SCH004", "eval.q.gate.confidence", "`confidence` must be more than 0 and less than 1", ())],
    ),
    # --- SCH005 not-one-of
    "a misspelt choice of two": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, gate: {pass_rate: 1, mode: blok}}}",
        [("SCH005", "eval.q.gate.mode", "`mode` must be `block` or `report`", ())],
    ),
    "a word where also a map may stand": (
        "model: {answerer: {provider: openai, id: a, via: direct}}",
        [("SCH005", "model.answerer.via", "`via` must be `provider` or a map", ("for example `{gateway: main}`",))],
    ),
    "one of many": (
        "model: {answerer: {provider: openai, id: a, task: talk}}",
        [("SCH005", "model.answerer.task", '`task` cannot be "talk"',
          ("it takes `chat`, `embedding`, `image`, `moderation`, `rerank`, `speech`, `transcription`",))],
    ),
    # --- SCH006 wrong-format
    "a duration in words": (
        "gateway: {main: {engine: litellm, routes: {a: {}}, timeout: 30 seconds}}",
        [("SCH006", "gateway.main.timeout", "`timeout` must be a duration such as `30s`",
          ("write `30s`", DURATION))],
    ),
    "a size in other units": (
        "deployment: {d: {image: 'redis:8', hardware: {cpu: 1, memory: 16Gi}}}",
        [("SCH006", "deployment.d.hardware.memory", "`memory` must be a size such as `16GiB`",
          ("write `16GiB`", "a size is a number with KiB, MiB, GiB or TiB behind it"))],
    ),
    "an address without a scheme": (
        "model: {answerer: {provider: openai, id: a, endpoint: {url: localhost}}}",
        [("SCH006", "model.answerer.endpoint.url",
          "`url` must be an address such as `https://llm.example.com/v1`", ())],
    ),
    "a reference with the kind before it": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, judge: model.judge}}",
        [("SCH006", "eval.q.judge", "`judge` must be the name of a model", ("write `judge`, without `model.`",))],
    ),
    "a reference in capitals": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, judge: GPT-4}}",
        [("SCH006", "eval.q.judge", "`judge` must be the name of a model",
          ("a model is called as its file is: conf/model/NAME.yaml",))],
    ),
    "a secret's value": (
        "gateway: {main: {engine: litellm, routes: {a: {}}, secret: sk-A1b2C3d4E5f6G7h8}}",
        [("SCH006", "gateway.main.secret", "`secret` must be the name of a secret",
          ("name a secret, such as `secret: openai`; where it lives stands in conf/secret/openai.yaml",))],
    ),
    "a cron of four fields": (
        "pipeline: {p: {engine: github-actions, triggers: {schedule: {cron: 0 2 * *}}, stages: {s: {run: make}}}}",
        [("SCH006", "pipeline.p.triggers.schedule.cron", '`cron` must be a time such as `"0 2 * * *"`',
          ("the five fields of cron are minute, hour, day, month, weekday",))],
    ),
    # --- SCH007 choose-one
    "both": (
        "model: {answerer: {provider: openai, id: a, weights: {repo: a/b}}}",
        [("SCH007", "model.answerer.weights", "`model.answerer` has both `provider` and `weights`", PROVIDER)],
    ),
    "none": (
        "model: {answerer: {task: chat}}",
        [("SCH007", "model.answerer", "`model.answerer` has none of `provider`, `weights`", PROVIDER)],
    ),
    "three": (
        "pipeline: {p: {engine: github-actions, triggers: {push: {}}, "
        "stages: {s: {eval: [q], affected: evals, run: make}}}}",
        [("SCH007", "pipeline.p.stages.s.affected", "`stages.s` has `eval`, `affected` and `run`",
          ("`eval`: Runs evals.", "`affected`: Runs what the change affects.",
           "`run`: A command of your own, or several."))],
    ),
    # --- SCH008 duplicate-item
    "a name twice": (
        "pipeline: {p: {engine: github-actions, triggers: {push: {}}, stages: {s: {eval: [q, r, q]}}}}",
        [("SCH008", "pipeline.p.stages.s.eval[2]", '`eval` holds "q" twice', ("take one of them away",))],
    ),
    # --- SCH009 wrong-count
    "an empty list": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, slices: []}}",
        [("SCH009", "eval.q.slices", "`slices` must not be empty", ("for example `[language]`",))],
    ),
    "an empty map": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, gate: {}}}",
        [("SCH009", "eval.q.gate", "`gate` must not be empty", ("for example `{pass_rate: 1.0}`",))],
    ),
    "an empty text": (
        "model: {answerer: {provider: openai, id: ''}}",
        [("SCH009", "model.answerer.id", "`id` must not be empty", ("write a text, or take the key out",))],
    ),
    "two roles in one message": (
        "prompt: {p: {messages: [{system: a, user: b}], variables: {}}}",
        [("SCH009", "prompt.p.messages[0]", "`messages[0]` has 2 keys, at most 1 can stand",
          ("`messages[0]` holds `system` and `user`", "begin an item of its own, with `-`, for each of them"))],
    ),
    # --- SCH010 bad-name
    "an entry's name": (
        "gateway: {main: {engine: litellm, routes: {Big-One: {}}}}",
        [("SCH010", "gateway.main.routes.Big-One", "`Big-One` cannot be a name here", ("write `big_one`", NAMES))],
    ),
    "a resource's name": (
        "model: {GPT4: {provider: openai, id: a}}",
        [("SCH010", "model.GPT4", "`GPT4` cannot be a name here", ("rename its file: conf/model/gpt4.yaml", NAMES))],
    ),
    "a long name": (
        f"model: {{{'a' * 41}: {{provider: openai, id: a}}}}",
        [("SCH010", f"model.{'a' * 41}", "`aaaaaaaaaaaaaaaaaaaa…` is too long for a name",
          ("rename its file: conf/model/NAME.yaml", NAMES))],
    ),
    # --- SCH011 unknown-kind
    "a misspelt kind": (
        "modle: {answerer: {}}",
        [("SCH011", "modle", "there is no kind `modle`",
          ("kinds: " + ", ".join(f"`{kind}`" for kind in kind_names()),))],
    ),
    # --- SCH012 typed-field-in-open-map
    "a flag that has a field": (
        "deployment: {d: {model: a, args: {max-model-len: 4096, tensor_parallel_size: 2}}}",
        [("SCH012", "deployment.d.args.max-model-len", "`args` holds `max-model-len`, for which there is a field",
          ("use `max_model_len` instead",)),
         ("SCH012", "deployment.d.args.tensor_parallel_size",
          "`args` holds `tensor_parallel_size`, for which there is a field", ("use `parallel.tensor` instead",))],
    ),
    "a key among the parameters": (
        "model: {answerer: {provider: openai, id: a, params: {api_base: 'http://x'}}}",
        [("SCH012", "model.answerer.params.api_base", "`params` holds `api_base`, for which there is a field",
          ("use `endpoint.url` of the model",))],
    ),
    # --- SCH013 near-miss
    "a misspelt parameter": (
        "model: {answerer: {provider: openai, id: a, params: {temprature: 0}}}",
        [("SCH013", "model.answerer.params.temprature", "`params` holds `temprature`, which is nearly `temperature`",
          ())],
    ),
    "a misspelt assertion": (
        "eval: {q: {runner: promptfoo, subject: {model: a}, metrics: {m: {type: not-contians, value: x}}}}",
        [("SCH013", "eval.q.metrics.m.type", "`type` is `not-contians`, which is nearly `not-contains`", ())],
    ),
    # --- SCH015 options-without-target
    "options of no target": (
        "target: {litelm: {}}",
        [("SCH015", "target.litelm", "there is no target `litelm`", ("`llmops targets` lists them",))],
    ),
    # --- several at once, in the order of the file
    "every mistake of a resource in one run": (
        "model: {answerer: {provder: openai, id: a, params: {temperature: 3.0, max_tokens: 8k, temprature: 0}}}",
        [("SCH001", "model.answerer.provder", "`model.answerer` has no field `provder`", ()),
         ("SCH004", "model.answerer.params.temperature", "`temperature` must be between 0 and 2", ()),
         ("SCH003", "model.answerer.params.max_tokens", "`max_tokens` must be a whole number of tokens",
          ("write 8192 if 8 Ki tokens are meant, 8000 if not",)),
         ("SCH013", "model.answerer.params.temprature", "`params` holds `temprature`, which is nearly `temperature`",
          ())],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_messages(case: str) -> None:
    text, expected = CASES[case]
    assert rows(run(text)) == expected


def test_every_code_has_a_case() -> None:
    elsewhere = {"SCH014"}  # needs several environments: test_same.py
    assert {row[0] for _, found in CASES.values() for row in found} | elsewhere == {code.code for code in CODES}


@pytest.mark.parametrize("case", CASES)
def test_style(case: str) -> None:
    """Headlines are short, begin with a name or a lower-case word, and end without a full stop."""
    for code, finding in run(CASES[case][0]).findings:
        assert len(finding.message) < 100, code.code
        assert not finding.message.endswith(".")
        assert finding.message[0] == "`" or finding.message[0].islower()
        assert "schema" not in finding.message


GOOD = {
    "another field of the name": "model: {answerer: {provider: openai, id: a, params: {top_k: 4, typical_p: 0.9}}}",
    "a parameter that nobody knows": "model: {answerer: {provider: openai, id: a, params: {mirostat: 2}}}",
    "a parameter taken away": "prompt: {p: {messages: [{user: hi}], variables: {}, params: {temperature: null}}}",
    "an assertion of another runner":
        "eval: {q: {runner: deepeval, subject: {model: a}, metrics: {m: {type: toxicity}}}}",
    "a variable outside":
        "model: {a: {provider: azure, id: b, region: {variable: REGION}, endpoint: {url: {variable: URL}}}}",
    "an unusual flag": "deployment: {d: {model: a, args: {swap_space: 4, my_flag: true, json: {a: [1]}}}}",
    "a file that says nothing": "secret: {openai: null}",
    "nothing at all": "{}",
}


@pytest.mark.parametrize("case", GOOD)
def test_silence(case: str) -> None:
    assert rows(run(GOOD[case])) == []


def test_labels() -> None:
    (_, both), = run("model: {a: {provider: openai, id: a, weights: {repo: a/b}}}").findings
    assert [(label.at, label.text, label.primary) for label in both.labels] == [
        (("model", "a", "weights"), "only one of them can stand", True), (("model", "a", "provider"), "", False),
    ]
    (_, twice), = run("gateway: {m: {engine: litellm, routes: {a: {}}, callbacks: [x, x]}}").findings
    assert [(label.at[-1], label.text) for label in twice.labels] == [(1, "again here"), (0, "first here")]
    (_, number), = run("model: {a: {provider: openai, id: a, params: {max_tokens: 8k}}}").findings
    assert number.labels[0].text == 'this is the text "8k"'
    assert (number.expected, number.found) == ("a whole number of tokens", "8k")
    (_, unknown), = run("model: {a: {provder: openai, id: a}}").findings
    assert unknown.labels[0].text == "did you mean `provider`?"
    assert unknown.labels[0].key_only
    assert [(edit.at, edit.text, edit.key_only) for edit in unknown.fixes[0].edits] == [
        (("model", "a", "provder"), "provider", True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "gateway: {m: {engine: litellm, routes: {a: {}}, secret: sk-Secret1234567890abc}}",
        "model: {a: {provider: openai, id: a, params: {max_tokens: sk-Secret1234567890abc}}}",
        "model: {a: {provider: openai, id: a, task: sk-Secret1234567890abc}}",
        "model: {a: {provider: openai, id: a, endpoint: {url: sk-Secret1234567890abc}}}",
        "secret: {openai: sk-Secret1234567890abc}",
        "model: {a: {provider: openai, id: a, api_key: sk-Secret1234567890abc}}",
        "model: {a: {provider: openai, id: a, params: {api_key: sk-Secret1234567890abc}}}",
        "gateway: {m: {engine: litellm, routes: {a: {}}, callbacks: [sk-Secret1234567890abc, sk-Secret1234567890abc]}}",
    ],
)
def test_credentials_are_not_repeated(text: str) -> None:
    found = run(text).findings
    assert found
    assert "Secret1234567890" not in repr(found)
    for _, finding in found:
        assert finding.secret
        assert not finding.labels[0].key_only


EXCERPTS = {
    "SCH002": "dataset", "SCH005": "eval", "SCH006": "gateway", "SCH008": "pipeline", "SCH009": "eval",
    "SCH010": "gateway", "SCH012": "deployment",
}
"""The kind that an excerpt in a code's documentation is of, where it is no model."""


@pytest.mark.parametrize("code", [code for code in CODES if code.code not in ("SCH011", "SCH014", "SCH015")])
def test_excerpts(code: Code) -> None:
    """What a code's page calls bad gives that code, and what it calls good does not."""
    kind = EXCERPTS.get(code.code, "model")
    for text, expected in ((code.bad, True), (code.good, False)):
        found = run({kind: {"it": yaml.safe_load(text)}}).findings
        assert (code in {c for c, _ in found}) == expected
