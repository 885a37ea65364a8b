"""The codes of this pass."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

UNKNOWN_FIELD = Code(
    "SCH001", "unknown-field", Severity.ERROR,
    "A key that the kind's schema does not have.",
    "A misspelt key would have no effect, and nobody would notice.",
    "provder: openai\nid: gpt-4o-mini", "provider: openai\nid: gpt-4o-mini",
)
MISSING_FIELD = Code(
    "SCH002", "missing-field", Severity.ERROR,
    "A field that is required is not there.",
    "No sensible default exists, so only you can say it.",
    "files: data/questions.jsonl", "files: data/questions.jsonl\ntrust: trusted\nsensitivity: public",
)
WRONG_TYPE = Code(
    "SCH003", "wrong-type", Severity.ERROR,
    "A value is of another type than its field takes.",
    "Tools read a text where a number is meant in ways of their own; here it is said before anything runs.",
    "params: {max_tokens: 8k}", "params: {max_tokens: 8000}",
)
OUT_OF_RANGE = Code(
    "SCH004", "out-of-range", Severity.ERROR,
    "A number is below or above what its field allows.",
    "The tool that reads it would refuse it, or behave in a way that nobody means.",
    "params: {temperature: 3.0}", "params: {temperature: 1.0}",
)
NOT_ONE_OF = Code(
    "SCH005", "not-one-of", Severity.ERROR,
    "A value is none of those that its field allows.",
    "The field chooses between a few things; another word chooses nothing.",
    "gate: {pass_rate: 0.9, mode: blocking}", "gate: {pass_rate: 0.9, mode: block}",
)
WRONG_FORMAT = Code(
    "SCH006", "wrong-format", Severity.ERROR,
    "A text is not written in the form that its field asks for.",
    "Durations, sizes, addresses and names have one spelling each, so that every target can translate them.",
    "timeout: 30 seconds", "timeout: 30s",
)
CHOOSE_ONE = Code(
    "SCH007", "choose-one", Severity.ERROR,
    "Of several fields exactly one must be there, and none is or several are.",
    "The field that is present says what the resource is; two would contradict each other.",
    "provider: openai\nid: gpt-4o-mini\nweights: {repo: Qwen/Qwen3-14B}", "provider: openai\nid: gpt-4o-mini",
)
DUPLICATE_ITEM = Code(
    "SCH008", "duplicate-item", Severity.ERROR,
    "A list holds the same item twice.",
    "The second has no effect, so one of the two was meant to be something else.",
    "stages: {quality: {eval: [quality, quality]}}", "stages: {quality: {eval: [quality, safety]}}",
)
WRONG_COUNT = Code(
    "SCH009", "wrong-count", Severity.ERROR,
    "A list, a map or a text holds fewer or more than its field allows.",
    "An empty list would turn the field into nothing without a word.",
    "rows: []", "rows:\n  - vars: {question: \"May I return worn shoes?\"}",
)
BAD_NAME = Code(
    "SCH010", "bad-name", Severity.ERROR,
    "A name is not spelt as names are: lower-case letters, digits and `_`, at most 40.",
    "Names become file names, labels, variables and addresses: this spelling is valid in all of them.",
    "routes: {Answerer: {model: answerer}}", "routes: {answerer: {}}",
)
UNKNOWN_KIND = Code(
    "SCH011", "unknown-kind", Severity.ERROR,
    "A root key is neither a kind nor `env`.",
    "What stands below it would never be read.",
    "modle: {answerer: {provider: openai, id: gpt-4o-mini}}", "model: {answerer: {provider: openai, id: gpt-4o-mini}}",
)
TYPED_IN_OPEN_MAP = Code(
    "SCH012", "typed-field-in-open-map", Severity.ERROR,
    "An open map holds a name for which there is a field.",
    "An open map is carried as it is: no check reads it, and the field could say something else.",
    "args: {max_model_len: 16384}", "max_model_len: 16384",
)
NEAR_MISS = Code(
    "SCH013", "near-miss", Severity.WARNING,
    "A name in an open map, or a free word, is very near to one that is known.",
    "An open map takes any name, so a misspelt one is passed on and ignored by the tool, or refused when it runs.",
    "params: {temprature: 0}", "params: {temperature: 0}",
)
DIFFERS = Code(
    "SCH014", "differs-between-environments", Severity.ERROR,
    "A field that must be the same in all environments is not.",
    "What it decides exists once for the whole project, so two values cannot both be true.",
    "# conf/env/prod.yaml\napp: {shop: {purpose: Sells shoes.}}",
    "# conf/app/shop.yaml\npurpose: Answers customers of a shoe shop.",
)

OPTIONS_WITHOUT_TARGET = Code(
    "SCH015", "options-without-target", Severity.ERROR,
    "Options are given to a target that does not exist.",
    "The options would have no effect, since nothing reads them.",
    "# conf/target/litelm.yaml\ndescription: Our gateway.", "# conf/target/litellm.yaml\ndescription: Our gateway.",
)

CODES: tuple[Code, ...] = (
    UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, OUT_OF_RANGE, NOT_ONE_OF, WRONG_FORMAT, CHOOSE_ONE, DUPLICATE_ITEM,
    WRONG_COUNT, BAD_NAME, UNKNOWN_KIND, TYPED_IN_OPEN_MAP, NEAR_MISS, DIFFERS,
    OPTIONS_WITHOUT_TARGET,
)
