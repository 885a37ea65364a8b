"""What a project may say: selections, profiles, values; each mistake with its code and place."""

from __future__ import annotations

import pytest

from llmops.compiler.model.keys import Address
from tests.compiler.load.kit import composed, found, run, short

A = "conf/model/a.yaml"
C = "conf/config.yaml"
DEV = "conf/env/dev.yaml"
P = "conf/prompt/p.yaml"


def config(*entries: str) -> dict[str, str]:
    return {C: "defaults:\n" + "".join(f"  - {e}\n" for e in entries)}


# --- what composes ---------------------------------------------------------------------------------------------------


def test_the_smallest_project() -> None:
    made = composed()
    assert made.tree == {"model": {"a": {"provider": "openai", "id": "x"}}}
    assert (made.absent, made.broken) == ({}, frozenset())


def test_a_missing_environment_file_is_empty_and_one_that_is_there_is_merged() -> None:
    files = {
        "llmops.yaml": "name: app\nenvironments: {dev: [], prod: []}\n",
        "conf/env/prod.yaml": "env: {region: eu}\nmodel: {a: {id: y}}\n",
    }
    assert composed(files).tree == {"model": {"a": {"provider": "openai", "id": "x"}}}
    assert composed(files, env="prod").tree == {
        "model": {"a": {"provider": "openai", "id": "y"}},
        "env": {"region": "eu"},
    }


def test_variants_in_folders_axes_and_bases() -> None:
    files = {
        "llmops.yaml": (
            "name: app\nenvironments: {dev: [], prod: [env=prod, serving=local], ci: [env=dev, +extra=more]}\n"
        ),
        C: "defaults:\n  - serving: hosted\n  - env: dev\n  - hardware: null\n",
        "conf/serving/hosted.yaml": "defaults:\n  - /model/hosted: [a]\n",
        "conf/serving/local.yaml": "defaults:\n  - /model/local: [a]\n",
        "conf/extra/more.yaml": "model: {a: {region: ci}}\n",
        "conf/model/a.yaml": None,
        "conf/model/hosted/a.yaml": "provider: openai\nid: h\n",
        "conf/model/local/a.yaml": "defaults: [/model/base/a]\nprovider: local\n",
        "conf/model/base/a.yaml": "provider: none\nregion: here\n",
    }
    assert composed(files).tree == {"model": {"a": {"provider": "openai", "id": "h"}}}
    assert composed(files, env="prod").tree == {"model": {"a": {"provider": "local", "region": "here"}}}
    assert composed(files, env="ci").tree == {"model": {"a": {"provider": "openai", "id": "h", "region": "ci"}}}


def test_the_search_path_shares_files_and_selects_nothing_by_itself() -> None:
    files = {
        "llmops.yaml": "name: app\nenvironments: {dev: []}\nsearch_path: [shared]\n",
        "shared/model/b.yaml": "id: b\n",
        "shared/env/other.yaml": "env: {region: x}\n",
        "shared/model/c.yaml": "id: c\n",
        **config("model: [a, b]", "env: dev"),
    }
    made = composed(files)
    assert made.tree["model"] == {"a": {"provider": "openai", "id": "x"}, "b": {"id": "b"}}
    assert made.absent == {Address("model", "c"): "model/c"}


def test_null_takes_away_and_texts_are_left_alone() -> None:
    files = {
        A: "params: {t: 1, n: 2}\nlimits: {rpm: 5}\ndescription: costs ${HOME} ???\n",
        P: "messages: [{user: '${x} ${'}]\n",
        DEV: "model: {a: {params: {t: null}, limits: null}}\n",
        **config("model: [a]", "prompt: [p]", "env: dev"),
    }
    assert composed(files).tree == {
        "model": {"a": {"params": {"n": 2}, "description": "costs ${HOME} ???"}},
        "prompt": {"p": {"messages": [{"user": "${x} ${"}]}},
    }


