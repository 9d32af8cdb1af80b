"""Which indicators a command looks for, and how what is wrong with a list is told."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli.errors import CliError
from cli.safe import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from detectors.indicators.reading import Report, Said
    from detectors.indicators.store import SetRow
    from detectors.loop import Indicators

TOLD: Final = 20
"""Lines of a list that are told on stderr; more are counted, and `--problems` gives them all."""

_SET_SUFFIX: Final = ".set"


def indicator_options(run: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--indicators` and `--no-indicators`, as one argument `lists`: paths, or None for none at all."""

    @click.option(
        "--indicators",
        "named",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Look for the indicators of this list (CSV, JSON Lines) or set instead of those that are kept (bavn ioc).",
    )
    @click.option("--no-indicators", "without", is_flag=True, help="Look for no indicators.")
    def wrapped(*args: Any, named: tuple[Path, ...], without: bool, **kwargs: Any) -> Any:  # noqa: ANN401
        return run(*args, lists=None if without else named, **kwargs)

    wrapped.__name__, wrapped.__doc__ = run.__name__, run.__doc__
    wrapped.__click_params__ = [*getattr(run, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]
    return wrapped


def kept_set(home: Path) -> Path | None:
    """Give the set that a home looks for; None where there is none."""
    from sensors.identity import load_detect

    name = load_detect(home).indicators
    path = home / name
    return path if name and path.is_file() else None


@contextmanager
def indicators_for(home: Path, lists: tuple[Path, ...] | None) -> Iterator[Indicators | None]:
    """Give the indicators to look for: of lists that were named, else of the home; None where there are none."""
    from detectors.loop import Indicators

    kept = kept_set(home) if lists == () else None
    if lists and [path.suffix for path in lists] == [_SET_SUFFIX]:
        kept = lists[0]
    if kept is not None or not lists:
        yield Indicators(kept) if kept is not None else None
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Indicators(_set_of(lists, Path(folder) / "lists.set"))


def _set_of(lists: tuple[Path, ...], path: Path) -> Path:
    """Make a set of lists that are not kept."""
    from detectors.indicators.reading import Report
    from detectors.indicators.store import write_set
    from detectors.indicators.warnings import WarningLists, shipped

    report = Report()
    warnings = WarningLists.of(shipped())
    kept_out = 0

    def rows() -> Iterator[SetRow]:
        nonlocal kept_out
        for one in read_lists(lists, None, int(time.time()), report):
            if warnings.why(one.type, one.value):
                kept_out += 1
                continue
            said = one.said
            yield (
                one.type, one.value, said.source, said.tlp, said.expires, said.confidence, said.note, said.reference,
            )  # fmt: skip

    write_set(path, rows())
    say_problems(report)
    if kept_out:
        print(f"{kept_out:,} indicators stand in a warning list and are not looked for", file=sys.stderr)
    return path


def read_lists(
    lists: tuple[Path, ...], said: Said | None, now: int, report: Report, kind: str | None = None
) -> Iterator[Any]:
    """Read lists one after another; a list's source is its name where nothing else is said.

    Raises:
        CliError: BAVN-E304 where a list is not there.
    """
    from detectors.indicators import reading

    for path in lists:
        if not path.is_file():
            raise CliError("BAVN-E304", f"there is no such list: {path}")
        own = said or reading.Said(path.name.partition(".")[0][:64] or "list")
        yield from reading.read(path, own, now, report, kind)


def say_problems(report: Report, most: int = TOLD) -> None:
    """Tell on stderr which lines were left out, with place and hint."""
    from detectors.errors import CATALOGUE

    for one in report.told[:most]:
        place = f"{one.place}:{one.line}" if one.line else one.place
        print(f"error[{one.code}]: {safe(one.sentence)}\n  --> {safe(place)}", file=sys.stderr)
        print(f"  = hint: {safe(one.hint or CATALOGUE[one.code][2])}", file=sys.stderr)
    rest = report.counts.total() - min(len(report.told), most)
    if rest > 0:
        print(f"{rest:,} more lines were left out (--problems FILE has them)", file=sys.stderr)
