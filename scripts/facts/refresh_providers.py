"""Refresh `data/providers.json`: check each claim of `provider_claims.json` against the sources of its readers.

    pip download --no-deps litellm==1.106.2; npm pack promptfoo@0.121.20
    python scripts/facts/refresh_providers.py litellm-1.106.2-*.whl promptfoo-0.121.20.tgz

A variable or an address that no source of LiteLLM contains is refused. Which of the variables promptfoo reads is
looked up in its package; the prefix of its provider ids is from its documentation.
"""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, read_wheel, render

CLAIMS = Path(__file__).with_name("provider_claims.json")
Row = dict[str, Any]


def python_sources(wheel: Path) -> dict[str, str]:
    """The modules of LiteLLM that speak to providers, and its list of OpenAI-like ones."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("litellm/") and "/proxy/" not in name]
        wanted = [name for name in names if name.endswith((".py", "openai_like/providers.json"))]
        return {name: archive.read(name).decode("utf-8", "replace") for name in wanted}


def package_sources(tarball: Path) -> str:
    """All JavaScript of promptfoo's package in one text."""
    with tarfile.open(tarball) as archive:
        members = [member for member in archive.getmembers() if member.name.endswith(".js")]
        files = [file for member in members if (file := archive.extractfile(member)) is not None]
        return "\n".join(file.read().decode("utf-8", "replace") for file in files)


def place(sources: Mapping[str, str], provider: str, text: str) -> str:
    """The module that contains `text`: the provider's own if there is one."""
    found = [name for name, source in sources.items() if text in source]
    if not found:
        raise SystemExit(f"{provider}: no source contains {text}")
    return min(found, key=lambda name: (f"/{provider}/" not in name, "get_llm_provider" not in name, len(name), name))


def row_of(provider: str, claim: Row, sources: Mapping[str, str], javascript: str, docs: str) -> tuple[Row, list[str]]:
    """A row, and the modules of LiteLLM that bear it out."""
    keys: list[str] = claim["keys"]
    told = [f'"{key}"' for key in keys] + ([claim["base_url"]] if claim["base_url"] else [])
    places = sorted({place(sources, provider, text) for text in told or [f'"{provider}"']})
    row: Row = {
        "title": claim["title"],
        "protocol": claim["protocol"],
        "key_variables": keys,
        "callers": {"litellm": {"prefix": f"{provider}/"}},
    }
    if claim["base_url"]:
        row["base_url"] = claim["base_url"]
    if claim.get("together"):
        row["keys_together"] = True
    if claim["promptfoo"]:
        names: list[str] = claim.get("promptfoo_keys", keys)
        row["callers"]["promptfoo"] = {
            "prefix": claim["promptfoo"],
            "key_variables": [name for name in names if re.search(rf"\b{name}\b", javascript)],
            "source": docs,
        }
    return row, places


def main() -> int:
    """Check the claims, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("wheel", type=Path)
    command.add_argument("tarball", type=Path)
    options = command.parse_args()
    version = options.wheel.name.split("-")[1]
    day = read_wheel(options.wheel, "litellm/main.py")[1]
    sources, javascript = python_sources(options.wheel), package_sources(options.tarball)
    promptfoo = options.tarball.name.removesuffix(".tgz").partition("-")[2]
    claims = json.loads(CLAIMS.read_text(encoding="utf-8"))
    docs = f"{claims['promptfoo_docs']['source']}; npm:promptfoo@{promptfoo}"
    rows: dict[str, Row] = {}
    for provider, claim in claims["rows"].items():
        row, places = row_of(provider, claim, sources, javascript, docs)
        rows[provider] = row | {"source": f"pypi:litellm=={version}#{', '.join(places)}", "as_of": day}
    return finish({DATA / "providers.json": render({"rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