def test_null_in_an_open_map_is_carried() -> None:
    assert composed({A: "params: {t: null}\n"}).tree == {"model": {"a": {"params": {"t": None}}}}


def test_interpolation_keeps_types_and_copies_maps() -> None:
    files = {
        A: "id: m-${env.region}-${env.n}\nsize: ${env.n}\nparams: ${env.vars.p}\n",
        DEV: "env: {region: eu, n: 3, vars: {p: {x: [1, '${env.region}'], y: true}}}\n",
    }
    assert composed(files).tree["model"]["a"] == {"id": "m-eu-3", "size": 3, "params": {"x": [1, "eu"], "y": True}}


def test_overrides_of_values() -> None:
    files = {"llmops.yaml": "name: app\nenvironments: {dev: [env=dev, model.a.id=z]}\n"}
    assert composed(files, "+model.a.params={n: 1}", "model.a.provider='o p'").tree["model"]["a"] == {
        "provider": "o p",
        "id": "z",
        "params": {"n": 1},
    }
    assert composed(None, "~model.a.id").tree["model"]["a"] == {"provider": "openai"}
    assert composed({A: "tags: [a, b]\n"}, "model.a.tags.1=c").tree["model"]["a"] == {"tags": ["a", "c"]}


def test_composing_one_environment_leaves_the_others_alone() -> None:
    files = {
        "llmops.yaml": "name: app\nenvironments: {dev: [], prod: []}\n",
        A: "params: {n: 1}\n",
        DEV: "model: {a: {params: {n: 2}}}\n",
    }
    outcome = run(files)
    assert outcome.value
    assert [c.tree["model"]["a"]["params"]["n"] for c in outcome.value.environments.values()] == [2, 1]
    assert set(run(files, env=("prod",)).value.environments) == {"prod"}  # type: ignore[union-attr]


def test_a_mistake_in_many_environments_is_told_once() -> None:
    outcome = run({"llmops.yaml": "name: app\nenvironments: {dev: [], prod: []}\n", A: "id: yes\n"})
    assert [(short(d), d.environments) for d in outcome.diagnostics] == [(("CFG018", A, 1, 5), ("dev", "prod"))]
    assert outcome.value
    assert outcome.value.environments["prod"].broken == {Address("model", "a")}
    assert outcome.value.environments["prod"].tree == {"model": {"a": {"id": "yes"}}}


def test_a_broken_file_has_no_echo() -> None:
    files = {A: "provider: [\n", "conf/model/b.yaml": "id: ${model.a.id}\n", **config("model: [a, b]", "env: dev")}
    outcome = run(files)
    assert [short(d)[:2] for d in outcome.diagnostics] == [("CFG006", A)]
    assert outcome.value
    made = outcome.value.environments["dev"]
    assert made.tree == {"model": {"a": {}, "b": {}}}
    assert made.broken == {Address("model", "a"), Address("model", "b")}


