"""Each body is read by the client's models, made twice in a database of the client's own, filled and searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmops.targets.qdrant.known import check
from tests.targets.test_cases import HERE, compile_case
from tests.tools.toolbox import ToolResult, run_tool, tool_python

pytestmark = pytest.mark.tools
FOLDER = "generated/dev/qdrant"
NAMES = {"policies": "policies", "policies_v2": "tuned", "half": "half", "several": "several"}
USE = """
import json, sys
from qdrant_client import QdrantClient, models
client = QdrantClient(path=sys.argv[1])
said = {}
for name in sorted(c.name for c in client.get_collections().collections):
    vectors = client.get_collection(name).config.params.vectors
    said[name] = {k: v.size for k, v in vectors.items()} if isinstance(vectors, dict) else vectors.size
one = [1.0] + [0.0] * 383
point = models.PointStruct(id=1, vector=one, payload={"content": "shoes", "meta": {"year": 2026}})
client.upsert("policies_v2", [point])
match = models.FieldCondition(key="meta.year", match=models.MatchValue(value=2026))
only = models.Filter(must=[match])
found = client.query_points("policies_v2", query=one, query_filter=only, with_payload=True).points
said["found"] = [p.payload["content"] for p in found]
try:
    client.upsert("policies_v2", [models.PointStruct(id=2, vector=one[:-1])])
except Exception as error:
    said["short"] = str(error)
print(json.dumps(said))
"""
READ = """
import json, sys
from pathlib import Path
from qdrant_client import models
for path in sys.argv[1:]:
    data = json.loads(Path(path).read_text())
    try:
        if isinstance(data, list):
            [models.CreateFieldIndex.model_validate(one) for one in data]
        else:
            models.CreateCollection.model_validate(data)
        print(path, "read")
    except Exception as error:
        print(path, str(error).replace(chr(10), " "))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = compile_case(HERE / "qdrant" / "cases" / "indexes")
    made = tmp_path_factory.mktemp("qdrant")
    for emitted in result.emitted:
        (made / emitted.path).parent.mkdir(parents=True, exist_ok=True)
        (made / emitted.path).write_bytes(emitted.content)
    return made


def apply(folder: Path, database: str, *words: str) -> ToolResult:
    script = "generated/project/qdrant/apply.py"
    return run_tool([tool_python("haystack"), script, "VECTORS", "-", *words], folder, {"VECTORS": database})


def test_collections_are_made_once_and_can_be_used(folder: Path) -> None:
    words = [f"{name}={FOLDER}/{index}.json" for name, index in NAMES.items()]
    first = apply(folder, "data", *words)
    assert first.ok, first
    assert [line for line in first.output.splitlines() if " is " in line] == [f"{name} is made" for name in NAMES]
    again = apply(folder, "data", *words)
    assert [line for line in again.output.splitlines() if " is " in line] == [
        f"{name} is there already" for name in NAMES
    ]
    used = run_tool([tool_python("haystack"), "-c", USE, "data"], folder)
    assert used.ok, used
    said = json.loads(used.output.splitlines()[-1])
    short = said.pop("short")
    assert "384" in short or "shape" in short, short
    assert said == {
        "policies": 384, "policies_v2": 384, "half": 384, "several": {"text": 384, "title": 1536}, "found": ["shoes"],
    }
    other = json.loads((folder / FOLDER / "policies.json").read_text())
    other["vectors"]["size"] = 383
    (folder / "other.json").write_text(json.dumps(other))
    (folder / "other.fields.json").write_text("[]")
    refused = apply(folder, "data", "policies=other.json")
    assert refused.exit_code == 1
    assert "the collection policies holds other vectors ({'': (384, 'Cosine')})" in refused.output


def changed(folder: Path, name: str, *keys: Any, value: Any) -> Any:
    data = json.loads((folder / FOLDER / name).read_text())
    at = data
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value
    return data


def test_broken_twins_are_refused_by_the_client_and_by_us(folder: Path) -> None:
    right = sorted(path.name for path in (folder / FOLDER).glob("*.json"))
    twins = [
        ("policies.json", changed(folder, "policies.json", "vectors", "distance", value="Cosin"), "Cosin"),
        ("policies.json", changed(folder, "policies.json", "vektors", value={}), "vektors"),
        ("tuned.json", changed(folder, "tuned.json", "hnsw_config", "ef_constuct", value=9), "ef_constuct"),
        ("tuned.json", changed(folder, "tuned.json", "quantization_config", "scalar", "kind", value="int8"), "kind"),
        ("tuned.fields.json", changed(folder, "tuned.fields.json", 1, "field_schema", value="integr"), "integr"),
    ]
    paths = []
    for number, (name, data, _) in enumerate(twins):
        paths.append(f"broken/{number}-{name}")
        (folder / "broken").mkdir(exist_ok=True)
        (folder / paths[-1]).write_text(json.dumps(data))
    words: list[str | Path] = [tool_python("haystack"), "-c", READ, *(f"{FOLDER}/{name}" for name in right), *paths]
    said = run_tool(words, folder).output.splitlines()
    assert [line for line in said if line.startswith(FOLDER)] == [f"{FOLDER}/{name} read" for name in right]
    for path, (name, data, word) in zip(paths, twins, strict=True):
        line = next(line for line in said if line.startswith(path))
        assert not line.endswith(" read"), line
        (complaint,) = check(name, data)
        assert f"`{word}`" in complaint
    for name in right:
        assert list(check(name, json.loads((folder / FOLDER / name).read_text()))) == []


def test_what_the_client_lets_pass_we_do_not(folder: Path) -> None:
    data = changed(folder, "policies.json", "vectors", "size", value=0)
    assert list(check("policies.json", data)) == ["the vector has no length: 0"]
