"""`bavn demo`: the main job, start to end, on this machine: captures and a live wire, sensor, collector, store, view."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli import errors
from cli.errors import CliError
from cli.output import Format, pick
from cli.safe import safe
from cli.summary import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENCY: Final = "odense"
SENSOR: Final = "odense-1"
_START_S: Final = 20.0
_LIVE_S: Final = 30
_SHOWN: Final = 20


@dataclass
class Demo:
    """One demo: its homes, and what it had to leave out."""

    home: Path
    captures: list[Path]
    left_out: list[str] = field(default_factory=list)


@click.command()
@click.option("--store", type=click.Choice(["sqlite", "elastic"]), default="sqlite", show_default=True)
@click.option("--elastic-url", help="Address of the Elasticsearch for --store elastic.")
@click.option("--elastic-ca", type=click.Path(path_type=Path, exists=True), help="Its authority's certificate.")
@click.option("--elastic-key", type=click.Path(path_type=Path, exists=True), help="File with an API key for it.")
@click.option(
    "--captures", type=click.Path(path_type=Path, exists=True), help="Folder of captures to replay (default: pcaps/)."
)
@click.option("--live/--no-live", default=True, help="The part on a live wire.")
@click.pass_obj
def demo(home: Path, store: str, elastic_url: str | None, elastic_ca: Path | None, elastic_key: Path | None,
         captures: Path | None, live: bool) -> int:  # fmt: skip
    """Show the main job: replay captures and a short live part through sensor and collector, then look at the alerts."""
    started = time.monotonic()
    run = Demo(home if home.name == "demo" else home / "demo", _captures(captures))
    shutil.rmtree(run.home, ignore_errors=True)
    elastic = _elastic(elastic_url, elastic_ca, elastic_key) if store == "elastic" else None
    with _collector(run, store, elastic_url, elastic) as address:
        _enrol(run, address)
        _say(
            1,
            f"collector listens on {address}; sensor {SENSOR} of {AGENCY} is enrolled by certificate",
        )
        reading = _read_captures(run)
        if live:
            _live(run, reading)
        _send(run)
        _show(run, reading, time.monotonic() - started)
    return errors.OK


def _say(step: int, text: str) -> None:
    print(f"[{step}] {text}", flush=True)


def _captures(folder: Path | None) -> list[Path]:
    from cli.captures import find_captures

    chosen = folder or Path("pcaps")
    return list(find_captures([chosen])) if chosen.is_dir() else []


def _elastic(url: str | None, ca: Path | None, key: Path | None) -> dict[str, str]:
    if url is None:
        raise click.UsageError("--store elastic needs --elastic-url; `make demo STORE=elastic` starts one by itself")
    named = {"ca": ca, "api_key_file": key}
    return {name: str(path.resolve()) for name, path in named.items() if path is not None}


@contextmanager
def _collector(run: Demo, store: str, url: str | None, elastic: dict[str, str] | None) -> Iterator[str]:
    from cli.setup import Centre, make_centre

    where = "sqlite:alerts.db" if store == "sqlite" else f"elastic:{url}"
    make_centre(run.home, Centre(port=0, store=where, elastic=elastic))
    command = [sys.executable, "-P", "-m", "cli", "--home", str(run.home), "collector", "run"]
    log = (run.home / "collector.log").open("wb")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            yield f"https://127.0.0.1:{_port(process, run.home)}"
        finally:
            process.terminate()
            process.wait(_START_S)
            log.close()


def _port(process: subprocess.Popen[str], home: Path) -> int:
    line = process.stdout.readline() if process.stdout else ""
    if not line.startswith("listening on port "):
        tail = (home / "collector.log").read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise CliError("BAVN-E309", f"the collector did not start: {' '.join(tail)}")
    return int(line.split()[-1])


def _enrol(run: Demo, address: str) -> None:
    from cli.setup import make_sensor
    from sensors.identity import SensorConfig

    make_sensor(run.home, run.home, SensorConfig(agency=AGENCY, sensor=SENSOR, collector=address))


def _read_captures(run: Demo) -> dict[str, Any]:
    from cli.captures import load_rule_set
    from cli.sensor import SensorProcess

    if not run.captures:
        run.left_out.append("the captures: they come with the source (pcaps/), not with the wheel")
    begun = time.monotonic()
    process = SensorProcess(run.home, load_rule_set(()), source="captures")
    process.read(tuple(run.captures))
    process.end(None)
    seconds = time.monotonic() - begun
    counters = process.loop.counters()
    _say(2, f"sensor read {len(run.captures)} captures: {process.last_words()}")
    return {"counters": counters, "seconds": seconds}


def _live(run: Demo, reading: dict[str, Any]) -> None:
    command = [*_namespace(), sys.executable, "-P", "-m", "cli.demo_live", str(run.home)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIVE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        run.left_out.append(f"the live part: {error}")
        return
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        run.left_out.append(f"the live part needs a user and network namespace: {reason}")
        return
    told = json.loads(done.stdout)
    _say(3, f"live wire, own network namespace, kernel ring: {told['words']}")
    for name in ("frames", "frame_bytes", "flows"):
        reading["counters"][name] += told["counters"][name]
    reading["counters"]["last_time"] = max(reading["counters"]["last_time"], told["counters"]["last_time"])


def _namespace() -> list[str]:
    """An own user and network namespace; root can do without the user's where those are not allowed."""
    unprivileged = ["unshare", "-rUn"]
    if os.geteuid() != 0:
        return unprivileged
    probe = subprocess.run([*unprivileged, "true"], capture_output=True, check=False)
    return unprivileged if probe.returncode == 0 else ["unshare", "-n"]