# --- what is refused -------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, str | None], list[tuple[str, str, int, int]]]] = [
    ("header below a comment", {A: "# note\n# @package model.b\nid: x\n"}, [("CFG020", A, 2, 1)]),
    ("header misspelt", {A: "# @pacakge model.b\nid: x\n"}, [("CFG020", A, 1, 1)]),
    ("header with a colon", {A: "# @package: model.b\nid: x\n"}, [("CFG020", A, 1, 1)]),
    ("header below ---", {A: "---\n# @package model.b\nid: x\n"}, [("CFG020", A, 2, 1)]),
    ("header without @", {A: "# package model.b\nid: x\n"}, [("CFG020", A, 1, 1)]),
    ("header with more words", {A: "# @package model.b too\nid: x\n"}, [("CFG020", A, 1, 1)]),
    ("header twice", {A: "# @package model.a\n# @package model.b\nid: x\n"}, [("CFG020", A, 2, 1)]),
    ("header late", {A: "id: x\n" + "#\n" * 600 + "# @package model.b\n"}, [("CFG020", A, 602, 1)]),
    ("hydra header", {A: "# @package hydra.job\nid: x\n"}, [("CFG021", A, 1, 1)]),
    ("global header in a kind's folder", {A: "# @package _global_\nid: x\n"}, [("CFG021", A, 1, 1)]),
    ("header of another kind", {A: "# @package prompt.a\nid: x\n"}, [("CFG021", A, 1, 1)]),
    ("hydra header in a profile", {DEV: "# @package hydra\nid: x\n"}, [("CFG021", DEV, 1, 1)]),
    ("no config.yaml", {C: None}, [("CFG031", "", 0, 0)]),
    (
        "values in config.yaml",
        {C: "defaults:\n  - model: [a]\n  - env: dev\nmodel: {a: {id: z}}\n"},
        [("CFG032", C, 4, 1)],
    ),
    ("number as option", config("model: [5]", "env: dev"), [("CFG033", C, 2, 13)]),
    ("two groups in one entry", config("{model: [a], env: dev}"), [("CFG033", C, 2, 5)]),
    ("unknown file", config("model: [a, answrer]", "env: dev"), [("CFG034", C, 2, 16)]),
    ("unknown folder", config("modle: [a]", "env: dev"), [("CFG034", C, 2, 13)]),
    # the row of the environment replaces the choice, so a slip in config.yaml does no harm
    ("unknown environment file", config("model: [a]", "env: dve"), []),
    ("interpolated", config("model: [a]", "env: ${x}"), [("CFG035", C, 3, 10)]),
    ("parent folder", config("model: [a, ../../x]", "env: dev"), [("CFG036", C, 2, 16)]),
    ("absolute option", config("model: [a, /etc/x]", "env: dev"), [("CFG036", C, 2, 16)]),
    ("package source", config("'pkg://os'", "model: [a]", "env: dev"), [("CFG036", C, 2, 5)]),
    ("hydra group", config("model: [a]", "env: dev", "hydra/launcher: basic"), [("CFG037", C, 4, 5)]),
    ("override in a file", config("model: [a]", "env: dev", "override env: prod"), [("CFG038", C, 4, 5)]),
    ("package in an entry", config("model@model.b: [a]", "env: dev"), [("CFG039", C, 2, 5)]),
    ("kind as one", config("model: a", "env: dev"), [("CFG040", C, 2, 12)]),
    (
        "second choice",
        {**config("model: [a]", "s: x", "env: dev", "s: y"), "conf/s/x.yaml": "", "conf/s/y.yaml": ""},
        [("CFG041", C, 5, 8)],
    ),
    (
        "profile twice",
        {
            **config("model: [a]", "s: [x]", "t: [x]", "env: dev"),
            "conf/s/x.yaml": "",
            "conf/t/x.yaml": "defaults: [/s/x]\n",
        },
        [("CFG042", "conf/t/x.yaml", 1, 12)],
    ),
    (
        "cycle",
        {A: "defaults: [/model/b]\n", "conf/model/b.yaml": "defaults: [/model/a]\n"},
        [("CFG043", "conf/model/b.yaml", 1, 12)],
    ),
    ("itself", {A: "defaults: [a]\n"}, [("CFG043", A, 1, 12)]),
    ("missing choice", config("model: [a]", "env: ???"), [("CFG058", C, 3, 10)]),
    (
        "two files",
        {**config("model: [a]", "model/v: [a]", "env: dev"), "conf/model/v/a.yaml": "id: y\n"},
        [("CFG047", C, 3, 15)],
    ),
    ("yml", {"conf/model/b.yml": ""}, [("CFG048", "conf/model/b.yml", 1, 1)]),
    ("undone", {**config("env: dev", "model: [a]"), DEV: "model: {a: {id: y}}\n"}, [("CFG051", A, 2, 5)]),
    ("unknown resource", {DEV: "model: {b: {id: y}}\n"}, [("CFG052", DEV, 1, 9)]),
    ("not selected", {DEV: "model: {b: {id: y}}\n", "conf/model/b.yaml": "id: z\n"}, [("CFG053", DEV, 1, 9)]),
    ("unknown kind", {DEV: "modle: {a: {id: y}}\n"}, [("CFG054", DEV, 1, 1)]),
    ("null", {A: "id: x\nregion:\n"}, [("CFG055", A, 2, 8)]),
    ("null over nothing", {DEV: "model: {a: {region: null}}\n"}, [("CFG055", DEV, 1, 21)]),
    ("resource taken away", {DEV: "model: {a: null}\n"}, [("CFG056", DEV, 1, 12)]),
    ("kind taken away", {DEV: "model: null\n"}, [("CFG056", DEV, 1, 8)]),
    ("list onto map", {A: "params: {n: 1}\n", DEV: "model: {a: {params: [1]}}\n"}, [("CFG057", DEV, 1, 21)]),
    ("missing value", {A: "id: ???\n"}, [("CFG058", A, 1, 5)]),
    (
        "merge onto interpolation",
        {A: "params: ${env.vars}\n", DEV: "env: {vars: {n: 1}}\nmodel: {a: {params: {m: 1}}}\n"},
        [("CFG059", DEV, 2, 21)],
    ),
    ("malformed", {A: "id: ${env.\n"}, [("CFG061", A, 1, 5)]),
    ("resolver", {A: "id: ${oc.env:HOME}\n"}, [("CFG062", A, 1, 5)]),
    ("relative", {A: "id: ${.region}\n"}, [("CFG063", A, 1, 5)]),
    ("one word", {A: "id: ${HOME}\n"}, [("CFG063", A, 1, 5)]),
    ("in a reference", {A: "replacement: ${env.region}\n", DEV: "env: {region: a}\n"}, [("CFG064", A, 1, 14)]),
    ("reads nothing", {A: "id: ${env.regoin}\n", DEV: "env: {region: a}\n"}, [("CFG065", A, 1, 5)]),
    ("reads null", {A: "id: ${env.vars.x}\n", DEV: "env: {vars: {x: null}}\n"}, [("CFG065", A, 1, 5)]),
    ("circle", {A: "id: ${model.a.region}\nregion: ${model.a.id}\n"}, [("CFG066", A, 1, 5), ("CFG066", A, 2, 9)]),
    ("reads what holds it", {A: "params: {x: '${model.a.params}'}\n"}, [("CFG066", A, 1, 13)]),
    ("map in text", {A: "id: x-${env.vars}\n", DEV: "env: {vars: {n: 1}}\n"}, [("CFG068", A, 1, 5)]),
    ("inside each other", {A: "id: ${env.vars.${env.region}}\n", DEV: "env: {region: a}\n"}, [("CFG069", A, 1, 5)]),
    ("targets of hydra are plain keys", {A: "params: {_target_: os.system}\n"}, []),
]


