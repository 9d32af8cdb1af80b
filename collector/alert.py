"""What the collector checks of an alert before it stores it.

`schema/alert.schema.json` is strict for senders. Here every known leaf must have its type; unknown leaves are
taken in protocol objects only, and a few, so that a newer sensor is not cut off and no sender grows a mapping.
"""

from __future__ import annotations

import ipaddress
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

LeafType = Literal["keyword", "ip", "date", "date_nanos", "long", "double", "boolean"]

MOST_LEAVES: Final = 8192
MOST_UNKNOWN: Final = 64
MOST_DEPTH: Final = 12
MOST_TEXT: Final = 65536
LARGEST: Final = 2**63 - 1
LONGEST_NAME: Final = 128
# What 64 bits of nanoseconds hold, in whole years.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2261
BETWEEN: Final = "_"

_KEYWORDS = """
 bavn.agency bavn.contract.version bavn.event.dataset bavn.evidence.sha256 bavn.level bavn.matched.field
 bavn.matched.observed bavn.matched.op bavn.matched.value bavn.plan bavn.retention.class bavn.rule.falsepositives
 bavn.rule.references bavn.rule.source bavn.rule.status bavn.rule.tags bavn.sensor bavn.tlp bavn.unobserved
 ecs.version event.category event.dataset event.id event.kind event.module event.reason event.type message
 observer.name observer.product observer.type observer.vendor observer.version organization.id rule.author
 rule.category rule.description rule.id rule.license rule.name rule.reference rule.ruleset rule.version
 threat.framework threat.tactic.id threat.tactic.name threat.technique.id threat.technique.name
 threat.technique.subtechnique.id threat.technique.subtechnique.name
"""
_LONGS = """
 bavn.contract.redacted.authorization bavn.contract.redacted.body bavn.contract.redacted.cookie bavn.contract.redacted.cpr
 bavn.contract.redacted.email bavn.contract.redacted.query bavn.contract.redacted.withheld bavn.evidence.bytes
 bavn.evidence.packets bavn.flow.id bavn.packet bavn.pseudonym.key_version bavn.schema event.sequence
 event.severity
"""

