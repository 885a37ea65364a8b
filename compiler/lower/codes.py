"""Problems of targets: what they are asked, what they cannot say, what has no effect."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

TGT001 = Code(
    code="TGT001",
    name="unknown-target",
    severity=Severity.ERROR,
    summary="The tool that realises a resource must be a target of this compiler.",
    why="Nothing would be written for the resource.",
    bad="engine: litelm",
    good="engine: litellm",
)
TGT002 = Code(
    code="TGT002",
    name="unsupported-field",
    severity=Severity.WARNING,
    summary="A target cannot express a field that the config sets.",
    why="The field would have no effect in that tool; nothing is dropped without a word.",
    bad="a rollout on a target that serves one version only",
    good="a target that can express it, or the field left out",
)
TGT003 = Code(
    code="TGT003",
    name="key-without-effect",
    severity=Severity.INFO,
    summary="No enabled target, rule or derivation reads this key.",
    why="It changes nothing; it may be meant for a target that this environment does not enable.",
    bad="a field that only another platform reads",
    good="the field where it is read",
)
TGT004 = Code(
    code="TGT004",
    name="export-cycle",
    severity=Severity.ERROR,
    summary="Two targets each need a fact of the other first.",
    why="Neither can be compiled.",
    bad="a gateway that runs on a deployment that calls the same gateway",
    good="a deployment whose model is reached another way",
)
TGT005 = Code(
    code="TGT005",
    name="unused-override",
    severity=Severity.ERROR,
    summary="An override must change an artifact of the target that it names.",
    why="A patch that changes nothing is misspelt, or stands for something that is no longer compiled.",
    bad="overrides: {litellm: {confg.yaml: {…}}}",
    good="overrides: {litellm: {main.yaml: {…}}}",
)
TGT006 = Code(
    code="TGT006",
    name="artifact-refused",
    severity=Severity.ERROR,
    summary="An artifact must be one that its tool understands.",
    why="The tool accepts unknown keys or ignores them; the target checks against the tool's own list.",
    bad="overrides: {promptfoo: {quality.yaml: {evaluateOption: {…}}}}",
    good="overrides: {promptfoo: {quality.yaml: {evaluateOptions: {…}}}}",
)
TGT007 = Code(
    code="TGT007",
    name="target-differs-between-environments",
    severity=Severity.ERROR,
    summary="What a target of project scope lowers must be the same in each environment that selects it.",
    why="It is compiled once for all of them.",
    bad="a pipeline with other stages in prod",
    good="stages that say in which `environment` they run",
)
TGT008 = Code(
    code="TGT008",
    name="two-artifacts-one-path",
    severity=Severity.ERROR,
    summary="Two artifacts must not have the same path.",
    why="One would replace the other.",
    bad="two pipelines whose workflow gets one name",
    good="other names",
)
TGT009 = Code(
    code="TGT009",
    name="nearly-a-target",
    severity=Severity.WARNING,
    summary="A name that may be any tool's is nearly that of a target.",
    why="A store may be of an engine that nothing is compiled for; a misspelt one would be such an engine.",
    bad="engine: pgvectr",
    good="engine: pgvector",
)

CODES = (TGT001, TGT002, TGT003, TGT004, TGT005, TGT006, TGT007, TGT008, TGT009)
