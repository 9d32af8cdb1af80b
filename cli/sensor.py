"""`bavn sensor`: runs a sensor: captures, detects, applies the contract, keeps and sends."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from cli import errors
from cli.captures import load_rule_set, say_refused
from cli.safe import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.check import RuleSet
    from sensors.agent import Agent
    from sensors.health import Health
    from sensors.outbox import Outbox
    from sensors.sender import Delivery
    from sensors.source import LiveSource

EVIDENCE_RING: Final = 64 << 20
_STATUS_EVERY_S: Final = 1.0
_HEARTBEAT_EVERY_S: Final = 30.0
_LAST_SEND_S: Final = 10.0
_NS: Final = 1_000_000_000


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
@click.option("--send/--no-send", default=True, help="Whether this process also sends (else: bavn sensor forward).")
@click.option("--seconds", type=click.FloatRange(min=0), help="End after so long.")
@click.pass_obj
def run(home: Path, interface: str | None, captures: tuple[Path, ...], source: str, bpf: str | None,
        rule_paths: tuple[Path, ...], send: bool, seconds: float | None) -> int:  # fmt: skip
    """Capture, detect, apply the contract, keep and send; until SIGTERM or Ctrl-C."""
    if (interface is None) == (not captures):
        raise click.UsageError("name either --interface or --read")
    rules = load_rule_set(rule_paths)
    say_refused(rules)
    process = SensorProcess(home, rules, source=interface or "files", seconds=seconds)
    signal.signal(signal.SIGTERM, lambda *_: process.stop.set())
    signal.signal(signal.SIGINT, lambda *_: process.stop.set())
    sender = process.start_sender() if send else None
    try:
        if interface is None:
            process.read(captures)
        else:
            process.capture(interface, bpf, source)
    finally:
        process.end(sender)
    print(process.last_words(), file=sys.stderr)
    return errors.PARTIAL if process.problems else errors.OK


@sensor.command()
@click.option("--once", is_flag=True, help="End when the outbox is empty.")
@click.pass_obj
def forward(home: Path, once: bool) -> int:
    """Send what the outbox holds; needs no right to capture."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    delivery = send_until(home, stop.wait, once=once)
    print(f"{delivery.stored} stored, {delivery.duplicate} were there, {delivery.refused} refused", file=sys.stderr)
    if delivery.last_error:
        print(safe(delivery.last_error), file=sys.stderr)
        return errors.UNREACHABLE
    return errors.OK


def send_until(
    home: Path, stop: Callable[[float], bool], *, once: bool, delivery: Delivery | None = None,
    beat: Callable[[Delivery], dict[str, Any] | None] = lambda _: None,
) -> Delivery:  # fmt: skip
    """Send a home's outbox until told to stop, or until it is empty or nothing more can be done."""
    from sensors.identity import load_identity
    from sensors.outbox import Outbox
    from sensors.sender import Sender

    outbox = Outbox(home / "outbox.db")
    sender = Sender(outbox, load_identity(home))
    sender.delivery = delivery or sender.delivery
    next_beat = 0.0
    wait = 0.0
    while not stop(wait):
        wait = sender.send_due(time.time_ns())
        if once and (sender.delivery.last_error or not outbox.backlog().unsent):
            break
        if time.monotonic() >= next_beat and (document := beat(sender.delivery)):
            next_beat = time.monotonic() + _HEARTBEAT_EVERY_S
            sender.heartbeat(document)
    sender.close()
    outbox.close()
    return sender.delivery


@sensor.command("status")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def sensor_status(home: Path, as_json: bool) -> int:
    """How this sensor is: what it read, what was dropped, what waits."""
    from sensors.health import is_running, read_status

    health = read_status(home)
    if health is None:
        print("no sensor has run here    next: bavn sensor run -i IFACE", file=sys.stderr)
        return errors.UNREADABLE
    if as_json or not sys.stdout.isatty():
        print(msgspec.json.encode(health).decode())
    else:
        print("\n".join(health_lines(health, running=is_running(health))))
    return errors.OK


def health_lines(health: Health, *, running: bool) -> list[str]:
    """Write a sensor's health for a person."""
    account = health.accounting
    drops = ", ".join(f"{name} {count:,}" for name, count in account.drops.items()) or "none"
    age = (time.time_ns() - health.oldest_unsent) / _NS if health.oldest_unsent else 0
    return [
        f"{safe(health.sensor)} on {safe(health.source)}: {'running' if running else 'not running'}, pid {health.pid}",
        f"packets   seen {account.seen:,}  analysed {account.analysed:,}  {'exact' if account.exact else 'THE SUM DOES NOT HOLD'}",
        f"drops     {drops}",
        f"alerts    {health.alerts:,} made, {health.queued:,} queued, {health.waiting:,} wait for the disk",
        f"outbox    {health.unsent:,} unsent"
        + (f", oldest {age:,.0f} s" if health.unsent else "")
        + f", {health.dead:,} refused",
        f"delivery  {health.delivery.get('stored', 0):,} stored  last error: {safe(health.delivery.get('last_error') or 'none')}",
    ]


