"""`bavn rules import`: the network rules of a clone that others keep."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.errors import CliError
from cli.safe import json_line, safe
from cli.summary import counted
from cli.terminal import command

if TYPE_CHECKING:
    from detectors.importing import Changes, Found


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--to", "target", type=click.Path(path_type=Path), help="Where to put them (default: HOME/rules/NAME).")
@click.option("--all", "everything", is_flag=True, help="Also rules of hosts and applications, as far as they run.")
@click.option("--dry-run", is_flag=True, help="Only say what would run; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Runnable, unfillable and refused rules as one JSON document.")
@click.pass_obj
def import_rules(home: Path, path: Path, target: Path | None, everything: bool, dry_run: bool, as_json: bool) -> int:
    """Take the network rules of PATH (a clone of SigmaHQ, an unpacked release): say which run, and copy those.

    The copy keeps each file as it is, with the licence, a notice of authors and a lock file (commit, digests, reasons).
    """
    from detectors import importing

    found = importing.look(path, everything=everything)
    if not found.rules.rules and not found.rules.refused:
        raise CliError(
            "BAVN-E310", f"there is no network rule in {path}", "a clone has folders called rules…; or use --all"
        )
    place = target or home / "rules" / (path.resolve().name or "imported")
    changes = (
        None if dry_run else importing.write(found, place, now=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    )
    if as_json:
        print(json_line(found.to_dict(), terminal=sys.stdout.isatty()))
    else:
        _tell(found)
    print(_last_words(place, changes), file=sys.stderr if as_json else sys.stdout)
    return errors.OK


def _tell(found: Found) -> None:
    for status in ("refused", "unfillable"):
        for item in found.of_status(status):
            reason = item.reasons[0]
            print(f"{status:<11}{safe(item.source)}: {reason.code} {safe(reason.sentence)}")
    counts = (f"{len(found.of_status(status))} {status}" for status in ("unfillable", "refused"))
    print(f"{len(found.rules.rules)} runnable, {', '.join(counts)}")


def _last_words(place: Path, changes: Changes | None) -> str:
    if changes is None:
        return "nothing was written"
    said = f"{len(changes.added)} new, {len(changes.changed)} changed, {len(changes.removed)} gone"
    files = counted(len(changes.added) + len(changes.changed) + len(changes.removed), "file")
    next_step = command(f"scan CAPTURE --rules {shlex.quote(str(place))}")
    return f"{safe(place)}: {files} of rules ({said})    next: {next_step}"
