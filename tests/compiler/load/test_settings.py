"""llmops.yaml."""

from __future__ import annotations

import pytest

from llmops.compiler.load import Memory, load
from llmops.compiler.model.request import Request
from tests.compiler.load.kit import BASE, KINDS, found, run

L = "llmops.yaml"
OK = "name: app\nenvironments: {dev: []}\n"

WRONG: list[tuple[str, str, list[tuple[str, int, int]]]] = [
    ("misspelt key", OK + "enviroment: x\n", [("CFG026", 3, 1)]),
    ("no name", "environments: {dev: []}\n", [("CFG026", 1, 1)]),
    ("bad name", "name: My App\nenvironments: {dev: []}\n", [("CFG026", 1, 7)]),
    ("no environments", "name: app\n", [("CFG026", 1, 1)]),
    ("environments as a list", "name: app\nenvironments: [dev]\n", [("CFG026", 2, 15)]),
    ("environment's name", "name: app\nenvironments: {Dev: [], dev: []}\n", [("CFG026", 2, 16)]),
    ("environment called project", "name: app\nenvironments: {project: [], dev: []}\n", [("CFG026", 2, 16)]),
    ("row as text", "name: app\nenvironments: {dev: [], prod: env=prod}\n", [("CFG026", 2, 31)]),
    ("uses", OK + "uses: {platform: {dev: dev}}\n", [("CFG027", 3, 1)]),
    ("workspace", OK + "workspace: {projects: [a]}\n", [("CFG027", 3, 1)]),
    ("requires another", OK + 'requires: ">=99"\n', [("CFG029", 3, 11)]),
    ("requires nonsense", OK + 'requires: "newest"\n', [("CFG026", 3, 11)]),
    ("conf outside", OK + "conf: ../conf\n", [("CFG026", 3, 7)]),
    ("conf absolute", OK + "conf: /etc\n", [("CFG026", 3, 7)]),
    ("search path outside", OK + "search_path: [../../etc]\n", [("CFG030", 3, 15)]),
    ("search path absolute", OK + "search_path: [/etc]\n", [("CFG030", 3, 15)]),
    ("search path of a package", OK + "search_path: ['pkg://os']\n", [("CFG030", 3, 15)]),
    ("search path missing", OK + "search_path: [nowhere]\n", [("CFG030", 3, 15)]),
    ("search path is conf", OK + "search_path: [conf]\n", [("CFG030", 3, 15)]),
    ("search path in a project", OK + "search_path: [other/conf]\n", [("CFG030", 3, 15)]),
    ("repository", OK + "repository: /\n", [("CFG026", 3, 13)]),
    ("level", OK + "rules: {EVL010: fatal}\n", [("CFG026", 3, 17)]),
    ("code", OK + "rules: {evl: error}\n", [("CFG026", 3, 9)]),
    (
        "level off unquoted",
        OK + "rules: {EVL010: off}\n",
        [
            ("CFG018", 3, 17),
        ],
    ),
    ("anchor", OK + "rules: &x {}\n", [("CFG010", 3, 8)]),
]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(t, e, id=name) for name, t, e in WRONG])
def test_wrong(text: str, expected: list[tuple[str, int, int]]) -> None:
    files: dict[str, str | bytes | None] = {L: text, "other/llmops.yaml": OK, "other/conf/model/z.yaml": "id: z\n"}
    assert found(files) == [(code, L, line, column) for code, line, column in expected]


def test_none() -> None:
    outcome = run({L: None})
    assert outcome.value is None
    assert [d.code for d in outcome.diagnostics] == ["CFG025"]


def test_unknown_environment() -> None:
    outcome = run({L: "name: app\nenvironments: {dev: [], prod: []}\n"}, env=("prd",))
    assert [(d.code, d.help) for d in outcome.diagnostics] == [("CFG028", ("did you mean `prod`?",))]


def test_all_keys() -> None:
    text = (
        'name: app\nenvironments: {dev: [], prod: [env=prod]}\nrequires: ">=0.0.1"\nconf: conf\nrepository: .\n'
        'search_path: [shared]\nrules: {EVL010: "off"}\n'
    )
    settings = run({L: text, "shared/model/b.yaml": ""}).value.settings  # type: ignore[union-attr]
    assert settings.environments == {"dev": ("env=dev",), "prod": ("env=prod",)}
    assert (settings.search_path, settings.rules, settings.root, settings.conf) == (
        ("shared",),
        {"EVL010": "off"},
        ".",
        "conf",
    )


def test_a_project_below_the_repository() -> None:
    files = {f"apps/one/{path}": data for path, data in BASE.items()}
    files["apps/one/llmops.yaml"] = "name: one\nenvironments: {dev: []}\nrepository: ../..\nsearch_path: [../shared]\n"
    files["apps/shared/model/b.yaml"] = "id: b\n"
    files["apps/one/conf/config.yaml"] = "defaults: [{model: [a, b]}, {env: dev}]\n"
    outcome = load(Request("apps/one"), Memory(files), KINDS)
    assert outcome.diagnostics == ()
    assert outcome.value
    assert outcome.value.settings.conf == "apps/one/conf"
    assert set(outcome.value.environments["dev"].tree["model"]) == {"a", "b"}
    assert set(outcome.value.sources) >= {"apps/one/llmops.yaml", "apps/shared/model/b.yaml"}


def test_search_path_mistakes() -> None:
    text = OK + "search_path: [shared]\n"
    shared: dict[str, str | bytes | None] = {L: text, "shared/model/a.yaml": "id: other\n"}
    assert found(shared) == [("CFG045", "conf/model/a.yaml", 1, 1)]
    assert found({L: text, "shared/env/dev.yaml": "env: {region: x}\n"}) == [("CFG046", L, 2, 16)]
    assert found({L: text, "shared/config.yaml": "defaults: []\n", "conf/config.yaml": None}) == [("CFG046", "", 0, 0)]


def test_env_is_not_listed() -> None:
    files: dict[str, str | bytes | None] = {"conf/config.yaml": "defaults: [{model: [a]}]\n"}
    assert found(files) == []
    assert found({**files, "conf/env/dev.yaml": "env: {region: x}\n"}) == [("CFG075", L, 2, 16)]
