"""One run of a sensor in a home: its parts put together, its status kept, its end."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cli.safe import safe
from cli.sending import BackgroundSender
from cli.sensor_health import accounting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from detectors.check import RuleSet
    from sensors.agent import Agent
    from sensors.health import Health
    from sensors.outbox import Outbox
    from sensors.sender import Delivery
    from sensors.source import LiveSource
    from sensors.writer import Writer

EVIDENCE_RING: Final = 64 << 20
_STATUS_EVERY_S: Final = 1.0


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
        from sensors.writer import Writer

        _make_home(self.home)
        self.config = load_config(self.home)
        contract = home_contract(self.home)
        contract.require_valid(dt.datetime.now(dt.UTC).date())
        settings = Settings(
            agency=self.config.agency, sensor=self.config.sensor, key=event_key(self.home).hex(), tlp=contract.tlp,
            evidence_bytes=EVIDENCE_RING,
        )  # fmt: skip
        self.loop = PacketLoop(self.rules.plan, settings)
        self._digest: str = json.loads(self.rules.plan)["digest"]
        evidence = EvidenceStore(self.home / "evidence")
        self.writer: Writer = Writer(Enforcer(contract), Outbox(self.home / "outbox.db"), evidence, time.time_ns)
        self.agent: Agent = Agent(self.loop, self.writer)
        self.outbox: Outbox = Outbox(self.home / "outbox.db")  # the writer has one of its own
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

    def capture(self, interface: str, bpf: str | None, source: str, on_step: Callable[[], bool] | None = None) -> None:
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
            alerts=self.writer.tally.alerts, queued=self.writer.tally.queued, waiting=self.writer.tally.waiting,
            withheld=dict(self.writer.tally.drops), unsent=backlog.unsent, oldest_unsent=backlog.oldest, dead=backlog.dead,
            delivery=vars(self.delivery), rules={"count": len(self.rules.rules), "digest": self._digest},
        )  # fmt: skip
        write_status(self.home, self._health)

    def start_sender(self) -> BackgroundSender | None:
        """Send beside the capture; None where this home has nowhere to send to."""
        if self.config.collector is None:
            return None
        sender = BackgroundSender(self.home, self.delivery)
        sender.start()
        return sender

    def end(self, sender: BackgroundSender | None) -> None:
        """Stop the sender after a last try, and write the last status."""
        self.stop.set()
        if sender is not None:
            sender.end()
        self.write_status()

    def last_words(self) -> str:
        """Sum the run up in a line."""
        if self._health is None:
            return ""
        health = self._health
        return f"{accounting(health.accounting)}  alerts {health.alerts:,}  unsent {health.unsent:,}"


def _make_home(home: Path) -> None:
    from sensors.errors import SensorError

    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SensorError("BAVN-E110", f"{home}: {error.strerror}") from error
