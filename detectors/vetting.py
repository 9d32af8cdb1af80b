"""What a rule should have before others run it: a passport, and silence on benign traffic."""

from __future__ import annotations

import datetime as dt
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
    return [problem for rule in found.rules for problem in _passport(rule, today, required=required)]


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
    """Rules that match too much of traffic that is known to be benign. Raises BavnError (E4xx)."""
    kinds = tuple(sorted({kind for rule in found.rules for kind in rule.kinds}))
    worker = loop.PacketLoop(found.plan, loop.Settings(evidence_bytes=0, events=True, kinds=kinds))
    for _ in printed.batches(worker, captures):
        pass
    came = worker.kinds()
    pairs = zip(found.rules, worker.rules(), strict=True)
    return [problem for rule, did in pairs if (problem := _too_broad(rule, did, came)) is not None]


def _too_broad(rule: LoadedRule, did: loop.RuleDid, came: dict[str, int]) -> Diagnostic | None:
    of = sum(came.get(kind, 0) for kind in rule.kinds)
    if not did.matches or (rule.level not in _LOUD and did.matches <= of * MAX_SHARE):
        return None
    events = " and ".join(rule.kinds)
    why = f"a rule of level {rule.level} matches none of it" if rule.level in _LOUD else f"more than {MAX_SHARE:.0%}"
    return _of(rule, "BAVN-W007", f"matched {did.matches:,} of {of:,} {events} events of benign traffic: {why}")


def _of(rule: LoadedRule, code: str, sentence: str) -> Diagnostic:
    return Diagnostic(code, sentence, rule.source)
