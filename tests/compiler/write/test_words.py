"""The whole text of the messages, as it is printed."""

from __future__ import annotations

from llmops.compiler.diagnostics.render.text import render
from llmops.compiler.write.apply import apply
from llmops.compiler.write.codes import CODES
from llmops.compiler.write.refusals import check, drift, refusals, sources
from tests.compiler.write.kit import Repo

A = "generated/prod/vllm/answerer.yaml"
TEXT = "args:\n  - --max-num-seqs=256\n"


def test_a_hand_edit(repo: Repo) -> None:
    repo.compile({A: TEXT})
    repo.write(A, TEXT.replace("256", "512"))
    plan, _ = repo.plan({A: TEXT, "generated/dev/x": "1\n"})
    found = apply(plan, repo.root, explain_line=lambda path, line: "conf/deployment/answerer.yaml:9:15").diagnostics
    assert render(found, sources(plan)) == (
        """\
error[OUT002]: generated/prod/vllm/answerer.yaml was changed by hand  (edited-artifact)
 --> generated/prod/vllm/answerer.yaml:2:20
  |
2 |   - --max-num-seqs=512
  |                    ^^^ compiled as 256, from conf/deployment/answerer.yaml:9:15
  = help: put 512 in the config and compile again, or discard the edit with `llmops compile --force """
        """generated/prod/vllm/answerer.yaml`
  = note: nothing was written; 1 other artifacts would have changed
"""
    )


def test_lines_added_and_taken_away(repo: Repo) -> None:
    repo.compile({A: TEXT})
    texts = []
    for edited in (TEXT + "more: 1\n", "args:\n"):
        repo.write(A, edited)
        plan, _ = repo.plan({A: TEXT})
        [problem] = refusals(plan)
        assert problem.primary is not None
        texts.append((problem.primary.span.line, problem.primary.text, problem.help[0].split(" and ")[0]))
    assert texts == [
        (3, "not in the compiled file", "say it in the config"),
        (2, "compiled with `- --max-num-seqs=256` here", "take it out of the config"),
    ]


def test_a_secret_pasted_into_a_generated_file_is_not_shown(repo: Repo) -> None:
    secret = "sk-proj-" + "a1B2" * 8
    repo.compile({A: "key: os.environ/KEY\n"})
    repo.write(A, f"key: {secret}\n")
    plan, _ = repo.plan({A: "key: os.environ/KEY\n"})
    found = [*refusals(plan), *check(plan).diagnostics]
    for some in (found, found[:1], found[1:]):
        assert secret not in render(some, sources(plan))
    assert secret not in "".join(map(str, drift(plan)))
    assert secret not in str(found)


def test_every_code_reads_well() -> None:
    assert [code.code for code in CODES] == [f"OUT{n:03}" for n in range(1, len(CODES) + 1)]
    assert len({code.name for code in CODES}) == len(CODES)
    for code in CODES:
        assert code.summary.endswith(".")
        assert code.why.endswith(".")
        assert code.bad != code.good
