"""Refresh `data/families.json` and `data/templates.json`: how a family of open-weight models is spoken to.

    python scripts/facts/refresh_families.py PACKAGES

PACKAGES holds the wheels of axolotl and LLaMA-Factory. `family_claims.json` says which of their templates, which
parsers of vLLM and which tokenizer a family has; the templates are looked up in the packages, the parsers in the
snapshots of the engine, and of a template of axolotl is measured, by rendering it, what it puts around a conversation:

- `system`: whether it takes a system message;
- `message_bytes`, `prompt_bytes`: the most bytes that it puts around each message, and around all of them (a default
  system message, the beginning of an answer). No count of their tokens is above that of their bytes.

`end_of_turn` is the first stop word of LLaMA-Factory's template; `templates.json` says which template LLaMA-Factory
registers for each repository.
"""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render
from jinja2.sandbox import ImmutableSandboxedEnvironment

CLAIMS = Path(__file__).with_name("family_claims.json")
AXOLOTL = "axolotl/utils/chat_templates/templates"
Row = dict[str, Any]
WORD = "content"
SPECIAL = {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>", "unk_token": "<unk>", "pad_token": "<pad>"}
"""As long as any: what stands for tokens that a template takes from the tokenizer."""


def wheel(packages: Path, name: str) -> tuple[zipfile.ZipFile, str]:
    """An opened wheel and its version."""
    (path,) = packages.glob(f"{name}-*.whl")
    return zipfile.ZipFile(path), path.name.split("-")[1]


class Refused(Exception):
    """What a template says to a conversation that it does not take."""


def rendered(source: str, roles: tuple[str, ...]) -> int | None:
    """How many bytes a template puts around messages of these roles; None where it refuses them."""

    def refuse(message: str) -> None:
        raise Refused(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals |= {"raise_exception": refuse, "strftime_now": lambda form: "24 September 2026"}
    environment.filters["tojson"] = lambda value, **_: json.dumps(value)
    source = re.sub(r"\{%-?\s*(end)?generation\s*-?%\}", "", source)  # only marks what a trainer counts
    messages = [{"role": role, "content": WORD} for role in roles]
    try:
        text = environment.from_string(source).render(messages=messages, add_generation_prompt=True, **SPECIAL)
    except Refused:
        return None
    if text.count(WORD) < len(roles):
        return None
    return len(text.encode()) - len(WORD) * len(roles)


def measured(source: str) -> Row:
    """What a template puts around a conversation."""
    one = rendered(source, ("user",))
    if one is None:
        return {}
    longer = rendered(source, ("user", "assistant", "user"))
    system = rendered(source, ("system", "user"))
    both = rendered(source, ("system", "user", "assistant", "user"))
    row: Row = {"system": system is not None}
    if longer is not None:
        each = max(longer - one, (both or 0) - (system or 0), (system or 0) - one, 0)
        row |= {"message_bytes": each, "prompt_bytes": max(one, system or 0)}
    return row


def template_stops(text: str) -> dict[str, str | None]:
    """Each template that LLaMA-Factory registers, with its first stop word."""
    found = {}
    for call in _calls(text, "register_template"):
        words = _plain(call)
        stops = words.get("stop_words")
        found[words["name"]] = stops[0] if stops else None
    return found


def registered(text: str) -> dict[str, str]:
    """Each Hugging Face repository that LLaMA-Factory knows, with its template."""
    found = {}
    for call in _calls(text, "register_model_group"):
        words = {word.arg: word.value for word in call.keywords}
        template = words.get("template")
        models = words["models"]
        if not isinstance(template, ast.Constant) or not isinstance(models, ast.Dict):
            continue
        for model in models.values:
            if isinstance(model, ast.Dict):
                places = zip(model.keys, model.values, strict=True)
                names = [v.value for k, v in places if ast.unparse(k or v).endswith(".DEFAULT")
                         and isinstance(v, ast.Constant)]
                found |= {str(name): str(template.value) for name in names}
    return found


def main() -> int:
    """Look everything up, measure the templates, write both tables."""
    command = parser(main.__doc__ or "")
    command.add_argument("packages", type=Path)
    command.add_argument("--as-of", required=True, help="the day on which the packages were fetched")
    options = command.parse_args()
    claims = json.loads(CLAIMS.read_text(encoding="utf-8"))
    axolotl, axolotl_version = wheel(options.packages, "axolotl")
    factory, factory_version = wheel(options.packages, "llamafactory")
    stops = template_stops(factory.read("llamafactory/data/template.py").decode())
    templates = registered(factory.read("llamafactory/extras/constants.py").decode())
    parsers = {kind: _parsers(kind) for kind in ("tool_parser", "reasoning_parser")}
    rows = {}
    for family, said in claims["rows"].items():
        row: Row = {key: value for key, value in said.items() if not key.endswith("_source")}
        if named := {trainer: row.pop(trainer) for trainer in ("axolotl", "llama_factory") if trainer in row}:
            row["templates"] = named
        sources = []
        if "axolotl" in said:
            member = f"{AXOLOTL}/{said['axolotl']}.jinja"
            row |= measured(axolotl.read(member).decode())
            sources.append(f"axolotl: pypi:axolotl=={axolotl_version}#{member}")
        if "llama_factory" in said:
            if (stop := stops[said["llama_factory"]]) is not None:
                row["end_of_turn"] = stop
            sources.append(f"factory: pypi:llamafactory=={factory_version}#llamafactory/data/template.py")
        for kind, short in (("tool_parser", "tools"), ("reasoning_parser", "reasoning")):
            if kind in said:
                if said[kind] not in parsers[kind]:
                    raise SystemExit(f"{family}: no snapshot of vLLM has the {kind} {said[kind]}")
                place = said[f"{kind.partition('_')[0]}_source"]
                sources.append(f"{short}: {claims['sources'].get(place, place)}")
        if "licence" in said:
            sources.append(f"licence: {said['licence_source']}")
        rows[family] = row | {"source": "; ".join(sources), "as_of": options.as_of}
    source = f"pypi:llamafactory=={factory_version}#llamafactory/extras/constants.py"
    found = {repo: {"llama_factory": name} for repo, name in templates.items()}
    table = {"as_of": options.as_of, "source": source, "rows": found}
    return finish(
        {DATA / "families.json": render({"rows": rows}), DATA / "templates.json": render(table)}, options.check
    )


def _calls(text: str, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _plain(call: ast.Call) -> Row:
    """The arguments of a call that are literals."""
    found: Row = {}
    for word in call.keywords:
        try:
            found[str(word.arg)] = ast.literal_eval(word.value)
        except ValueError:
            continue
    return found


def _parsers(kind: str) -> frozenset[str]:
    """The names of parsers in all snapshots of vLLM."""
    snapshots = [json.loads(path.read_text(encoding="utf-8")) for path in (DATA / "engines" / "vllm").glob("*.json")]
    return frozenset(name for snapshot in snapshots for name in snapshot.get(f"{kind}s") or ())


if __name__ == "__main__":
    raise SystemExit(main())