@dataclass
class SensorProcess:
    """One run of a sensor in a home."""

    home: Path
    rules: RuleSet
    source: str
    seconds: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open what the run needs: outbox, evidence, contract, packet loop."""
        from cli.contract import home_contract
        from detectors.loop import PacketLoop, Settings
        from sensors.agent import Agent
        from sensors.contract import Enforcer
        from sensors.evidence import EvidenceStore
        from sensors.identity import event_key, load_config
        from sensors.outbox import Outbox
        from sensors.sender import Delivery

        self.home.mkdir(parents=True, exist_ok=True)
        self.config = load_config(self.home)
        contract = home_contract(self.home)
        settings = Settings(
            agency=self.config.agency, sensor=self.config.sensor, key=event_key(self.home).hex(), tlp=contract.tlp,
            evidence_bytes=EVIDENCE_RING,
        )  # fmt: skip
        self.loop = PacketLoop(self.rules.plan, settings)
        self._digest: str = json.loads(self.rules.plan)["digest"]
        self.outbox: Outbox = Outbox(self.home / "outbox.db")
        self.agent: Agent = Agent(self.loop, Enforcer(contract), self.outbox, EvidenceStore(self.home / "evidence"))
        self.delivery: Delivery = Delivery()
        self.live: LiveSource | None = None
        self.started = time.time_ns()
        self._begun = time.monotonic()
        self._next_status = 0.0
        self._health: Health | None = None

    def read(self, captures: tuple[Path, ...]) -> None:
        """Read captures to their end."""
        from cli.captures import find_captures

        for path, code, sentence in self.agent.run_files(find_captures(captures), self.on_step):
            self.problems.append((code, sentence))
            print(f"{safe(path)}: {code} {safe(sentence)}", file=sys.stderr)

    def capture(
        self, interface: str, bpf: str | None, source: str, on_step: Callable[[], bool] | None = None
    ) -> None:
        """Read an interface until `on_step` (by default the process's own) says that it is time to end."""
        from sensors.source import LiveSource

        with LiveSource(interface, bpf) as live:
            self.live = live
            read = self.agent.run_ring if source == "ring" else self.agent.run_batches
            self.problems += read(live, on_step or self.on_step)
        for code, sentence in self.problems:
            print(f"{safe(interface)}: {code} {safe(sentence)}", file=sys.stderr)

    def on_step(self) -> bool:
        """Write the status now and then; False when it is time to end."""
        now = time.monotonic()
        if now >= self._next_status:
            self._next_status = now + _STATUS_EVERY_S
            self.write_status()
        over = self.seconds is not None and now - self._begun >= self.seconds
        return not over and not self.stop.is_set()

    def write_status(self) -> None:
        """Replace the status file."""
        from sensors.health import Health, account, write_status

        counters, backlog = self.loop.counters(), self.outbox.backlog()
        self._health = Health(
            pid=os.getpid(), started=self.started, written=time.time_ns(), sensor=self.config.sensor, source=self.source,
            accounting=account(counters, self.live.kernel if self.live else None), counters=counters,
            alerts=self.agent.tally.alerts, queued=self.agent.tally.queued, waiting=self.agent.waiting,
            withheld=dict(self.agent.tally.drops), unsent=backlog.unsent, oldest_unsent=backlog.oldest, dead=backlog.dead,
            delivery=vars(self.delivery), rules={"count": len(self.rules.rules), "digest": self._digest},
        )  # fmt: skip
        write_status(self.home, self._health)

    def start_sender(self) -> threading.Thread | None:
        """Send beside the capture; None where this home has nowhere to send to."""
        if self.config.collector is None:
            return None
        thread = threading.Thread(target=self._send, name="sender", daemon=True)
        thread.start()
        return thread

    def _send(self) -> None:
        try:
            send_until(self.home, self._sender_stop, once=False, delivery=self.delivery, beat=self._beat)
        except Exception as error:
            if not hasattr(error, "code"):
                raise
            self.delivery.last_error = str(error)
            errors.report(error)

    def _sender_stop(self, wait: float) -> bool:
        if not self.stop.wait(wait):
            return False
        # After the capture has ended the outbox is emptied, within a bound.
        return self._deadline_over() or not self._backlog_left()

    def _deadline_over(self) -> bool:
        self._stop_by = getattr(self, "_stop_by", time.monotonic() + _LAST_SEND_S)
        return time.monotonic() >= self._stop_by or self.delivery.last_error is not None

    def _backlog_left(self) -> int:
        from sensors.outbox import Outbox

        box = Outbox(self.home / "outbox.db")
        try:
            return box.backlog().unsent
        finally:
            box.close()

    def _beat(self, delivery: Delivery) -> dict[str, Any] | None:
        from sensors.health import heartbeat
        from sensors.outbox import Backlog

        health = self._health
        if health is None:
            return None
        backlog = Backlog(health.unsent, health.oldest_unsent, health.dead)
        return heartbeat(health, self.agent.tally, backlog, delivery)

    def end(self, sender: threading.Thread | None) -> None:
        """Stop the sender after a last try, and write the last status."""
        self.stop.set()
        if sender is not None:
            sender.join(_LAST_SEND_S + 5)
        self.write_status()

    def last_words(self) -> str:
        """Sum the run up in a line."""
        if self._health is None:
            return ""
        account = self._health.accounting
        drops = ", ".join(f"{name} {count:,}" for name, count in account.drops.items()) or "none"
        return (
            f"seen {account.seen:,}  analysed {account.analysed:,}  dropped {drops}  "
            f"({'exact' if account.exact else 'THE SUM DOES NOT HOLD'})  alerts {self._health.alerts:,}  "
            f"unsent {self._health.unsent:,}"
        )
