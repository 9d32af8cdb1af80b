"""The `bavn` command and its groups; each command is imported when it is called, not before."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from cli import errors, terminal

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("cli.demo:demo", "Show the main job on real captures and a live wire"),
    "status": ("cli.status:status", "What needs you: sensors, alerts, delivery"),
    "scan": ("cli.scan:scan", "Read captures and print alerts"),
    "events": ("cli.events:events", "Read captures and print protocol events"),
    "sensor": ("cli.sensor:sensor", "Run a sensor and look after it"),
    "collector": ("cli.collector:collector", "Run the collector"),
    "contract": ("cli.contract:contract", "What leaves the agency: show and preview"),
    "alerts": ("cli.alerts:alerts", "List, show, follow, acknowledge, export alerts"),
    "evidence": ("cli.evidence:evidence", "Open an alert's packets"),
    "rules": ("cli.rules:rules", "Check, test, explain rules"),
    "explain": ("cli.explain:explain", "Explain a code, a rule or an alert"),
    "minlog": ("cli.minlog:minlog", "Who looked at what; verify the access log"),
    "doctor": ("cli.doctor:doctor", "Check this machine and this home"),
    "version": ("cli.version:version", "Versions of bavn and its parts"),
    "completion": ("cli.completion:completion", "Completion for bash, zsh and fish"),
}
"""Name -> where the command is, and its line in `--help`."""


class ReaderGoneError(Exception):
    """The reader of our output went away (`| head`); click would end with 1 on a broken pipe."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Give the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Call the command; a reader that goes away is no failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and name the nearest one where there is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def default_home() -> Path:
    """Where state lives: `$BAVN_HOME`, else /var/lib/bavn for root, else below ~/.local/share."""
    named = os.environ.get("BAVN_HOME")
    if named:
        return Path(named)
    return Path("/var/lib/bavn") if os.geteuid() == 0 else Path.home() / ".local/share/bavn"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where state and configuration live.")
@click.version_option(None, "--version", package_name="bavn", message="bavn %(version)s")
@click.pass_context
def bavn(ctx: click.Context, home: Path | None) -> None:
    """Sigma on the wire: capture, detect, share under the agency's contract, one view.

    Exit codes: 0 ok, 1 findings, 2 usage, 3 unreadable, 4 unreachable, 5 loss or partial, 130 interrupted.
    """
    ctx.obj = home or default_home()
    terminal.name_home(home)


def main(args: list[str] | None = None) -> None:
    """Run the command; an error that carries a code ends with its sentence and exit code, never with a trace."""
    terminal.prepare()
    try:
        result: Any = bavn.main(args, prog_name="bavn", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        raise SystemExit(end.exit_code) from None
    except click.Abort:
        raise SystemExit(errors.INTERRUPTED) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(errors.USAGE) from None
    except KeyboardInterrupt:
        raise SystemExit(errors.INTERRUPTED) from None
    except (BrokenPipeError, ReaderGoneError):
        _let_go_of_stdout()
        raise SystemExit(errors.OK) from None
    except Exception as error:
        coded = errors.coded(error)
        if coded is None:
            raise
        _let_go_of_stdout()
        errors.stop(coded)
    raise SystemExit(result if isinstance(result, int) else errors.OK)


def _let_go_of_stdout() -> None:
    """Write what is left; where that cannot be done, keep the interpreter's last flush from complaining."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
