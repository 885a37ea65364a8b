"""The problems that `load` reports. Written once: `explain`, the reference and SARIF are made from them."""

from __future__ import annotations

from llmops.compiler.model.finding import Code, Severity

_ALL: list[Code] = []


def _code(
    number: int, name: str, summary: str, why: str, bad: str, good: str, severity: Severity = Severity.ERROR
) -> Code:
    code = Code(f"CFG{number:03}", name, severity, summary, why, bad, good)
    _ALL.append(code)
    return code


# --- the bytes of a file --------------------------------------------------------------------------------------------

NOT_UTF8 = _code(
    1,
    "not-utf8",
    "A config is UTF-8 text.",
    "Another encoding would be read as other characters by the next tool.",
    "title: caf\\xe9   # Latin-1",
    "title: café",
)
BOM = _code(
    2,
    "byte-order-mark",
    "A config starts with its first character, not with a byte order mark.",
    "Hydra does not see a `# @package` header behind it, and says nothing.",
    "\\ufeffprovider: openai",
    "provider: openai",
)
CONTROL = _code(
    3,
    "control-character",
    "Control characters, line separators and surrogates are not allowed.",
    "Some readers end a line or a text at them, others do not, and terminals obey some of them.",
    'title: "a\\x07b"',
    'title: "ab"',
)
INVISIBLE = _code(
    4,
    "invisible-character",
    "A character that nobody sees may hide what a text says.",
    "Bidirectional controls reorder what a reviewer reads; zero-width ones make two names look the same.",
    "answer\\u200ber: {}",
    "answerer: {}",
    Severity.WARNING,
)
TOO_LARGE = _code(
    5,
    "file-too-large",
    "A config file may have 1 MiB, and all of them together 32 MiB.",
    "Whoever can make the compiler read more can make it stop.",
    "rows: [… 40 MB …]",
    "rows: {dataset: questions}",
)
SYNTAX = _code(
    6,
    "yaml-syntax",
    "The file is no valid YAML.",
    "Nothing after the mistake can be read.",
    "title: a: b",
    'title: "a: b"',
)
DEPTH = _code(
    7,
    "too-deep",
    "Values may be nested 64 deep.",
    "Deeper ones exhaust the stack of some reader down the line.",
    "a: [[[[[[…]]]]]]",
    "a: [1, 2]",
)
NODES = _code(
    8,
    "too-many-values",
    "A config file may hold 50,000 keys and values, all of them together 600,000, a run 3,000,000.",
    "More of them is data, which belongs in a file of its own.",
    "rows: [… 100,000 rows …]",
    "rows: {dataset: questions}",
)
TEXT_LENGTH = _code(
    9,
    "text-too-long",
    "A text may have 200,000 characters, a key 1,000.",
    "Longer ones are files, and read badly in a review.",
    "system: (a book)",
    "files: {system: prompts/system.md}",
)
ANCHOR = _code(
    10,
    "anchor-or-alias",
    "Anchors and aliases are not allowed.",
    "A few lines of them grow without limit, and a value's writer could not be told.",
    "a: &x {n: 1}\nb: *x",
    "b: ${model.a.params}",
)
MERGE_KEY = _code(
    11,
    "merge-key",
    "The merge key `<<` is not allowed.",
    "YAML 1.2 has none, so half of the readers see a key named `<<`.",
    "<<: {a: 1}",
    "defaults: [/model/base/answerer]",
)
TAG = _code(
    12,
    "yaml-tag",
    "Tags are not allowed.",
    "They make some readers build objects; values have the type that their text shows.",
    "n: !!int 3",
    "n: 3",
)
DIRECTIVE = _code(
    13,
    "yaml-directive",
    "Directives are not allowed.",
    "They change how the rest of the file is read.",
    "%YAML 1.2\n---\na: 1",
    "a: 1",
)
DOCUMENTS = _code(
    14,
    "second-document",
    "A config file holds one document.",
    "Hydra reads one and refuses the file otherwise.",
    "a: 1\n---\nb: 2",
    "a: 1\nb: 2",
)
ROOT = _code(
    15,
    "root-not-a-map",
    "A config is a map of keys to values.",
    "A list or a single value has no keys to be found under.",
    "- a\n- b",
    "items: [a, b]",
)
KEY = _code(
    16,
    "key-not-text",
    "Keys are text.",
    "`on`, `1` and `null` are other keys for other readers than for this one.",
    "on: push",
    '"on": push',
)
DUPLICATE = _code(
    17,
    "duplicate-key",
    "A key stands once in its map, also after Unicode normalisation.",
    "Most readers keep one of the two without a word.",
    "id: a\nid: b",
    "id: b",
)
AMBIGUOUS = _code(
    18,
    "ambiguous-value",
    "A value that YAML 1.1 and 1.2 read differently is quoted.",
    "`no` is false to one tool and the country to the next; `12:30` is 750 to one of them.",
    "country: no",
    'country: "no"',
)
NUMBER = _code(
    19,
    "number-out-of-range",
    "Numbers are finite and have at most 18 digits.",
    "NaN passes every limit, and large integers lose digits in JSON.",
    "seed: 99999999999999999999",
    "seed: 42",
)
HEADER_DROPPED = _code(
    20,
    "package-header-dropped",
    "A `# @package` header stands in the first lines, well spelt, once.",
    "Hydra drops any other without a word, and the file lands elsewhere.",
    "# a comment\n# @package model.answerer",
    "# @package model.answerer",
)
HEADER_REFUSED = _code(
    21,
    "package-not-allowed",
    "A file of a kind's folder lands at `<kind>.<name>` of that kind.",
    "A resource is found where its folder says, and a profile changes resources, never Hydra.",
    "# @package _global_      # in conf/model/a.yaml",
    "# @package model.a",
)

