"""What is different between two rule sets: rule by rule, and in the alerts that they make on the same captures."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from detectors import loop, printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from detectors.check import RuleSet

What = Literal["added", "removed", "changed", "broken", "mended"]
# Enough to find what is behind a number, without a list of millions.
MAX_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that differs. `parts`: what of it; `broken` ran before and does not now, `mended` the other way round."""

    what: What
    id: str
    title: str
    source: str
    parts: tuple[str, ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AlertChange:
    """A rule that alerts otherwise on a capture; examples are `time source -> destination`."""

    capture: str
    id: str
    title: str
    before: int
    after: int
    lost: int
    gained: int
    examples: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


def rules(before: RuleSet, after: RuleSet) -> list[RuleChange]:
    """Rules that were added, removed or changed, or that run in one of the sets alone."""
    old, new = _documents(before), _documents(after)
    found = [RuleChange("removed", name, *old[name].names) for name in old.keys() - new.keys()]
    found += [RuleChange("added", name, *new[name].names) for name in new.keys() - old.keys()]
    found += [change for name in old.keys() & new.keys() if (change := _change(name, old[name], new[name]))]
    return sorted(found, key=lambda change: (change.what, change.source, change.id))


@dataclass(frozen=True, slots=True)
class _One:
    names: tuple[str, str]
    document: Mapping[str, Any]
    reason: str


def _documents(found: RuleSet) -> dict[str, _One]:
    """Each rule by its id, or where it has none by file and title; a reason where it does not run."""
    every = {rule.id: _One((rule.title, rule.source), rule.document, "") for rule in found.rules}
    for item in found.refused:
        reason = item.reasons[0].sentence if item.reasons else item.status
        every.setdefault(
            item.id or f"{item.source} {item.title}", _One((item.title, item.source), item.document, reason)
        )
    return every


def _change(name: str, old: _One, new: _One) -> RuleChange | None:
    parts = tuple(
        sorted(key for key in old.document.keys() | new.document.keys() if _part(old, key) != _part(new, key))
    )
    if bool(old.reason) != bool(new.reason):
        return RuleChange("broken" if new.reason else "mended", name, *new.names, parts, new.reason or old.reason)
    return RuleChange("changed", name, *new.names, parts, new.reason) if parts else None


def _part(one: _One, key: str) -> str:
    return json.dumps(one.document.get(key), default=str, sort_keys=True)


# -- alerts -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class _Key:
    """An alert, whichever rule set made it: `event.id` also holds the rule's version, which is what changed."""

    rule: str
    time: str
    source: str
    destination: str


def alerts(before: RuleSet, after: RuleSet, captures: Sequence[Path]) -> Iterator[AlertChange]:
    """For each capture the rules that alert otherwise. Raises BavnError (E4xx) where a capture cannot be read."""
    titles = {rule.id: rule.title for found in (before, after) for rule in found.rules}
    for capture in captures:
        old, new = _alerts(before, capture), _alerts(after, capture)
        for rule in sorted({key.rule for key in old | new}):
            change = _alert_change(capture, rule, titles.get(rule, ""), _only(old, rule), _only(new, rule))
            if change.lost or change.gained:
                yield change


def _only(keys: Counter[_Key], rule: str) -> Counter[_Key]:
    return Counter({key: count for key, count in keys.items() if key.rule == rule})


def _alert_change(capture: Path, rule: str, title: str, old: Counter[_Key], new: Counter[_Key]) -> AlertChange:
    lost, gained = old - new, new - old
    examples = [f"- {_shown(key)}" for key in sorted(lost)[:MAX_EXAMPLES]]
    examples += [f"+ {_shown(key)}" for key in sorted(gained)[:MAX_EXAMPLES]]
    return AlertChange(
        str(capture), rule, title, old.total(), new.total(), lost.total(), gained.total(), tuple(examples)
    )  # fmt: skip


def _shown(key: _Key) -> str:
    return f"{key.time} {key.source} -> {key.destination}"


def _alerts(found: RuleSet, capture: Path) -> Counter[_Key]:
    worker = loop.PacketLoop(found.plan, loop.Settings(evidence_bytes=0))
    keys: Counter[_Key] = Counter()
    for batch in printed.batches(worker, [capture]):
        keys.update(_key(json.loads(alert)) for alert in batch.alerts)
    return keys


def _key(alert: Mapping[str, Any]) -> _Key:
    return _Key(alert["rule"]["id"], alert["@timestamp"], _end(alert, "source"), _end(alert, "destination"))


def _end(alert: Mapping[str, Any], side: str) -> str:
    end = alert.get(side) or {}
    return f"{end.get('ip', '')}:{end.get('port', '')}"
