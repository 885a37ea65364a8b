"""Problems of levels and silences themselves."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

CFG090 = Code(
    code="CFG090",
    name="silence-without-reason",
    severity=Severity.WARNING,
    summary="A silence must say why.",
    why="Whoever reviews or inherits the config cannot know whether the problem was judged or overlooked.",
    bad="# llmops: ignore[MOD002]",
    good="# llmops: ignore[MOD002] until 2027-01-31: the vendor publishes no dated form",
)
CFG091 = Code(
    code="CFG091",
    name="unused-silence",
    severity=Severity.WARNING,
    summary="A silence that silences nothing should go.",
    why="It would hide the next real problem of that kind on its line.",
    bad="# llmops: ignore[MOD002]: not needed any more",
    good="remove the comment",
)
CFG092 = Code(
    code="CFG092",
    name="expired-silence",
    severity=Severity.WARNING,
    summary="A silence past its date no longer silences.",
    why="The date was set so that someone looks again. It is judged only by `llmops validate --as-of DATE`.",
    bad="# llmops: ignore[MOD001] until 2025-01-31: migration planned",
    good="migrate, or move the date and say why",
)
CFG093 = Code(
    code="CFG093",
    name="unknown-code",
    severity=Severity.ERROR,
    summary="A level or a silence must name a code that exists.",
    why="A misspelt code silences nothing, or sets the level of nothing.",
    bad="rules: {MOD0002: off}",
    good="rules: {MOD002: \"off\"}",
)
CFG094 = Code(
    code="CFG094",
    name="malformed-silence",
    severity=Severity.ERROR,
    summary="A silence is written `# llmops: ignore[CODE] until DATE: reason`; the date is optional.",
    why="One that is not understood would silence nothing, without a word.",
    bad="# llmops: ignore MOD002",
    good="# llmops: ignore[MOD002]: reason",
)

CFG095 = Code(
    code="CFG095",
    name="fixed-level",
    severity=Severity.ERROR,
    summary="What keeps a project from being compiled is an error at any level.",
    why="A reference to nothing or a field of the wrong type cannot be compiled, whatever its level. Levels are for "
    "rules and for warnings.",
    bad='rules: {REF001: "off"}',
    good='rules: {REF004: "off"}',
)

CODES = (CFG090, CFG091, CFG092, CFG093, CFG094, CFG095)
