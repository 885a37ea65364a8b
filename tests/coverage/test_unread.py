"""Each field of the schemas is read by a rule, a derivation or a target; those that nothing reads are listed.

unread.json has a reason for each: it shows what can be written and is compiled by nobody. A field that is read no
longer, or never was, fails here; one that is listed and read does too. LLMOPS_ACCEPT=1 takes the read ones out, and
puts new ones in under "", where they wait for their reason.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from llmops.compiler.driver import Options, compile_project, toolkit
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.compiler.model.view import Reader, Reads
from llmops.schemas import kind_names
from tests.coverage.reading import Asked, fields, record
from tests.mistakes.mistakes import BASE
from tests.rules.cases import PAGES, cases, project
from tests.targets.test_cases import CASES, project_files

ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_name("unread.json")

ROUTE, SERVER = "via: {gateway: main, route: answerer}", "via: {deployment: answerer}"


def _changed(path: str, *changes: tuple[str, str]) -> dict[str, str]:
    text = BASE[path]
    for old, new in changes:
        assert old in text, (path, old)
        text = text.replace(old, new)
    return {path: text}


def _with_a_way(way: str, model: str) -> dict[str, str]:
    """Everything that calls a model says which way."""
    subject = f"{{prompt: answer, model: {model}, {way}}}"
    return {
        **_changed("conf/agent/researcher.yaml", ("model: answerer", f"model: {model}\n{way}")),
        **_changed("conf/flow/answer.yaml", ("model: answerer", f"model: {model}, {way}")),
        **_changed("conf/eval/quality.yaml", (
            "subject: {prompt: answer, model: answerer}", f"subjects: {{one: {subject}}}"
        )),
        "conf/dataset/policies.yaml": f"derive: {{from: [questions], recipe: synthetic, model: {model}, "
        f"prompt: answer, count: 5, {way}}}\ntrust: trusted\nsensitivity: public\n",
        "conf/target/dvc.yaml": "",
        **_changed("conf/config.yaml", ("target: [litellm]", "target: [litellm, dvc]")),
    }


_EVERYTHING_OUTSIDE = ", ".join(
    f"{name}: {{variable: CLOUD_{name.upper()}}}" for name in ("role", "provider", "tenant", "account", "region")
)
_FILES = "{system: p.md, developer: p.md, assistant: p.md, user: p.md}"
ALSO: tuple[dict[str, str], ...] = (
    _with_a_way(ROUTE, "answerer"),
    _with_a_way(SERVER, "open_weights"),
    {
        "conf/gateway/main.yaml": "engine: litellm\nendpoint: {url: {variable: AT}, auth: secret, secret: vectors}\n"
        "routes: {answerer: {}}\n",
        **_changed("conf/model/answerer.yaml", ("provider:", f"{ROUTE}\nprovider:")),
    },
    _changed("conf/model/answerer.yaml", ("provider:", f"{SERVER}\nprovider:")),
    {
        **_changed(
            "conf/finetune/tone.yaml", ("trainer: trl", "trainer: trl\nhardware: {pool: gpu, count: 2}"),
            ("split: train", "split: train, fields: {messages: messages}"),
        ),
        "conf/pipeline/pull_request.yaml": "engine: github-actions\ntriggers: {pull_request: {}, push: {}}\n"
        f"login: {{aws: {{{_EVERYTHING_OUTSIDE}}}, azure: {{{_EVERYTHING_OUTSIDE}}}, "
        f"gcp: {{{_EVERYTHING_OUTSIDE}}}}}\n"
        "stages: {quality: {eval: [quality]}, tune: {finetune: [tone], after: [quality]}}\n",
        **_changed("conf/eval/quality.yaml", (
            "subject: {prompt: answer, model: answerer}", "subject: {code: app.py, function: answer}"
        )),
        "app.py": "def answer(prompt, options, context):\n    return {'output': prompt}\n",
        "conf/prompt/answer.yaml": f"files: {_FILES}\nvariants: {{open_weights: {_FILES}}}\n"
        "variables: {question: string, passages: array}\n",
        "p.md": "{{ passages }} {{ question }}",
    },
)
"""What no case has: shapes in which more of a node stands, and so more of it is asked for."""


def projects() -> Iterator[tuple[dict[str, bytes] | dict[str, str], date | None]]:
    """Every small project of the tests, and both examples; each with the day that it is judged by."""
    yield from ((project_files(case), None) for case in CASES)
    yield from ((project(case), case.as_of) for page in PAGES for case in cases(page))
    for settings in sorted(ROOT.glob("examples/*/llmops.yaml")):
        folder = settings.parent
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        names = {path.relative_to(folder): path for path in files}
        yield {
            name.as_posix(): path.read_bytes()
            for name, path in names.items()
            if not {"generated", ".llmops"} & set(name.parts)
        }, None
    yield from (({**BASE, **more}, None) for more in ALSO)


def listed() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(LISTED.read_text(encoding="utf-8"))["fields"]
    return found


def test_what_nothing_reads_is_listed_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    record(monkeypatch, asked)
    tools = toolkit()
    for files, day in projects():
        compile_project(Memory(files), Request(), Options(as_of=day), tools)
    unread = [name for name in fields() if not asked.has(name)]
    if os.environ.get("LLMOPS_ACCEPT") == "1":
        _accept(unread)
    reasons = listed()
    known = {name for names in reasons.values() for name in names}
    assert sorted(set(unread) - known) == [], "nothing reads these, and nothing says why"
    assert sorted(known - set(unread)) == [], "listed as read by nothing: they are read, or no field"
    assert "" not in reasons, "give each a reason"


def _accept(unread: list[str]) -> None:
    data = json.loads(LISTED.read_text(encoding="utf-8"))
    reasons = {name: reason for reason, names in data["fields"].items() for name in names}
    found: dict[str, list[str]] = {reason: [] for reason in data["fields"]}
    for name in unread:
        found.setdefault(reasons.get(name, ""), []).append(name)
    data["fields"] = {reason: sorted(names) for reason, names in found.items() if names}
    LISTED.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@pytest.mark.parametrize("more", ALSO)
def test_what_no_case_has_is_sound(more: dict[str, str]) -> None:
    made = compile_project(Memory({**BASE, **more}), Request(), Options(emit=False))
    assert [d.message for d in made.diagnostics if d.code[:3] in ("CFG", "SCH", "REF") and d.severity == "error"] == []


def test_no_field_is_listed_twice() -> None:
    names = [name for names in listed().values() for name in names]
    assert len(names) == len(set(names))


@pytest.fixture
def reader() -> Reader:
    made = compile_project(Memory(BASE), Request(), Options(emit=False))
    assert made.workspace is not None
    return Reader(made.workspace.projects["dev"], Reads())


def test_what_is_asked_for_is_seen(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for a field counts, whether it is there or not; asking for a map counts for the map alone."""
    asked = Asked()
    record(monkeypatch, asked)
    kinds = reader.project.kinds
    deployment, gateway, agent, flow, eval_ = (
        next(reader.of(kinds[name])) for name in ("deployment", "gateway", "agent", "flow", "eval")
    )
    deployment.maybe_text("dtype")
    deployment.node("hardware")
    deployment.tree("args")
    next(gateway.entries("routes")).edge("model")
    list(agent.entries("tools"))
    next(flow.entries("steps")).ref("index")
    eval_.get("gate")
    for name in ("deployment.dtype", "deployment.args", "gateway.routes.*.model", "agent.tools", "flow.steps.*.index",
                 "eval.gate.pass_rate", "eval.gate.baseline.file"):
        assert name in fields(), name
        assert asked.has(name), name
    for name in ("deployment.hardware.pool", "deployment.version", "gateway.routes.*.timeout", "flow.steps.*.prompt",
                 "eval.runner"):
        assert name in fields(), name
        assert not asked.has(name), name


def test_a_variable_in_place_of_a_text_is_a_field_of_its_own(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    record(monkeypatch, asked)
    reader.environment.maybe_text("domain")
    assert asked.has("env.domain")
    assert not asked.has("env.domain.variable")


def test_every_kind_has_fields() -> None:
    assert {name.partition(".")[0] for name in fields()} == {*kind_names(), "env"}
