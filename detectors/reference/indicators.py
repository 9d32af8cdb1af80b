"""Indicators as the reference looks them up: what the compiled engine does with hashes and tables, one by one.

Reads the same set (detectors/engine/src/indicator/set.rs) and gives the same events in the same order.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from detectors.indicators.reading import TLPS
from detectors.indicators.values import DIGESTS, canonical_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IPS: Final = frozenset({"source.ip", "destination.ip", "dns.resolved_ip"})
_NAMES: Final = frozenset(
    {
        "dns.question.name", "dns.answers.data", "url.domain", "tls.client.server_name",
        "tls.server.x509.alternative_names", "x509.alternative_names", "x509.subject.common_name",
    }
)  # fmt: skip
_URLS: Final = frozenset({"url.full", "bavn.http.response.location"})
_EXACT: Final = {
    "tls.client.ja4": "ja4", "tls.client.ja3": "ja3", "tls.server.ja3s": "ja3s", "ssh.client.hassh": "hassh",
    "ssh.server.hassh": "hassh", "file.hash.md5": "md5", "file.hash.sha1": "sha1", "file.hash.sha256": "sha256",
    "tls.server.hash.md5": "cert-md5", "bavn.x509.hash.md5": "cert-md5", "tls.server.hash.sha1": "cert-sha1",
    "bavn.x509.hash.sha1": "cert-sha1", "tls.server.hash.sha256": "cert-sha256", "bavn.x509.hash.sha256": "cert-sha256",
}  # fmt: skip
_STIX: Final = {
    "domain": "domain-name", "host": "domain-name", "url": "url", "md5": "file", "sha1": "file", "sha256": "file",
    "cert-md5": "x509-certificate", "cert-sha1": "x509-certificate", "cert-sha256": "x509-certificate",
}  # fmt: skip
_OF_A_FLOW: Final = (
    "destination.ip", "destination.port", "network.community_id", "network.inner.vlan.id", "network.protocol",
    "network.transport", "network.type", "network.vlan.id", "source.ip", "source.port",
)  # fmt: skip
_NOT_LOOKED_AT: Final = ("packet", "indicator", "score")
_WITHOUT_PROTOCOL: Final = ("flow", "x509", "weird", "file")
_WITH_PORTS: Final = (6, 17, 132)
_NANOSECONDS: Final = 1_000_000_000
_MAX_URL: Final = 8192
_MAX_NAME: Final = 253


@dataclass(frozen=True, slots=True)
class _Entry:
    expires: int
    said: dict[str, Any]
    order: int


@dataclass
class ReferenceIndicators:
    """The indicators of a set, and what was told of in which flow."""

    entries: dict[tuple[str, str], list[_Entry]] = field(default_factory=dict)
    networks: list[tuple[Any, str]] = field(default_factory=list)
    told: set[tuple[int, str, str]] = field(default_factory=set)
    flows: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, path: Path) -> ReferenceIndicators:
        """Read a set that the engine has taken."""
        found = cls()
        said: list[dict[str, Any]] = []
        for line in path.read_text("utf-8").splitlines()[1:-1]:
            if line.startswith("{"):
                said.append(json.loads(line))
                continue
            kind, value, expires, place = line.split("\t")
            end = 0 if expires == "-" else int(expires)
            found.entries.setdefault((kind, value), []).append(_Entry(end, said[int(place)], int(place)))
        addresses = {value for kind, value in found.entries if kind in ("ip", "cidr")}
        networks = [(ipaddress.ip_network(value), value) for value in addresses]
        found.networks = sorted(networks, key=lambda one: -one[0].prefixlen)
        return found

    def look(self, line: bytes) -> list[bytes]:
        """Events that tell of the indicators in an event, all as JSON."""
        event = json.loads(line)
        if event["kind"] in _NOT_LOOKED_AT:
            return []
        return [json.dumps(told).encode() for told in (*self._ends(event), *self._fields(event))]

    def _ends(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        flow = event.get("flow")
        if flow is None or flow["id"] in self.flows:
            return
        self.flows.add(flow["id"])
        for name, ip, port in zip(("source.ip", "destination.ip"), flow["ip"], flow["port"], strict=True):
            yield from self._address(event, name, ip, _address(ip))
            if flow["transport"] in _WITH_PORTS:
                address = _address(ip)
                text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004
                yield from self._tell(event, name, ip, ("ip-port", text), address)

    def _fields(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        names = sorted(event["fields"])
        for name in names:
            value = event["fields"][name]
            for one in value if isinstance(value, list) else [value]:
                text = _text(one)
                if text is not None:
                    yield from self._value(event, name, text)

    def _value(self, event: dict[str, Any], name: str, text: str) -> Iterator[dict[str, Any]]:
        address = _address(text) if name in _IPS or name in _NAMES else None
        if address is not None:
            yield from self._address(event, name, text, address)
        elif name in _NAMES:
            yield from self._name(event, name, text)
        elif name in _URLS:
            yield from self._url(event, name, text)
        elif name in _EXACT:
            kind = _EXACT[name]
            yield from self._tell(event, name, text, (kind, text.lower() if kind in DIGESTS else text))

    def _address(self, event: dict[str, Any], name: str, text: str, address: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        for network, value in self.networks:
            kind = "ip" if network.prefixlen == network.max_prefixlen else "cidr"
            if address in network and self._live(event, (kind, value)):
                yield from self._tell(event, name, text, (kind, value), address)
                return

    def _name(self, event: dict[str, Any], name: str, text: str) -> Iterator[dict[str, Any]]:
        plain = text.removeprefix("*.").rstrip(".").lower()
        if len(plain) > _MAX_NAME or not all(c.isascii() and (c.isalnum() or c in ".-_") for c in plain):
            return
        yield from self._tell(event, name, text, ("host", plain))
        while "." in plain:
            if self._live(event, ("domain", plain)):
                yield from self._tell(event, name, text, ("domain", plain))
                return
            plain = plain.partition(".")[2]

    def _url(self, event: dict[str, Any], name: str, text: str) -> Iterator[dict[str, Any]]:
        url = canonical_url(text) if len(text.encode("utf-8", "surrogateescape")) <= _MAX_URL else None
        if url is None:
            return
        yield from self._tell(event, name, text, ("url", url))
        if "?" in url:
            yield from self._tell(event, name, text, ("url", url.partition("?")[0]))

    def _live(self, event: dict[str, Any], key: tuple[str, str]) -> list[_Entry]:
        now = event.get("time", 0) // _NANOSECONDS
        return [one for one in self.entries.get(key, ()) if one.expires == 0 or now < one.expires]

    def _tell(
        self, event: dict[str, Any], name: str, text: str, key: tuple[str, str], address: Any = None  # noqa: ANN401
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        live = self._live(event, key)
        flow = event.get("flow", {}).get("id", 0)
        if not live or (flow and (flow, *key) in self.told):
            return
        self.told.add((flow, *key))
        by_place = {one.order: one.said for one in live}
        said = sorted((by_place[place] for place in sorted(by_place)), key=lambda one: -TLPS.index(one["tlp"]))
        told = {"kind": "indicator", "time": event.get("time", 0), "packet": event.get("packet", 0)}
        given = {name: event["fields"][name] for name in _OF_A_FLOW if name in event["fields"]}
        if event["kind"] not in _WITHOUT_PROTOCOL:
            given["network.protocol"] = event["kind"]
        fields = given | _shown(event["kind"], (name, text), key, said, address)
        yield {**told, "fields": fields} | ({"flow": event["flow"]} if flow else {})


def _shown(
    kind: str, seen: tuple[str, str], key: tuple[str, str], said: list[dict[str, Any]], address: Any  # noqa: ANN401
) -> dict[str, Any]:  # fmt: skip
    """The fields of an event that tells of an indicator; `seen` is the field that held it, and its text."""
    first = {part: next((one[part] for one in said if one.get(part)), "") for part in ("note", "reference")}
    confidence = max((one["confidence"] for one in said if one.get("confidence") is not None), default=None)
    fields = {
        "bavn.indicator.observed": seen[1],
        "bavn.indicator.seen_in": kind,
        "bavn.indicator.type": key[0],
        "bavn.indicator.confidence": confidence,
        "threat.enrichments.matched.atomic": key[1],
        "threat.enrichments.matched.field": seen[0],
        "threat.indicator.confidence": _words(confidence),
        "threat.indicator.description": first["note"] or None,
        "threat.indicator.ip": None if address is None else str(address),
        "threat.indicator.marking.tlp": said[0]["tlp"],
        "threat.indicator.name": key[1],
        "threat.indicator.provider": sorted({one["provider"] for one in said}),
        "threat.indicator.reference": first["reference"] or None,
        "threat.indicator.type": f"ipv{address.version}-addr" if address else _STIX.get(key[0], "software"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _words(confidence: int | None) -> str | None:
    """STIX 2.1's scale (appendix A)."""
    if confidence is None:
        return None
    return "None" if confidence == 0 else "Low" if confidence < 30 else "Medium" if confidence < 70 else "High"  # noqa: PLR2004


def _text(value: Any) -> str | None:  # noqa: ANN401
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"]).decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else None


def _address(text: str) -> Any:  # noqa: ANN401
    plain = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in plain:
        return None
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