# --- llmops.yaml ----------------------------------------------------------------------------------------------------

NO_PROJECT = _code(
    25,
    "no-project-file",
    "A project has a file llmops.yaml.",
    "It names the environments to compile.",
    "(none)",
    "name: faq-bot\nenvironments: {dev: []}",
)
PROJECT_KEY = _code(
    26,
    "project-key",
    "llmops.yaml has its own few keys, each of its type.",
    "A misspelt one would change nothing, without a word.",
    "enviroments: {dev: []}",
    "environments: {dev: []}",
)
LATER = _code(
    27,
    "not-yet-supported",
    "This key is reserved for what this version does not do yet.",
    "It must not look as if it worked.",
    "uses: {platform: {dev: dev}}",
    "search_path: [../platform/conf]",
)
ENVIRONMENT = _code(
    28,
    "unknown-environment",
    "An environment is listed in llmops.yaml.",
    "Its row says all that makes it.",
    "llmops compile --env prd",
    "llmops compile --env prod",
)
REQUIRES = _code(
    29,
    "other-version-required",
    "The project asks for another version of the compiler.",
    "Another version may write other files.",
    "requires: '>=9'",
    "requires: '>=0.1'",
)
SEARCH_PATH = _code(
    30,
    "search-path",
    "A search path is a folder of shared files in the repository, and no project.",
    "Files outside are not reviewed with it, and a project's files mean something only there.",
    "search_path: [../../../etc]",
    "search_path: [../shared/conf]",
)

# --- the defaults lists ---------------------------------------------------------------------------------------------