# Written by `make docs` from the sensors' table of fields, with which this package shares no code.
_WIRE: Final = [
    line.split()
    for line in (Path(__file__).parent / "wire_leaves.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]

LEAVES: Final[dict[str, LeafType]] = {
    **dict.fromkeys(_KEYWORDS.split(), "keyword"),
    **dict.fromkeys(_LONGS.split(), "long"),
    **dict.fromkeys(["@timestamp", "event.created"], "date_nanos"),
    **{name: cast("LeafType", kind) for name, kind, *_ in _WIRE},
}
"""Every leaf of the schema and its type, in Elasticsearch's words."""

ANY_SCALAR: Final = frozenset({"bavn.matched.value", "bavn.matched.observed"})
_LISTS = """
 bavn.matched bavn.rule.falsepositives bavn.rule.references bavn.rule.tags bavn.unobserved dns.answers
 event.category event.type rule.author threat.tactic.id threat.tactic.name threat.technique.id
 threat.technique.name threat.technique.subtechnique.id threat.technique.subtechnique.name
"""
LISTS: Final = frozenset([*_LISTS.split(), *(name for name, _, *flags in _WIRE if flags)])
"""What the schema has as a list; all else of it is a single value."""
OBJECTS: Final = frozenset(name.rsplit(".", cut)[0] for name in LEAVES for cut in range(1, name.count(".") + 1))
CORE: Final = frozenset(
    [
        "ecs",
        "event",
        "rule",
        "threat",
        "observer",
        "organization",
        "bavn.retention",
        "bavn.pseudonym",
        "bavn.contract",
        "bavn.event",
        "bavn.rule",
        "bavn.evidence",
        "bavn.matched",
    ]
)
"""Objects in which an unknown leaf is refused."""
_TOP: Final = frozenset(name.split(".", 1)[0] for name in LEAVES)

_REQUIRED: Final[dict[str, str | int | None]] = {
    "@timestamp": None,
    "ecs.version": None,
    "message": None,
    "event.id": None,
    "event.kind": "alert",
    "event.module": "bavn",
    "event.dataset": "bavn.alert",
    "event.created": None,
    "event.severity": None,
    "event.sequence": None,
    "rule.id": None,
    "rule.name": None,
    "rule.version": None,
    "rule.category": None,
    "bavn.schema": 1,
    "bavn.tlp": None,
    "bavn.retention.class": None,
    "bavn.pseudonym.key_version": None,
    "bavn.contract.version": None,
    "bavn.plan": None,
}
_CHOICES: Final[dict[str, frozenset[str]]] = {
    "bavn.level": frozenset(("informational", "low", "medium", "high", "critical")),
    "bavn.tlp": frozenset(("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")),
    "bavn.retention.class": frozenset(("incident", "critical", "other")),
}
_ID = re.compile(r"[A-Z2-7]{32}\Z")
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z\Z", re.ASCII)
_WORD = re.compile(r"[^\W_]+")


class RefusalError(Exception):
    """Why a record never will be stored: a code of the catalogue and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def check(alert: object, agency: str, sensor: str) -> dict[str, Any]:
    """The alert, if it may be stored as one of that agency and sensor; raises `RefusalError`."""
    if not isinstance(alert, dict):
        raise RefusalError("BAVN-E220", "the alert is not an object")
    _check_leaves(alert)
    _check_core(alert)
    _check_origin(alert, agency, sensor)
    return alert


def get(alert: object, path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at a dotted path, None where there is none."""
    for part in path.split("."):
        alert = alert.get(part) if isinstance(alert, dict) else None
    return alert


def nanoseconds(text: str) -> int:
    """RFC 3339 time in UTC as nanoseconds since the epoch; ValueError where it is none of 1970 to 2261."""
    match = _TIME.match(text)
    if not match:
        raise ValueError("not a time in UTC as RFC 3339 has it")
    whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    if not FIRST_YEAR <= whole.year <= LAST_YEAR:
        raise ValueError(f"outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return int(whole.timestamp()) * 10**9 + int((match[2] or ".0")[1:].ljust(9, "0"))


def leaves(node: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every scalar with its dotted path; a list's members share its path."""
    if depth > MOST_DEPTH:
        raise RefusalError("BAVN-E221", "the alert is nested too deeply")
    if isinstance(node, dict):
        for key, value in node.items():
            if not key or "." in key or len(key) > LONGEST_NAME:
                raise RefusalError("BAVN-E221", f"the name {key[:64]!r} is not allowed")
            yield from leaves(value, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(node, list):
        _check_list(path, node)
        for value in node:
            yield from leaves(value, path, depth + 1)
    else:
        yield path, node


def unknown_leaves(alert: dict[str, Any]) -> dict[str, list[Any]]:
    """Values of leaves that the schema does not list, by path."""
    rest: dict[str, list[Any]] = {}
    for path, value in leaves(alert):
        if path not in LEAVES and value is not None:
            rest.setdefault(path, []).append(value)
    return rest


def words(text: str) -> str:
    """Text as stores search it: lower-case words of letters and digits, one blank between."""
    return " ".join(_WORD.findall(text.lower()))


def search_text(alert: dict[str, Any]) -> str:
    """All text of an alert as `words`, at most 64 KiB; the identifier and digests are left out."""
    parts, size = [], 0
    for path, value in leaves(alert):
        if isinstance(value, str) and path not in ("event.id", "bavn.plan") and LEAVES.get(path) != "date":
            parts.append(value[: MOST_TEXT - size])
            size += len(parts[-1])
    # The mark between two values keeps a phrase from running over both; no query can hold it.
    return f" {BETWEEN} ".join(words(part) for part in parts)


def _check_leaves(alert: dict[str, Any]) -> None:
    unknown: set[str] = set()
    for count, (path, value) in enumerate(leaves(alert)):
        if count >= MOST_LEAVES:
            raise RefusalError("BAVN-E221", f"the alert has more than {MOST_LEAVES} values")
        kind = LEAVES.get(path)
        if kind is not None:
            _check_leaf(path, kind, value)
        elif value is not None:
            _check_unknown(path)
            unknown.add(path)
    if len(unknown) > MOST_UNKNOWN:
        raise RefusalError("BAVN-E222", f"the alert has more than {MOST_UNKNOWN} unknown fields")


def _check_list(path: str, values: list[Any]) -> None:
    if path not in LISTS | ANY_SCALAR and (path in LEAVES or path in OBJECTS):
        raise RefusalError("BAVN-E221", f"{path} is a list")
    if any(isinstance(value, list) for value in values):
        raise RefusalError("BAVN-E221", f"{path[:128]} is a list of lists")


def _check_leaf(path: str, kind: LeafType, value: object) -> None:
    if value is None:
        return
    try:
        good = path in ANY_SCALAR or _fits(kind, value)
    except ValueError:
        good = False
    if not good:
        raise RefusalError("BAVN-E221", f"{path} is not of the type {kind}: {value!r:.64}")


def _fits(kind: LeafType, value: object) -> bool:
    if kind == "keyword":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in {"long", "double"}:
        return _is_number(kind, value)
    if not isinstance(value, str):
        return False
    if kind == "ip":
        # A zone index ("fe80::1%eth0") is an address to Python and none to Elasticsearch.
        return "%" not in value and bool(ipaddress.ip_address(value))
    return bool(_TIME.match(value)) and (kind == "date" or nanoseconds(value) >= 0)


def _is_number(kind: LeafType, value: object) -> bool:
    if isinstance(value, bool):
        return False
    if kind == "long":
        return isinstance(value, int) and -1 <= value <= LARGEST
    return isinstance(value, (int, float)) and math.isfinite(value)


def _check_unknown(path: str) -> None:
    parts = path.split(".")
    parents = {".".join(parts[:length]) for length in range(1, len(parts))}
    if path in OBJECTS or not parents.isdisjoint(LEAVES):
        raise RefusalError("BAVN-E221", f"{path[:128]} is an object in one place and a value in the other")
    if parts[0] not in _TOP or not parents.isdisjoint(CORE) or (path.count(".") == 1 and parts[0] == "bavn"):
        raise RefusalError("BAVN-E222", f"the field {path[:128]} is not known")


def _check_core(alert: dict[str, Any]) -> None:
    for path, wanted in _REQUIRED.items():
        value = get(alert, path)
        if value is None or isinstance(value, (list, dict)) or (wanted is not None and value != wanted):
            raise RefusalError("BAVN-E221", f"{path} is missing or not what the schema says")
    for path, allowed in _CHOICES.items():
        if get(alert, path) not in allowed:
            raise RefusalError("BAVN-E221", f"{path} is none of {', '.join(sorted(allowed))}")
    if not _ID.match(get(alert, "event.id")):
        raise RefusalError("BAVN-E221", "event.id is not 32 characters of base32")
    if get(alert, "event.severity") not in range(1, 6):
        raise RefusalError("BAVN-E221", "event.severity is not 1 to 5")


def _check_origin(alert: dict[str, Any], agency: str, sensor: str) -> None:
    for path, wanted in (
        ("bavn.agency", agency),
        ("organization.id", agency),
        ("bavn.sensor", sensor),
        ("observer.name", sensor),
    ):
        if get(alert, path) != wanted:
            raise RefusalError("BAVN-E223", f"{path} is not {wanted}, as the certificate says")
