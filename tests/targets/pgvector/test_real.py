"""Every generated migration on a real PostgreSQL with pgvector: run twice, looked at, and refused where it is wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.compiler.emit.escapes import CANARIES
from llmops.compiler.model.target import Refusal
from llmops.targets.pgvector import sql
from tests.targets.test_cases import HERE, compile_case
from tests.tools.postgres import DatabaseError, Postgres, postgres
from tests.tools.toolbox import ToolResult, run_tool, tool_python

pytestmark = pytest.mark.tools
FOLDER = "generated/dev/pgvector"
INDEXES = """
SELECT c.relname, am.amname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam WHERE i.indrelid = '{table}'::regclass AND NOT i.indisprimary ORDER BY c.relname
"""


@pytest.fixture(scope="module")
def compiled() -> dict[str, str]:
    result = compile_case(HERE / "pgvector" / "cases" / "indexes")
    return {e.path: e.content.decode() for e in result.emitted if e.target == "pgvector"}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def migrations(compiled: dict[str, str]) -> dict[str, str]:
    return {path.rpartition("/")[2]: text for path, text in compiled.items() if path.endswith(".sql")}


def test_each_file_can_be_run_again(compiled: dict[str, str], server: Postgres) -> None:
    server.database("twice")
    files = migrations(compiled)
    assert sorted(files) == ["lists.sql", "policies.sql", "tuned.sql", "words.sql"]
    for text in (*files.values(), *files.values()):
        server.sql(text, "twice")
    tables = server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'search' ORDER BY 1", "twice")
    long = "a_name_of_sixty_characters_which_with_any_suffix_is_too_long"
    assert [row[0] for row in tables] == ["Tuned-v2", long, "policies", "words"]
    tuned = {name: (kind, text) for name, kind, text in server.sql(INDEXES.format(table='search."Tuned-v2"'), "twice")}
    assert {name: kind for name, (kind, _) in tuned.items()} == {
        "Tuned-v2.vector": "hnsw", "Tuned-v2.keyword": "gin", "Tuned-v2.field.language": "btree",
        "Tuned-v2.field.tenant": "btree", "Tuned-v2.field.year": "btree",
    }
    graph = "USING hnsw (embedding halfvec_ip_ops) WITH (m='24', ef_construction='128')"
    assert tuned["Tuned-v2.vector"][1].endswith(graph)
    assert "to_tsvector('german'::regconfig, content)" in tuned["Tuned-v2.keyword"][1]
    assert [len(name) <= 63 for name, *_ in server.sql(INDEXES.format(table=f'search."{long}"'), "twice")] == [True] * 2


def test_searches_use_the_indexes(compiled: dict[str, str], server: Postgres) -> None:
    server.database("used")
    server.sql(migrations(compiled)["tuned.sql"], "used")
    zeros = ",".join(["1", *["0"] * 383])
    row = '{"language": "de", "year": 2026, "tenant": "a"}'
    server.sql(
        f"INSERT INTO search.\"Tuned-v2\" (id, embedding, content, meta) VALUES ('1', '[{zeros}]', 'Schuhe', '{row}')",
        "used",
    )
    for where, name in (
        ("(meta->>'year')::integer = 2026", "Tuned-v2.field.year"),
        ("meta->>'tenant' = 'a'", "Tuned-v2.field.tenant"),
        ("to_tsvector('german', content) @@ plainto_tsquery('german', 'Schuh')", "Tuned-v2.keyword"),
    ):
        query = f'SET enable_seqscan = off; EXPLAIN SELECT id FROM search."Tuned-v2" WHERE {where}'
        plan = "\n".join(row[0] for row in server.sql(query, "used"))
        assert f'"{name}"' in plan, plan
        found = server.sql(f'SELECT id FROM search."Tuned-v2" WHERE {where}', "used")
        assert found == [["1"]]
    order = f"ORDER BY embedding <#> '[{zeros}]' LIMIT 1"
    near = server.sql(f'SET enable_seqscan = off; EXPLAIN SELECT id FROM search."Tuned-v2" {order}', "used")
    assert '"Tuned-v2.vector"' in "\n".join(row[0] for row in near)


BROKEN = (
    ("vector(384)", "vector(99999)", "dimensions for type vector cannot exceed 16000"),
    ("vector(384)", "vector(3000)", "column cannot have more than 2000 dimensions for hnsw index"),
    ("vector_cosine_ops", "vector_cosin_ops", 'operator class "vector_cosin_ops" does not exist'),
    ("'english'", "'klingon'", 'text search configuration "klingon" does not exist'),
)


@pytest.mark.parametrize(("right", "wrong", "words"), BROKEN)
def test_a_broken_twin_is_refused(
    compiled: dict[str, str], server: Postgres, right: str, wrong: str, words: str
) -> None:
    text = migrations(compiled)["policies.sql"]
    assert right in text
    name = "broken_" + re.sub(r"\W", "_", wrong)
    server.database(name)
    with pytest.raises(DatabaseError, match=words.replace("(", r"\(")):
        server.sql(text.replace(right, wrong), name)


def test_other_vectors_and_another_metric_are_told(compiled: dict[str, str], server: Postgres) -> None:
    """`IF NOT EXISTS` alone would pass over both without a word."""
    server.database("changed")
    text = migrations(compiled)["policies.sql"]
    server.sql(text, "changed")
    with pytest.raises(DatabaseError, match=r'the table "search"\."policies" holds other vectors'):
        server.sql(text.replace("vector(384)", "vector(768)"), "changed")
    with pytest.raises(DatabaseError, match=r'the index "search"\."policies\.vector" compares by'):
        server.sql(text.replace("vector_cosine_ops", "vector_l2_ops"), "changed")
    zeros = ",".join(["0.5"] * 383)
    with pytest.raises(DatabaseError, match="expected 384 dimensions, not 383"):
        server.sql(f"INSERT INTO search.policies (id, embedding) VALUES ('1', '[{zeros}]')", "changed")


def test_the_script_applies_them(compiled: dict[str, str], server: Postgres, tmp_path: Path) -> None:
    for path, text in compiled.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    uri = server.database("applied")

    def run(*names: str, value: str = uri) -> ToolResult:
        script = "generated/project/pgvector/apply.py"
        words: list[str | Path] = [tool_python("retrieval"), script, "VECTORS_DATABASE"]
        words += [f"{FOLDER}/{name}" for name in names]
        return run_tool(words, tmp_path, {"VECTORS_DATABASE": value} if value else {})

    done = run("policies.sql", "tuned.sql")
    told = [f"{FOLDER}/policies.sql: done", f"{FOLDER}/tuned.sql: done"]
    assert (done.exit_code, done.output.splitlines()) == (0, told)
    broken = (tmp_path / FOLDER / "lists.sql").read_text().replace("lists = 50", "lists = 0")
    (tmp_path / FOLDER / "broken.sql").write_text(broken)
    refused = run("broken.sql")
    assert refused.exit_code == 1
    assert 'value 0 out of bounds for option "lists"' in refused.output
    left = server.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'search'", "applied")
    assert left == [[2]], "a file that fails leaves nothing behind"
    assert run("policies.sql", value="").exit_code == 2


def test_hostile_texts_are_what_they_say(server: Postgres) -> None:
    kept = []
    for text in CANARIES:
        with contextlib.suppress(Refusal):
            kept.append((text, sql.literal(text)))
    found = server.sql("SELECT " + ", ".join(literal for _, literal in kept))
    assert found == [[text for text, _ in kept]]
    assert [text for text in CANARIES if text not in dict(kept)] == [text for text in CANARIES if "\x00" in text]
    names = [text for text in CANARIES if text.isprintable() and 0 < len(text.encode()) <= 63]
    for settings in ("on", "off"):
        for text in names:
            query = f"SET standard_conforming_strings = {settings}; SELECT 1 AS {sql.name(text)}"
            assert server.sql(query) == [[1]], text
