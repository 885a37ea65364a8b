"""Commands that only look: explain, graph, ls, schema, targets, rules, validate."""

from __future__ import annotations

import json

import jsonschema
import pytest

MODEL = "conf/model/answerer.yaml"
CONFIG = "generated/dev/litellm/main.yaml"


@pytest.fixture
def project(llmops, tmp_path):
    """Two environments, not compiled."""
    llmops("init", "bot", "--template", "chat", cwd=tmp_path)
    return tmp_path / "bot"


def test_explain_a_value(llmops, project):
    done = llmops("explain", "model.answerer.params.temperature", cwd=project)
    assert done.stdout.splitlines()[:3] == [
        "model.answerer.params.temperature",
        "  dev   0.5  conf/model/answerer.yaml:4",
        "  prod  0.2  conf/env/prod.yaml:3  was 0.5 at conf/model/answerer.yaml:4",
    ]
    assert "  in generated/prod/litellm/main.yaml:7" in done.stdout


def test_explain_a_resource(llmops, project):
    lines = llmops("explain", "model.answerer", "--env", "prod", cwd=project).stdout.splitlines()
    assert lines[0].startswith("model.answerer   conf/model/answerer.yaml   used by eval.quality, gateway.main   in ")
    assert any(line.split()[:2] == ["params.temperature", "0.2"] and "was 0.5" in line for line in lines)
    assert any("default of the kind" in line for line in lines)


def test_explain_says_who_uses_it_elsewhere(llmops, project):
    """A pipeline's stage tests in an environment of its own."""
    (project / "conf/pipeline/pull_request.yaml").write_text(
        "engine: github-actions\ntriggers: {pull_request: {}}\n"
        "stages: {quality: {eval: [quality], environment: prod}}\n"
    )
    head = llmops("explain", "eval.quality", cwd=project).stdout.splitlines()[0]
    assert "used by nothing here, in prod by pipeline.pull_request" in head


def test_explain_a_line_of_an_artifact(llmops, project):
    path = "generated/prod/litellm/main.yaml"
    done = llmops("explain", f"{path}:7", cwd=project)
    assert done.stdout == (
        "temperature: 0.2   <- model.answerer.params.temperature   conf/env/prod.yaml:3"
        "  overrides conf/model/answerer.yaml:4 (0.5)\n"
        "  also in generated/prod/promptfoo/quality.yaml:12\n"
    )
    assert done.stderr == f"{path} is not written yet; this is about the compiled text.\n"
    data = json.loads(llmops("explain", f"{path}:7", "--output-format", "json", cwd=project).stdout)
    assert data["artifact"] == path
    (line,) = data["lines"]
    assert [(o["role"], o["value"], o["file"], o["line"]) for o in line["origins"]] == [
        ("value", 0.2, "conf/env/prod.yaml", 3),
        ("overridden", 0.5, "conf/model/answerer.yaml", 4),
    ]
    whole = json.loads(llmops("explain", path, "--output-format", "json", cwd=project).stdout)
    assert [one["line"] for one in whole["lines"]] == list(range(1, len(whole["lines"]) + 1))
    assert whole["lines"][6] == line


def test_explain_says_what_is_near(process, project):
    for subject, message in {
        "model.anwserer": "there is no resource `model.anwserer`; did you mean `model.answerer`?",
        "model.answerer.params.temprature": "did you mean `temperature`?",
        "generated/prod/litellm/mian.yaml": "did you mean `generated/prod/litellm/main.yaml`?",
        MODEL: "is a config; ask for its resource",
        f"{CONFIG}:9999": "lines",
        "nonsense": "is no code, no file and no KIND.NAME",
    }.items():
        done = process("explain", subject, cwd=project)
        assert done.returncode == 2, subject
        assert message in done.stderr


