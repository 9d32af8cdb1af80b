"""The sharing contract: what may leave the agency. Enforced before the outbox.

A contract is a TOML file that the agency owns. Without one the default holds, which already takes out
CPR numbers, e-mail addresses, cookies, authorisation headers, query strings and bodies.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from sensors.errors import SensorError
from sensors.redaction import redact_query, redact_text, redact_userinfo

if TYPE_CHECKING:
    from pathlib import Path

Level = Literal["informational", "low", "medium", "high", "critical"]
Share = Literal["none", "full"]
Tlp = Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
Redaction = Literal["cpr", "email", "cookie", "authorization", "query", "body"]

_ALL_REDACTIONS: Final[tuple[Redaction, ...]] = ("cpr", "email", "cookie", "authorization", "query", "body")
_DROPPED: Final[dict[str, Redaction]] = {
    "bavn.http.request.cookie": "cookie",
    "bavn.http.request.authorization": "authorization",
    "http.request.body.content": "body",
    "url.query": "query",
    "url.fragment": "query",
    "url.username": "authorization",
    "url.password": "authorization",
    "user.name": "authorization",
}
_URLS: Final = frozenset(
    {"url.original", "url.full", "http.request.referrer", "bavn.http.response.location", "bavn.indicator.observed"}
)
_TLPS: Final = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
_HEADERS: Final[dict[str, Redaction]] = {
    "cookie": "cookie",
    "set-cookie": "cookie",
    "authorization": "authorization",
    "proxy-authorization": "authorization",
}
_RAW: Final = frozenset(
    {"bavn.http.raw", "bavn.http.request.headers", "bavn.http.response.headers"},
)
_URL_HEADERS: Final = frozenset({"referer", "location", "content-location"})
# A line that begins with a blank goes on the one before it (RFC 9112, section 5.2).
_LINE_END: Final = re.compile(r"(\r?\n)(?![ \t])")
_NEVER_TOUCHED: Final = frozenset(
    {
        "@timestamp", "ecs", "observer", "organization", "rule", "event.id", "event.created", "network.community_id",
        "tls.client.ja3", "tls.client.ja4", "tls.server.ja3s", "tls.server.hash", "tls.server.x509.serial_number",
        "file.hash", "threat.indicator", "threat.enrichments.matched",
        "bavn.agency", "bavn.sensor", "bavn.plan", "bavn.rule", "bavn.evidence",
    }
)  # fmt: skip
"""Names, with what is below them, that say who made the alert and why, or are hashes and fingerprints."""

REQUIRED: Final = frozenset(
    {
        "@timestamp", "ecs.version", "message",
        "event.id", "event.kind", "event.module", "event.dataset", "event.created", "event.severity", "event.sequence",
        "rule.id", "rule.name", "rule.version", "rule.category",
        "bavn.schema", "bavn.agency", "bavn.sensor", "bavn.level", "bavn.tlp", "bavn.retention.class",
        "bavn.pseudonym.key_version", "bavn.contract.version", "bavn.plan",
    }
)  # fmt: skip
"""Names without which no collector takes an alert; a contract cannot withhold them."""


class ShareByLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to an alert of each level: `full` is sent, `none` stays."""

    informational: Share = "full"
    low: Share = "full"
    medium: Share = "full"
    high: Share = "full"
    critical: Share = "full"


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sharing contract.

    Attributes:
        version: name of this text of the contract; written into each alert.
        share: per level, whether it leaves.
        redact: kinds of personal data that are taken out.
        withhold: event fields (ECS names; a name covers what is below it) that never leave.
        tlp: Traffic Light Protocol 2.0 mark of what leaves.
        expires: last day on which anything leaves; none for the shipped default.
    """

    version: str = "default-1"
    share: ShareByLevel = ShareByLevel()
    redact: tuple[Redaction, ...] = _ALL_REDACTIONS
    withhold: tuple[str, ...] = ()
    tlp: Tlp = "AMBER"
    expires: dt.date | None = None

    def require_valid(self, today: dt.date) -> None:
        """Make sure that the contract holds on a day (UTC).

        Raises:
            SensorError: BAVN-E121 where it has expired.
        """
        if self.expires is not None and today > self.expires:
            raise SensorError("BAVN-E121", f"contract {self.version} ended on {self.expires}")

    def require_sendable(self) -> None:
        """Make sure that alerts under this contract can be taken by a collector.

        Raises:
            SensorError: BAVN-E120 where it withholds what each alert must have.
        """
        for name in self.withhold:
            if kept := sorted(required for required in REQUIRED if _is_below(required, name)):
                raise SensorError("BAVN-E120", f"withhold {name!r}: an alert cannot do without {kept[0]}")


class Verdict(msgspec.Struct, frozen=True):
    """What the contract made of an alert: the exact bytes that leave, or none and why."""

    id: str
    severity: int
    record: bytes | None
    withheld: str | None = None


def load_contract(path: Path | None) -> Contract:
    """Read a contract, or give the default where there is no path.

    Raises:
        SensorError: BAVN-E120 where the file cannot be read or is no contract.
    """
    if path is None:
        return Contract()
    try:
        contract = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Contract)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SensorError("BAVN-E120", f"{path.name}: {error}") from error
    contract.require_sendable()
    return contract


def as_toml(contract: Contract) -> str:
    """Write a contract as the TOML that `load_contract` reads."""
    lines = [f"version = {msgspec.json.encode(contract.version).decode()}", f'tlp = "{contract.tlp}"']
    lines.append(f"redact = {msgspec.json.encode(contract.redact).decode()}")
    lines.append(f"withhold = {msgspec.json.encode(contract.withhold).decode()}")
    if contract.expires is not None:
        lines.append(f"expires = {contract.expires.isoformat()}")
    shares = msgspec.structs.asdict(contract.share)
    return "\n".join([*lines, "", "[share]", *(f'{level} = "{how}"' for level, how in shares.items())]) + "\n"


class Enforcer:
    """Applies one contract to alerts."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._kinds = frozenset(contract.redact)

    def apply(self, alert: bytes, today: dt.date) -> Verdict:
        """Decide on one alert.

        Args:
            alert: the alert as the engine made it, a JSON document.
            today: day of the decision, UTC.

        Raises:
            SensorError: BAVN-E121 where the contract has expired.
        """
        self.contract.require_valid(today)
        document: dict[str, Any] = msgspec.json.decode(alert)
        level, event = document["bavn"]["level"], document["event"]
        if getattr(self.contract.share, level) == "none":
            return Verdict(event["id"], event["severity"], None, f"share_none_{level}")
        return Verdict(event["id"], event["severity"], msgspec.json.encode(self._enforce(document)))

    def _enforce(self, document: dict[str, Any]) -> dict[str, Any]:
        found: Counter[str] = Counter()
        clean: dict[str, Any] = self._walk(document, "", found)
        own = clean["bavn"]
        if not self._is_withheld("bavn.matched"):
            own["matched"] = [self._matched(leaf, found) for leaf in document["bavn"].get("matched", [])]
        own["tlp"] = max(self.contract.tlp, _indicator_tlp(document), key=_strictness)
        self._keep_observed(document, own, found)
        own["contract"] = {"version": self.contract.version, "redacted": dict(sorted(found.items()))}
        return clean

    def _walk(self, node: Any, path: str, found: Counter[str]) -> Any:  # noqa: ANN401
        if isinstance(node, dict):
            return self._walk_object(node, path, found)
        if isinstance(node, list):
            return [self._walk(item, path, found) for item in node]
        return self._text(node, path, found) if isinstance(node, str) and not _is_untouched(path) else node

    def _walk_object(self, node: dict[str, Any], path: str, found: Counter[str]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in node.items():
            below = f"{path}.{key}" if path else key
            if below == "bavn.matched":
                continue
            if self._is_withheld(below):
                found["withheld"] += 1
            elif _DROPPED.get(below) in self._kinds:
                found[_DROPPED[below]] += 1
            else:
                kept[key] = self._walk(value, below, found)
        return kept

    def _keep_observed(self, document: dict[str, Any], own: dict[str, Any], found: Counter[str]) -> None:
        """What was seen of an indicator is withheld where the field that held it is."""
        matched = document.get("threat", {}).get("enrichments", {}).get("matched", {}).get("field")
        if matched and self._is_withheld(matched) and own.get("indicator", {}).pop("observed", None) is not None:
            found["withheld"] += 1

    def _is_withheld(self, path: str) -> bool:
        return any(_is_below(path, name) for name in self.contract.withhold)

    def _text(self, text: str, path: str, found: Counter[str]) -> str:
        if path in _RAW:
            return self._head(text, found)
        if path in _URLS:
            text = self._url(text, found)
        return redact_text(text, self._kinds, found)

    def _url(self, text: str, found: Counter[str]) -> str:
        if "authorization" in self._kinds:
            text = redact_userinfo(text, found)
        return redact_query(text, found) if "query" in self._kinds else text

    def _head(self, head: str, found: Counter[str]) -> str:
        """A raw head keeps its lines but for those that the contract takes out; it begins at a line's begin."""
        # Lines stand at even places, the ends between them at odd ones.
        parts = _LINE_END.split(head)
        parts[::2] = [self._head_line(line, found) for line in parts[::2]]
        return "".join(parts)

    def _head_line(self, line: str, found: Counter[str]) -> str:
        name = line.partition(":")[0].strip().lower()
        kind = _HEADERS.get(name)
        if kind in self._kinds:
            found[kind] += 1
            return f"{name}: [{kind}]"
        # A long line that was cut may be a header's middle only at the head's end, never at its begin.
        if " HTTP/" in line or "?" in line or name in _URL_HEADERS:
            line = self._url(line, found)
        elif "authorization" in self._kinds:
            line = redact_userinfo(line, found)
        return redact_text(line, self._kinds, found)

    def _matched(self, leaf: dict[str, Any], found: Counter[str]) -> dict[str, Any]:
        """A leaf tells what it saw under the field's own rule; the rule's literal stays."""
        field, observed = leaf["field"], leaf.get("observed")
        if observed is None:
            return leaf
        if self._is_withheld(field) or _DROPPED.get(field) in self._kinds:
            return {**leaf, "observed": "[redacted]"}
        return {**leaf, "observed": self._walk(observed, field, found)}


def _strictness(tlp: str) -> int:
    return _TLPS.index(tlp) if tlp in _TLPS else len(_TLPS)


def _indicator_tlp(document: dict[str, Any]) -> str:
    """The mark of what the alert tells: of an indicator's alert never wider than the indicator's own."""
    if document["bavn"].get("event", {}).get("dataset") != "bavn.indicator":
        return _TLPS[0]
    indicator = document.get("threat", {}).get("indicator", {})
    tlp = indicator.get("marking", {}).get("tlp")
    return tlp if tlp in _TLPS else _TLPS[-1]


def _is_below(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


def _is_untouched(path: str) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:count]) in _NEVER_TOUCHED for count in range(1, len(parts) + 1))
