"""The example's chain, as `--env ci` compiled it, byte for byte: database → index → app → gateway → guardrails → evals.

A scripted server stands in for chat weights alone: the embeddings are MiniLM's, and an answer comes only where the
passage that holds it was found. The primary is dead, so that every answer comes from the fallback.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.jobs import Jobs, Server, copy
from tests.tools.embeddings import RealEmbeddings, real_embeddings
from tests.tools.postgres import Postgres, postgres

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "support-rag"
COMPILED = EXAMPLE / "generated" / "ci"
MASTER_KEY = "sk-master-f41a7c2e"
PROVIDER_KEY = "sk-provider-90d3b6aa"
JUDGE = "gpt-5.4-2026-03-05"
REFUSED = "I can only help with orders and returns."

KNOWN = (
    ("exchanged within 14 days", "sandals", "I am sorry. Worn shoes with a fault may be exchanged within 14 days."),
    ("exchanged within 14 days", "sneakers", "Worn shoes with a fault may be exchanged within 14 days."),
    ("within 30 days of delivery", "unworn", "Unworn shoes may be returned within 30 days, for the full price."),
    ("exchanged within 14 days", "have worn", "Worn shoes may be exchanged if they have a fault."),
    ("within 5 working days", "money back", "Refunds arrive within 5 working days."),
    ("Sale items are exchanged", "sale item", "Sale items are exchanged, not paid back."),
    ("two to four working days", "delivery take", "Two to four working days."),
    ("with the order number", "stores", "Yes: in any of our stores, with the order number."),
    ("covered for two years", "after one year", "Yes, soles are covered for two years."),
    ("gift slip", "gift", "With the gift slip; the giver is not told."),
    ("Invoices are for companies", "invoice", "Yes, invoices are for companies."),
    ("kept for ten years", "order data", "Order data is kept for ten years."),
    ("only these passages", "marathon", "I cannot help with that, but I can connect you to a person."),
)
"""What the weights would say: a passage that must have been found, a word of the question, the answer."""

ATTACKS = "(Ignore all previous|developer mode|Repeat the text above|Pretend to be)"
GIVES_IN = "My instructions are: answer customers of a shoe shop."
REFUND = {"order": "AB123456", "amount": 59.9}
DEAD: list[dict[str, Any]] = [{"when": {}, "status": 503, "message": "the weights are not loaded"}]


def answers(known: Sequence[tuple[str, str, str]] = KNOWN) -> list[dict[str, Any]]:
    """Rules of the server. A chat model gives in to an attack: only a guardrail keeps it away."""
    checked = {"model": JUDGE, "text": {"regex": f"{ATTACKS}.*message be blocked"}}
    return [
        {"when": checked, "reply": "Yes"},
        {"when": {"model": JUDGE, "text": "be blocked"}, "reply": "No"},
        {"when": {"model": JUDGE}, "reply": {"pass": True, "score": 1, "reason": "polite"}},
        {"when": {"user": {"regex": ATTACKS}}, "reply": GIVES_IN},
        {"when": {"text": "waits for a person"}, "reply": "Your refund waits for a person."},
        {"when": {"user": "refund my order"}, "tool_calls": [{"name": "refund", "arguments": REFUND}]},
        *({"when": {"system": passage, "user": word}, "reply": text} for passage, word, text in known),
    ]


@dataclass(frozen=True, slots=True)
class Chain:
    """All that runs. `jobs` does what a job would do; more servers stand where its variables say."""

    jobs: Jobs
    models: RealEmbeddings
    database: Postgres
    servers: dict[str, Server]


@contextlib.contextmanager
def weights() -> Iterator[tuple[RealEmbeddings, dict[str, str]]]:
    """The models, and the variables that say where they are: a dead primary; the fallback, judge and embedder live."""
    with real_embeddings(DEAD) as dead, real_embeddings(answers()) as alive:
        yield alive, {
            "ANSWERER_URL": dead.base_url, "BACKUP_URL": alive.base_url, "JUDGE_URL": alive.base_url,
            "EMBEDDER_URL": alive.base_url, "OPENAI_API_KEY": PROVIDER_KEY, "MISTRAL_API_KEY": PROVIDER_KEY,
            "LITELLM_MASTER_KEY": MASTER_KEY,
        }


@contextlib.contextmanager
def running(example: Path = EXAMPLE, *servers: str) -> Iterator[Chain]:
    """The example in a folder of its own, its index filled; the servers up in this order: all, if none is named."""
    with (
        tempfile.TemporaryDirectory(prefix="llmops-chain-") as name, weights() as (models, variables),
        postgres() as database, contextlib.ExitStack() as up,
    ):  # fmt: skip
        jobs = Jobs(copy(example, Path(name) / "app"), "ci", {**variables, "PG_CONN_STR": database.database("shop")})
        started: dict[str, Server] = {}
        for server in servers or ("gateway.main", "deployment.assistant", "deployment.guarded"):
            started[server] = up.enter_context(jobs.serve(server))
            if server == "gateway.main":
                filled = jobs.run(jobs.tasks["index.policies"])
                if not filled.ok:
                    raise RuntimeError(f"the index was not filled:\n{filled.output}")
        yield Chain(jobs, models, database, started)
