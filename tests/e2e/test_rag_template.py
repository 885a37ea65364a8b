"""What `init --template rag` starts is an app that runs: tables made, index filled, and its eval passed.

Real are PostgreSQL with pgvector, Haystack, hayhooks, promptfoo and an embedder's weights. The chat model repeats what
it hears, so an answer holds the fact that the eval asks for only where the right passage was found: without it, the
eval is red.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmops.compiler.cli import templates
from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.haystack.support import hayhooks, run_python
from tests.tools.embeddings import real_embeddings
from tests.tools.postgres import postgres
from tests.tools.toolbox import promptfoo_eval

pytestmark = pytest.mark.tools

EMBEDDER = (
    "weights: {repo: sentence-transformers/all-MiniLM-L6-v2, revision: c9745ed1d9f207416be6d2e6f8de32d1f16199bf}\n"
    'endpoint: {url: "https://models.example.com/v1", auth: none}\n'
)
"""In place of the template's, whose weights cannot be had here."""
GATEWAY, APP = b"http://127.0.0.1:4000/v1", b"http://127.0.0.1:1416/"
TABLES, INDEX = "generated/dev/pgvector/policies.sql", "generated/dev/haystack/indexes/policies"


def test_the_app_of_the_template_passes_its_eval(tmp_path: Path) -> None:
    project = {path: text.encode() for path, text in templates.read("rag").items()}
    project["llmops.yaml"] = project["llmops.yaml"].replace(b"PROJECT_NAME", b"shop")
    project["conf/model/embedder.yaml"] = EMBEDDER.encode()
    result = compile_project(Memory(project), Request())
    assert [str(one.severity) for one in result.diagnostics if one.severity != "info"] == []
    with real_embeddings([{"when": {"path": "completions"}, "echo": "user"}]) as models, postgres() as server:
        for path, content in {**project, **{one.path: one.content for one in result.emitted}}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content.replace(GATEWAY, models.base_url.encode()))
        env = {"PG_CONN_STR": server.database("shop")}
        made = run_python(["generated/project/pgvector/apply.py", "PG_CONN_STR", TABLES], tmp_path, env)
        assert made.ok, made
        fetched = run_python(["generated/project/haystack/fill.py", "--fetch", f"{INDEX}.yaml"], tmp_path, env)
        assert fetched.ok, fetched
        filled = run_python(["generated/project/haystack/fill.py", f"{INDEX}.yaml", f"{INDEX}.json"], tmp_path, env)
        assert "policies: 3 documents, 3 chunks written, 0 deleted" in filled.output, filled
        with hayhooks(tmp_path, "generated/dev/haystack/apps/app", env) as app:
            suite = tmp_path / "generated/dev/promptfoo/quality.yaml"
            suite.write_bytes(suite.read_bytes().replace(APP, f"{app.url}/".encode()))
            done = promptfoo_eval(suite, tmp_path / "results.json")
            assert done.ok, (done, app.log())
            server.sql("DELETE FROM policies WHERE content LIKE '# Returns%'", "shop")
            without = promptfoo_eval(suite, tmp_path / "without.json")
            assert without.exit_code == 100, (without, app.log())
    stats = json.loads((tmp_path / "results.json").read_text())["results"]["stats"]
    assert (stats["successes"], stats["failures"], stats["errors"]) == (2, 0, 0)
