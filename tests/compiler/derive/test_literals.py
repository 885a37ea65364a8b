"""What is taken for a secret, and what is not."""

from __future__ import annotations

from random import Random
from string import ascii_letters, digits

import pytest

from llmops.compiler.derive.literals import literals

ALPHABET = ascii_letters + digits


def made(count: int, seed: int = 1, alphabet: str = ALPHABET) -> str:
    return "".join(Random(seed).choices(alphabet, k=count))


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (f"sk-{made(20)}T3BlbkFJ{made(20)}", "an OpenAI key"),
        (f"sk-ant-api03-{made(93)}AA", "an Anthropic key"),
        (f"hf_{made(34, alphabet=ascii_letters)}", "a Hugging Face token"),
        (f"AKIA{made(16, alphabet='ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}", "an AWS access key"),
        (f"github_pat_{made(82)}", "a GitHub token"),
        (f"AIza{made(35)}", "a Google API key"),
        (f"postgres://app:{made(12)}@db.example.com/app", "a password in an address"),
        (f"sk-{made(40)}", "an API key"),
        ("-----BEGIN PRIVATE KEY-----", "a private key"),
    ],
)
def test_known_shapes(text: str, known: str) -> None:
    assert [found.known for found in literals(f'key: "{text}"')] == [known]
    assert [found.known for found in literals(f"# {text} is old")] == [known]


def test_most_random_texts_are_suspected() -> None:
    caught = sum(bool(list(literals(f"token: {made(40, seed)}"))) for seed in range(200))
    assert caught >= 170


@pytest.mark.parametrize(
    "text",
    [
        made(40, alphabet="0123456789abcdef"),
        f"sha256:{made(64, alphabet='0123456789abcdef')}",
        "a3f1c9d2-7b54-4e0f-9c38-5d2e81fa6b07",
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8-Dynamic",
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "TheQuickBrownFoxJumpsOverTheLazyDog2024Again",
        "arn:aws:iam::123456789012:role/GithubActionsDeployRoleForProduction2",
        "https://example.blob.core.windows.net/ModelsForEurope2/AnswererFineTuned14B",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "postgres://app:${PASSWORD}@db.example.com/app",
        "postgres://app:{{ password }}@db.example.com/app",
        "OPENAI_API_KEY_FOR_THE_SHOP_OF_2024_IN_EUROPE",
        "http://user@host:8080/path:with@signs",
    ],
)
def test_what_is_none(text: str) -> None:
    assert list(literals(f"value: {text}\n")) == []
