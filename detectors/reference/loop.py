"""The packet loop with the reference behind it: the compiled part takes packets apart and writes alerts, Python decides.

It is asked at each event, so an alert, its id, its place among the others and its packets are those that the compiled engine
would have given. It is slow, and meant for captures, tests and doubts; a sensor can run it, too.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from detectors.loop import PacketLoop, Settings, loop_for
from detectors.reference.engine import ReferenceRules
from detectors.ruletest import NativeRunner, event_json, in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.check import RuleSet
    from detectors.loop import Indicators, Judge
    from detectors.reference.engine import Found

_LOG: Final = logging.getLogger(__name__)
# A correlation that holds, as the loop takes it: rule, measured, group, (time, packet, kind), whether it is late.
Told = tuple[int, float, list[str], tuple[int, int, str], bool]


class ReferenceJudge:
    """The reference as the packet loop asks it. Times are in nanoseconds since the epoch."""

    def __init__(self, rules: RuleSet) -> None:
        self.reference = ReferenceRules(rules)
        self._before = (0, 0)
        self._failed = 0

    def judge(self, line: bytes, newest: int) -> tuple[list[int], list[Told], int | None]:
        """Rules that match an event, correlations that hold by it, and when to tell of the time next.

        `newest` is the time that packets have brought so far.
        """
        try:
            hits, found = self.reference.judge(self.reference.read(line), newest)
        except Exception:  # noqa: BLE001  (no event ends the loop)
            hits, found = self._fail(line), []
        return hits, [_told(one) for one in found], self.reference.correlator.due

    def _fail(self, line: bytes) -> list[int]:
        """No event ends the loop; the first that is at fault is told of, all are counted."""
        if not self._failed:
            _LOG.exception("the reference failed on %s", line[:1000].decode(errors="backslashreplace"))
        self._failed += 1
        return []

    def pass_time(self, newest: int, packet: int) -> tuple[list[Told], int | None]:
        """Correlations that hold now that spans have passed, and when to tell of the time next."""
        found = self.reference.pass_time(newest, packet)
        return [_told(one) for one in found], self.reference.correlator.due

    def continue_from(self, before: Judge) -> None:
        """Takes over what correlations of rules before these have counted, and the counters."""
        if isinstance(before, ReferenceJudge):
            self.reference.correlator.continue_from(before.reference.correlator)
            counted = before.counters()
            self._before = (counted["rule_matches"], counted["rule_unobserved"])

    def counters(self) -> dict[str, int]:
        """Named counters, in place of the engine's."""
        matched, unknown = self._before
        return {
            **self.reference.correlator.counters(),
            "rule_matches": matched + sum(one.matched for one in self.reference.did),
            "rule_unobserved": unknown + sum(one.unknown for one in self.reference.did),
            "reference_failed": self._failed,
        }

    def rules(self) -> list[tuple[int, int, int]]:
        """For each rule the events that it judged, that it matched, on which its outcome was unknown."""
        return [(one.judged, one.matched, one.unknown) for one in self.reference.did]


def _told(found: Found) -> Told:
    at = (found.time, found.packet, found.kind)
    return found.rule, float(found.measured), list(found.group), at, found.is_late


def reference_loop(rules: RuleSet, settings: Settings, indicators: Indicators | None = None) -> PacketLoop:
    """The loop that is judged by the reference; indicators are looked up by the engine. Raises as `loop_for` does."""
    return loop_for(rules.plan, settings, ReferenceJudge(rules), indicators)


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
        return reference_loop(rules, Settings(evidence_bytes=0))
