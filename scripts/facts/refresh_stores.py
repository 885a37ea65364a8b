"""Refresh `data/stores.json`: what vector stores hold, from their sources.

    python scripts/facts/refresh_stores.py CLONES

CLONES holds clones with tags, as `<owner>+<name>`: pgvector/pgvector, qdrant/qdrant, weaviate/weaviate,
opensearch-project/k-NN, RediSearch/RediSearch, chroma-core/chroma. The limits of pgvector are read from the defines of
its headers and its operator classes from its SQL; of the others each number or word is looked up where `PLACES` says
that it stands, and the refresh fails where it does not. `as_of` is the day of the newest commit of the clone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render

Row = dict[str, Any]
PGVECTOR = ("0.4.4", "0.5.1", "0.7.4", "0.8.6")
"""The last release before each that changed types or indexes, and the newest."""
METRICS = {"cosine": "cosine", "ip": "dot", "l2": "l2"}
HALF, BIT = 2, 32
"""How many times as long as a whole vector an indexed one of halves or bits may be: factors in `src/*utils.c`."""
PLACES: dict[str, tuple[str, str, dict[str, Any], tuple[tuple[str, str], ...]]] = {
    # engine/version: (repository, tag or HEAD, row, ((file, a pattern that must be in it), …))
    "qdrant/1.5.0": (
        "qdrant/qdrant", "v1.5.0",
        {"metrics": {"cosine": "Cosine", "dot": "Dot", "l2": "Euclid"}, "vectors": {"full": {"most": 65536}}},
        (("lib/api/build.rs", r'"VectorParams\.size", "range\(min = 1, max = 65536\)"'),
         ("lib/segment/src/types.rs", r"pub enum Distance \{[^}]*Cosine,[^}]*Euclid,[^}]*Dot,")),
    ),
    "qdrant/1.19.0": (
        "qdrant/qdrant", "v1.19.0",
        {"metrics": {"cosine": "Cosine", "dot": "Dot", "l2": "Euclid"}, "vectors": {"full": {"most": 65536}}},
        (("lib/api/build.rs", r'"VectorParams\.size", "range\(min = 1, max = 65536\)"'),
         ("lib/segment/src/types.rs", r"pub enum Distance \{[^}]*Cosine,[^}]*Euclid,[^}]*Dot,")),
    ),
    "weaviate/1.25.0": (
        "weaviate/weaviate", "v1.25.0",
        {"metrics": {"cosine": "cosine", "dot": "dot", "l2": "l2-squared"}, "vectors": {"full": {"most": 65535}}},
        (("entities/storobj/storage_object.go", r"maxVectorLength +int = math\.MaxUint16"),
         ("entities/vectorindex/common/config.go", r'DistanceL2Squared += "l2-squared"')),
    ),
    "weaviate/1.39.0": (
        "weaviate/weaviate", "v1.39.0",
        {"metrics": {"cosine": "cosine", "dot": "dot", "l2": "l2-squared"}, "vectors": {"full": {"most": 65535}}},
        (("entities/storobj/storage_object.go", r"maxVectorLength +int = math\.MaxUint16"),
         ("entities/vectorindex/common/config.go", r'DistanceL2Squared += "l2-squared"')),
    ),
    "opensearch/3.9.0": (
        "opensearch-project/k-NN", "HEAD",
        {"metrics": {"cosine": "cosinesimil", "dot": "innerproduct", "l2": "l2"}, "vectors": {"full": {"most": 16000}}},
        (("src/main/java/org/opensearch/knn/index/engine/KNNEngine.java", r"KNNEngine\.FAISS,\s+16_000"),
         ("src/main/java/org/opensearch/knn/index/SpaceType.java", r'INNER_PRODUCT\("innerproduct"\)'),
         ("build.gradle", r'"3\.9\.0-SNAPSHOT"')),
    ),
    "redis/8.0.0": (
        "RediSearch/RediSearch", "v8.0.0", {"metrics": {"cosine": "COSINE", "dot": "IP", "l2": "L2"}},
        (("src/vector_index.h", r'VECSIM_METRIC_IP "IP"\s[^!]*VECSIM_METRIC_L2 "L2"\s[^!]*"COSINE"'),),
    ),
    "chroma/1.5": (
        "chroma-core/chroma", "HEAD", {"metrics": {"cosine": "cosine", "dot": "ip", "l2": "l2"}},
        (("chromadb/api/types.py", r'Space = Literal\["cosine", "l2", "ip"\]'),
         ("chromadb/__init__.py", r'__version__ = "1\.5\.')),
    ),
}
PAGES = {
    "milvus/2.0": {
        "vectors": {"full": {"most": 32768}}, "source": "https://milvus.io/docs/v2.0.x/limitations.md",
        "as_of": "2026-11-24",
    },
    "milvus/2.6": {
        "vectors": {"full": {"most": 32768}}, "source": "https://milvus.io/docs/fr/v2.6.x/limitations.md",
        "as_of": "2026-11-24",
    },
}


def reader(clone: Path) -> Callable[..., str]:
    """A `git` that works in a clone."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", clone, *words], capture_output=True, text=True, check=True).stdout

    return git


