"""DHCP: of each exchange the kinds of its messages, the client's name and the address that was given.

Each thing counts once. Differences that were found on public captures:
- DISCOVER to a port other than 67 and 68, from a scanner (2 on the public captures): bavn goes by content and is right.
- An exchange with more than 16 messages: bavn lists 16, of which repeats go first, so that each kind still stands there.
- The address that a DISCOVER asks for, where its REQUEST asks for another: bavn shows the latest, so it alone is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    Row = dict[str, list[str]]

CASES = ["dhcp-leases"]
FILTER = "dhcp.cookie && udp && !icmp"
FIELDS = [
    "dhcp.id", "dhcp.hw.mac_addr", "dhcp.option.dhcp", "dhcp.option.hostname", "dhcp.ip.your", "dhcp.option.domain_name",
    "dhcp.option.vendor_class_id", "dhcp.option.requested_ip_address", "dhcp.option.ip_address_lease_time",
]  # fmt: skip
NAMES = {
    1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM", 9: "FORCERENEW",
    10: "LEASEQUERY", 11: "LEASEUNASSIGNED", 12: "LEASEUNKNOWN", 13: "LEASEACTIVE",
}  # fmt: skip
REQUEST, ACK = "3", "5"


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give what tshark says, each thing once."""
    yield from dict.fromkeys(said for row in rows for said in of_row(row))


def of_row(row: Row) -> Iterator[Hashable]:
    """Give what one frame says."""
    exchange = (int(row["dhcp.id"][0], 16), *(mac.upper().replace(":", "-") for mac in row["dhcp.hw.mac_addr"][:1]))
    for kind in row["dhcp.option.dhcp"][:1]:
        yield (*exchange, "kind", NAMES.get(int(kind), "UNKNOWN"))
        if kind == ACK:
            yield from ((*exchange, "given", ip) for ip in row["dhcp.ip.your"] if ip != "0.0.0.0")  # noqa: S104
            yield from ((*exchange, "lease", int(time)) for time in row["dhcp.option.ip_address_lease_time"])
            yield from ((*exchange, "domain", name) for name in row["dhcp.option.domain_name"])
    yield from ((*exchange, "host", name) for name in row["dhcp.option.hostname"] if sent(row))
    yield from ((*exchange, "vendor", name) for name in row["dhcp.option.vendor_class_id"] if sent(row))
    if row["dhcp.option.dhcp"][:1] == [REQUEST]:
        yield from ((*exchange, "wanted", ip) for ip in row["dhcp.option.requested_ip_address"])


def sent(row: Row) -> bool:
    """Tell whether a client sent it."""
    return row["dhcp.option.dhcp"][:1] in (["1"], ["3"], ["4"], ["7"], ["8"])


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    said = (said for event in events if event["event"]["dataset"] == "bavn.dhcp" for said in of_event(event))
    yield from dict.fromkeys(said)


def of_event(event: dict[str, Any]) -> Iterator[Hashable]:
    """Give what one event says."""
    own = event["bavn"]["dhcp"]
    macs = [event["client"]["mac"]] if "mac" in event.get("client", {}) else []
    exchange = (int(own["transaction_id"], 16), *macs)
    kinds = own.get("message_types", [])
    yield from ((*exchange, "kind", kind) for kind in kinds if not kind.startswith("BOOT"))
    if "ACK" in kinds:
        for name, key in (("given", "assigned_ip"), ("lease", "lease_time"), ("domain", "domain")):
            if key in own:
                yield (*exchange, name, own[key])
    wanted = [("wanted", "requested_ip")] if "REQUEST" in kinds else []
    for name, key in (("host", "host_name"), ("vendor", "vendor_class"), *wanted):
        if key in own:
            yield (*exchange, name, own[key])
