"""The compiled plan, read the slow way: every rule's tree is walked on every event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from detectors.reference.events import Event, Outcome, all_of, any_of, not_, shortest
from detectors.reference.operators import Predicate, predicate_outcome, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.fields import FieldTable


class ReferenceEngine:
    """Runs a plan by walking every rule's tree. `fields` tells the types of event fields."""

    def __init__(self, plan: bytes, fields: FieldTable | None = None) -> None:
        data = json.loads(plan)
        self._types = {f.name: f.type for f in fields.by_name.values()} if fields else {}
        self._predicates: list[Predicate] = [self._normal(item) for item in data["predicates"]]
        self._rules: list[dict[str, Any]] = data["rules"]

    def _normal(self, predicate: Predicate) -> Predicate:
        """An address that is asked for may be written in any of its forms."""
        if predicate["op"] != "eq" or self._types.get(predicate["field"]) != "ip":
            return predicate
        return {**predicate, "value": [shortest(text) for text in wanted(predicate)]}

    def outcome(self, rule: int, event: Event) -> Outcome:
        """The outcome of one rule on one event; False for events of other kinds."""
        outcomes = [
            self._condition(target["condition"], event)
            for target in self._rules[rule]["targets"]
            if target["kind"] == event.kind
        ]
        return any_of(outcomes)

    def match_event(self, event: bytes) -> list[int]:
        """Numbers of the rules that hold, in order."""
        return [n for n, outcome in enumerate(self.outcomes(event)) if outcome is True]

    def outcomes(self, event: bytes) -> list[Outcome]:
        """The outcome of every rule."""
        parsed = Event.from_json(event, self._types)
        return [self.outcome(number, parsed) for number in range(len(self._rules))]

    def _condition(self, condition: Mapping[str, Any], event: Event) -> Outcome:
        if "p" in condition:
            return predicate_outcome(self._predicates[condition["p"]], event)
        if "not" in condition:
            return not_(self._condition(condition["not"], event))
        if "and" in condition:
            return all_of([self._condition(part, event) for part in condition["and"]])
        return any_of([self._condition(part, event) for part in condition["or"]])