def test_explain_a_code(llmops, tmp_path):
    text = llmops("explain", "out001", cwd=tmp_path).stdout
    assert text.startswith("OUT001 drift (error, since 0.1)   ")
    assert "\nWhy: " in text
    assert "\n  bad   " in text
    assert "ignore[" not in text
    assert "# llmops: ignore[MOD002] until" in llmops("explain", "mod002", cwd=tmp_path).stdout
    data = json.loads(llmops("explain", "edited-artifact", "--output-format", "json", cwd=tmp_path).stdout)
    assert (data["code"], data["severity"]) == ("OUT002", "error")


def test_graph(llmops, project):
    text = llmops("graph", "--focus", "model.answerer", "--to", "text", cwd=project).stdout
    assert text == (
        "model.answerer\n  <- eval.quality\n    <- pipeline.pull_request\n  <- gateway.main\nneeds secret.openai\n"
    )
    drawn = llmops("graph", "--env", "prod", "--to", "mermaid", cwd=project)
    assert drawn.stdout.startswith('flowchart LR\n  n0["eval.quality"]\n')
    # The stage runs in dev: its edge to the eval is in that environment alone.
    assert drawn.stderr == "prod: 8 resources, 6 edges.   llmops explain KIND.NAME\n"
    data = json.loads(llmops("graph", "--to", "json", cwd=project).stdout)
    at = "eval.quality.subject.prompt"
    edge = {"source": "eval.quality", "target": "prompt.answer", "path": at, "role": "prompt"}
    assert edge in data["edges"]


def test_ls(llmops, project):
    (project / "conf/model/spare.yaml").write_text("provider: openai\nid: gpt-4.1-2025-04-14\n")
    assert llmops("ls", "model", cwd=project).stdout == (
        "model.answerer  conf/model/answerer.yaml\n"
        "model.backup    conf/model/backup.yaml\n"
        "model.spare     conf/model/spare.yaml     not selected\n"
    )
    data = json.loads(llmops("ls", "--output-format", "json", cwd=project).stdout)
    assert data["resources"][0]["address"] == "eval.quality"
    assert data["resources"][0]["environments"] == ["dev", "prod"]


def test_schemas_stand_alone(llmops, tmp_path):
    schema = json.loads(llmops("schema", "model", cwd=tmp_path).stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    assert validator(schema).is_valid({"provider": "openai", "id": "x"})
    assert not validator(schema).is_valid({"no_such_field": 1})
    assert "model " in llmops("schema", cwd=tmp_path).stdout


def test_targets_and_rules(llmops, tmp_path):
    found = json.loads(llmops("targets", "--output-format", "json", cwd=tmp_path).stdout)
    names = [row["name"] for row in found["targets"]]
    assert names == sorted(names)
    assert {"litellm", "promptfoo", "github-actions"} <= set(names)
    rows = json.loads(llmops("rules", "out0", "--output-format", "json", cwd=tmp_path).stdout)["rules"]
    assert {row["code"][:3] for row in rows} == {"OUT"}
    assert llmops("rules", "OUT001", cwd=tmp_path).stdout.startswith("OUT001  error    drift  ")


def test_validate(llmops, process, project):
    done = process("validate", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("no errors")
    wrong = process("validate", "model.answerer.params.temperature=9", cwd=project)
    assert wrong.returncode == 1
    assert " --> <override 1>:1:" in wrong.stderr
    report = json.loads(process("validate", "--output-format", "sarif", cwd=project).stdout)
    assert report["version"] == "2.1.0"
    assert process("validate", "--as-of", "soon", cwd=project).returncode == 2


def test_a_broken_project_is_told_by_every_command(process, project):
    (project / "llmops.yaml").write_text("name: [\n")
    for args in (["compile"], ["validate"], ["ls"], ["graph"], ["explain", "model.answerer"]):
        done = process(*args, cwd=project)
        assert done.returncode == 1, args
        assert done.stderr.startswith("error[CFG")
        assert "llmops.yaml:" in done.stderr
