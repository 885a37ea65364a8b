"""What a pipeline cannot say to GitHub Actions, and how texts are written."""

from __future__ import annotations

import pytest

from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import At
from llmops.targets.github_actions.triggers import _as_cron
from llmops.targets.github_actions.words import Script, filter_pattern, pathspec
from tests.support.projects import MINIMAL
from tests.targets.github_actions.support import compiled, workflows

HEAD = "engine: github-actions\n"
STAGES = "stages: {quality: {eval: [quality]}}\n"


def unsupported(pipeline: str, more: dict[str, str] | None = None) -> list[str]:
    result = compiled({**MINIMAL, "conf/pipeline/pull_request.yaml": HEAD + pipeline, **(more or {})})
    return [d.message.removeprefix("github-actions cannot express this: ") for d in result.diagnostics
            if d.code == "TGT002"]


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("triggers: {push: {}, comment: {command: /go, by: [member]}}\n" + STAGES, "a comment runs with the rights"),
        ('triggers: {schedule: {cron: "0 2 * * *", timezone: Europe/Berlin}}\n' + STAGES, "schedules run in UTC"),
        ('triggers: {push: {}, schedule: {cron: "0 2 ? * 2#1"}}\n' + STAGES, "its cron knows"),
        ("triggers: {push: {}, schedule: {every: 7h}}\n" + STAGES, "cron counts within"),
        ("triggers: {manual: {inputs: {n: {type: choice}}}}\n" + STAGES, "a choice needs"),
        ("triggers: {manual: {inputs: {n: {type: number, default: many}}}}\n" + STAGES, "the default of a number"),
        ("triggers: {manual: {inputs: {n: {type: boolean, default: maybe}}}}\n" + STAGES, "the default of a boolean"),
        ("triggers: {manual: {inputs: {n: {options: [a]}}}}\n" + STAGES, "only a choice has options"),
        ("triggers: {manual: {inputs: {n: {type: choice, options: [a], default: b}}}}\n" + STAGES, "is none of"),
        ("triggers: {call: {inputs: {n: {type: choice, options: [a]}}}}\n" + STAGES, "has no choices"),
        ("triggers: {push: {}}\npermissions: {everything: write}\n" + STAGES, "Actions has no permission"),
        ("triggers: {push: {}}\nlogin: {aws: {role: r}}\n" + STAGES, "the login of AWS needs `region`"),
        ("triggers: {push: {}}\nlogin: {aws: {role: r, region: eu, tenant: t}}\n" + STAGES, "asks for no tenant"),
        ("triggers: {push: {}}\nstages: {t: {run: make, matrix: {include: [a]}}}\n", "`include` and `exclude`"),
        ("triggers: {push: {}}\nstages: {t: {run: make, artifacts: [\"a\\nb\"]}}\n", "one line of visible"),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_said(pipeline: str, said: str) -> None:
    assert [m for m in unsupported(pipeline) if said in m], unsupported(pipeline)


def test_without_a_trigger_there_is_no_workflow() -> None:
    text = HEAD + "triggers: {comment: {command: /go, by: [member]}}\n" + STAGES
    assert workflows(compiled({**MINIMAL, "conf/pipeline/pull_request.yaml": text})) == {}


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [(300, "*/5 * * * *"), (1800, "*/30 * * * *"), (3600, "0 * * * *"), (43200, "0 */12 * * *"), (86400, "0 0 * * *"),
     (604800, "0 0 * * 0"), (60, None), (2400, None), (25200, None), (172800, None), (450.5, None)],
)  # fmt: skip
def test_every(seconds: float, cron: str | None) -> None:
    assert _as_cron(seconds) == cron


@pytest.mark.parametrize(
    ("path", "glob", "pattern"),
    [
        ("conf/a.yaml", False, "conf/a.yaml"), ("a [1]+?!.md", False, r"a \[1\]\+\?\!.md"), ("!a", False, r"\!a"),
        ("data/*.md", True, "data/*.md"), ("data/**/x?.md", True, "data/**/x*.md"),
        ("c++/[ab].md", True, r"c\+\+/*.md"),
        ("a[.md", True, r"a\[.md"), (" a\nb ", False, "*a*b*"),
    ],
)  # fmt: skip
def test_patterns_of_paths(path: str, glob: bool, pattern: str) -> None:
    assert filter_pattern(path, glob) == pattern


def test_git_takes_a_path_for_what_it_is() -> None:
    assert (pathspec(":x", False), pathspec("a/*", True)) == (":(top,literal):x", ":(top,glob)a/*")
    assert pathspec("a*\nb", False) == r":(top,glob)a\*?b"


def test_only_harmless_words_stand_in_a_script() -> None:
    port = Sourced("4000", (At("dev", ("gateway", "main")),), raw=True)
    script = Script()
    script.add([literal("serve"), literal("--port"), port, "--file", "a b", literal("$(id)"), literal("${{ x }}")])
    assert script.run().value == 'serve --port "$LLMOPS_PORT" --file "$LLMOPS_FILE" "$LLMOPS_WORD" "$LLMOPS_WORD_2"'
    assert {name: word.value for name, word in script.env.items()} == {
        "LLMOPS_PORT": "4000", "LLMOPS_FILE": "a b", "LLMOPS_WORD": "$(id)", "LLMOPS_WORD_2": "${{ x }}",
    }  # fmt: skip
    assert not any(word.raw for word in script.env.values())


DATA = {
    "conf/dataset/texts.yaml": "rows: [{vars: {text: hello}}]\ntrust: trusted\nsensitivity: personal\n",
    "conf/dataset/kept.yaml": "derive: {from: [texts], recipe: decontaminated, runner: dvc, against: [texts]}\n"
    "trust: trusted\nsensitivity: public\n",
    "conf/config.yaml": MINIMAL["conf/config.yaml"].replace("  - eval:", "  - dataset: [texts, kept]\n  - eval:"),
}


def test_a_dataset_that_nobody_makes_is_told() -> None:
    found = unsupported("triggers: {push: {}}\nstages: {data: {dataset: [texts]}}\n", DATA)
    assert found == ["no target of this environment makes dataset.texts"]


def test_nothing_is_kept_of_personal_data() -> None:
    text = HEAD + "triggers: {push: {}}\nstages: {data: {dataset: [kept]}}\n"
    (made,) = workflows(compiled({**MINIMAL, **DATA, "conf/pipeline/pull_request.yaml": text})).values()
    assert "dvc.yaml:kept" in made
    assert "upload-artifact" not in made
    (other,) = workflows(compiled({
        **MINIMAL, **DATA, "conf/pipeline/pull_request.yaml": text,
        "conf/dataset/texts.yaml": DATA["conf/dataset/texts.yaml"].replace("personal", "internal"),
    })).values()  # fmt: skip
    assert "name: data-results" in other
