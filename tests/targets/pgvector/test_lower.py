"""What the target says of an index or a store that PostgreSQL cannot keep as it is asked to."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.test_cases import HERE, project_files

INDEX, STORE = "conf/index/policies.yaml", "conf/store/vectors.yaml"
HEAD = "documents: [policies]\nembedder: embedder\nstore: vectors\n"


def compiled(**changed: str) -> Compilation:
    files = project_files(HERE / "pgvector" / "cases" / "indexes")
    return compile_project(Memory({**files, **{name: text.encode() for name, text in changed.items()}}), Request())


def said(found: Compilation) -> list[tuple[str, str, str, int]]:
    return [
        (d.severity.value, d.message.removeprefix("pgvector cannot express this: "), d.labels[0].span.file,
         d.labels[0].span.line)
        for d in found.diagnostics if d.code == "TGT002"
    ]


FINDINGS: list[tuple[dict[str, str], list[Any]]] = [
    ({INDEX: f"{HEAD}compression: {{type: binary, rescore: true, keep_originals: true}}\n"}, [
        ("warning", "its tables keep no vectors as binary", INDEX, 4),
        ("warning", "vectors are kept once, as they are compressed", INDEX, 4),
        ("warning", "vectors are kept once, as they are compressed", INDEX, 4),
    ]),
    ({INDEX: f"{HEAD}keyword: {{language: englsh}}\nfields: {{year: {{type: integer, facet: true}}}}\n"}, [
        ("warning", "PostgreSQL ships no text search for `englsh`", INDEX, 4),
        ("warning", "it keeps no counts of values", INDEX, 5),
    ]),
    ({"conf/model/embedder.yaml": "provider: openai\nid: an-embedder-of-ours\ntask: embedding\n"}, [
        ("error", "the length of the vectors is not known", "conf/index/lists.yaml", 2),
        ("error", "the length of the vectors is not known", INDEX, 3),
        ("error", "the length of the vectors is not known", "conf/index/tuned.yaml", 3),
    ]),
    ({STORE: 'engine: pgvector\nversion: "0.7"\nendpoint: postgresql://db.example.com/app\ndatabase: app\n'
             "auth: identity\n"}, [
        ("warning", "callers read one variable with all that is needed to connect", STORE, 3),
        ("warning", "the connection string says how callers prove who they are", STORE, 5),
        ("warning", "no image of this version is known", STORE, 2),
        ("warning", "the connection string names the database", STORE, 4),
    ]),
]


@pytest.mark.parametrize(("files", "expected"), FINDINGS, ids=range(len(FINDINGS)))
def test_what_it_cannot_express_is_said(files: dict[str, str], expected: list[Any]) -> None:
    assert sorted(said(compiled(**files))) == sorted(expected)


def test_a_misspelt_engine_beside_others_stops_nothing_else() -> None:
    """The near miss is told; the store whose engine is right is still compiled."""
    found = compiled(**{STORE: "engine: pgvectr\nsecret: vectors\n"})
    assert [d.code for d in found.diagnostics if d.severity in ("error", "warning")] == ["TGT009"]
    assert [e.path for e in found.emitted if e.path.endswith(".sql")] == ["generated/dev/pgvector/words.sql"]
