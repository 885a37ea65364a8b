"""How models are spoken to, and on what terms: families, tokenizers, templates, licences."""

from __future__ import annotations

import pytest

from llmops.compiler.facts import Facts

FACTS = Facts()


def test_a_family_of_a_repository() -> None:
    family = FACTS.family("meta-llama/Llama-3.1-8B-Instruct")
    assert family is not None
    assert (family.name, family.tokenizer, family.tool_parser, family.end_of_turn) == (
        "llama3.1", "llama3", "llama3_json", "<|eot_id|>",
    )
    assert family.system is True
    assert FACTS.family("nobody/nothing") is None
    assert FACTS.family_named("nothing") is None


def test_a_template_that_takes_no_system_message() -> None:
    family = FACTS.family_named("gemma2")
    assert family is not None
    assert family.system is False


def test_families_name_tokenizers_architectures_and_parsers_that_exist() -> None:
    families = {row.family for row in map(FACTS.architecture, FACTS.architectures()) if row is not None}
    engines = [FACTS.engine("vllm", version) for version in FACTS.engine_versions("vllm")]
    tools = {name for engine in engines if engine is not None for name in engine.tool_parsers or ()}
    reasoning = {name for engine in engines if engine is not None for name in engine.reasoning_parsers or ()}
    for name in FACTS.families():
        row = FACTS.family_named(name)
        assert row is not None
        assert name in families
        assert row.tokenizer is None or FACTS.tokenizer(row.tokenizer) is not None, name
        assert row.tool_parser in {None, *tools}, name
        assert row.reasoning_parser in {None, *reasoning}, name
        assert row.licence is None or FACTS.licence(row.licence) is not None, name
        assert (row.message_bytes is None) == (row.prompt_bytes is None), name


@pytest.mark.parametrize(
    ("repo", "trainer", "template"),
    [
        ("Qwen/Qwen3-8B", "llama_factory", "qwen3"),
        ("Qwen/Qwen3-8B", "axolotl", "qwen3"),
        ("meta-llama/Llama-3.2-1B-Instruct", "axolotl", "llama3"),
        ("01-ai/Yi-1.5-34B-Chat", "llama_factory", "yi"),
        ("01-ai/Yi-1.5-34B-Chat", "axolotl", None),
        ("nobody/nothing", "llama_factory", None),
    ],
)
def test_templates_of_trainers(repo: str, trainer: str, template: str | None) -> None:
    assert FACTS.template(repo, trainer) == template


def test_tokenizers_bound_by_bytes_and_words() -> None:
    assert len(FACTS.tokenizers()) >= 10
    for name in FACTS.tokenizers():
        row = FACTS.tokenizer(name)
        assert row is not None
        assert row.bytes, name
        assert row.words, name
        assert 16 <= row.letters <= 128, name


def test_the_tokenizer_of_a_hosted_model() -> None:
    row = FACTS.tokenizer_of("openai", "gpt-4o-mini-2024-07-18")
    assert row is not None
    assert row.name == "o200k_base"
    older = FACTS.tokenizer_of("openai", "text-embedding-3-small")
    assert older is not None
    assert older.name == "cl100k_base"
    assert FACTS.tokenizer_of("anthropic", "claude-sonnet-4-5") is None


def test_licences() -> None:
    llama = FACTS.licence_of("meta-llama/Llama-3.2-3B-Instruct")
    assert llama is not None
    assert (llama.id, llama.spdx, llama.commercial, llama.naming, llama.notice, llama.trains_others) == (
        "llama3.2", None, True, "Llama", True, True,
    )
    old = FACTS.licence("LLAMA2")
    assert old is not None
    assert old.trains_others is False
    assert old.commercial_limit is not None
    free = FACTS.licence_of("openai/gpt-oss-20b")
    assert free is not None
    assert (free.spdx, free.commercial, free.commercial_limit) == ("Apache-2.0", True, None)
    research = FACTS.licence("cc-by-nc-4.0")
    assert research is not None
    assert research.commercial is False
    assert FACTS.licence_of("Qwen/Qwen3-8B") is None
    assert FACTS.licence("no such licence") is None
