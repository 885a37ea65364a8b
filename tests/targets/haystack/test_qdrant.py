"""The same pipelines on Qdrant: in a database of the client's own, in the place of a server's address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.targets.haystack.support import compiled, run_python
from tests.tools.embeddings import real_embeddings

pytestmark = pytest.mark.tools
INDEX, APP = "generated/dev/haystack/indexes/policies", "generated/dev/haystack/apps/app/answer.yaml"
ASK = """
import json, sys
from pathlib import Path
from haystack import Pipeline
question = "May I bring back shoes that I wore?"
pipeline = Pipeline.loads(Path(sys.argv[1]).read_text())
asked = {"retrieve-embedder": {"text": question}, "answer-prompt": {"question": question}}
print(json.dumps(pipeline.run(asked)["passages"]["output"]))
"""


def test_an_index_is_filled_and_searched(tmp_path: Path) -> None:
    store = "engine: qdrant\nendpoint: http://127.0.0.1:6333\n"
    flow = (
        "access: public\ninputs: {question: string}\nsteps:\n"
        "  retrieve: {index: policies, query: question, top_k: 3, score_threshold: 0.4}\n"
        "  answer: {prompt: answer, model: answerer, with: {passages: retrieve}}\n"
        "outputs: {answer: answer.text, passages: retrieve}\n"
    )
    with real_embeddings([{"echo": "user"}]) as models:
        found, files = compiled("rag", models.base_url, **{
            "conf/store/vectors.yaml": store, "conf/flow/answer.yaml": flow,
        })
        assert not found.failed, found.diagnostics
        for name, data in {**files, **{e.path: e.content for e in found.emitted}}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
        for path in (f"{INDEX}.yaml", APP):
            text = (tmp_path / path).read_text()
            assert text.count("url: http://127.0.0.1:6333") == 1
            (tmp_path / path).write_text(text.replace("url: http://127.0.0.1:6333", "path: data/qdrant"))
        env = {"MODELS_KEY": "k", "QDRANT_URL": "data/qdrant"}
        made = run_python(
            ["generated/project/qdrant/apply.py", "QDRANT_URL", "-", "policies=generated/dev/qdrant/policies.json"],
            tmp_path, env,
        )
        assert "policies is made" in made.output, made
        fill: list[str | Path] = ["generated/project/haystack/fill.py", f"{INDEX}.yaml", f"{INDEX}.json"]
        assert "3 documents, 3 chunks written" in run_python(fill, tmp_path, env).output
        gifts = tmp_path / "data/policies/gifts.md"
        gifts.write_text("Gift cards expire.\n")
        assert "3 documents, 3 chunks written, 1 deleted" in run_python(fill, tmp_path, env).output
        said = run_python(["-c", ASK, APP], tmp_path, env)
    passages = json.loads(next(line for line in said.output.splitlines() if line.startswith("[{")))
    assert [one["meta"]["file"] for one in passages] == ["data/policies/returns.md"], "others score less than 0.4"
