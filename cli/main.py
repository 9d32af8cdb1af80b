"""The `bavn` command and its groups; each command is imported when it is called, not before."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from cli import errors, terminal
from cli.lazy import Commands, LazyGroup

COMMANDS: Final[Commands] = {
    "demo": ("cli.demo:demo", "Show the main job on real captures and a live wire"),
    "status": ("cli.status:status", "What needs you: sensors, alerts, delivery"),
    "scan": ("cli.scan:scan", "Read captures and print alerts"),
    "events": ("cli.events:events", "Read captures and print protocol events"),
    "sensor": ("cli.sensor:sensor", "Run a sensor and look after it"),
    "collector": ("cli.collector:collector", "Run the collector"),
    "contract": ("cli.contract:contract", "What leaves the agency: show and preview"),
    "alerts": ("cli.alerts:alerts", "List, show, follow, acknowledge, export alerts"),
    "evidence": ("cli.evidence:evidence", "Open an alert's packets"),
    "ioc": ("cli.ioc:ioc", "Indicators: keep, import, list, match"),
    "rules": ("cli.rules:rules", "Check, test, explain rules"),
    "explain": ("cli.explain:explain", "Explain a code, a rule or an alert"),
    "minlog": ("cli.minlog:minlog", "Who looked at what; verify the access log"),
    "doctor": ("cli.doctor:doctor", "Check this machine and this home"),
    "version": ("cli.version:version", "Versions of bavn and its parts"),
    "completion": ("cli.completion:completion", "Completion for bash, zsh and fish"),
}


class ReaderGoneError(Exception):
    """The reader of our output went away (`| head`); click would end with 1 on a broken pipe."""


class MainGroup(LazyGroup):
    """The commands of bavn."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Call the command; a reader that goes away is no failure."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error


def default_home() -> Path:
    """Where state lives: `$BAVN_HOME`, else /var/lib/bavn for root, else below ~/.local/share."""
    named = os.environ.get("BAVN_HOME")
    if named:
        return Path(named)
    return Path("/var/lib/bavn") if os.geteuid() == 0 else Path.home() / ".local/share/bavn"


@click.group(cls=MainGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
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
