"""`bavn sensor`: runs a sensor: captures, detects, applies the contract, keeps and sends."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import click
import msgspec

from cli import errors
from cli.captures import rules_to_run
from cli.errors import CliError
from cli.reading import checksums_option
from cli.safe import json_line, safe
from cli.sending import send_steadily, send_until
from cli.sensor_process import SensorProcess


@click.group()
def sensor() -> None:
    """Run a sensor and look after it."""


@sensor.command()
@click.option("--interface", "-i", help="Capture from this interface.")
@click.option("--read", "-r", "captures", multiple=True, type=click.Path(path_type=Path), help="Read captures instead.")
@click.option(
    "--source",
    type=click.Choice(["ring", "scapy"]),
    default="ring" if sys.platform == "linux" else "scapy",
    show_default=True,
)
@click.option("--filter", "bpf", help="Only packets that this BPF expression lets through.")
@click.option(
    "--rules", "rule_paths", multiple=True, type=click.Path(path_type=Path), help="Rules instead of the shipped ones."
)
@click.option(
    "--watch-rules", is_flag=True, help="Take the rules anew when their files change; SIGHUP does so at any time."
)
@click.option("--send/--no-send", default=True, help="Whether this process also sends (else: bavn sensor forward).")
@click.option("--seconds", type=click.FloatRange(min=0), help="End after so long.")
@checksums_option
@click.pass_obj
def run(home: Path, interface: str | None, captures: tuple[Path, ...], source: str, bpf: str | None,
        rule_paths: tuple[Path, ...], watch_rules: bool, send: bool, seconds: float | None,
        checksums: str | None) -> int:  # fmt: skip
    """Capture, detect, apply the contract, keep and send; until SIGTERM or Ctrl-C.

    SIGHUP reads the rules again, beside the capture; no packet waits for it, and where they cannot be read the old ones stay.
    """
    if (interface is None) == (not captures):
        raise click.UsageError("name either --interface or --read")
    rules = rules_to_run(rule_paths)
    process = SensorProcess(
        home, rules, source=interface or "files", seconds=seconds, rule_paths=rule_paths, watch_rules=watch_rules,
        checksums=checksums,
    )  # fmt: skip
    signal.signal(signal.SIGHUP, lambda *_: process.reloader.ask())
    if any(path.exists() and not path.is_file() and not path.is_dir() for path in captures):
        _end_at_once()  # a pipe that nobody writes to blocks where no handler of Python's is ever called
    else:
        _end_with(process.stop)
    sender = process.start_sender() if send else None
    try:
        if interface is None:
            process.read(captures)
        else:
            process.capture(interface, bpf, source)
    finally:
        process.end(sender)
    print(process.last_words(), file=sys.stderr)
    return errors.PARTIAL if process.is_partial() else errors.OK


@sensor.command()
@click.option("--once", is_flag=True, help="End when the outbox is empty.")
@click.pass_obj
def forward(home: Path, once: bool) -> int:
    """Send what the outbox holds; needs no right to capture."""
    from sensors.identity import load_identity
    from sensors.sender import Delivery

    stop = threading.Event()
    _end_with(stop)
    delivery = Delivery()
    if once:
        send_until(home, stop.wait, once=True, delivery=delivery)
    else:
        load_identity(home)
        send_steadily(home, stop.wait, delivery)
    print(f"{delivery.stored} stored, {delivery.duplicate} were there, {delivery.refused} refused", file=sys.stderr)
    if delivery.last_error:
        print(safe(delivery.last_error), file=sys.stderr)
        return errors.UNREACHABLE
    return errors.OK


def _end_with(stop: threading.Event) -> None:
    """Let the first SIGTERM or SIGINT end the work in order, and a second one the process at once."""

    def handle(*_: object) -> None:
        stop.set()
        _end_at_once()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def _end_at_once() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@sensor.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def sensor_status(home: Path, as_json: bool) -> int:
    """How this sensor is: what it read, what was dropped, what waits."""
    from cli.sensor_health import health_lines
    from sensors.health import is_running, read_status

    health = read_status(home)
    if health is None:
        raise CliError("BAVN-E311", f"no sensor has run in {home}")
    if as_json or not sys.stdout.isatty():
        print(json_line(msgspec.to_builtins(health), terminal=sys.stdout.isatty()))
    else:
        print("\n".join(health_lines(health, running=is_running(health))))
    return errors.OK


__all__ = ["SensorProcess", "send_until", "sensor"]
