"""Refresh `data/licences.json`: what licences of models say, each clause looked up in the licence's own text.

    python scripts/facts/refresh_licences.py PACKAGES CLONES

PACKAGES holds the wheels, CLONES the clones that carry the texts (`TEXTS`): meta-llama/llama-models as
`meta-llama+llama-models`, embeddings-benchmark/mteb as `embeddings-benchmark+mteb`. The refresh fails where a text no
longer says what a row says of it.
"""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render

Row = dict[str, Any]
LARGE = "not for those with more than 700 million monthly active users"
LLAMA_LARGE = "greater than 700 million monthly active users"
LLAMA_NOTICE = "retain in all copies of the Llama Materials that you distribute the following attribution notice"
IMPROVE = "to improve any other large language model"
TEXTS: dict[str, tuple[str, str, Row, tuple[str, ...]]] = {
    # id: (where the text is, file, what it says, what must stand in it)
    "apache-2.0": (
        "pypi:haystack-ai", "haystack_ai-{version}.dist-info/licenses/LICENSE",
        {"title": "Apache License 2.0", "spdx": "Apache-2.0", "commercial": True, "notice": True,
         "trains_others": True},
        ("reproduce, prepare Derivative Works of, publicly display", "must give any other recipients", "\"NOTICE\""),
    ),
    "mit": (
        "pypi:litellm", "litellm/litellm_core_utils/tokenizers/deepseek_tokenizer_LICENSE",
        {"title": "MIT License", "spdx": "MIT", "commercial": True, "notice": True, "trains_others": True},
        ("without restriction", "and/or sell", "shall be included in all copies"),
    ),
    "cc-by-4.0": (
        "github:embeddings-benchmark/mteb", "mteb/models/model_meta.py",
        {"title": "Creative Commons Attribution 4.0", "spdx": "CC-BY-4.0", "commercial": True},
        ("(OSI-approved or otherwise free/libre)", '"cc-by-4.0",', "Non-commercial (``*-nc-*``)"),
    ),
    "cc-by-nc-4.0": (
        "github:embeddings-benchmark/mteb", "mteb/models/model_meta.py",
        {"title": "Creative Commons Attribution-NonCommercial 4.0", "spdx": "CC-BY-NC-4.0", "commercial": False},
        ("Non-commercial (``*-nc-*``)", "intentionally excluded"),
    ),
    "llama2": (
        "github:meta-llama/llama-models", "models/llama2/LICENSE",
        {"title": "Llama 2 Community License", "commercial": True, "commercial_limit": LARGE, "notice": True,
         "trains_others": False},
        (LLAMA_LARGE, LLAMA_NOTICE, IMPROVE),
    ),
    "llama3": (
        "github:meta-llama/llama-models", "models/llama3/LICENSE",
        {"title": "Meta Llama 3 Community License", "commercial": True, "commercial_limit": LARGE, "notice": True,
         "naming": "Llama 3", "trains_others": False},
        (LLAMA_LARGE, LLAMA_NOTICE, IMPROVE, "Llama 3” at the beginning of any such AI model name"),
    ),
    **{
        f"llama{version}": (
            "github:meta-llama/llama-models", f"models/llama{version.replace('.', '_')}/LICENSE",
            {"title": f"Llama {version} Community License", "commercial": True, "commercial_limit": LARGE,
             "notice": True, "naming": "Llama", "trains_others": True},
            (LLAMA_LARGE, LLAMA_NOTICE, "Llama” at the beginning of any such AI model name", "any outputs or results"),
        )
        for version in ("3.1", "3.2", "3.3", "4")
    },
}


def main() -> int:
    """Look every clause up, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("packages", type=Path)
    command.add_argument("clones", type=Path)
    command.add_argument("--as-of", required=True, help="the day on which the wheels were fetched")
    options = command.parse_args()
    rows = {}
    for name, (place, member, says, clauses) in TEXTS.items():
        if place.startswith("pypi:"):
            package = place.removeprefix("pypi:")
            (path,) = options.packages.glob(f"{package.replace('-', '_')}-*.whl")
            version = path.name.split("-")[1]
            member = member.format(version=version)
            with zipfile.ZipFile(path) as archive:
                text = archive.read(member).decode()
            source, day = f"{place}=={version}#{member}", options.as_of
        else:
            clone = options.clones / place.removeprefix("github:").replace("/", "+")
            commit, day = _git(clone, "log", "-1", "--format=%H %cs").split()
            text = _git(clone, "show", f"{commit}:{member}")
            source = f"{place}@{commit}:{member}"
        flat = re.sub(r"[\s#]+", " ", text)
        for clause in clauses:
            if clause not in flat:
                raise SystemExit(f"{name}: {source} does not say {clause!r}")
        rows[name] = says | {"source": source, "as_of": day}
    return finish({DATA / "licences.json": render({"rows": rows})}, options.check)


def _git(clone: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", clone, *words], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    raise SystemExit(main())
