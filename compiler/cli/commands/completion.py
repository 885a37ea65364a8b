"""`llmops completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from llmops.compiler.cli.options import console, shared


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@shared
@click.pass_context
def COMMAND(context: click.Context, shell: str) -> int:  # noqa: N802
    """Print the completion script for a shell. It completes commands, flags, environments and resources.

    \b
    Examples:
      llmops completion bash >> ~/.bashrc
      llmops completion zsh > "${fpath[1]}/_llmops"
      llmops completion fish > ~/.config/fish/completions/llmops.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    completion = kind(context.find_root().command, {}, "llmops", "_LLMOPS_COMPLETE")
    text = completion.source_template % completion.source_vars()
    console(context).out(text if text.endswith("\n") else text + "\n")
    return 0
