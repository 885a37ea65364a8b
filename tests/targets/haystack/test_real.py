"""The compiled app runs: tables made, index filled, flow served, and a question answered from what was found.

Real are PostgreSQL with pgvector, Haystack, hayhooks and the embedder's weights; the chat model repeats what it hears.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.targets.haystack.support import App, hayhooks, run_python, written
from tests.tools.embeddings import RealEmbeddings, real_embeddings
from tests.tools.postgres import Postgres, postgres
from tests.tools.toolbox import ToolResult

pytestmark = pytest.mark.tools
INDEX = "generated/dev/haystack/indexes/policies"


@dataclass(frozen=True, slots=True)
class Running:
    folder: Path
    models: RealEmbeddings
    server: Postgres
    env: dict[str, str]

    def fill(self) -> ToolResult:
        words: list[str | Path] = ["generated/project/haystack/fill.py", f"{INDEX}.yaml", f"{INDEX}.json"]
        return run_python(words, self.folder, self.env)

    def chunks(self) -> list[str]:
        return [row[0] for row in self.server.sql("SELECT content FROM policies ORDER BY content", "rag")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Tables made and the index filled."""
    with real_embeddings([{"when": {"path": "completions"}, "echo": "user"}]) as models, postgres() as server:
        folder = written("rag", tmp_path_factory.mktemp("rag"), models.base_url)
        env = {"MODELS_KEY": "sk-models", "VECTORS_DATABASE": server.database("rag")}
        tables = "generated/dev/pgvector/policies.sql"
        made = run_python(["generated/project/pgvector/apply.py", "VECTORS_DATABASE", tables], folder, env)
        assert made.ok, made
        one = Running(folder, models, server, env)
        done = one.fill()
        assert "policies: 3 documents, 3 chunks written, 0 deleted" in done.output, done
        yield one


@pytest.fixture(scope="module")
def app(running: Running) -> Iterator[App]:
    with hayhooks(running.folder, "generated/dev/haystack/apps/app", running.env) as served:
        yield served


def test_the_app_answers_from_what_it_finds(running: Running, app: App) -> None:
    reply = app.ask("/answer/run", question="May I bring back shoes that I wore?")
    assert reply.status == 200, app.log()
    result = reply.body["result"]
    best, second = result["passages"]["output"]
    assert best == {
        "content": "# Returns\n\nWorn shoes may be returned within 30 days.\n", "score": best["score"],
        "meta": {"file": "data/policies/returns.md"},
    }
    assert best["score"] > 0.4 > second["score"]
    assert "Worn shoes may be returned within 30 days." in result["answer"]["output"]
    assert result["answer"]["output"].endswith("Question: May I bring back shoes that I wore?")
    asked = [r for r in running.models.requests if r["path"] == "/chat/completions"]
    assert asked[-1]["system"] == "You answer customers of a shoe shop by the passages that you are given."
    assert asked[-1]["bearer"] == "sk-models"
    assert {key: asked[-1]["body"][key] for key in ("model", "temperature", "max_tokens")} == {
        "model": "gpt-4o-mini-2024-07-18", "temperature": 0, "max_tokens": 300,
    }


def test_nobody_may_send_the_app_other_pipelines(app: App) -> None:
    files = {"pipeline_wrapper.py": "raise SystemExit"}
    assert app.ask("/deploy_files", name="mine", files=files).status == 404
    assert app.ask("/undeploy/answer").status == 404
    assert app.ask("/answer/run").status == 422


def test_filling_again_changes_what_changed(running: Running) -> None:
    before = running.chunks()
    assert running.fill().output.endswith("3 documents, 3 chunks written, 0 deleted\n")
    assert running.chunks() == before
    file = running.folder / "data/policies/gifts.md"
    file.write_text(file.read_text().replace("never expire", "expire after ten years"))
    assert running.fill().output.endswith("3 documents, 3 chunks written, 1 deleted\n")
    assert [chunk for chunk in running.chunks() if chunk not in before] == [file.read_text()]


def test_vectors_of_another_length_do_not_get_in(running: Running) -> None:
    """The pipeline and the table each hold the length: where they differ, nothing is written."""
    path = running.folder / f"{INDEX}.yaml"
    text = path.read_text()
    path.write_text(text.replace("table_name: policies", "table_name: narrow").replace(
        "keyword_index_name: policies.keyword", "keyword_index_name: narrow.keyword").replace(
        "hnsw_index_name: policies.vector", "hnsw_index_name: narrow.vector"))
    running.server.sql((running.folder / "generated/dev/pgvector/policies.sql").read_text().replace(
        '"policies', '"narrow').replace("vector(384)", "vector(383)"), "rag")
    done = running.fill()
    path.write_text(text)
    assert not done.ok
    assert "expected 383 dimensions, not 384" in done.output
    assert running.server.sql("SELECT count(*) FROM narrow", "rag") == [[0]]


BROKEN = (
    ("receiver: answer-prompt.passages", "receiver: answer-prompt.passage", "passage"),
    ("top_k: 2", "topk: 2", "topk"),
    ("ChatPromptBuilder\n", "ChatPromptBilder\n", "ChatPromptBilder"),
    ("receiver: answer-model.messages", "receiver: retrieve-retriever.top_k", "answer-prompt.prompt"),
)
LOAD = """
import sys
from pathlib import Path
from haystack import Pipeline
for path in sys.argv[1:]:
    try:
        Pipeline.loads(Path(path).read_text())
        print(path, "loaded")
    except Exception as error:
        print(path, type(error).__name__, str(error).replace(chr(10), " "))
"""


def test_broken_twins_do_not_load(running: Running, tmp_path: Path) -> None:
    right = (running.folder / "generated/dev/haystack/apps/app/answer.yaml").read_text()
    paths = []
    for number, (good, bad, _) in enumerate(BROKEN):
        assert right.count(good) == 1, good
        (tmp_path / f"{number}.yaml").write_text(right.replace(good, bad))
        paths.append(f"{number}.yaml")
    (tmp_path / "right.yaml").write_text(right)
    said = run_python(["-c", LOAD, "right.yaml", *paths], tmp_path, running.env).output.splitlines()
    assert "right.yaml loaded" in said
    for number, (_, _, word) in enumerate(BROKEN):
        line = next(line for line in said if line.startswith(f"{number}.yaml"))
        assert word in line, line
        assert "loaded" not in line


