"""Small projects that many tests start from."""

from __future__ import annotations

MINIMAL = {
    "llmops.yaml": "name: faq-bot\nenvironments: {dev: []}\n",
    "conf/config.yaml": """\
defaults:
  - model: [answerer]
  - prompt: [answer]
  - eval: [quality]
  - gateway: [main]
  - pipeline: [pull_request]
  - env: dev
""",
    "conf/model/answerer.yaml": """\
provider: openai
id: gpt-5.4-mini-2026-03-17
params: {temperature: 0, max_tokens: 300}
""",
    "conf/prompt/answer.yaml": """\
messages:
  - system: You answer customers of a shoe shop in one short paragraph.
  - user: "{{ question }}"
variables: {question: string}
""",
    "conf/eval/quality.yaml": """\
runner: promptfoo
subject: {prompt: answer, model: answerer}
rows:
  - vars: {question: "May I return worn shoes?"}
    assert: [{type: icontains, value: "30 days"}]
gate: {pass_rate: 1.0}
""",
    "conf/gateway/main.yaml": """\
engine: litellm
routes: {answerer: {}}
""",
    "conf/pipeline/pull_request.yaml": """\
engine: github-actions
triggers: {pull_request: {}}
stages: {quality: {eval: [quality]}}
""",
}
"""The minimal project: a workflow, an eval suite and a gateway."""
