"""Why bavn and tshark differ: rules that name a class, and who is right in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Facts(NamedTuple):
    """What tshark tells of a frame: its layers, its remarks, whether it broke off; further values of a handshake."""

    layers: list[str]
    expert: str
    malformed: bool
    values: list[dict[str, Any]]


class Right(NamedTuple):
    """Who is right, and whether the class counts against the agreement."""

    who: str
    counts: bool = True


CONFIRMED = "tshark too, where it does not wait for lost segments"
RIGHT = {
    CONFIRMED: Right(
        "both: with `tcp.reassemble_out_of_order` tshark gives up a stream at a lost segment", counts=False
    ),
    "quoted in an ICMP error": Right("bavn: the quoted packet was not sent here, ICMP only tells of it", counts=False),
    "SSDP over UDP": Right("bavn: another protocol, for which tshark's dissector uses HTTP's fields", counts=False),
    "QUIC, DTLS or EAP": Right("both: hellos of protocols other than the one compared", counts=False),
    "broken before a name": Right(
        "bavn: no DNS; tshark goes by the port, calls it malformed and has no name to compare", counts=False
    ),
    "tunnel that bavn does not open": Right("tshark"),
    "after a proxy's handshake": Right("tshark"),
    "after STARTTLS": Right("tshark"),
    "over SCTP or a protocol over UDP": Right("tshark; bavn reads HTTP and TLS over TCP alone"),
    "malformed": Right("bavn: tshark itself calls the message malformed"),
    "taken for a retransmission": Right("bavn: the same ports in a new conversation; tshark takes it for old bytes"),
    "after a lost segment or a cut head": Right(
        "bavn: the head is there; tshark waits for bytes that the capture has not"
    ),
    "tshark goes by another protocol": Right("bavn: found by content where tshark has chosen a protocol by port"),
    "another reading of the same message": Right("see the examples"),
    "not seen by the other": Right("see the examples"),
}
STARTTLS = {"smtp", "imap", "pop", "mysql", "pgsql", "xmpp", "ftp", "ldap", "rdp", "tpkt", "nntp", "sip", "irc", "tds"}
TUNNELS = {
    "ayiya", "teredo", "l2tp", "vxlan", "geneve", "gtp", "openvpn", "capwap", "wlan", "tzsp", "erspan", "nsh", "lisp", "gre",
}  # fmt: skip


def both_see_less(what: Hashable) -> bool:
    """Tell whether it is a server's half of a handshake alone, which says no name: nothing to compare."""
    return isinstance(what, tuple) and len(what) == 2 and what[1] is None  # noqa: PLR2004


class Case(NamedTuple):
    """One difference, as the rules see it."""

    protocol: str
    side: str
    what: Any
    facts: Facts
    other: set[Hashable]

    def has(self, *layers: str) -> bool:
        """Tell whether tshark saw any of these layers."""
        return bool(set(layers) & set(self.facts.layers))

    def spoken(self) -> str:
        """Give the layer that tshark took the payload for."""
        return self.facts.layers[-1] if self.facts.layers else ""


def has_no_name(case: Case) -> bool:
    return case.protocol == "dns" and (not case.what[2] or case.what[2].startswith("<"))


# Rules for what tshark alone said, and for what bavn alone said; the first that fits names the class.
RULES: dict[str, list[tuple[str, Callable[[Case], bool]]]] = {
    "tshark": [
        ("quoted in an ICMP error", lambda case: case.has("icmp", "icmpv6")),
        ("SSDP over UDP", lambda case: case.has("ssdp")),
        ("QUIC, DTLS or EAP", lambda case: case.protocol == "tls" and case.has("quic", "eap", "dtls")),
        ("tunnel that bavn does not open", lambda case: case.has(*TUNNELS) or case.facts.layers.count("udp") > 1),
        ("after a proxy's handshake", lambda case: case.has("socks")),
        ("after STARTTLS", lambda case: case.protocol == "tls" and case.has(*STARTTLS)),
        ("broken before a name", lambda case: case.facts.malformed and has_no_name(case)),
        ("malformed", lambda case: case.facts.malformed),
        ("over SCTP or a protocol over UDP", lambda case: case.protocol != "dns" and not case.has("tcp")),
        ("another reading of the same message", lambda case: case.what[0] in case.other),
    ],
    "bavn": [
        ("taken for a retransmission", lambda case: "retransmission" in case.facts.expert.lower()),
        ("tshark goes by another protocol", lambda case: case.spoken() not in {case.protocol, "tcp", "udp", ""}),
        ("after a lost segment or a cut head", lambda case: case.protocol != "dns" and case.spoken() == "tcp"),
        ("another reading of the same message", lambda case: case.what[0] in case.other),
    ],
}


def class_of(protocol: str, side: str, what: Any, facts: Facts, other: set[Hashable]) -> str:  # noqa: ANN401
    """Give the first class that fits; `other` holds the ends of all that the other tool said."""
    case = Case(protocol, side, what, facts, other)
    return next((name for name, fits in RULES[side] if fits(case)), "not seen by the other")
