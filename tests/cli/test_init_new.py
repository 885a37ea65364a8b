"""`init` and `new`: what they write, and what they leave alone."""

from __future__ import annotations

import yaml

from llmops.compiler.cli import adding, templates

MINIMAL = [
    ".gitattributes", ".gitignore", ".vscode/settings.json", "conf/config.yaml", "conf/eval/quality.yaml",
    "conf/gateway/main.yaml", "conf/model/answerer.yaml", "conf/pipeline/pull_request.yaml", "conf/prompt/answer.yaml",
    "llmops.yaml",
]  # fmt: skip


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_init_says_what_it_made(llmops, tmp_path):
    result = llmops("init", "FAQ Bot", cwd=tmp_path)
    assert result.stdout == ""
    assert result.stderr == (
        "Created faq-bot from template minimal (also: chat, rag)\n"
        "  llmops.yaml                       the project and its environments\n"
        "  conf/config.yaml                  selects the resources\n"
        "  conf/eval/quality.yaml            eval.quality\n"
        "  conf/gateway/main.yaml            gateway.main\n"
        "  conf/model/answerer.yaml          model.answerer\n"
        "  conf/pipeline/pull_request.yaml   pipeline.pull_request\n"
        "  conf/prompt/answer.yaml           prompt.answer\n"
        "  .gitattributes                    LF endings for generated files; collapses the derived ones in reviews\n"
        "  .gitignore                        keeps .llmops/, a local cache, out of git\n"
        "  .vscode/settings.json             completion; its schemas come with the first compile\n"
        "Next:  cd 'FAQ Bot' && llmops compile\n"
    )
    assert files(tmp_path / "FAQ Bot") == MINIMAL
    assert (tmp_path / "FAQ Bot" / "llmops.yaml").read_text() == "name: faq-bot\nenvironments: {dev: []}\n"


def test_the_minimal_template_is_short():
    text = "".join(text for path, text in templates.read("minimal").items() if path.endswith(".yaml"))
    assert len(text.splitlines()) < 40


def test_init_adds_only_what_is_missing(llmops, minimal):
    (minimal / "conf/model/answerer.yaml").write_text("mine\n")
    (minimal / "conf/prompt/answer.yaml").unlink()
    (minimal / ".gitignore").write_text("dist/")
    result = llmops("init", str(minimal))
    assert "  conf/prompt/answer.yaml   prompt.answer\n" in result.stderr
    assert "  .gitignore                one line added: .llmops/\n" in result.stderr
    assert "Left alone, since they exist:\n  llmops.yaml\n" in result.stderr
    assert (minimal / "conf/model/answerer.yaml").read_text() == "mine\n"
    assert (minimal / ".gitignore").read_text() == "dist/\n.llmops/\n"
    again = llmops("init", str(minimal))
    assert "Nothing to add: 10 files exist already.\n" in again.stderr


def test_init_writes_through_no_link(llmops, process, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/conf").symlink_to(tmp_path / "elsewhere")
    done = process("init", "bot", cwd=tmp_path)
    assert done.returncode == 2
    assert "a link stands there" in done.stderr
    assert files(tmp_path / "elsewhere") == []
    assert sorted(path.name for path in (tmp_path / "bot").iterdir()) == ["conf"]


def test_new_writes_and_selects(llmops, minimal):
    result = llmops("-C", str(minimal), "new", "model", "judge")
    assert result.stderr == (
        "Wrote conf/model/judge.yaml from the example of its kind: edit it now.\n"
        "Selected it in conf/config.yaml:  - model: [judge]\n"
        "Next:  llmops validate\n"
    )
    assert yaml.safe_load((minimal / "conf/model/judge.yaml").read_text())["provider"] == "openai"
    assert "  - model: [answerer, judge]\n" in (minimal / "conf/config.yaml").read_text()


def test_new_refuses(process, minimal):
    for args, message in {
        ("modle", "x"): "no kind is named `modle`; did you mean `model`?",
        ("model", "Judge"): "`Judge` is no name",
        ("model", "answerer"): "conf/model/answerer.yaml exists already",
    }.items():
        done = process("new", *args, cwd=minimal)
        assert done.returncode == 2
        assert message in done.stderr


def test_selecting_edits_one_line():
    text = "# mine\ndefaults:   # all\n  - model: [a]   # one\n  - env: dev\n"
    assert adding.select(text, "model", "b") == text.replace("[a]", "[a, b]")
    assert adding.select(text, "tool", "t") == text.replace("  - env", "  - tool: [t]\n  - env")
    assert adding.select("defaults:\n- model: []\n", "model", "b") == "defaults:\n- model: [b]\n"
    assert adding.select("defaults:\n- model: [a]\n", "tool", "t") == "defaults:\n- model: [a]\n- tool: [t]\n"


def test_what_cannot_be_edited_plainly_is_left_to_a_person():
    for text in ("", "defaults: [{model: [a]}]\n", "other: 1\n", "defaults: [\n"):
        assert adding.select(text, "model", "b") is None
    block = "defaults:\n  - model:\n      - a\n  - env: dev\n"
    assert adding.select(block, "model", "b") is None or "- model: [b]" in str(adding.select(block, "model", "b"))