@pytest.mark.parametrize(("files", "expected"), [pytest.param(f, e, id=name) for name, f, e in REFUSED])
def test_refused(files: dict[str, str | bytes | None], expected: list[tuple[str, str, int, int]]) -> None:
    assert found(files) == expected


OVERRIDES: list[tuple[str, list[tuple[str, int, int]]]] = [
    ("env=prod", [("CFG074", 1, 1)]),
    ("what is this", [("CFG071", 1, 1)]),
    ("model.a.id='x", [("CFG071", 1, 1)]),
    ("model.a.id=a,b", [("CFG072", 1, 1)]),
    ("model.a.id=shuffle([1,2])", [("CFG072", 1, 1)]),
    ("model.a.id=[x,{y:choice(1,2)}]", [("CFG072", 1, 1)]),
    ("hydra.run.dir=/tmp", [("CFG073", 1, 1)]),
    ("hydra.searchpath=[pkg://os]", [("CFG073", 1, 1)]),
    ("hydra/launcher=joblib", [("CFG073", 1, 1)]),
    ("+hydra.job.chdir=true", [("CFG073", 1, 1)]),
    ("model.a.nope=1", [("CFG075", 1, 1)]),
    ("endpoints=loopback", [("CFG034", 1, 1)]),
    ("extra=one", [("CFG075", 1, 1)]),
    ("+extra=two", [("CFG034", 1, 1)]),
    ("+model=a", [("CFG040", 1, 1)]),
    ("+model.a.id=1", [("CFG076", 1, 1)]),
    ("model.a.id.x=1", [("CFG077", 1, 1)]),
    ("model.b.id=1", [("CFG052", 1, 1)]),
    ("~model.a", [("CFG056", 1, 1)]),
    ("model.a=null", [("CFG056", 1, 1)]),
    ("modle.a.id=1", [("CFG054", 1, 1)]),
    ("model.a.id=yes", [("CFG018", 1, 1)]),
    ("model.a.id=012", [("CFG018", 1, 1)]),
    ("model.a.id=nan", [("CFG019", 1, 1)]),
    ("model.a.size=99999999999999999999", [("CFG019", 1, 1)]),
    ("model.a.id=" + "[" * 40 + "]" * 40, [("CFG007", 1, 1)]),
    ("+model.a.params" + ".x" * 4000 + "=1", [("CFG007", 1, 1)]),
    ("+model.a.params.x=" + "[" * 16 + "]" * 16, []),
    ("model.a.id=" + "x" * 20_000, [("CFG009", 1, 1)]),
    ("model.a.id='a\x07b'", [("CFG003", 1, 1)]),
    ("model.a.id=${oc.env:HOME}", [("CFG062", 1, 1)]),
    ("model.a.id=null", []),
    ("++model.a.region=null", [("CFG055", 1, 1)]),
    ("model.a.id='${env.nope}'", [("CFG065", 1, 1)]),
    ("model@model.z=[a]", [("CFG039", 1, 1)]),
    ("+extra=../x", [("CFG036", 1, 1)]),
]


