"""What the target says of a flow or an index that Haystack cannot run, and what it tells other targets."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from llmops.compiler.driver import Compilation
from llmops.targets.haystack.known import check
from tests.targets.haystack.support import compiled
from tests.targets.haystack.test_real import BROKEN

FLOW = "conf/flow/answer.yaml"
INDEX = "conf/index/policies.yaml"
APP = "conf/deployment/app.yaml"
PROMPT = "conf/prompt/answer.yaml"
DATA = "conf/dataset/policies.yaml"
HEAD = "access: public\ninputs: {question: string}\nsteps:\n"
RETRIEVE = "  retrieve: {index: policies, query: question, top_k: 2}\n"
ANSWER = "  answer: {prompt: answer, model: answerer, with: {passages: retrieve}}\n"
OUTPUTS = "outputs: {answer: answer.text}\n"


def said(files: dict[str, str]) -> list[tuple[str, str, str, int]]:
    """Severity, message, file and line of what the target reports."""
    found, _ = compiled("rag", **files)
    return told(found)


def told(found: Compilation) -> list[tuple[str, str, str, int]]:
    return [
        (d.severity.value, d.message, d.labels[0].span.file.removeprefix("conf/"), d.labels[0].span.line)
        for d in found.diagnostics if d.code == "TGT002" and d.labels and d.severity.value != "info"
    ]


FINDINGS = [
    ({APP: "engine: haystack\nserves: {answer: {path: /answer}}\n"},
     [("error", "hayhooks serves a flow at `/NAME/run`", "deployment/app.yaml", 2)]),
    ({APP: "engine: haystack\nargs: {workers: 2}\nserves: {answer: {path: /a/run, method: GET, answer: text}}\n"}, [
        ("error", "hayhooks takes requests by POST alone", "deployment/app.yaml", 3),
        ("warning", "haystack cannot express this: the reply holds it at `result.<output>.output`",
         "deployment/app.yaml", 3),
        ("warning", "haystack cannot express this: hayhooks is started with the options that it needs",
         "deployment/app.yaml", 2),
    ]),
    ({FLOW: f"{HEAD}{RETRIEVE}{ANSWER}  again: {{code: data/policies/gifts.md, function: f, returns: {{text: string}}}}"
            f"\n{OUTPUTS}"},
     [("error", "Haystack runs functions of Python alone", "flow/answer.yaml", 6)]),
    ({FLOW: f"{HEAD}{RETRIEVE}  answer: {{prompt: answer, model: answerer, with: {{passages: retrieve}}, cache: 5m, "
            f"otherwise: retrieve}}\n{OUTPUTS}"}, [
        ("error", "step `answer` takes what the step gives that runs in its place", "flow/answer.yaml", 5),
        ("warning", "haystack cannot express this: it keeps no results", "flow/answer.yaml", 5),
    ]),
    ({FLOW: f"{HEAD}  retrieve: {{index: policies, query: question, score_threshold: 0.5, candidates: 9, top_n: 1, "
            f"ranker: rrf, timeout: 5s}}\n{ANSWER}{OUTPUTS}"}, [
        ("warning", "haystack cannot express this: only a search of both kinds looks at more than it gives",
         "flow/answer.yaml", 4),
        ("warning", "haystack cannot express this: a search sorts nothing again", "flow/answer.yaml", 4),
        ("warning", "haystack cannot express this: it joins the results of both kinds by concatenate, merge, "
         "reciprocal_rank_fusion, distribution_based_rank_fusion", "flow/answer.yaml", 4),
    ]),
    ({FLOW: f"{HEAD}{RETRIEVE}{ANSWER}  spare: {{prompt: answer, model: answerer, with: {{passages: {{value: none}}}}, "
            f"when: {{question: present}}}}\n"
            f"  again: {{prompt: answer, model: answerer, with: {{passages: retrieve}}, otherwise: spare}}\n"
            "outputs: {answer: answer.text, again: again.text}\n"},
     [("warning", "haystack cannot express this: a step that runs in another's place runs once, whatever holds",
       "flow/answer.yaml", 6)]),
    ({FLOW: f"access: public\ninputs: {{question: string, more: string}}\nsteps:\n{RETRIEVE}"
            f"  answer: {{prompt: answer, model: answerer, with: {{passages: retrieve, question: more}}}}\n"
            "outputs: {passages: retrieve, answer: answer.text}\nhistory: {turns: 2}\nstream: true\n"}, [
        ("warning", "haystack cannot express this: a conversation fills one text, and this flow does not need exactly "
         "one", "flow/answer.yaml", 8),
    ]),
    ({FLOW: f"{HEAD}{RETRIEVE}{ANSWER}{OUTPUTS}history: {{turns: 3}}\ntimeout: 9s\nstream: true\n"
            "budget: {usd_per_day: 1}\n"}, [
        ("warning", "haystack cannot express this: it counts no cost: the gateway does", "flow/answer.yaml", 10),
    ]),
    ({PROMPT: "messages:\n  - user: '{{ passages | templatize_part }} {{ question }}'\n"
              "variables: {question: string, passages: string}\n"},
     [("error", "Haystack cannot take this text: the word `templatize_part` has a meaning of its own there",
       "prompt/answer.yaml", 2)]),
    ({"conf/model/embedder.yaml": "provider: openai\nid: mine\ntask: embedding\ndimension: 384\n"
                                  "endpoint: {url: 'http://127.0.0.1:8099/v1', auth: none}\n"},
     [("error", "the tokenizer of model.embedder is not known", "index/policies.yaml", 3)]),
    ({"conf/model/answerer.yaml": "provider: anthropic\nid: claude-sonnet-4-5-20250929\n"},
     [("error", "Haystack reaches model.answerer by no API that it speaks", "flow/answer.yaml", 5)]),
    ({"conf/model/answerer.yaml": "provider: openai\nid: gpt-4o-mini-2024-07-18\nparams: {type: env_var}\n"},
     [("error", "Haystack would take request parameters with the key `type` for an object", "flow/answer.yaml", 5)]),
    ({"conf/model/answerer.yaml": "provider: openai\nid: m\nendpoint: {url: {variable: MODELS_URL}, auth: none}\n"},
     [("error", "Haystack reads an address that is known only outside from `OPENAI_BASE_URL` alone",
       "flow/answer.yaml", 5)]),
    ({"conf/store/vectors.yaml": "engine: weaviate\n"}, [
        ("error", "Haystack cannot search index.policies", "flow/answer.yaml", 4),
        ("error", "Haystack cannot search index.policies", "index/policies.yaml", 5),
    ]),
    ({INDEX: "documents: [policies]\nrunner: haystack\nembedder: embedder\nstore: vectors\n"
             "loader: {md: MarkdownDocument}\nchunking: {by: sentences, size: 3, max_tokens: 200, keep: [tables]}\n"}, [
        ("error", "Haystack has no component `MarkdownDocument` that reads files", "index/policies.yaml", 5),
        ("warning", "haystack cannot express this: chunks are measured by one unit", "index/policies.yaml", 6),
        ("warning", "haystack cannot express this: its cuts know no tables or code", "index/policies.yaml", 6),
    ]),
    ({INDEX: "documents: [policies]\nrunner: haystack\nembedder: embedder\nstore: vectors\n"
             "fields: {tenant: {type: string, filter: true}}\nacl: [tenant]\n"},
     [("error", "who searches index.policies must say its `tenant`", "flow/answer.yaml", 4)]),
    ({DATA: "source: {repo: acme/policies, revision: abc}\ntrust: trusted\nsensitivity: public\n"},
     [("error", "the documents of dataset.policies stand in no file of the project", "index/policies.yaml", 1)]),
    ({DATA: "rows: [{vars: {title: a, body: b}}]\ntrust: trusted\nsensitivity: public\n"},
     [("error", "nothing says which column of dataset.policies is the text", "index/policies.yaml", 1)]),
]


@pytest.mark.parametrize(("files", "expected"), FINDINGS, ids=range(len(FINDINGS)))
def test_what_it_cannot_express_is_said(files: dict[str, str], expected: list[Any]) -> None:
    assert sorted(said(files)) == sorted(expected)


def test_a_tool_that_asks_first_is_not_given_to_the_model() -> None:
    refund = "parameters: {order: {type: string}}\ncode: tools/orders.py\neffects: write\ntrust: trusted\n"
    found, _ = compiled("flows", **{"conf/tool/status.yaml": f"{refund}approval: human\n"})
    why = "nobody can be asked before a tool runs, so the model is not given it"
    assert ("warning", f"haystack cannot express this: {why}", "tool/status.yaml", 5) in told(found)
    order = next(e.data for e in found.emitted if e.path.endswith("apps/app/order.yaml"))
    assert "MCPToolset" not in json.dumps(order)
    assert {"look-model", "ask-agent"} <= set(order["components"])


@pytest.mark.parametrize(("right", "wrong", "word"), BROKEN, ids=range(len(BROKEN)))
def test_our_check_finds_what_does_not_load(right: str, wrong: str, word: str) -> None:
    found, _ = compiled("rag")
    text = next(e.content.decode() for e in found.emitted if e.path.endswith("apps/app/answer.yaml"))
    assert list(check("apps/app/answer.yaml", yaml.safe_load(text))) == []
    complaints = list(check("apps/app/answer.yaml", yaml.safe_load(text.replace(right, wrong))))
    if "top_k" in wrong.partition("retriever.")[2]:
        assert complaints == [], "a socket of another type: the loader compares types"
    else:
        assert any(word in complaint for complaint in complaints), complaints


def test_an_override_is_checked_like_the_rest() -> None:
    component = "retrieve-retriever: {init_parameters: {topk: 3}}"
    patch = f"overrides: {{haystack: {{apps/app/answer.yaml: {{components: {{{component}}}}}}}}}\n"
    found, files = compiled("rag")
    found, _ = compiled("rag", **{FLOW: files[FLOW].decode() + patch})
    assert [(d.code, d.message) for d in found.diagnostics if d.severity == "error"] == [
        ("TGT006", "`apps/app/answer.yaml`: `retrieve-retriever` has no parameter `topk`; did you mean `top_k`?"),
    ]
