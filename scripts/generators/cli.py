"""docs/reference/cli.md: the commands, in the words of their own help."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import click

from llmops.compiler.cli.main import COMMANDS, cli

WIDTH = 100
HEAD = """# Command line

`llmops COMMAND`, in the folder of a project or below it. What was asked for goes to standard output (a list, a graph,
JSON, a plan); everything else goes to standard error. `llmops COMMAND --help` says what stands here.
"""
EXITS = """## Exit codes

| code | means |
| --- | --- |
| 0 | fine |
| 1 | errors in the configs, or the system refused a read or a write |
| 2 | wrong usage |
| 3 | a fault of the compiler: one line, and a report file without config text |
| 4 | `compile --check` alone: the committed files are not what the configs give |
| 130 | interrupted; nothing is half-written |
"""


def files() -> Iterator[tuple[str, str]]:
    parts = [HEAD, table(), shared(), EXITS, *(section(name) for name in COMMANDS)]
    yield "docs/reference/cli.md", "\n".join(parts)


def table() -> str:
    rows = [f"| [`{name}`](#llmops-{name}) | {does} |" for name, does in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows, ""])


def shared() -> str:
    """The options of the program itself, which every command takes too."""
    rows = [f"| `{names}` | {does} |" for names, does in _records(cli)]
    head = ["## Options of every command", "", "Before or after the command's name.", ""]
    return "\n".join([*head, "| option | what it does |", "| --- | --- |", *rows, ""])


def _records(command: click.Command) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name="llmops", **command.context_settings)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield record[0].replace("|", "\\|"), record[1].replace("|", "\\|")


def section(name: str) -> str:
    """A command's help as it is printed, without the options that every command has."""
    group = click.Context(cli, info_name="llmops")
    command = cli.get_command(group, name)  # type: ignore[attr-defined]
    common = {parameter.name for parameter in cli.params}
    own = copy.copy(command)
    own.params = [parameter for parameter in command.params if parameter.name not in common]
    own.add_help_option = False
    context = click.Context(own, info_name=name, parent=group, terminal_width=WIDTH, max_content_width=WIDTH)
    text = "\n".join(line.rstrip() for line in own.get_help(context).splitlines())
    return "\n".join([f"## llmops {name}", "", COMMANDS[name], "", "```text", text, "```", ""])
