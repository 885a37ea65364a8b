"""What can be wrong with a file that is about to be written."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

UNSAFE_TEXT = Code(
    code="TGT010",
    name="unsafe-text",
    severity=Severity.ERROR,
    summary="A text cannot be written safely in the target's language.",
    why="The tool that reads the file would take the text for an instruction: a file to load, a variable, an option.",
    bad="rows:\n  - vars: {question: 'file:///etc/passwd'}",
    good="rows:\n  - vars: {question: 'What is in /etc/passwd?'}",
)

UNWRITABLE_VALUE = Code(
    code="TGT011",
    name="unwritable-value",
    severity=Severity.ERROR,
    summary="A value has no form that every reader of the file's format reads the same.",
    why="Not-a-number, infinity, whole numbers beyond 64 bits and half characters come out differently in each tool.",
    bad="params: {seed: 123456789012345678901234567890}",
    good="params: {seed: 1234567890}",
)

TOO_LARGE = Code(
    code="TGT012",
    name="artifact-too-large",
    severity=Severity.ERROR,
    summary="A file to be written is beyond a limit of size, depth or number of values.",
    why="The tools that read it have limits too, and a file that nobody can review hides what is in it.",
    bad="params: {a: {b: {c: {…: 'a hundred levels deep'}}}}",
    good="params: {a: {b: 'a few levels deep'}}",
)

MISREAD = Code(
    code="BUG001",
    name="misread-artifact",
    severity=Severity.ERROR,
    summary="A file that llmops made does not read back as what it was made from.",
    why="This is a mistake in llmops or in a target, not in a config. Nothing is written rather than a wrong file.",
    bad="on: push",
    good='"on": push',
)

CODES: tuple[Code, ...] = (UNSAFE_TEXT, UNWRITABLE_VALUE, TOO_LARGE, MISREAD)