@pytest.mark.parametrize(("text", "expected"), OVERRIDES)
def test_refused_override(text: str, expected: list[tuple[str, int, int]]) -> None:
    files: dict[str, str | bytes | None] = {"conf/extra/one.yaml": "", DEV: "env: {region: a}\n"}
    assert found(files, text) == [(c, "<override 1>", line, column) for c, line, column in expected]


def test_an_override_in_llmops_yaml_is_shown_there() -> None:
    text = 'name: app\nenvironments:\n  dev: [env=dev, "model.a.id=a,b"]\n'
    assert found({"llmops.yaml": text}) == [("CFG072", "llmops.yaml", 3, 18)]


def test_both_places_are_shown() -> None:
    outcome = run({**config("env: dev", "model: [a]"), DEV: "model: {a: {id: y}}\n"})
    places = [(p.span.file, p.span.line, p.span.column, p.text) for p in outcome.diagnostics[0].labels]
    assert places == [
        (A, 2, 5, ""),
        (DEV, 1, 17, "the profile says so"),
        (C, 3, 13, "selected here, after the profile"),
    ]
    outcome = run({**config("model: [a]", "model/v: [a]", "env: dev"), "conf/model/v/a.yaml": "id: y\n"})
    places = [(p.span.file, p.span.line, p.span.column, p.text) for p in outcome.diagnostics[0].labels]
    assert places == [(C, 3, 15, "selects conf/model/v/a.yaml"), (C, 2, 13, "selects conf/model/a.yaml")]


def test_nearest_names_are_offered() -> None:
    assert run(config("model: [a, answrer]", "env: dev")).diagnostics[0].help == ("there are `a`",)
    files = {**config("model: [answerr]", "env: dev"), "conf/model/answerer.yaml": ""}
    assert run(files).diagnostics[0].help == ("did you mean `answerer`?",)
    assert run(
        {DEV: "model: {answer: {id: y}}\n", "conf/model/answerer.yaml": "", **config("model: [answerer]", "env: dev")}
    ).diagnostics[0].help == ("did you mean `answerer`?",)
