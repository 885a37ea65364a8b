"""`compile` from the first run to the last: what it writes, says and returns."""

from __future__ import annotations

import json
import re
import shutil

import pytest

CONFIG = "generated/dev/litellm/main.yaml"
MODEL = "conf/model/answerer.yaml"
PINNED = "provider: openai\nid: gpt-4o-mini-2024-07-18\nparams: {temperature: 0, max_tokens: 300}\n"


@pytest.fixture
def project(minimal):
    """One without warnings."""
    (minimal / MODEL).write_text(PINNED)
    return minimal


def edit(project, before, after, path=MODEL):
    text = (project / path).read_text()
    assert before in text
    (project / path).write_text(text.replace(before, after))


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".llmops" not in path.parts
    }


def test_the_first_compile_the_second_and_an_edit(llmops, project):
    first = llmops("compile", cwd=project)
    assert first.exit_code == 0
    assert re.fullmatch(r"\+ \d+ files   \.github/workflows \(1\)  generated/dev \(\d+\).*\n", first.stdout)
    made = len(re.findall("\n", (project / "llmops.lock").read_text())) - 1
    assert first.stderr.splitlines() == [
        "dev  6 resources, 5 edges, 0 errors, 0 warnings",
        f"Wrote {made} files and llmops.lock. Commit them together with conf/.",
    ]
    again = llmops("compile", cwd=project)
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", f"Up to date: {made} files, 1 environment.\n")
    edit(project, "temperature: 0", "temperature: 0.2")
    before = files(project)
    dry = llmops("compile", "--dry-run", cwd=project)
    assert f"~ {CONFIG}   temperature 0 -> 0.2   from {MODEL}:3\n" in dry.stdout
    assert re.search("Would change [2-9] files; nothing was written.\n", dry.stderr)
    assert files(project) == before
    edited = llmops("compile", cwd=project)
    assert edited.stdout == dry.stdout
    assert "affects eval.quality, gateway.main, pipeline.pull_request\n" in edited.stdout
    assert re.fullmatch(r"Wrote [2-9] files and llmops.lock. Commit them together with conf/.\n", edited.stderr)


def test_check_is_4_when_something_is_out_of_date(llmops, process, project):
    llmops("compile", cwd=project)
    fine = process("compile", "--check", cwd=project)
    assert (fine.returncode, fine.stdout) == (0, "")
    assert fine.stderr.startswith("Up to date: ")
    edit(project, "max_tokens: 300", "max_tokens: 200")
    before = files(project)
    drifted = process("compile", "--check", cwd=project)
    assert drifted.returncode == 4
    assert f"  ~ {CONFIG}:8   committed 300, configs give 200 ({MODEL}:3)\n" in drifted.stderr
    assert drifted.stderr.endswith(" files out of date; run `llmops compile` and commit the result.\n")
    assert files(project) == before
    report = json.loads(process("compile", "--check", "--output-format", "json", cwd=project).stdout)
    assert (report["status"], report["schema"], report["command"]) == ("drift", 1, "compile")
    assert [one["code"] for one in report["diagnostics"]] == ["OUT001"]


def test_a_failing_compile_tells_all_and_writes_nothing(llmops, process, project):
    llmops("compile", cwd=project)
    edit(project, "model: answerer", "model: anwserer", "conf/eval/quality.yaml")
    edit(project, "temperature: 0", "temperature: 3")
    before = files(project)
    done = process("compile", cwd=project)
    assert (done.returncode, done.stdout) == (1, "")
    heads = [line.partition("]")[0] + "]" for line in done.stderr.splitlines() if line.startswith("error[")]
    assert heads == ["error[REF001]", "error[SCH004]"]
    assert " --> conf/eval/quality.yaml:2:34\n" in done.stderr
    assert done.stderr.endswith("2 errors in 2 files; nothing was written.   llmops explain REF001\n")
    assert files(project) == before
    report = json.loads(process("compile", "--output-format", "json", cwd=project).stdout)
    assert (report["status"], report["summary"]["errors"]) == ("error", 2)


def test_a_hand_edit_is_kept_until_it_is_forced(llmops, process, project):
    llmops("compile", cwd=project)
    edit(project, "max_tokens: 300", "max_tokens: 1", CONFIG)
    edit(project, "temperature: 0", "temperature: 0.5")
    done = process("compile", cwd=project)
    assert done.returncode == 1
    assert f"error[OUT002]: {CONFIG} was changed by hand  (edited-artifact)\n" in done.stderr
    assert "max_tokens: 1\n" in (project / CONFIG).read_text()
    for form in (CONFIG, f"./{CONFIG}"):
        shutil.copy(project / CONFIG, project / "kept")
        assert process("compile", "--force", form, cwd=project).returncode == 0
        assert "max_tokens: 300\n" in (project / CONFIG).read_text()
        shutil.copy(project / "kept", project / CONFIG)


def test_overrides_go_elsewhere(llmops, project, tmp_path):
    out = tmp_path / "out"
    before = files(project)
    done = llmops("compile", "--out", str(out), "model.answerer.params.temperature=0.7", cwd=project)
    assert done.exit_code == 0
    assert re.fullmatch(r"Wrote \d+ files below .*/out\.\n", done.stderr)
    assert "temperature: 0.7\n" in (out / CONFIG).read_text()
    assert files(project) == before


