"""What an eval tries, in promptfoo's words; whatever hinders is told to the lowering's work."""

from __future__ import annotations

from typing import Any

from llmops.compiler.derive import subjects as derived
from llmops.compiler.derive.route import Call
from llmops.compiler.derive.subjects import Subject
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo.work import Work

CONSUMER = "promptfoo"


def subjects(work: Work, eval_: View[Any]) -> list[Subject]:
    """The one `subject`, or each of the named `subjects`; those that nothing answers are reported and left out."""
    found, problems = derived.subjects(work.lowering, eval_, CONSUMER)
    work.told(problems)
    return found


def judge(work: Work, node: Node) -> tuple[View[Any], Call] | None:
    """The model that grades an eval or an assertion, and how it is reached."""
    found = derived.judge(work.lowering, node, CONSUMER)
    if isinstance(found, Finding):
        work.told([found])
        return None
    return found


def environment(named: Variable) -> Sourced[str]:
    """promptfoo's way to name an environment variable."""
    return named.name.express(lambda name: "{{ env." + name + " }}")


__all__ = ["CONSUMER", "Subject", "environment", "judge", "subjects"]
