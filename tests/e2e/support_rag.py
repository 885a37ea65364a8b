"""The example's chain, as `--env ci` compiled it, byte for byte: evals → gateway → models.

A scripted server stands in for weights alone. The primary is dead, so that every answer comes from the fallback.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.fakeai import FakeAI
from tests.tools.running import Proxy, litellm_proxy

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "support-rag"
COMPILED = EXAMPLE / "generated" / "ci"
MASTER_KEY = "sk-master-f41a7c2e"
PROVIDER_KEY = "sk-provider-90d3b6aa"
PORT = 4000

POLICY = (
    ("sandals", "I am sorry about that. Worn shoes with a fault may be exchanged within 14 days."),
    ("sneakers", "Worn shoes with a fault may be exchanged within 14 days."),
    ("unworn", "Unworn shoes may be returned within 30 days of delivery, for the full price."),
    ("worn", "Worn shoes may be exchanged within 14 days if they have a fault."),
    ("money back", "Refunds arrive within 5 working days."),
    ("sale item", "Sale items are exchanged, not refunded."),
    ("marathon", "I cannot help with that, but I can connect you to a person."),
)
"""What the weights would say, by a word of the question: the first that fits."""


def answers(policy: Sequence[tuple[str, str]] = POLICY) -> list[dict[str, Any]]:
    """Rules of a server whose answers come from the prompt's policy: without it in the system text, none fits."""
    judge = {"when": {"model": "gpt-5.4-2026-03-05"}, "reply": {"pass": True, "score": 1, "reason": "polite"}}
    spoken = [{"when": {"system": "Use only this policy", "user": word}, "reply": text} for word, text in policy]
    return [judge, *spoken]


@dataclass(frozen=True, slots=True)
class Chain:
    proxy: Proxy
    models: FakeAI
    variables: Mapping[str, str]


DEAD: list[dict[str, Any]] = [{"when": {}, "status": 503, "message": "the weights are not loaded"}]


@contextlib.contextmanager
def running(compiled: Path = COMPILED) -> Iterator[Chain]:
    """The compiled gateway, its primary dead, the fallback and the judge alive."""
    with FakeAI(DEAD) as primary, FakeAI(answers()) as models, FakeAI(answers()) as judge:
        variables = {
            "ANSWERER_URL": primary.base_url, "BACKUP_URL": models.base_url, "JUDGE_URL": judge.base_url,
            "OPENAI_API_KEY": PROVIDER_KEY, "MISTRAL_API_KEY": PROVIDER_KEY, "LITELLM_MASTER_KEY": MASTER_KEY,
        }
        with litellm_proxy(compiled / "litellm" / "main.yaml", variables, PORT) as proxy:
            yield Chain(proxy, models, variables)