def pgvector(git: Callable[..., str], version: str, day: str) -> Row:
    """The row of a release, from its headers and its SQL."""
    commit = git("rev-parse", f"v{version}^{{commit}}").strip()

    def define(file: str, name: str) -> int | None:
        try:
            text = git("show", f"{commit}:src/{file}")
        except subprocess.CalledProcessError:
            return None
        found = re.search(rf"#define {name} (\d+)", text)
        return None if found is None else int(found[1])

    classes: dict[str, dict[str, dict[str, str]]] = {}
    sql = git("show", f"{commit}:sql/vector.sql")
    for name, kind, index in re.findall(r"CREATE OPERATOR CLASS (\w+)\s+(?:DEFAULT )?FOR TYPE (\w+) USING (\w+)", sql):
        metric = METRICS.get(name.split("_")[1])
        if index in ("hnsw", "ivfflat") and metric is not None and kind != "sparsevec":
            classes.setdefault(kind, {}).setdefault(index, {})[metric] = name
    for kind, index in re.findall(r"CREATE OPERATOR CLASS bit_hamming_ops\s+FOR TYPE (bit) USING (\w+)", sql):
        classes.setdefault(kind, {})[index] = {"hamming": "bit_hamming_ops"}
    longest = {"hnsw": define("hnsw.h", "HNSW_MAX_DIM"), "ivfflat": define("ivfflat.h", "IVFFLAT_MAX_DIM")}
    columns = {"vector": define("vector.h", "VECTOR_MAX_DIM"), "halfvec": define("halfvec.h", "HALFVEC_MAX_DIM")}
    factors = {"vector": 1, "halfvec": HALF, "bit": BIT}
    for kind, file, factor in (("halfvec", "hnsw", HALF), ("bit", "hnsw", BIT), ("halfvec", "ivf", HALF)):
        name = "HNSW" if file == "hnsw" else "IVFFLAT"
        if kind in classes and f"{name}_MAX_DIM * {factor}," not in git("show", f"{commit}:src/{file}utils.c"):
            raise SystemExit(f"pgvector {version}: the limit of {kind} is no longer {factor} times that of vector")
    vectors = {}
    for word, kind in (("full", "vector"), ("half", "halfvec"), ("binary", "bit")):
        if kind in classes:
            indexed = {index: (longest[index] or 0) * factors[kind] for index in classes[kind]}
            vectors[word] = {"type": kind, "indexed": indexed, "operator_classes": classes[kind]}
            if columns.get(kind) is not None:
                vectors[word]["most"] = columns[kind]
    place = f"github:pgvector/pgvector@{commit}"
    return {
        "as_of": day, "metrics": {"cosine": "<=>", "dot": "<#>", "l2": "<->"}, "vectors": vectors,
        "source": f"{place}:src/vector.h; indexed: {place}:src/ivfflat.h; operators: {place}:sql/vector.sql",
    }


def main() -> int:
    """Look everything up, write the table."""
    command = parser(main.__doc__ or "")
    command.add_argument("clones", type=Path)
    options = command.parse_args()
    git = reader(options.clones / "pgvector+pgvector")
    day = git("log", "-1", "--format=%cs").strip()
    rows = {f"pgvector/{version}": pgvector(git, version, day) for version in PGVECTOR} | PAGES
    for name, (repo, tag, row, places) in PLACES.items():
        git = reader(options.clones / repo.replace("/", "+"))
        commit = git("rev-parse", f"{tag}^{{commit}}").strip()
        for file, pattern in places:
            if not re.search(pattern, git("show", f"{commit}:{file}")):
                raise SystemExit(f"{name}: {file} no longer says {pattern}")
        sources = [f"github:{repo}@{commit}:{file}" for file, _ in places]
        rows[name] = row | {"source": "; ".join(sources), "as_of": git("log", "-1", "--format=%cs", "HEAD").strip()}
    return finish({DATA / "stores.json": render({"rows": rows})}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
