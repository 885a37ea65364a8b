"""From prompts, served flows and experiments to a typed package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.targets.python_client import experiments, flows, prompts
from llmops.targets.python_client.uses import names, uses
from llmops.targets.python_client.words import Line, told

PUBLIC = ("AnswerError", "CallError", "Client", "ClientError", "SettingError")
"""What a caller needs beside the functions."""
RETYPED = {"Iterator": "collections.abc", "Mapping": "collections.abc", "Sequence": "collections.abc"}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    package = package_name(lowering)
    found = uses(lowering)
    called = names(found)
    asked: dict[tuple[str, str], prompts.Function] = {}
    about: dict[Address, Sourced[Address]] = {}
    classes: set[str] = set()
    for use in found:
        made = prompts.function(lowering, use, called[use.key], classes, found)
        if isinstance(made, Finding):
            yield made
            continue
        yield from made.problems
        asked[use.key] = made
        address = use.prompt.address
        about[address] = about.get(address, Sourced(address, raw=True)).because(use.asked)
    served = [(flow, flows.function(lowering, flow, app)) for flow, app in flows.flows(lowering)]
    tried = [(one, experiments.code(one, asked)) for one in experiments.experiments(lowering)]
    for _, (_, problems, _) in tried:
        yield from problems
    modules: dict[str, list[Line]] = {}
    if asked:
        modules["prompts"] = _prompts(list(asked.values()))
        yield Artifact(f"{package}/prompts.py", modules["prompts"], tuple(about.values()), Format.TEXT)
    if served:
        modules["flows"] = _flows([function for _, function in served])
        yield Artifact(f"{package}/flows.py", modules["flows"], tuple(f.address for f, _ in served), Format.TEXT)
    if tried:
        modules["experiments"] = _experiments([lines for _, (lines, _, _) in tried])
        yield Artifact(f"{package}/experiments.py", modules["experiments"], tuple(e.address for e, _ in tried),
                       Format.TEXT)
    if not modules:
        return
    yield Artifact(f"{package}/__init__.py", _package(lowering, list(modules)), format=Format.TEXT)
    for name in ("_runtime.py", "_schema.py"):
        yield Artifact(f"{package}/{name}", files(__package__).joinpath("templates", name).read_bytes(),
                       format=Format.VERBATIM)
    yield Artifact(f"{package}/py.typed", b"", format=Format.VERBATIM)


def package_name(lowering: Lowering) -> str:
    chosen = lowering.options.maybe_text("package") if lowering.options is not None else None
    return chosen.value if chosen is not None else f"{lowering.reader.project.name.replace('-', '_')}_client"


def _head(title: str, typing: set[str], local: list[str], functions: list[prompts.Function]) -> list[Line]:
    why = Sourced(0).because(*(function.types for function in functions)).sources
    lines: list[Line] = [f'"""{title}"""', "", "from __future__ import annotations", ""]
    abstract = sorted(name for name in typing if name in RETYPED)
    own = sorted((name for name in typing if name not in RETYPED and name != "dataclass"), key=str.lower)
    if abstract:
        lines.append(Sourced(f"from collections.abc import {', '.join(abstract)}", why, raw=True))
    if "dataclass" in typing:
        lines.append("from dataclasses import dataclass")
    if own:
        lines.append(Sourced(f"from typing import {', '.join(sorted(own))}", why, raw=True))
    if abstract or own or "dataclass" in typing:
        lines.append("")
    return [*lines, *local]


def _prompts(functions: list[prompts.Function]) -> list[Line]:
    typing = set().union(*(function.typing for function in functions))
    parsed = any("ask_json(" in str(line) for function in functions for line in function.code)
    plain = any("ask(" in str(line) for function in functions for line in function.code)
    turns = any("_TOOLS: " in str(line) for function in functions for line in function.code)
    taken = ["Client", "Prompt", *(["Tool", "Turn", "Turns"] if turns else [])]
    taken += [*(["ask"] if plain else []), *(["ask_json"] if parsed else []), *(["stream"] if plain else [])]
    taken += ["turn"] if turns else []
    local = [f"from ._runtime import {', '.join(taken)}"]
    lines = _head("The prompts, each as a function.", typing, local, functions)
    return [*lines, *_spaced([line for function in functions for line in (*function.classes, *function.code)])]


def _spaced(code: list[Line]) -> list[Line]:
    """One blank line behind the imports where a constant follows, two where a class does."""
    first = next(str(getattr(line, "value", line)) for line in code if line)
    return code if first.startswith(("class ", "@")) else code[1:]


def _flows(functions: list[prompts.Function]) -> list[Line]:
    typing = {"dataclass"}.union(*(function.typing for function in functions))
    passages = any("passages_of(" in str(line) for function in functions for line in function.code)
    taken = ["Client", "Flow", "answer_of", "call", *(["passages_of"] if passages else [])]
    local = [f"from ._runtime import {', '.join(taken)}"]
    lines = _head("The served flows, each as a function.", typing, local, functions)
    return [*lines, *_spaced([line for function in functions for line in (*function.classes, *function.code)])]


def _experiments(several: list[list[Line]]) -> list[Line]:
    asks = any("prompts." in str(line) for lines in several for line in lines)
    typing = {"Any", "Literal", "Mapping", "cast", "dataclass"}
    typing |= {"Sequence"} if any("Sequence[" in str(line) for lines in several for line in lines) else set()
    local = [*(["from . import prompts"] if asks else []),
             f"from ._runtime import {'Client, ' if asks else ''}assigned"]
    lines = _head("The experiments: which arm a unit is given.", typing, local, [])
    lines += [
        "", "", "@dataclass(frozen=True)", "class Experiment:",
        '    """What is compared: `bounds` are where arms end, of all units as 1; `changes` are by step."""',
        "",
        "    name: str", "    flow: str", "    unit: str", "    bounds: tuple[tuple[str, float], ...]",
        "    changes: Mapping[str, Mapping[str, Any]]", "    eval: str | None", "    metric: str | None",
        "    effect: float | None", "    minimum_rows: int", "    end: str", "    power: float | None",
        "    alpha: float | None",
    ]
    for one in several:
        lines += one
    return lines


def _package(lowering: Lowering, modules: list[str]) -> list[Line]:
    project = lowering.reader.project
    lines: list[Line] = [
        f'"""Typed client of {told(project.name)}, environment {told(project.env)}."""', "",
        "from __future__ import annotations", "",
        f"from . import {', '.join(sorted(modules))}",
        f"from ._runtime import {', '.join(PUBLIC)}", "", "__all__ = [",
        *(f'    "{name}",' for name in (*PUBLIC, *sorted(modules))), "]",
    ]
    return lines
