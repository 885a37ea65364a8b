"""The command `llmops`: finds its commands by name and loads only the one that is asked for."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

import click

from llmops import __version__
from llmops.compiler.cli.console import prepare_streams
from llmops.compiler.cli.options import shared

if TYPE_CHECKING:
    from llmops.compiler.model.finding import Diagnostic

COMMANDS = {
    "init": "Start a project, or add what is missing to one.",
    "compile": "Compile the configs into the files that the tools read.",
    "validate": "Find every problem; write nothing.",
    "explain": "Say where a value comes from and goes to, or what a code means.",
    "graph": "Show which resources need which.",
    "ls": "List the resources.",
    "new": "Write a new resource and select it.",
    "schema": "Print the JSON Schema of a kind.",
    "targets": "List the tools that can be compiled for.",
    "rules": "List the checks.",
    "completion": "Print the completion script for a shell.",
}

EPILOG = """\b
Examples:
  llmops init my-bot                     a first project
  llmops compile                         write generated/ and llmops.lock
  llmops compile --check                 in CI: fail if they are out of date
  llmops explain model.answerer          where each of its values comes from
  llmops explain REF001                  what an error means
"""


class Commands(click.Group):
    """A command named `x` is `COMMAND` in the module `llmops.compiler.cli.commands.x`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"llmops.compiler.cli.commands.{cmd_name}").COMMAND
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from llmops.compiler.cli.options import Usage
            from llmops.compiler.diagnostics.suggest import did_you_mean

            raise Usage(f"no command is named `{args[0]}`; {did_you_mean(args[0], COMMANDS) or 'see llmops --help'}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table above, so that `--help` loads no command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@shared
@click.version_option(__version__, message="llmops %(version)s")
def cli() -> None:
    """Compile the configs of an LLM application into the files that its tools read."""


def main(args: list[str] | None = None) -> int:
    """Run a command line; gives the exit code. Nothing escapes: a fault of ours is 3, an interruption 130.

    Each input has a limit of its own, with a code; what gets past all of them and exhausts the machine is BUG003.
    """
    prepare_streams()
    try:
        arguments = sys.argv[1:] if args is None else args
        result = cli.main(arguments or ["--help"], prog_name="llmops", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _wrong_use(error)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; nothing is half-written")
        return 130
    except BrokenPipeError:
        from llmops.compiler.cli.console import close_quietly

        close_quietly(sys.stdout)
        return 0
    except OSError as error:
        return _system_trouble(error)
    except MemoryError:
        what = "more memory than there is"
    except RecursionError:
        what = "deeper nesting than can be followed"
    except Exception as error:
        return _unexpected(error)
    return _exhausted(what)  # here the exception is gone, and with it the memory that its frames held


def _wrong_use(error: click.ClickException) -> int:
    from llmops.compiler.diagnostics.escape import escape

    message = escape(_without_secrets(error.format_message()))
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "llmops"
    _say(f"error: {message}\nusage: see {path} --help")
    return 2


def _without_secrets(message: str) -> str:
    """It quotes what was typed, which may be a key that was pasted into the wrong place."""
    from llmops.compiler.derive.literals import literals
    from llmops.compiler.diagnostics.redact import hide

    return hide(message, [message[found.start : found.end] for found in literals(message)])


def _system_trouble(error: OSError) -> int:
    from llmops.compiler.write.trouble import system_trouble

    return _tell(system_trouble(error))


def _exhausted(what: str) -> int:
    from llmops.compiler.cli.codes import BUG003
    from llmops.compiler.model.finding import diagnose

    cure = "make the largest or deepest of its files smaller"
    return _tell(diagnose(BUG003, f"this project needs {what}", None, help=[cure]))


def _unexpected(error: Exception) -> int:
    from llmops.compiler.write.tree import BlockedError

    if isinstance(error, BlockedError):
        from llmops.compiler.write.trouble import blocked

        return _tell(blocked(error))
    from llmops.compiler.cli.fault import report

    _say(report(error))
    return 3


def _tell(diagnostic: Diagnostic) -> int:
    from llmops.compiler.diagnostics.render import text

    _say(text.render([diagnostic], {}).rstrip("\n"))
    return 1


def _say(text: str) -> None:
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
