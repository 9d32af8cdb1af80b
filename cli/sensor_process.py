"""One run of a sensor in a home: its parts put together, its status kept, its end."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cli.captures import say_refused
from cli.errors import report
from cli.reloading import Ready, Reloader
from cli.safe import safe
from cli.sending import BackgroundSender
from cli.sensor_health import accounting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from detectors.check import RuleSet
    from detectors.loop import Indicators
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
    rule_paths: tuple[Path, ...] = ()
    watch_rules: bool = False
    checksums: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open what the run needs: outbox, evidence, contract, packet loop."""
        from cli.contract import home_contract
        from cli.reading import packet_loop
        from detectors.loop import Settings
        from sensors.agent import Agent
        from sensors.contract import Enforcer
        from sensors.evidence import EvidenceStore
        from sensors.identity import event_key, load_capture, load_config, load_detect
        from sensors.outbox import Outbox, open_undamaged
        from sensors.sender import Delivery
        from sensors.writer import Writer

        _make_home(self.home)
        self.config = load_config(self.home)
        contract = home_contract(self.home)
        contract.require_valid(dt.datetime.now(dt.UTC).date())
        settings = Settings(
            agency=self.config.agency, sensor=self.config.sensor, key=event_key(self.home).hex(), tlp=contract.tlp,
            evidence_bytes=EVIDENCE_RING, checksums=(self.checksums or self.config.checksums) == "check",
            workers=load_capture(self.home).workers,
        )  # fmt: skip
        detect = load_detect(self.home)
        self.engine = detect.engine
        self.indicators = self._kept_indicators()
        self.loop = packet_loop(self.engine, self.rules, settings, self.indicators)
        self._digest: str = json.loads(self.rules.plan)["digest"]
        self.reloader = Reloader(
            self.rule_paths, self._take_rules, watch=self.watch_rules, judged=self.engine == "python",
            indicators=self.home / detect.indicators if detect.indicators else None,
        )  # fmt: skip
        evidence = EvidenceStore(self.home / "evidence")
        outbox, aside = open_undamaged(self.home / "outbox.db", time.time_ns())
        if aside is not None:
            _tell_set_aside(aside)
        self.writer: Writer = Writer(Enforcer(contract), outbox, evidence, time.time_ns)
        self.agent: Agent = Agent(self.loop, self.writer)
        self.outbox: Outbox = Outbox(self.home / "outbox.db")  # the writer has one of its own
        self.delivery: Delivery = Delivery()
        self.live: LiveSource | None = None
        self.started = time.time_ns()
        self._begun = time.monotonic()
        self._next_status = 0.0
        self.status_failures = 0
        self.health: Health | None = None

    def _kept_indicators(self) -> Indicators | None:
        from cli.indicators import kept_set
        from detectors.loop import Indicators

        path = kept_set(self.home)
        return Indicators(path) if path is not None else None

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
        self._poll_rules(now)
        if now >= self._next_status:
            self._next_status = now + _STATUS_EVERY_S
            self.write_status()
        over = self.seconds is not None and now - self._begun >= self.seconds
        return not over and not self.stop.is_set()

    def _poll_rules(self, now: float) -> None:
        failed = self.reloader.failed
        self.reloader.poll(now)
        if self.reloader.failed > failed:
            print(f"the rules were not reloaded, the old ones stay: {safe(self.reloader.last_error)}", file=sys.stderr)

    def _take_rules(self, ready: Ready) -> None:
        """Judge by other rules from the next packet on."""
        self.loop.require_detectors(ready.rules.plan)
        self.loop.swap_to(ready.engine, ready.judge)
        self.loop.set_indicators(ready.indicators)
        self.rules, self.indicators = ready.rules, ready.indicators
        self._digest = json.loads(ready.rules.plan)["digest"]
        say_refused(ready.rules)
        looked_for = f", {ready.indicators.count:,} indicators" if ready.indicators else ""
        print(f"rules reloaded: {len(ready.rules.rules)} run{looked_for}", file=sys.stderr)

    def _rules_health(self) -> dict[str, Any]:
        refused = sum(item.status == "refused" for item in self.rules.refused)
        reloads = {
            "reloads": self.reloader.done,
            "reloads_failed": self.reloader.failed,
            "last_error": self.reloader.last_error,
        }
        indicators: dict[str, Any] = {"count": 0}
        if self.indicators is not None:
            indicators = {"count": self.indicators.count, "digest": self.indicators.digest}
        counts = {"count": len(self.rules.rules), "digest": self._digest, "refused": refused}
        found = {**counts, **reloads, "indicators": indicators}
        return found if self.engine == "native" else {**found, "engine": self.engine}

    def write_status(self) -> None:
        """Replace the status file; where that fails the run goes on, and the failure is counted."""
        from sensors.errors import SensorError
        from sensors.health import write_status

        try:
            self.health = self._look()
            write_status(self.home, self.health)
        except (OSError, SensorError) as error:
            if not self.status_failures:
                print(f"{safe(str(self.home))}: the status cannot be written: {safe(str(error))}", file=sys.stderr)
            self.status_failures += 1

    def _look(self) -> Health:
        from sensors.health import Health, account

        backlog, tally = self.outbox.backlog(), self.writer.tally
        counters = {**self.loop.counters(), "parser_failures_kept": tally.failures}
        troubles = {
            "status": self.status_failures, "outbox_retry": tally.retries, "evidence": tally.evidence_errors,
            "lost": tally.lost,
        }  # fmt: skip
        return Health(
            pid=os.getpid(), started=self.started, written=time.time_ns(), sensor=self.config.sensor, source=self.source,
            accounting=account(counters, self.live.kernel if self.live else None), counters=counters,
            alerts=tally.alerts, queued=tally.queued, waiting=tally.waiting, withheld=dict(tally.drops),
            unsent=backlog.unsent, oldest_unsent=backlog.oldest, dead=backlog.dead,
            delivery=vars(self.delivery), rules=self._rules_health(),
            troubles={name: count for name, count in troubles.items() if count}, kinds=self.loop.kinds(),
        )  # fmt: skip

    def start_sender(self) -> BackgroundSender | None:
        """Send beside the capture; None where this home has nowhere to send to."""
        if self.config.collector is None:
            return None
        sender = BackgroundSender(self.home, self.delivery, lambda: self.health)
        sender.start()
        return sender

    def end(self, sender: BackgroundSender | None) -> None:
        """Stop the sender after a last try, and write the last status; where nothing was opened, another's stays."""
        self.stop.set()
        if sender is not None:
            sender.end()
        if self.health is not None:
            self.write_status()

    def is_partial(self) -> bool:
        """Tell whether a source was not read to its end or an alert was lost."""
        return bool(self.problems or self.writer.tally.lost)

    def last_words(self) -> str:
        """Sum the run up in a line, and tell what was lost in another."""
        lost = self.writer.tally.lost
        said = [f"LOST: {lost:,} alerts could not be written to the outbox (BAVN-E110)"] if lost else []
        if self.health is not None:
            health = self.health
            said.append(f"{accounting(health.accounting)}  alerts {health.alerts:,}  unsent {health.unsent:,}")
        return "\n".join(said)


def _tell_set_aside(aside: Path) -> None:
    from sensors.errors import SensorError

    report(SensorError("BAVN-E111", f"a damaged outbox was set aside as {aside}; this run goes on with a fresh one"))


def _make_home(home: Path) -> None:
    from sensors.errors import SensorError

    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SensorError("BAVN-E110", f"{home}: {error.strerror}") from error
