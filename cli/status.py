"""`bavn status`: what needs you, then sensors, alerts and delivery."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from cli import errors
from cli.errors import CliError
from cli.output import level_text
from cli.safe import json_line, safe
from cli.store import is_centre
from cli.summary import LEVELS, counted
from cli.terminal import ascii_only, command

if TYPE_CHECKING:
    from pathlib import Path

    from sensors.health import Health

_SILENT_AFTER_S: Final = 300
_OLD_UNSENT_S: Final = 60
_NS: Final = 1_000_000_000


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def status(home: Path, as_json: bool) -> int:
    """What needs you: sensors, alerts, delivery, rules."""
    found = {"sensor": _sensor(home), "centre": _centre(home)}
    if found["sensor"] is None and found["centre"] is None:
        raise CliError("BAVN-E305", f"neither a sensor nor a collector has run in {home}")
    needs = [*_needs_sensor(found["sensor"]), *_needs_centre(found["centre"])]
    if as_json or not sys.stdout.isatty():
        print(json_line({"needs": needs, **found}, terminal=sys.stdout.isatty()))
    else:
        _print(needs, found)
    return errors.FINDINGS if needs else errors.OK


def _sensor(home: Path) -> dict[str, Any] | None:
    import msgspec

    from sensors.health import is_running, read_status

    health: Health | None = read_status(home)
    if health is None:
        return None
    body: dict[str, Any] = msgspec.to_builtins(health)
    return body | {"running": is_running(health)}


def _centre(home: Path) -> dict[str, Any] | None:
    from cli.store import load_config

    if not is_centre(home):
        return None
    from collector.store import AlertQuery

    store = load_config(home).open_store()
    since = datetime.now(UTC) - timedelta(hours=24)
    beats = {(b.agency, b.sensor): b for b in store.heartbeats()}
    sensors = []
    for sequence in store.sequences():
        beat = beats.pop((sequence.agency, sequence.sensor), None)
        sensors.append(
            {
                "agency": sequence.agency,
                "sensor": sequence.sensor,
                "next": sequence.next,
                "missing": sum(gap.last - gap.first + 1 for gap in sequence.gaps) + sequence.forgotten,
                "declared": sequence.declared,
                "heard": (beat.received if beat else sequence.updated).isoformat(),
            }
        )
    sensors += [
        {
            "agency": b.agency,
            "sensor": b.sensor,
            "next": 0,
            "missing": 0,
            "declared": 0,
            "heard": b.received.isoformat(),
        }
        for b in beats.values()
    ]
    return {
        "sensors": sensors,
        "levels": {level: store.count(AlertQuery(levels=(level,), since=since)) for level in LEVELS},
        "stored": store.count(AlertQuery()),
        "dead_letters": len(store.dead_letters(100)),
        "store": store.kind,
    }


def _needs_sensor(sensor: dict[str, Any] | None) -> list[dict[str, str]]:
    if sensor is None:
        return []
    needs = []
    if not sensor["running"]:
        needs.append({"what": f"sensor {sensor['sensor']} is not running", "next": command("sensor run -i IFACE")})
    if not sensor["accounting"]["exact"]:
        needs.append({"what": "packets are unaccounted for", "next": command("sensor status")})
    if sensor["withheld"].get("BAVN-E121"):
        needs.append({"what": "the sharing contract has expired: nothing leaves", "next": "bavn explain BAVN-E121"})
    if sensor["waiting"]:
        needs.append(
            {"what": f"{counted(sensor['waiting'], 'alert')} held back: for the disk", "next": command("doctor")}
        )
    oldest = sensor["oldest_unsent"]
    if oldest and (age := (time.time_ns() - oldest) / _NS) > _OLD_UNSENT_S:
        needs.append({"what": f"oldest unsent alert is {age / 60:.0f} min old", "next": command("sensor status")})
    if sensor["dead"]:
        needs.append({"what": f"{counted(sensor['dead'], 'record')} refused for good", "next": command("doctor")})
    return needs


def _needs_centre(centre: dict[str, Any] | None) -> list[dict[str, str]]:
    if centre is None:
        return []
    needs = []
    for row in centre["sensors"]:
        name = f"{row['agency']}/{row['sensor']}"
        silent = (datetime.now(UTC) - datetime.fromisoformat(row["heard"])).total_seconds()
        if silent > _SILENT_AFTER_S:
            needs.append({"what": f"{name} silent {silent / 60:.0f} min", "next": "at the agency: bavn sensor status"})
        if row["missing"]:
            needs.append({"what": f"{name} lost {row['missing']} records (proven)", "next": command("doctor")})
        if row["declared"]:
            what = f"{name} gave up {counted(row['declared'], 'record')} (declared lost)"
            needs.append({"what": what, "next": command("explain BAVN-E227")})
    if centre["dead_letters"]:
        needs.append(
            {"what": f"{counted(centre['dead_letters'], 'record')} refused for good", "next": command("doctor")}
        )
    return needs


def _print(needs: list[dict[str, str]], found: dict[str, Any]) -> None:
    mark = "!" if ascii_only() else "▲"
    things = "1 thing needs you" if len(needs) == 1 else f"{len(needs)} things need you"
    print(f"{mark} {things}" if needs else "nothing needs you")
    for need in needs:
        print(f"  {mark} {safe(need['what'])}    next: {safe(need['next'])}")
    if found["centre"]:
        _print_centre(found["centre"])
    if found["sensor"]:
        _print_sensor(found["sensor"])
    print(f"next: {command('alerts ls' if found['centre'] else 'sensor status')}")


def _print_centre(centre: dict[str, Any]) -> None:
    levels = "   ".join(f"{level_text(name)} {count:,}" for name, count in centre["levels"].items() if count)
    lossless = sum(not row["missing"] for row in centre["sensors"])
    print(f"Sensors   {len(centre['sensors'])} known   {lossless} without loss")
    print(f"Alerts    last 24 h   {levels or 'none'}   ({centre['stored']:,} stored in {centre['store']})")


def _print_sensor(sensor: dict[str, Any]) -> None:
    account, delivery = sensor["accounting"], sensor["delivery"]
    drops = ", ".join(f"{name} {count:,}" for name, count in account["drops"].items()) or "none"
    print(f"Packets   seen {account['seen']:,}   analysed {account['analysed']:,}   dropped {drops}")
    print(f"Delivery  {delivery['stored']:,} stored   backlog {sensor['unsent']:,}   rules {sensor['rules']['count']}")
