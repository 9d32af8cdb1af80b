"""The home's store and access log. Whoever looks at alerts or evidence is written down before anything is shown."""

from __future__ import annotations

import os
import pwd
import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from collector.accesslog import AccessLog
    from collector.config import Config
    from collector.store import Store

CONFIG_FILE: Final = "bavn.toml"
ACCESS_LOG: Final = "minlog.sqlite"
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DEFAULT_PURPOSE: Final = "operational monitoring"


def load_config(home: Path) -> Config:
    """Read the home's collector configuration.

    Raises:
        CliError: BAVN-E305 where the home has none.
    """
    from collector import config

    if not is_centre(home):
        raise CliError("BAVN-E305", f"no collector is set up in {home}")
    return config.load(home / CONFIG_FILE)


def is_centre(home: Path) -> bool:
    """Tell whether the home has a collector's configuration."""
    return "collector" in _tables(home)


def is_sensor(home: Path) -> bool:
    """Tell whether the home has a sensor's configuration."""
    return "sensor" in _tables(home)


def _tables(home: Path) -> set[str]:
    path = home / CONFIG_FILE
    if not path.is_file():
        return set()
    try:
        return set(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CliError("BAVN-E304", f"{path}: {error}", "correct the named place in the file") from error


def open_store(home: Path) -> Store:
    """Open the store that the home's configuration names."""
    return load_config(home).open_store()


def open_access_log(home: Path) -> AccessLog:
    """Open the home's access log; a home that is no centre has one of its own, for looks at its evidence."""
    from collector.accesslog import AccessLog

    if not is_centre(home):
        return AccessLog(home / ACCESS_LOG)
    config = load_config(home)
    return AccessLog(config.path(config.access_log or ACCESS_LOG))


def existing_access_log(home: Path) -> AccessLog:
    """Open the home's access log to read it; reading makes none.

    Raises:
        CliError: BAVN-E305 where nobody has looked at anything here.
    """
    if not is_centre(home) and not (home / ACCESS_LOG).is_file():
        raise CliError("BAVN-E305", f"there is no access log in {home}")
    return open_access_log(home)


def who() -> str:
    """Give the name of the person at the keyboard, as the system has it; no variable that a user may set decides."""
    try:
        return _name_of(int(os.environ["SUDO_UID"])) + " (sudo)" if os.geteuid() == 0 else _name_of(os.getuid())
    except (KeyError, ValueError, OverflowError):
        return _name_of(os.getuid())


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def log_access(home: Path, action: str, objects: Sequence[str], access: dict[str, str]) -> None:
    """Append one look to the access log; what cannot be logged is not shown.

    Args:
        home: the home.
        action: what is done: `alerts.list`, `alerts.show`, `evidence.show`, …
        objects: what it is done to: ids of alerts, or the query.
        access: purpose and case, as the options say.
    """
    from collector.accesslog import AccessRecord

    record = AccessRecord(
        time=datetime.now(UTC),
        who=who(),
        role="analyst",
        purpose=access["purpose"],
        case=access["case"] or None,
        action=action,
        objects=list(objects),
        agency=access.get("agency"),
    )
    log = open_access_log(home)
    try:
        log.append(record)
    finally:
        log.close()


def access_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --purpose and --case to a command, as one `access` argument."""

    @click.option(
        "--purpose", envvar="BAVN_PURPOSE", default=_DEFAULT_PURPOSE, help="Why you look; goes into the access log."
    )
    @click.option("--case", envvar="BAVN_CASE", default="", help="The case it belongs to; goes into the access log.")
    def wrapped(*args: Any, purpose: str, case: str, **kwargs: Any) -> Any:  # noqa: ANN401
        return function(*args, access={"purpose": purpose, "case": case}, **kwargs)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = [*getattr(function, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]
    return wrapped


class When(click.ParamType):  # type: ignore[type-arg]  # not generic at run time in every click
    """A point in time: `24h`, `7d` before now, or a date or time (local unless it has a zone)."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401
        """Read the text."""
        if isinstance(value, datetime):
            return value
        if value[-1:] in _UNITS and value[:-1].isdigit():
            try:
                return datetime.now(UTC) - timedelta(**{_UNITS[value[-1]]: int(value[:-1])})
            except OverflowError:
                self.fail(f"{value!r} is too long ago", param, ctx)
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither like 24h nor a date", param, ctx)