def _send(run: Demo) -> None:
    from cli.sensor import send_until

    delivery = send_until(run.home, _never, once=True)
    if delivery.last_error:
        raise CliError("BAVN-E309", f"the alerts were not delivered: {delivery.last_error}")
    _say(4, f"collector stored {delivery.stored:,} alerts, {delivery.duplicate:,} it had, {delivery.refused:,} refused")


def _never(wait: float) -> bool:
    time.sleep(wait)
    return False


def _show(run: Demo, reading: dict[str, Any], seconds: float) -> None:
    from cli.store import log_access, open_store
    from collector.store import AlertQuery

    store = open_store(run.home)
    store.settle()
    log_access(run.home, "alerts.list", ["query all"], {"purpose": "demo", "case": ""})
    found = list(store.search(AlertQuery(limit=None)))
    rank = {level: place for place, level in enumerate(LEVELS)}
    found.sort(key=lambda alert: rank.get(str(pick(alert, "bavn.level")), len(rank)))
    one_a_rule = list({pick(a, "rule.id"): a for a in reversed(found)}.values())[::-1]
    print()
    _print_table(one_a_rule[:_SHOWN])
    if len(found) > len(one_a_rule):
        print(f"  one alert a rule is shown; {len(found):,} alerts by {len(one_a_rule)} rules are stored")
    print()
    _summary(run, found, reading, seconds)
    _next(run, found)


def _print_table(alerts: list[dict[str, Any]]) -> None:
    from cli.scan import alert_columns

    form = Format()
    if form.table:
        form.list(alerts, alert_columns(form))
        return
    for alert in alerts:
        cells = [str(column.cell(alert)) for column in alert_columns(form)]
        print(
            "  ".join(
                f"{safe(cell, width):<{width}}" for cell, width in zip(cells, (12, 19, 6, 46, 15, 21, 60), strict=True)
            )
        )


def _summary(run: Demo, found: list[dict[str, Any]], reading: dict[str, Any], seconds: float) -> None:
    from cli.captures import Summary
    from cli.summary import print_summary

    summary = Summary(files=len(run.captures), counters=reading["counters"])
    summary.started = time.monotonic() - reading["seconds"]
    for alert in found:
        summary.levels[str(pick(alert, "bavn.level"))] += 1
        summary.rules[str(pick(alert, "rule.name"))] += 1
        summary.hosts[str(pick(alert, "source.ip"))] += 1
    print_summary(summary, sys.stdout)
    for what in run.left_out:
        print(f"left out  {safe(what)}")
    print(f"took      {seconds:.1f} s in all\n")


def _next(run: Demo, found: list[dict[str, Any]]) -> None:
    if not found:
        return
    short = str(pick(found[0], "event.id"))[:6]
    bavn = Path(sys.argv[0])
    name = str(bavn) if bavn.name == "bavn" else "bavn"
    where = f"{name} --home {run.home}"
    print("Next:")
    for command, what in (
        (f"alerts show {short}", "why it fired, who, what next"),
        (f"evidence show {short}", "its packets, dissected in a sandbox"),
        ("minlog", "who looked at what: you, just now"),
    ):
        print(f"  {where} {command}\n      {what}")
