"""The flags that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from llmops.compiler.cli.console import FORMATS, WHEN, Console

F = TypeVar("F", bound=Callable[..., Any])


class Usage(click.UsageError):
    """A wrong use of the command line: exit code 2. Its text may hold what the user typed."""

    def __init__(self, message: str) -> None:
        from llmops.compiler.diagnostics.escape import escape

        super().__init__(escape(message))


def console(context: click.Context) -> Console:
    """The run's console: one for all commands of a process."""
    found: Console = context.ensure_object(Console)
    return found


def _keep(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None:
            setattr(console(context), field, value)

    return keep


def _flag(*names: str, field: str, help_text: str, value: bool = True, hidden: bool = False) -> Callable[[F], F]:
    return click.option(
        *names, is_flag=True, flag_value=value, default=None, expose_value=False, callback=_keep(field),
        help=help_text, hidden=hidden, type=bool,
    )  # fmt: skip


def shared(function: F) -> F:
    """Flags that every command takes, before or after its name."""
    for option in (
        _flag("--no-progress", field="progress", value=False, help_text="No line that says what is going on."),
        click.option(
            "--color", type=click.Choice(WHEN), default=None, expose_value=False, callback=_keep("when"),
            help="When to use colour (auto: on a terminal; NO_COLOR and FORCE_COLOR count).",
        ),
        _flag("-v", "--verbose", field="verbose", help_text="Say more: notes, unknown checks, every artifact."),
        _flag("-q", "--quiet", field="quiet", help_text="Errors only."),
        click.option(
            "-C", "directory", metavar="DIR", default=None, expose_value=False, callback=_keep("directory"),
            type=click.Path(exists=True, file_okay=False), help="Work on the project in DIR.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def reporting(*formats: str) -> Callable[[F], F]:
    """`--output-format`, for commands that report diagnostics or have JSON output."""
    return click.option(
        "--output-format", type=click.Choice(formats or FORMATS), default=None, expose_value=False,
        callback=_keep("format"), help="How to report (github: the default inside its workflows).",
    )  # fmt: skip


def environments(function: F) -> F:
    return click.option(
        "--env", "env", metavar="NAME", multiple=True, shell_complete=_complete_environment,
        help="Only this environment; may be repeated.",
    )(function)  # fmt: skip


def _complete_environment(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from llmops.compiler.cli.project import environment_names

    return [name for name in environment_names(console(context).directory) if name.startswith(incomplete)]


def complete_address(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Addresses of the resource files of the project around."""
    from llmops.compiler.cli.project import file_addresses

    return [name for name in file_addresses(console(context).directory) if name.startswith(incomplete)]
