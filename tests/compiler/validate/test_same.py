"""SCH014: what must be the same in all environments."""

from __future__ import annotations

import pytest

from llmops.compiler.model.keys import dotted
from llmops.compiler.validate import same_everywhere
from tests.compiler.validate.kit import run

APP = "app: {shop: {purpose: Sells shoes., traffic: {peak_rpm: %s}}}"
PIPELINE = "pipeline: {ci: {engine: github-actions, triggers: {push: {}}, stages: {s: {run: %s}%s}}}"
PROMPT = "prompt: {p: {messages: [{user: '%s'}], variables: {%s}}}"

Row = tuple[str, str, str, str, tuple[str, ...], tuple[str, ...]]


def found(**environments: str) -> list[Row]:
    validated = {env: run(text, env=env) for env, text in environments.items()}
    return [
        (env, code.code, dotted(f.labels[0].at), f.message, f.notes, f.help)  # type: ignore[arg-type]
        for env, code, f in same_everywhere(validated)
    ]


def test_a_stage_differs() -> None:
    assert found(dev=PIPELINE % ("a", ""), ci=PIPELINE % ("a", ""), prod=PIPELINE % ("b", "")) == [
        ("prod", "SCH014", "pipeline.ci.stages.s.run", "`stages` of `pipeline.ci` differs between environments",
         ("a pipeline belongs to the project: it is the same in all environments that select it",),
         ("write it once, in conf/pipeline/ci.yaml, or make another resource for `prod`",)),
    ]


def test_a_field_of_the_contract_differs() -> None:
    assert found(dev=PROMPT % ("{{ a }}", "a: string"), prod=PROMPT % ("{{ b }}", "b: string")) == [
        ("prod", "SCH014", "prompt.p.variables", "`variables` of `prompt.p` differs between environments",
         ("`variables` is part of the contract: it is the same in all environments that select it",),
         ("write it once, in conf/prompt/p.yaml, or make another resource for `prod`",)),
    ]


@pytest.mark.parametrize(
    "environments",
    [
        {"dev": APP % 5, "prod": APP % 500},
        {"dev": PIPELINE % ("a", ""), "prod": "{}"},
        {"dev": PROMPT % ("short", "a: string"), "prod": PROMPT % ("long", "a: string")},
        {"dev": PIPELINE % ("a", ""), "prod": "pipeline: {ci: {engin: x}}"},
    ],
)
def test_what_may_vary(environments: dict[str, str]) -> None:
    assert found(**environments) == []


def test_one_difference_is_told_once() -> None:
    assert len(found(dev=PIPELINE % ("a", ""), ci=PIPELINE % ("b", ""), prod=PIPELINE % ("b", ""))) == 1