def test_one_environment_leaves_the_others_and_the_project_alone(llmops, project):
    edit(project, "{dev: []}", "{dev: [], prod: []}", "llmops.yaml")
    llmops("compile", cwd=project)
    edit(project, "temperature: 0", "temperature: 0.9")
    done = llmops("compile", "--env", "prod", cwd=project)
    assert all("/prod/" in line for line in done.stdout.splitlines() if line.startswith("~"))
    assert "temperature: 0\n" in (project / CONFIG).read_text()
    assert "temperature: 0.9\n" in (project / CONFIG.replace("dev", "prod")).read_text()
    other = llmops("compile", cwd=project)
    assert all("/dev/" in line for line in other.stdout.splitlines() if line.startswith("~"))
    assert llmops("compile", cwd=project).stderr.startswith("Up to date: ")


def test_a_removed_environment_is_pruned(llmops, project):
    edit(project, "{dev: []}", "{dev: [], prod: []}", "llmops.yaml")
    llmops("compile", cwd=project)
    edit(project, "{dev: [], prod: []}", "{dev: []}", "llmops.yaml")
    done = llmops("compile", cwd=project)
    assert "- generated/prod/litellm/main.yaml   no longer produced\n" in done.stdout
    assert not (project / "generated/prod").exists()


def test_it_works_from_any_folder_and_by_path(llmops, project, tmp_path):
    assert llmops("compile", cwd=project / "conf/model").exit_code == 0
    assert llmops("-C", str(project), "compile", cwd=tmp_path).stderr.startswith("Up to date")
    assert llmops("compile", "-C", str(project), cwd=tmp_path).stderr.startswith("Up to date")
    assert llmops("compile", str(project / MODEL), cwd=tmp_path).stderr.startswith("Up to date")


def test_quiet_says_nothing_but_errors(llmops, project):
    done = llmops("compile", "-q", cwd=project)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    edit(project, "temperature: 0", "temperature: 3")
    assert "error[SCH004]" in llmops("compile", "-q", cwd=project).stderr


def test_github_annotates_and_writes_the_summary(process, project, tmp_path):
    edit(project, "temperature: 0", "temperature: 3   # ##[add-mask]x")
    (project / MODEL).write_text("params: {temperature: 3} # ##[add-mask]x\n" + PINNED.replace(", max_tokens: 300", ""))
    (project / MODEL).write_text("provider: openai\nid: x-1\nparams: {temperature: 3} # ##[add-mask]x\n")
    summary = tmp_path / "summary.md"
    done = process("compile", cwd=project, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1
    assert done.stdout.startswith("::error title=SCH004 out-of-range,file=conf/model/answerer.yaml,line=3,col=23")
    assert "error[SCH004]" in done.stderr
    assert "##[" not in done.stderr + done.stdout
    assert "| error | SCH004 | `conf/model/answerer.yaml:3:23` |" in summary.read_text()


def test_a_repository_above_the_project(llmops, process, project, tmp_path):
    root = tmp_path / "mono"
    (root / ".git").mkdir(parents=True)
    shutil.copytree(project, root / "apps/bot")
    project = root / "apps/bot"
    (project / "llmops.yaml").write_text("name: bot\nenvironments: {dev: []}\nrepository: ../..\n")
    assert llmops("compile", cwd=project).exit_code == 0
    assert (project / CONFIG).is_file()
    assert [path.name for path in (root / ".github/workflows").iterdir()] == ["llmops-bot-pull_request.yml"]
    edit(project, "temperature: 0", "temperature: 3")
    assert " --> apps/bot/conf/model/answerer.yaml:3:23\n" in process("validate", cwd=project).stderr
    edit(project, "temperature: 3", "temperature: 0")
    shutil.rmtree(project / "generated")
    for folder, path in ((project, CONFIG), (project, f"apps/bot/{CONFIG}"), (project / "conf", CONFIG)):
        done = llmops("explain", f"{path}:7", cwd=folder)
        assert done.stdout.startswith("temperature: 0   <- model.answerer.params.temperature   apps/bot/conf/")
    (project / "llmops.yaml").write_text("name: bot\nenvironments: {dev: []}\nrepository: ../../..\n")
    wrong = process("compile", cwd=project)
    assert wrong.returncode == 2
    assert "must be a folder above the project that holds .git" in wrong.stderr


def test_the_chat_template_compiles(llmops, tmp_path):
    llmops("init", "chat", "--template", "chat", cwd=tmp_path)
    done = llmops("compile", cwd=tmp_path / "chat")
    assert done.exit_code == 0
    assert "warning" not in done.stderr.partition("\n\n")[2]


def test_the_rag_template_compiles_to_an_app_its_index_and_an_eval_of_it(llmops, tmp_path):
    started = llmops("init", "shop", "--template", "rag", cwd=tmp_path)
    assert "  data/policies/returns.md          a document to search in\n" in started.stderr
    done = llmops("compile", "-v", cwd=tmp_path / "shop")
    assert done.exit_code == 0
    assert "dev  13 resources, 16 edges, 0 errors, 0 warnings\n" in done.stderr
    made = {path.relative_to(tmp_path / "shop").as_posix() for path in (tmp_path / "shop").rglob("*") if path.is_file()}
    assert made >= {
        "generated/dev/haystack/apps/app/answer.yaml", "generated/dev/haystack/indexes/policies.yaml",
        "generated/dev/litellm/main.yaml", "generated/dev/pgvector/policies.sql",
        "generated/dev/promptfoo/quality.yaml", ".github/workflows/llmops-shop-pull_request.yml",
    }
    words = (tmp_path / "shop/.github/workflows/llmops-shop-pull_request.yml").read_text()
    assert words.index("Fill index.policies") < words.index("Run eval.quality")


def test_compile_refreshes_the_editors_schemas(llmops, project):
    llmops("compile", cwd=project)
    schema = json.loads((project / ".llmops/schemas/model.json").read_text())
    assert schema["title"] == "Model"
    assert "../common" not in json.dumps(schema)
