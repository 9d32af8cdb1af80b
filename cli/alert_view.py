"""An alert for a person: why, who, when, what it may be, what next; a line a fact, fitted to the terminal."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

from cli.output import LEVEL_MARKS, Document, level_text, pick
from cli.reading import SHORT_ID, endpoint, short_time
from cli.safe import safe
from cli.terminal import colour, command, width

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.store import StoredAlert

_LABEL: Final = 10
_MOST_LEAVES: Final = 8
_VALUE: Final = 160


def describe(stored: StoredAlert, *, utc: bool = False) -> Iterator[str]:
    """Write an alert, a fact a line."""
    alert, short = stored.alert, stored.id[:SHORT_ID]
    yield _title(alert, short)
    yield from _why(alert)
    yield from _line("Who", _who(alert))
    received = short_time(stored.ingested.isoformat(), utc=utc)
    yield from _line("When", f"{short_time(str(alert['@timestamp']), utc=utc)}    received {received}")
    yield from _line("ATT&CK", _techniques(alert))
    yield from _line("May be", "; ".join(_texts(alert, "bavn.rule.falsepositives")) or "no known false positives")
    yield from _line("Rule by", _rule_by(alert))
    yield from _line("Evidence", _evidence(alert))
    yield from _line("Contract", _contract(alert))
    yield from _line("State", _state(stored))
    yield from _line("Next", "    ".join(_next(stored, short)))


def _title(alert: Document, short: str) -> str:
    level = str(pick(alert, "bavn.level"))
    rule = f"rule {pick(alert, 'bavn.rule.source') or pick(alert, 'rule.id')} v{str(pick(alert, 'rule.version'))[:8]}"
    left = f"{level_text(level)}  {safe(pick(alert, 'rule.name'))}"
    right = safe(f"{short} · {rule}")
    gap = " " * max(2, width() - len(left) - len(right))
    return f"{colour(left, LEVEL_MARKS.get(level, ('', '', ''))[2], sys.stdout)}{gap}{right}"


def _why(alert: Document) -> Iterator[str]:
    yield from _line("Why", pick(alert, "event.reason") or "")
    leaves = pick(alert, "bavn.matched") or []
    for leaf in leaves[:_MOST_LEAVES]:
        yield from _line("", f"saw {leaf.get('field')} = {safe(leaf.get('observed'), _VALUE)}")
    if len(leaves) > _MOST_LEAVES:
        yield from _line("", f"and {len(leaves) - _MOST_LEAVES} more")
    if unobserved := _texts(alert, "bavn.unobserved"):
        yield from _line("", f"not seen by the sensor: {', '.join(unobserved)}")


def _who(alert: Document) -> str:
    told = {
        "DNS": "dns.question.name",
        "URL": "url.full",
        "SNI": "tls.client.server_name",
        "agent": "user_agent.original",
    }
    more = "  ".join(f"{label} {safe(pick(alert, path), _VALUE)}" for label, path in told.items() if pick(alert, path))
    seen_by = f"{pick(alert, 'bavn.agency')}, sensor {pick(alert, 'bavn.sensor')}"
    transport = pick(alert, "network.transport") or ""
    return f"{endpoint(alert, 'source')} ({seen_by}) → {endpoint(alert, 'destination')} {transport}  {more}"


def _techniques(alert: Document) -> str:
    found = [*_texts(alert, "threat.technique.id"), *_texts(alert, "threat.technique.subtechnique.id")]
    return " · ".join(found) or "none named"


def _rule_by(alert: Document) -> str:
    author = ", ".join(_texts(alert, "rule.author")) or "unknown"
    return f"{author}  ({pick(alert, 'rule.license') or 'licence not stated'})  {pick(alert, 'rule.reference') or ''}"


def _evidence(alert: Document) -> str:
    kept = pick(alert, "bavn.evidence")
    if not kept:
        return "none kept"
    return f"{kept['packets']} packets, {kept['bytes']:,} bytes, sha256 {str(kept['sha256'])[:16]}…  (at the agency)"


def _contract(alert: Document) -> str:
    redacted = pick(alert, "bavn.contract.redacted") or {}
    taken = ", ".join(f"{kind} {count}" for kind, count in redacted.items())
    told = f"taken out: {taken}" if taken else "nothing taken out"
    return f"{pick(alert, 'bavn.contract.version')}: {told}; TLP:{pick(alert, 'bavn.tlp')}"


def _state(stored: StoredAlert) -> str:
    state = stored.state
    parts = [state.state, state.verdict, f"with {state.assignee}" if state.assignee else None]
    last = state.history[-1] if state.history else None
    by = f"by {last.who}" + (f": {last.note}" if last.note else "") if last else None
    return ", ".join(part for part in (*parts, by) if part)


def _next(stored: StoredAlert, short: str) -> list[str]:
    steps = [f"alerts ack {short}"] if stored.state.state == "new" else []
    steps.append(f"explain {pick(stored.alert, 'rule.id')}")
    if pick(stored.alert, "bavn.evidence"):
        steps.insert(0, f"evidence show {short}")
    return [command(step) for step in steps]


def _texts(alert: Document, path: str) -> list[str]:
    value: Any = pick(alert, path)
    return [str(item) for item in value] if isinstance(value, list) else []


def _line(label: str, text: object) -> Iterator[str]:
    room = width() - _LABEL
    pieces = textwrap.wrap(safe(text), room, break_on_hyphens=False) or [""]
    for at, piece in enumerate(pieces):
        yield f"{label if at == 0 else '':<{_LABEL}}{piece}"
