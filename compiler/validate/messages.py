"""Problems as findings: what is wrong in the user's words, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmops.compiler.model.finding import Finding, Label
from llmops.compiler.model.keys import KeyPath, dotted
from llmops.compiler.validate import codes, keys, values
from llmops.compiler.validate.explain import Problem
from llmops.compiler.validate.found import Found, Whole

_MESSAGES: Mapping[str, Callable[[Problem, Whole], Found]] = {
    "unknown": keys.unknown,
    "required": keys.required,
    "dependentRequired": keys.dependent,
    "choose": keys.choose,
    "propertyNames": keys.bad_entry_name,
    "type": values.wrong_type,
    "range": values.out_of_range,
    "enum": values.not_one_of,
    "pattern": values.wrong_format,
    "length": values.too_long,
    "empty": values.empty,
    "uniqueItems": values.duplicate,
    "few": values.too_few,
    "many": values.too_many,
}


def finding(problem: Problem, whole: Whole) -> Found:
    return _MESSAGES[problem.keyword](problem, whole)


def unexplained(path: KeyPath, words: str) -> Found:
    """What the validator refused and `explain` has no words for."""
    return codes.WRONG_FORMAT, Finding(
        f"`{dotted(path)}` is not as its schema says", (Label(path, "here", primary=True),),
        notes=(f"the schema asks for: {words}",),
    )
