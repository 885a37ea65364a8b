"""Refresh `data/models/`: hosted models, from the model map inside LiteLLM's wheel (MIT).

    pip download --no-deps litellm==1.106.2
    python scripts/facts/refresh_models.py litellm-1.106.2-*.whl [--parameters parameters.json]

`--parameters` is the answer of `parameters.py`, run where LiteLLM is installed; without it the parameter sets
of the committed files are kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, read_wheel, render

MEMBER = "litellm/model_prices_and_context_window_backup.json"
CODE = "litellm/utils.py"
SHORTENS = '"text-embedding-3" not in model'
"""What LiteLLM's own code asks of OpenAI's embedding models before it lets `dimensions` through."""
# The provider of a row in the map, and ours where it is spelt otherwise.
MERGED = {
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks_ai-embedding-models": "fireworks_ai",
    "text-completion-openai": "openai",
}
PROVIDERS = frozenset(
    [
        "ai21",
        "amazon_nova",
        "anthropic",
        "azure",
        "azure_ai",
        "baseten",
        "bedrock",
        "cerebras",
        "cloudflare",
        "cohere",
        "dashscope",
        "databricks",
        "deepgram",
        "deepinfra",
        "deepseek",
        "fireworks_ai",
        "friendliai",
        "gemini",
        "github_copilot",
        "groq",
        "hyperbolic",
        "jina_ai",
        "lambda_ai",
        "meta_llama",
        "minimax",
        "mistral",
        "moonshot",
        "nebius",
        "novita",
        "nscale",
        "nvidia_nim",
        "oci",
        "openai",
        "openrouter",
        "ovhcloud",
        "perplexity",
        "sagemaker",
        "sambanova",
        "scaleway",
        "snowflake",
        "together_ai",
        "vercel_ai_gateway",
        "vertex_ai",
        "voyage",
        "watsonx",
        "xai",
        "zai",
    ]
)
MODES = frozenset(
    [
        "audio_speech",
        "audio_transcription",
        "chat",
        "completion",
        "embedding",
        "image_generation",
        "moderation",
        "realtime",
        "rerank",
        "responses",
    ]
)
INTEGERS = {"max_input_tokens": "context", "max_output_tokens": "max_output", "output_vector_size": "dimension"}
PRICES = {
    "input_cost_per_token": "input_price",
    "output_cost_per_token": "output_price",
    "cache_read_input_token_cost": "cached_input_price",
    "input_cost_per_query": "query_price",
}
Row = dict[str, Any]


def provider_of(entry: Row) -> str:
    """The provider of an entry of the map, one name for all its variants."""
    name = str(entry.get("litellm_provider"))
    return "vertex_ai" if name.startswith("vertex_ai-") else MERGED.get(name, name)


def identifier(key: str, provider: str) -> str:
    """The id that a request names: the map's key without LiteLLM's routing prefix."""
    return key.removeprefix(f"{provider}/")


def row_of(entry: Row) -> Row:
    """The columns that are kept of an entry; what it does not say is left out."""
    row: Row = {"mode": entry["mode"]}
    for theirs, ours in INTEGERS.items():
        value = entry.get(theirs)
        if isinstance(value, (int, float)) and value > 0:
            row[ours] = int(value)
    for theirs, ours in PRICES.items():
        value = entry.get(theirs)
        if isinstance(value, (int, float)):
            row[ours] = value
    if not any(row.get(name) for name in PRICES.values()):  # a price of 0 and 0 means that nobody wrote it down
        row = {name: value for name, value in row.items() if name not in PRICES.values()}
    retires = entry.get("deprecation_date")
    if isinstance(retires, str):
        row["retires"] = retires
    flags = {key.removeprefix("supports_"): value for key, value in entry.items() if key.startswith("supports_")}
    for name, wanted in (("has", True), ("lacks", False)):
        if names := sorted(key for key, value in flags.items() if value is wanted):
            row[name] = names
    return row


def rows_by_provider(entries: dict[str, Row]) -> dict[str, dict[str, Row]]:
    """The kept rows. A key with the provider's prefix wins over one without: it is the provider's own."""
    found: dict[str, dict[str, Row]] = {}
    for key in sorted(entries, key=lambda key: ("/" in key, key)):
        entry = entries[key]
        provider = provider_of(entry)
        if provider in PROVIDERS and entry.get("mode") in MODES:
            found.setdefault(provider, {})[identifier(key, provider)] = row_of(entry)
    return found


def kept_parameters(path: Path) -> dict[str, Row]:
    """The parameters of each model in the committed file, in the shape of `parameters.py`'s answer."""
    if not path.exists():
        return {}
    table = json.loads(path.read_text(encoding="utf-8"))
    sets = table.get("parameter_sets", {})
    return {
        name: {"params": sets[row["params"]]} | ({"fixed": row["fixed"]} if "fixed" in row else {})
        for name, row in table["rows"].items()
        if "params" in row
    }


def add_parameters(rows: dict[str, Row], answers: dict[str, Row]) -> dict[str, list[str]]:
    """Number the distinct sets of parameters, write the number into each row, and return the sets."""
    known = {name: tuple(answers[name]["params"]) for name in rows if name in answers}
    numbers = {names: str(number) for number, names in enumerate(sorted(set(known.values())))}
    for name, names in known.items():
        rows[name]["params"] = numbers[names]
        if "fixed" in answers[name]:
            rows[name]["fixed"] = answers[name]["fixed"]
    return {number: list(names) for names, number in numbers.items()}


def main() -> int:
    """Read the wheel, write one file a provider."""
    command = parser(main.__doc__ or "")
    command.add_argument("wheel", type=Path)
    command.add_argument("--parameters", type=Path)
    options = command.parse_args()
    raw, day = read_wheel(options.wheel, MEMBER)
    version = options.wheel.name.split("-")[1]
    answers = json.loads(options.parameters.read_text(encoding="utf-8")) if options.parameters else None
    tables: dict[Path, str] = {}
    if SHORTENS not in read_wheel(options.wheel, CODE)[0].decode():
        raise SystemExit(f"{CODE} no longer says {SHORTENS}")
    for provider, rows in rows_by_provider(json.loads(raw)).items():
        for name, row in rows.items():
            if provider == "openai" and row["mode"] == "embedding":
                row["shortens"] = "text-embedding-3" in name
                place = f"pypi:litellm=={version}"
                row["source"] = f"{place}#{MEMBER}; shortens: {place}#{CODE}"
        path = DATA / "models" / f"{provider}.json"
        parameters = kept_parameters(path) if answers is None else answers.get(provider, {})
        sets = add_parameters(rows, parameters)
        table: Row = {"source": f"pypi:litellm=={version}#{MEMBER}", "as_of": day, "rows": rows}
        tables[path] = render(table | ({"parameter_sets": sets} if sets else {}))
    return finish(tables, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
