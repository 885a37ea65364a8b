"""Problems of references."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

REF001 = Code(
    code="REF001",
    name="unknown-reference",
    severity=Severity.ERROR,
    summary="A reference must name a resource that the environment selects.",
    why="The name is what joins two files; a misspelt one would join nothing, and the tool that reads the artifact "
    "would find out at run time.",
    bad="subject: {prompt: answer, model: anwserer}",
    good="subject: {prompt: answer, model: answerer}",
)
REF002 = Code(
    code="REF002",
    name="unknown-entry",
    severity=Severity.ERROR,
    summary="A reference to an entry must name one that the resource has.",
    why="Routes, steps and the like are entries of named maps; a fallback to a route that does not exist is accepted "
    "by gateways and fails when it is needed.",
    bad="routes: {answerer: {fallbacks: {any: [backpu]}}, backup: {}}",
    good="routes: {answerer: {fallbacks: {any: [backup]}}, backup: {}}",
)
REF003 = Code(
    code="REF003",
    name="reference-cycle",
    severity=Severity.ERROR,
    summary="Resources must not need each other in a circle.",
    why="Nothing in the circle could be made, started or trained first.",
    bad="dataset a derives from b, dataset b derives from a",
    good="dataset a derives from b",
)
REF004 = Code(
    code="REF004",
    name="unused-resource",
    severity=Severity.INFO,
    summary="A selected resource that nothing refers to, and of which no file is made, has no effect.",
    why="It is usually left over from a change, or the place that should name it was forgotten.",
    bad="a prompt that no eval and no flow uses",
    good="select it only where something uses it",
)
REF005 = Code(
    code="REF005",
    name="file-missing",
    severity=Severity.ERROR,
    summary="A field that names a file of the project must name one that is there.",
    why="The artifact would point at nothing.",
    bad="files: {system: prompts/sytem.md}",
    good="files: {system: prompts/system.md}",
)
REF006 = Code(
    code="REF006",
    name="path-outside",
    severity=Severity.ERROR,
    summary="A path must be relative, normal and stay inside the project.",
    why="Nothing outside the project is read: a config may come from a stranger's pull request.",
    bad="files: ../../etc/passwd",
    good="files: data/questions.jsonl",
)
REF007 = Code(
    code="REF007",
    name="unselected-file",
    severity=Severity.INFO,
    summary="A resource file that no environment selects has no effect.",
    why="It is usually a new file whose name was not added to a defaults list.",
    bad="conf/model/judge.yaml, and no `- model: [judge]` anywhere",
    good="defaults: [{model: [answerer, judge]}]",
)

REF008 = Code(
    code="REF008",
    name="environment-not-listed",
    severity=Severity.ERROR,
    summary="A field that names an environment must name one of llmops.yaml.",
    why="Nothing would run there.",
    bad="deploy: {deployment: [answerer], environment: prd}",
    good="deploy: {deployment: [answerer], environment: prod}",
)

REF009 = Code(
    code="REF009",
    name="too-many-files",
    severity=Severity.ERROR,
    summary="A pattern may match 20,000 files.",
    why="Each of them is looked at in every run; whoever can make the compiler look at more can make it stop.",
    bad="files: '**/*'",
    good="files: data/*.jsonl",
)

REF010 = Code(
    code="REF010",
    name="nearly-known",
    severity=Severity.WARNING,
    summary="A name that may be anybody's is nearly one that the catalogue knows.",
    why="Any name is allowed there, so a misspelt one would be taken for another, of which nothing is known.",
    bad="provider: opnai",
    good="provider: openai",
)

CODES = (REF001, REF002, REF003, REF004, REF005, REF006, REF007, REF008, REF009, REF010)
