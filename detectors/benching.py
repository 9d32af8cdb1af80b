"""What rules cost: the whole set and each alone, on the events of captures, with candidates and matches."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from detectors import loop, plan, printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from detectors.check import RuleSet

# Events that one call of the engine takes; more steer the figures no further.
MAX_EVENTS: Final = 50_000
_LEAST_NS: Final = 2_000_000
_REPEATS: Final = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """A rule: nanoseconds an event of its kinds alone takes above a plan that never matches (None for correlations)."""

    id: str
    title: str
    events: int
    candidates: int
    matches: int
    ns_per_event: float | None

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bench:
    """The whole set on one core, and each rule of it."""

    events: int
    ns_per_event: float
    rules: tuple[Cost, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {**asdict(self), "events_per_second": round(1e9 / self.ns_per_event) if self.ns_per_event else 0}


def bench(found: RuleSet, captures: Sequence[Path]) -> Bench:
    """Measures on the events of captures. Raises BavnError (E4xx) where a capture cannot be read."""
    events = list(_events(captures))
    by_kind = {kind: [text for one, text in events if one == kind] for kind in {kind for kind, _ in events}}
    whole, did = _measure(loop.Engine(found.plan), [text for _, text in events])
    numbers = json.loads(found.plan)
    costs = []
    for number, rule in enumerate(found.rules):
        mine = [text for kind in rule.kinds for text in by_kind.get(kind, ())]
        costs.append(
            Cost(
                rule.id,
                rule.title,
                len(mine),
                did[number].candidates,
                did[number].matches,
                _alone(numbers, number, mine),
            )
        )
    return Bench(len(events), whole, tuple(sorted(costs, key=lambda cost: -(cost.ns_per_event or 0) * cost.events)))


def _alone(numbers: Mapping[str, Any], number: int, events: Sequence[bytes]) -> float | None:
    """What a rule costs above the walk over the events that any plan pays."""
    if "correlation" in numbers["rules"][number]:
        return None
    if not events:
        return 0.0
    mine, _ = _measure(loop.Engine(subset(numbers, [number])), events)
    nothing, _ = _measure(loop.Engine(plan.assemble([])), events)
    return max(0.0, mine - nothing)


def _measure(engine: loop.Engine, events: Sequence[bytes]) -> tuple[float, list[loop.RuleDid]]:
    """Nanoseconds an event (the median of several goes), and what each rule did in one round."""
    if not events:
        return 0.0, engine.measure(events, 1)[1]
    once, did = engine.measure(events, 1)
    rounds = max(1, _LEAST_NS // max(once, 1))
    goes = [engine.measure(events, rounds)[0] / rounds for _ in range(_REPEATS)]
    return statistics.median(goes) / len(events), did


def subset(numbers: Mapping[str, Any], wanted: Sequence[int]) -> bytes:
    """A plan of some of a plan's rules (given as JSON data), with the predicates that they need."""
    places: dict[int, int] = {}
    rules = [_renumbered(numbers["rules"][number], places) for number in wanted]
    body = {**numbers, "rules": rules, "predicates": [numbers["predicates"][old] for old in places]}
    body.pop("digest", None)
    body["digest"] = plan.digest(plan.canonical(body).encode())
    return plan.canonical(body).encode()


def _renumbered(node: Any, places: dict[int, int]) -> Any:  # noqa: ANN401
    if isinstance(node, dict):
        if node.keys() == {"p"}:
            return {"p": places.setdefault(node["p"], len(places))}
        return {key: _renumbered(value, places) for key, value in node.items()}
    return [_renumbered(item, places) for item in node] if isinstance(node, list) else node


def _events(captures: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Kind and engine form of the captures' events, at most MAX_EVENTS; what is never printed is not among their fields."""
    for document in islice(printed.of_captures(captures), MAX_EVENTS):
        yield printed.kind_of(document), printed.engine_event(document)
