"""The files that `scripts/new.py` starts with: path and text, with `<WORD>` where a name is filled in."""

from __future__ import annotations

RULE = {
    "compiler/rules/<AREA>/<MODULE>.py": '''"""<CODE>: say in a line what goes wrong without it."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.model.finding import Code, Finding, Severity


def check(scope: Scope) -> Iterator[Finding]:
    # Read with `for model in scope.reader.of(MODEL)`, take facts from `scope.facts`, and yield
    # Finding("what is wrong, in lower case", (Label(model.at("id"), "the number", primary=True),), help=("the cure",)).
    yield from ()


RULE = Rule(
    code=Code(
        code="<CODE>",
        name="<NAME>",
        severity=Severity.ERROR,
        summary="Say in one sentence what must hold.",
        why="Say what happens at run time where it does not, and to whom.",
        bad="id: the smallest excerpt that is refused",
        good="id: the same, set right",
    ),
    check=check,
)
''',
    "tests/rules/<AREA>/<MODULE>.md": """# <CODE> <NAME>

Say what must hold, and cite what is known to go wrong: an issue, a measurement.

## next: write a project that is refused, mark its line, then make check() find it

```yaml file=conf/model/answerer.yaml
provider: openai
id: gpt-4o-mini-2024-07-18     # error: [<CODE>]
```

```text
The whole report stands here: `make accept` writes it once the rule speaks. Review it word by word.
```

## ok: a sane project that looks like the bad one

```yaml file=conf/model/answerer.yaml
provider: openai
id: gpt-4o-mini-2024-07-18
```
""",
}

TARGET = {
    "targets/<MODULE>/__init__.py": '''"""<TITLE>: one file a gateway."""

from __future__ import annotations

from llmops.compiler.model.target import Target
from llmops.targets.<MODULE>.lower import lower

TARGET = Target(name="<NAME>", title="<TITLE>", since="0.1", lower=lower)
''',
    "targets/<MODULE>/lower.py": '''"""From gateways to the files of <TITLE>."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.model.artifact import Artifact
from llmops.compiler.model.target import Lowering
from llmops.schemas.types import GATEWAY


def lower(lowering: Lowering) -> Iterator[Artifact]:
    for gateway in lowering.reader.of(GATEWAY, engine="<NAME>"):
        routes = {route.name: {"model": route.ref_name("model")} for route in gateway.entries("routes")}
        yield Artifact(f"{gateway.address.name}.yaml", {"routes": routes}, about=(gateway.address,))
''',
    "targets/<MODULE>/README.md": """# <TITLE>

Writes one file a gateway.

## What it expresses

Which kinds and fields become what. What it cannot express, and how that is reported.

## How it is proven

The tool's version, what its validator accepts and refuses in the tests, and what that misses. Set `version`, the
`escape` of its language, and `options.json` if it has options.
""",
    "tests/targets/<MODULE>/cases/first/conf/model/answerer.yaml": """provider: openai
id: gpt-4o-mini-2024-07-18
""",
    "tests/targets/<MODULE>/cases/first/conf/gateway/main.yaml": """engine: <NAME>
routes: {answerer: {}}
""",
    "tests/targets/<MODULE>/cases/first/expected/generated/dev/<NAME>/main.yaml": """\
# Next: write here what the tool reads for the project in tests/targets/<MODULE>/cases/first,
# by hand, from its own documentation. Then make lower() in targets/<MODULE>/lower.py give it.
""",
}

KIND = {
    "schemas/kinds/<NAME>.json": """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "<TITLE>",
  "description": "Say in a sentence what one of these is.",
  "type": "object",
  "properties": {
    "model": {
      "title": "Model",
      "description": "Say what the model does here.",
      "type": "string",
      "x-ref": "model",
      "examples": ["answerer"]
    },
    "next": {
      "title": "Next",
      "description": "Next: replace this by the fields that someone would write, as schemas/README.md says",
      "type": "string",
      "minLength": 1,
      "examples": ["one that is valid"]
    },
    "description": {"$ref": "../common.json#/$defs/description"},
    "owner": {"$ref": "../common.json#/$defs/owner"},
    "labels": {"$ref": "../common.json#/$defs/labels"},
    "overrides": {"$ref": "../common.json#/$defs/overrides"}
  },
  "required": ["model"],
  "additionalProperties": false,
  "examples": [{"model": "answerer"}]
}
""",
}
