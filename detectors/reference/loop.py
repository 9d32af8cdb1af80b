"""The packet loop with the reference behind it: the compiled part takes packets apart and writes alerts, Python decides.

Every event that a rule could want is handed over as JSON: it is slow, and meant for captures, tests and doubts.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from detectors.errors import BavnError
from detectors.loop import STEP_MS, Batch, PacketLoop, Settings
from detectors.reference.engine import ReferenceRules
from detectors.ruletest import NativeRunner, event_json, in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from detectors.check import RuleSet
    from detectors.reference.engine import Found


class ReferenceLoop(PacketLoop):
    """As PacketLoop; what a step finds comes with the next one. Alerts have no evidence: their packets are gone by then."""

    def __init__(self, rules: RuleSet, settings: Settings) -> None:
        if any("score" in rule.kinds for rule in rules.rules):
            raise BavnError("BAVN-E071", "the Python engine runs no detectors, and a rule is about scores")
        super().__init__(rules.plan, dataclasses.replace(settings, outside=True, evidence_bytes=0))
        self._rules = ReferenceRules(rules)

    def step(self, now_ns: int, budget_ms: int = STEP_MS) -> Batch:
        """Work for about `budget_ms`, and then for as long as the rules need."""
        batch = super().step(now_ns, budget_ms)
        self._judge(batch, now_ns)
        return batch

    def finish(self, now_ns: int) -> Batch:
        """End all flows and give out what is pending, in portions: call it again while `more` is true."""
        batch = super().finish(now_ns)
        has_told = self._judge(batch, now_ns)
        return dataclasses.replace(batch, more=batch.more or has_told)

    def swap(self, plan: bytes) -> None:  # noqa: ARG002  (the loop's own call)
        """The reference reads rules and no plans. Raises BavnError (E003)."""
        raise BavnError("BAVN-E003", "the Python engine runs the rules that it began with")

    def _judge(self, batch: Batch, now_ns: int) -> bool:
        """Tells the compiled part of every hit; True where there was any."""
        has_told = False
        for line in batch.seen.splitlines():
            event = self._rules.read(line)
            hits, found = self._rules.judge(event)
            if hits:
                self._loop.tell([(line, hits)], now_ns)
            for one in found:
                self._tell_found(one, event.packet, None if one.is_late else line, now_ns)
            has_told = has_told or bool(hits or found)
        late = self._rules.pass_time(self.counters()["last_time"])
        for one in late:
            self._tell_found(one, self.counters()["frames"], None, now_ns)
        return has_told or bool(late)

    def _tell_found(self, found: Found, packet: int, event: bytes | None, now_ns: int) -> None:
        at = (found.time, packet, found.kind)
        self._loop.tell_found(found.rule, found.measured, list(found.group), at, event, now_ns)


class ReferenceRunner(NativeRunner):
    """Runs the tests beside rules with the reference."""

    def event(self, rules: RuleSet, event: Mapping[str, Any]) -> int:
        """Rules that hold on one event."""
        return len(ReferenceRules(rules).match_event(event_json(event)))

    def events(self, rules: RuleSet, events: Sequence[Mapping[str, Any]]) -> int:
        """Alerts on events that follow each other, for correlations."""
        told = ReferenceRules(rules).replay([event_json(event) for event in in_order(events)])
        return sum(map(len, told))

    def loop(self, rules: RuleSet) -> PacketLoop:
        """What packets go through."""
        return ReferenceLoop(rules, Settings(evidence_bytes=0))
