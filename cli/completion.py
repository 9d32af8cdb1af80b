"""`bavn completion`: the script that a shell needs to complete commands."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script; for bash: `bavn completion bash > ~/.local/share/bash-completion/completions/bavn`."""
    from click.shell_completion import get_completion_class

    from cli.main import bavn

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(bavn, {}, "bavn", "_BAVN_COMPLETE").source())
