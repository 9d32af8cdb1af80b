"""What a rule set covers: ATT&CK techniques, and on one sensor which rules can fire, which are blind and why."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from detectors import loop, printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from detectors.check import LoadedRule, RuleSet

_TECHNIQUE: Final = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)
_TACTIC: Final = re.compile(r"attack\.([a-z][a-z-]+)", re.IGNORECASE)
NO_TACTIC: Final = "no tactic"
NO_TECHNIQUE: Final = "no technique"
# What hides one kind of event behind another: the first is told as the reason where the second came.
_HIDDEN_IN: Final = {"http": ("tls", "quic"), "smtp": ("tls",), "ldap": ("tls",), "ftp": ("ssh",), "x509": ("quic",)}


@dataclass(slots=True)
class Cell:
    """One technique under one tactic, with how many rules run, are unfillable here, or are refused."""

    tactic: str
    technique: str
    runs: int = 0
    unfillable: int = 0
    refused: int = 0
    titles: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule on one sensor: `why` it is blind, empty where it can fire; counts where a capture was read."""

    id: str
    title: str
    kinds: tuple[str, ...]
    why: str
    candidates: int = 0
    matches: int = 0
    unobserved: int = 0


@dataclass(frozen=True, slots=True)
class SensorView:
    """What can fire on what one sensor has seen."""

    name: str
    kinds: dict[str, int]
    can_fire: tuple[RuleView, ...]
    blind: tuple[RuleView, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


def matrix(found: RuleSet) -> list[Cell]:
    """Techniques under the tactics that their rules name, sorted; what correlations count stands for nothing itself."""
    cells: dict[tuple[str, str], Cell] = {}
    for status, title, document in _every(found):
        for place in _places(document):
            cell = cells.setdefault(place, Cell(*place))
            setattr(cell, status, getattr(cell, status) + 1)
            if status == "runs":
                cell.titles.append(title)
    return [cells[place] for place in sorted(cells)]


def _every(found: RuleSet) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    quiet = found.quiet
    yield from (("runs", rule.title, rule.document) for rule in found.rules if rule.id not in quiet)
    yield from ((item.status, item.title, item.document) for item in found.refused)


def _places(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    tags = [str(tag) for tag in document.get("tags") or ()]
    techniques = [m[1].upper() for tag in tags if (m := _TECHNIQUE.fullmatch(tag))] or [NO_TECHNIQUE]
    tactics = [m[1].lower() for tag in tags if (m := _TACTIC.fullmatch(tag))] or [NO_TACTIC]
    return [(tactic, technique) for tactic in tactics for technique in techniques]


def navigator(cells: Iterable[Cell], name: str) -> dict[str, Any]:
    """A layer that the ATT&CK Navigator opens; the score is the number of rules that run."""
    scores: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        if cell.technique != NO_TECHNIQUE:
            scores[cell.technique].update(cell.titles)
    techniques = [
        {"techniqueID": technique, "score": len(titles), "comment": "; ".join(sorted(titles))}
        for technique, titles in sorted(scores.items())
    ]
    top = max((len(titles) for titles in scores.values()), default=1)
    return {
        "name": name,
        "versions": {"layer": "4.5", "navigator": "5.1.0"},
        "domain": "enterprise-attack",
        "description": "Rules of bavn that run on this sensor",
        "gradient": {"colors": ["#ffffff", "#2a9d8f"], "minValue": 0, "maxValue": max(top, 1)},
        "techniques": techniques,
    }


def on_kinds(found: RuleSet, name: str, kinds: Mapping[str, int], packets: int = 0) -> SensorView:
    """What can fire on a sensor that has seen so many events of each kind, and analysed so many packets.

    Packets and scores are events only where a rule that the sensor runs is about them; others would have them, too.
    """
    made = {"packet": packets, "score": sum(kinds.get(kind, 0) for kind in _scored(found))}
    seen = {**kinds, **{kind: count for kind, count in made.items() if count and not kinds.get(kind)}}
    return _view(found, name, seen, [loop.RuleDid(0, 0, 0)] * len(found.rules))


def _scored(found: RuleSet) -> set[str]:
    """Kinds that the detectors at hand look at, where a rule is about scores."""
    if not any("score" in rule.kinds for rule in found.rules):
        return set()
    from detectors.analytics.loop import installed  # noqa: PLC0415  (few rule sets need it)

    return {kind for one in installed() for kind in one.kinds}


def on_captures(found: RuleSet, name: str, captures: Sequence[Path]) -> SensorView:
    """The same of captures, which stand for the traffic of a sensor. Raises BavnError (E4xx)."""
    # Packets come only where a rule asks: to print them all would say of every capture that it has some.
    kinds = tuple(kind for kind in loop.event_kinds() if kind != "packet")
    worker = loop.loop_for(found.plan, loop.Settings(evidence_bytes=0, events=True, kinds=kinds))
    for _ in printed.batches(worker, captures):
        pass
    return _view(found, name, worker.kinds(), worker.rules())


def _view(found: RuleSet, name: str, kinds: Mapping[str, int], did: Sequence[loop.RuleDid]) -> SensorView:
    views = [
        RuleView(rule.id, rule.title, rule.kinds, _why(rule, kinds), one.candidates, one.matches, one.unobserved)
        for rule, one in zip(found.rules, did, strict=True)
    ]
    seen = {kind: count for kind, count in kinds.items() if count}
    return SensorView(name, seen, tuple(v for v in views if not v.why), tuple(v for v in views if v.why))


def _why(rule: LoadedRule, kinds: Mapping[str, int]) -> str:
    if any(kinds.get(kind) for kind in rule.kinds):
        return ""
    hidden = sorted({by for kind in rule.kinds for by in _HIDDEN_IN.get(kind, ()) if kinds.get(by)})
    behind = f"; what there is may pass inside {' or '.join(hidden)}" if hidden else ""
    return f"no {' or '.join(rule.kinds)} event has come{behind}"
