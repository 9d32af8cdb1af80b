"""What a rule should have before others run it: a passport, and silence on benign traffic."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from detectors import loop, printed
from detectors.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from detectors.check import LoadedRule, RuleSet

FIELDS: Final = ("purpose", "data", "owner", "expiry")
DATA: Final = ("header", "metadata", "payload")
# Of the events of its kinds on benign traffic, what a rule may match; high and critical ones none.
MAX_SHARE: Final = 0.01
_LOUD: Final = ("high", "critical")


def passports(found: RuleSet, today: dt.date, *, required: bool) -> list[Diagnostic]:
    """What is missing in the rules' passports, or has expired; rules without one are told of where it is required."""
    quiet = found.quiet
    return [
        problem
        for rule in found.rules
        for problem in _passport(rule, today, required=required and rule.id not in quiet)
    ]


def _passport(rule: LoadedRule, today: dt.date, *, required: bool) -> Iterator[Diagnostic]:
    passport = rule.document.get("passport")
    if passport is None and not required:
        return
    if not isinstance(passport, dict):
        yield _of(
            rule, "BAVN-W008", f"`{rule.title}` has no passport" if passport is None else "`passport` is no mapping"
        )
        return
    missing = [name for name in FIELDS if passport.get(name) in (None, "", [])]
    if missing:
        yield _of(rule, "BAVN-W008", f"the passport lacks {', '.join(missing)}")
    if passport.get("data") not in (None, *DATA):
        yield _of(
            rule, "BAVN-W008", f"the passport's `data` is one of {', '.join(DATA)}, not {str(passport['data'])[:40]!r}"
        )
    yield from _expiry(rule, passport.get("expiry"), today)


def _expiry(rule: LoadedRule, expiry: Any, today: dt.date) -> Iterator[Diagnostic]:  # noqa: ANN401
    if expiry in (None, ""):
        return
    try:
        until = expiry if isinstance(expiry, dt.date) else dt.date.fromisoformat(str(expiry)[:10])
    except ValueError:
        yield _of(rule, "BAVN-W008", "the passport's `expiry` is no date (2027-01-31)")
        return
    if until < today:
        yield _of(rule, "BAVN-W009", f"the rule expired on {until}")


def benign(found: RuleSet, captures: Sequence[Path]) -> list[Diagnostic]:
    """Rules that make too many alerts of traffic that is known to be benign. Raises BavnError (E4xx)."""
    kinds = tuple(sorted({kind for rule in found.rules for kind in rule.kinds}))
    worker = loop.loop_for(found.plan, loop.Settings(evidence_bytes=0, events=True, kinds=kinds))
    alerts: Counter[str] = Counter()
    for batch in printed.batches(worker, captures):
        alerts.update(json.loads(alert)["rule"]["id"] for alert in batch.alerts)
    came, matches = worker.kinds(), worker.rules()
    # What correlations alone make alerts of is judged by their alerts.
    quiet = found.quiet
    told = [
        (rule, alerts[rule.id] if rule.id in quiet or "correlation" in rule.document else did.matches)
        for rule, did in zip(found.rules, matches, strict=True)
    ]
    return [problem for rule, count in told if (problem := _too_broad(rule, count, came)) is not None]


def _too_broad(rule: LoadedRule, count: int, came: dict[str, int]) -> Diagnostic | None:
    of = sum(came.get(kind, 0) for kind in rule.kinds)
    if not count or (rule.level not in _LOUD and count <= of * MAX_SHARE):
        return None
    events = " and ".join(rule.kinds)
    why = f"a rule of level {rule.level} matches none of it" if rule.level in _LOUD else f"more than {MAX_SHARE:.0%}"
    return _of(rule, "BAVN-W007", f"matched {count:,} of {of:,} {events} events of benign traffic: {why}")


def _of(rule: LoadedRule, code: str, sentence: str) -> Diagnostic:
    return Diagnostic(code, sentence, rule.source)
