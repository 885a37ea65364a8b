"""What a pipeline cannot say to GitHub Actions, and how texts are written."""

from __future__ import annotations

import pytest
import yaml

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


STAGED = {
    **DATA,
    "conf/dataset/chats.yaml": 'rows: [{vars: {messages: [{role: user, content: "hi"}]}}]\n'
    "columns: {messages: messages}\ntrust: trusted\nsensitivity: public\n",
    "conf/dataset/pages.yaml": 'rows: [{vars: {text: "hi"}}]\ntrust: trusted\nsensitivity: public\n',
    "conf/model/base.yaml": 'weights: {uri: "file:///models/tiny"}\n',
    "conf/finetune/tone.yaml": "base: base\ndata: {chats: {}}\nmethod: sft\ntrainer: trl\nhardware: {cpu: 2}\n",
    "conf/store/vectors.yaml": 'engine: pgvector\nversion: "0.8"\nsecret: vectors\n',
    "conf/secret/vectors.yaml": "variable: VECTORS_DATABASE\n",
    "conf/index/pages.yaml": "documents: [pages]\nrunner: haystack\nchunking: {by: characters, size: 200}\n"
    "keyword: {language: english}\nstore: vectors\n",
    "conf/config.yaml": MINIMAL["conf/config.yaml"].replace("model: [answerer]", "model: [answerer, base]").replace(
        "  - eval:", "  - dataset: [chats, pages]\n  - finetune: [tone]\n  - store: [vectors]\n  - secret: [vectors]\n"
        "  - index: [pages]\n  - eval:",
    ),
}  # fmt: skip


def test_an_index_is_filled_and_a_model_trained() -> None:
    text = "triggers: {push: {}}\nstages: {fill: {index: [pages]}, train: {finetune: [tone], timeout: 2h}}\n"
    (made,) = (
        yaml.safe_load(workflow)
        for workflow in workflows(compiled({
            **MINIMAL, **STAGED, "conf/pipeline/pull_request.yaml": HEAD + text,
        })).values()
    )  # fmt: skip
    fill, train = made["jobs"]["fill"], made["jobs"]["train"]
    assert fill["concurrency"] == {"group": "index-faq-bot-dev", "cancel-in-progress": False}
    assert [step["name"] for step in fill["steps"]][-1] == "Fill index.pages"
    assert fill["steps"][-1]["env"]["VECTORS_DATABASE"] == "${{ secrets.VECTORS_DATABASE }}"
    assert fill["environment"] == "dev"
    assert train["timeout-minutes"] == 120
    assert "concurrency" not in train
    assert [step["name"] for step in train["steps"]][-2:] == ["Train finetune.tone", "Keep the results"]
    assert train["steps"][-1]["with"]["path"] == "outputs/tone\nllmops.yaml\n"