NO_CONFIG = _code(
    31,
    "no-primary-config",
    "The conf folder holds config.yaml, the list of what is selected.",
    "Without it nothing is selected.",
    "(none)",
    "defaults:\n  - model: [answerer]\n  - env: dev",
)
CONFIG_VALUES = _code(
    32,
    "values-in-config",
    "config.yaml holds `defaults` and nothing else.",
    "Its own values would win or lose by the place of `_self_`.",
    "defaults: []\nmodel: {a: {id: x}}",
    "defaults: [{model: [a]}]",
)
ENTRY = _code(
    33,
    "bad-defaults-entry",
    "An entry of `defaults` selects files by name.",
    "Hydra wants `group: option`, `group: [options]` or a path, with text for options.",
    "- model: 5",
    '- model: ["5"]',
)
NOT_FOUND = _code(
    34,
    "unknown-selection",
    "A selected file exists.",
    "What it should bring would be missing.",
    "- model: [answrer]",
    "- model: [answerer]",
)
INTERPOLATED_DEFAULT = _code(
    35,
    "interpolated-default",
    "An entry of `defaults` holds no interpolation.",
    "What is selected is to be read off llmops.yaml.",
    "- serving: ${mode}",
    "prod: [env=prod, serving=local]",
)
OUTSIDE = _code(
    36,
    "path-leaves-config",
    "An entry of `defaults` stays below the conf folder.",
    "Files outside are not the project's.",
    "- ../other/model",
    "- /model/base/answerer",
)
HYDRA = _code(
    37,
    "hydra-group",
    "Hydra's own settings are none of a project's.",
    "They name code to import and folders to write.",
    "- hydra/launcher: joblib",
    "(remove it)",
)
OVERRIDE_IN_FILE = _code(
    38,
    "override-in-file",
    "Axes are chosen in llmops.yaml alone.",
    "Hydra wants an override last, and it reaches only what stands further up.",
    "- override serving: local",
    "prod: [env=prod, serving=local]",
)
PACKAGE_IN_DEFAULTS = _code(
    39,
    "package-in-defaults",
    "An entry of `defaults` names no package.",
    "A resource's folder and file name are its address; a second one could not be found.",
    "- model@model.other: [answerer]",
    "- model: [answerer, other]",
)
KIND_AS_ONE = _code(
    40,
    "kind-selected-as-one",
    "A kind's folder is selected by a list.",
    "Lists of several files add up; a second single choice is refused by Hydra.",
    "- model: answerer",
    "- model: [answerer]",
)
SECOND_CHOICE = _code(
    41,
    "second-choice",
    "A folder of profiles is chosen from once.",
    "Hydra refuses two, and which one wins is to be read in one place.",
    "- serving: a\n- serving: b",
    "- serving: a",
)
PROFILE_TWICE = _code(
    42,
    "profile-selected-twice",
    "A profile is selected once in an environment.",
    "Hydra shares its maps: the second use brings what the first became.",
    "- [site/a, again from env/prod]",
    "- site: [a]",
)
CYCLE = _code(
    43,
    "selection-cycle",
    "A file does not select itself, also through others.",
    "The list would never end.",
    "# model/a.yaml\ndefaults: [/model/a]",
    "defaults: [/model/base/a]",
)
TOO_MANY = _code(
    44,
    "too-many-selections",
    "An environment selects at most 50,000 files, 32 deep.",
    "Files that select twice each grow without limit.",
    "(ten files, each selecting the next twice)",
    "(select each once)",
)
SHADOWED = _code(
    45,
    "shadowed-file",
    "A file exists in one folder of the search path only.",
    "Hydra takes the first without a word.",
    "conf/model/a.yaml and ../shared/model/a.yaml",
    "two names",
)
NEVER_SHARED = _code(
    46,
    "never-from-search-path",
    "config.yaml and env/ are a project's own.",
    "What an environment is must be read in its project.",
    "../shared/env/prod.yaml",
    "../shared/site/prod_eu.yaml",
)
TWO_FILES = _code(
    47,
    "two-files-for-one-address",
    "One file makes a resource in an environment.",
    "Hydra merges two variants into something that neither says.",
    "- model/local: [a]\n- model/hosted: [a]",
    "- serving: local    # selects one of them",
)

YML = _code(
    48,
    "yml-file",
    "A config's name ends in .yaml.",
    "Hydra does not see .yml files, and says nothing.",
    "conf/model/a.yml",
    "conf/model/a.yaml",
)

# --- values ---------------------------------------------------------------------------------------------------------

UNDONE = _code(
    51,
    "profile-undone",
    "A resource is selected before the profiles that change it.",
    "What comes later wins: the file would undo the profile without a word.",
    "- env: prod\n- model: [a]",
    "- model: [a]\n- env: prod",
)
UNKNOWN_RESOURCE = _code(
    52,
    "unknown-resource",
    "A profile changes resources that have a file.",
    "A misspelt name would make a resource out of a few fields.",
    "model: {answrer: {region: eu}}",
    "model: {answerer: {region: eu}}",
)
NOT_SELECTED = _code(
    53,
    "resource-not-selected",
    "What a profile says of a resource that is not selected has no effect.",
    "Axes multiply: a profile may speak of what another choice brings.",
    "monitor: {a: {…}}",
    "- monitor: [a]",
    Severity.INFO,
)
UNKNOWN_KIND = _code(
    54,
    "unknown-group",
    "The first key of a profile is a kind, or `env`.",
    "Anything else would be read by nobody.",
    "modle: {a: {region: eu}}",
    "model: {a: {region: eu}}",
)
NULL = _code(
    55,
    "null-without-value",
    "`null` takes away what exists; elsewhere it is a mistake.",
    "A key without a value is a slip more often than a wish.",
    "routes:\n  answerer:",
    "routes:\n  answerer: {}",
)
TAKEN_AWAY = _code(
    56,
    "resource-taken-away",
    "A profile takes away fields and entries, never a resource.",
    "To leave a resource out, let a choice select it.",
    "model: {answerer: null}",
    "- serving: local   # selects it or not",
)
CLASH = _code(
    57,
    "map-and-list",
    "A map is not replaced by a list, nor a list by a map.",
    "Hydra refuses it: the two cannot be merged.",
    "tools: [a]   # and later  tools: {a: 1}",
    "tools: [b]",
)
MISSING = _code(
    58,
    "missing-value",
    "`???` marks a value that is still missing.",
    "Nothing can be compiled from it.",
    "region: ???",
    "region: eu-central-1",
)
ONTO_INTERPOLATION = _code(
    59,
    "merge-onto-interpolation",
    "A map or list is not merged onto an interpolation.",
    "Hydra copies what the interpolation means at that moment, by the order of files.",
    "params: ${model.a.params}   # and later  params: {n: 1}",
    "params: {…, n: 1}",
)

# --- interpolation --------------------------------------------------------------------------------------------------

MALFORMED = _code(
    61,
    "malformed-interpolation",
    "An interpolation is `${kind.name.field}` or `${env.field}`.",
    "Anything else is a slip or asks for code to run.",
    "${model.}",
    "${model.answerer.region}",
)
RESOLVER = _code(
    62,
    "no-resolvers",
    "There are no functions in interpolations.",
    "A compiled file depends on the configs alone: no variable, clock or file reaches it.",
    "${oc.env:HOME}",
    "{variable: REGION}",
)
NOT_ABSOLUTE = _code(
    63,
    "relative-interpolation",
    "An interpolation names its value from the top.",
    "A relative one means something else when its place changes.",
    "${.region}",
    "${env.region}",
)
NOT_HERE = _code(
    64,
    "interpolation-not-allowed",
    "References and names hold no interpolation.",
    "They are followed before values are known.",
    "model: ${env.vars.model}",
    "model: answerer",
)
NO_VALUE = _code(
    65,
    "interpolation-without-value",
    "An interpolation reads a value that exists.",
    "There is nothing to copy.",
    "${env.regoin}",
    "${env.region}",
)
LOOP = _code(
    66,
    "interpolation-cycle",
    "An interpolation does not read itself, also through others.",
    "It would never end.",
    "a: ${env.vars.b}\nb: ${env.vars.a}",
    "a: 1",
)
EXPANDS = _code(
    67,
    "interpolation-too-large",
    "Interpolated values stay small.",
    "A few lines can copy each other until memory is full.",
    "b: [${env.a}, ${env.a}, …]",
    "(write it once)",
)
IN_TEXT = _code(
    68,
    "map-in-text",
    "Only a single value is interpolated into text.",
    "A map or list there becomes Python's spelling of it.",
    'url: "x-${env.vars}"',
    'url: "x-${env.region}"',
)

NESTED = _code(
    69,
    "nested-interpolation",
    "An interpolation's name is written out.",
    "A name made of values cannot be followed by a reader, or by `explain`.",
    "${env.vars.${env.region}}",
    "${env.vars.eu}",
)

# --- overrides ------------------------------------------------------------------------------------------------------

OVERRIDE_SYNTAX = _code(
    71,
    "override-syntax",
    "An override is `group=option` or `path=value`.",
    "Hydra's grammar cannot read it.",
    "env prod",
    "env=prod",
)
OVERRIDE_FUNCTION = _code(
    72,
    "override-function",
    "An override gives one plain value.",
    "Sweeps and functions give many, or others each time.",
    "n=1,2",
    "n=1",
)
OVERRIDE_HYDRA = _code(
    73,
    "override-hydra",
    "Hydra's own settings cannot be overridden.",
    "They name code to import and folders to read and write.",
    "hydra.searchpath=[/etc]",
    "search_path: [../shared]",
)
OVERRIDE_ENV = _code(
    74,
    "override-env",
    "The environment is chosen by `--env`.",
    "Each environment has its own folder of compiled files.",
    "llmops compile env=prod",
    "llmops compile --env prod",
)
OVERRIDE_UNUSED = _code(
    75,
    "override-without-match",
    "An override changes something that is there.",
    "Hydra wants `+` for what config.yaml does not list.",
    "endpoints=loopback",
    "+endpoints=loopback",
)
OVERRIDE_TAKEN = _code(
    76,
    "override-already-there",
    "`+` adds what is not there.",
    "Hydra refuses to add a second.",
    "+env=prod",
    "env=prod",
)
OVERRIDE_WAY = _code(
    77,
    "override-through-value",
    "An override's path leads through maps and list items that are written.",
    "Through a single value or an interpolation it would replace it.",
    "model.a.id.x=1",
    "model.a.id=x",
)
REFUSED = _code(
    79,
    "selection-refused",
    "Hydra refuses what is selected.",
    "The defaults lists do not fit each other.",
    "(see the message)",
    "(see the message)",
)

CODES: tuple[Code, ...] = tuple(_ALL)
