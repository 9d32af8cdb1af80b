"""What an indicator is, and the one form of its value in which it is kept and looked up.

The compiled engine brings what the wire shows into the same form (detectors/engine/src/indicator/canonical.rs): both are
held to the same vectors (tests/vectors/indicators/).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple

from detectors.errors import BavnError

MAX_NAME: Final = 253
"""Characters of a name (RFC 1035, section 3.1)."""

MAX_URL: Final = 2_048
"""Characters of a URL that is kept."""

DIGESTS: Final[dict[str, int]] = {
    "ja3": 16, "ja3s": 16, "hassh": 16, "md5": 16, "sha1": 20, "sha256": 32,
    "cert-md5": 16, "cert-sha1": 20, "cert-sha256": 32,
}  # fmt: skip
"""Types whose values are digests, with their bytes."""

TYPES: Final = ("ip", "cidr", "ip-port", "domain", "host", "url", "ja4", *DIGESTS)
"""All types; `domain` is a name with every name below it, `host` that name alone."""

_ALIASES: Final[dict[str, str]] = {
    "ip": "ip", "ipv4": "ip", "ipv6": "ip", "ipaddr": "ip", "ipaddress": "ip", "ipv4addr": "ip", "ipv6addr": "ip",
    "ipsrc": "ip", "ipdst": "ip", "address": "ip", "cidr": "cidr", "network": "cidr", "netblock": "cidr",
    "ipport": "ip-port", "ipdstport": "ip-port", "ipsrcport": "ip-port", "endpoint": "ip-port",
    "domain": "domain", "domainname": "domain", "hostname": "domain", "fqdn": "domain", "host": "host",
    "url": "url", "uri": "url", "link": "url", "ja3": "ja3", "ja3md5": "ja3", "ja3fingerprintmd5": "ja3", "ja3s": "ja3s",
    "ja4": "ja4", "hassh": "hassh", "hasshmd5": "hassh", "hasshserver": "hassh", "hasshservermd5": "hassh",
    "md5": "md5", "md5hash": "md5", "filehashmd5": "md5", "sha1": "sha1", "sha1hash": "sha1", "filehashsha1": "sha1",
    "sha256": "sha256", "sha256hash": "sha256", "filehashsha256": "sha256",
    "certmd5": "cert-md5", "certsha1": "cert-sha1", "certsha256": "cert-sha256", "x509fingerprintmd5": "cert-md5",
    "x509fingerprintsha1": "cert-sha1", "x509fingerprintsha256": "cert-sha256", "sslcertsha1": "cert-sha1",
}  # fmt: skip

_NARROWEST: Final = {4: 8, 6: 16}
"""Shortest prefix of a network that is an indicator and no mistake."""

_HEX: Final = frozenset("0123456789abcdef")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_JA4: Final = re.compile(r"[tqd][0-9s][0-9][di][0-9]{2}[0-9]{2}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_PORT: Final = re.compile(r"(.*\S):([0-9]{1,5})")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})|([^!-$&-~])")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SCHEMES: Final = ("http://", "https://", "ws://", "wss://", "ftp://")
_OWN_PORTS: Final = (80, 443)
_MAX_PORT: Final = 65_535
_REFANGED: Final = (
    ("[.]", "."), ("(.)", "."), ("{.}", "."), ("[dot]", "."), ("(dot)", "."), ("{dot}", "."), ("\\.", "."),
    ("[:]", ":"), ("[://]", "://"), ("[:/]", ":/"), ("[/]", "/"), ("[@]", "@"),
)  # fmt: skip
_HXXP: Final = re.compile(r"h(?:xx|\*\*|tt|XX)p(s?)(?=:)", re.IGNORECASE)


class Indicator(NamedTuple):
    """A type and a value in its one form."""

    type: str
    value: str


def type_named(name: str) -> str:
    """The type that a list means by a name: `ip-dst`, `SHA256 hash`, `x509-fingerprint-sha1`.

    Raises:
        BavnError: BAVN-E088 where it is none that bavn looks for.
    """
    short = re.sub(r"[^a-z0-9]", "", name.lower())
    if short not in _ALIASES:
        raise BavnError("BAVN-E088", f"`{name[:60]}` is no type that traffic can show", f"there are {', '.join(TYPES)}")
    return _ALIASES[short]


def refang(text: str) -> str:
    """Undo what makes a value harmless to click on: `hxxps://evil[.]example`."""
    text = text.strip().strip("\"'<>")
    if "[" in text or "(" in text or "{" in text or "\\" in text:
        for defanged, plain in _REFANGED:
            text = text.replace(defanged, plain)
    return _HXXP.sub(r"http\1", text) if text[:1] in "hH" and text[:4].lower() != "http" else text


def parse(text: str, kind: str | None = None) -> Indicator:
    """The indicator that a text names, of that type or of the one that its form shows.

    Raises:
        BavnError: BAVN-E086 where it is none, E087 where it is not of that type, E092 where it is far too broad.
    """
    plain = refang(text)
    if kind is None:
        return _guessed(plain, text)
    if kind in ("ip", "cidr") and "/" in plain:
        kind = "cidr"
    if kind == "ip" and ":" in plain and _PORT.fullmatch(plain) and _address(plain) is None:
        kind = "ip-port"
    if kind == "domain" and _address(plain) is not None:
        kind = "ip"
    value = _READERS[kind](plain)
    if value is None:
        raise BavnError("BAVN-E087", f"`{text[:80]}` is no {kind}")
    return _as_ip(Indicator(kind, value))


def _as_ip(found: Indicator) -> Indicator:
    """A network of one address is that address."""
    if found.type == "cidr":
        network = ipaddress.ip_network(found.value)
        if network.prefixlen == network.max_prefixlen:
            return Indicator("ip", str(network.network_address))
    return found


def _guessed(plain: str, text: str) -> Indicator:
    for kind in _guesses(plain):
        value = _READERS[kind](plain)
        if value is not None:
            return _as_ip(Indicator(kind, value))
    raise BavnError("BAVN-E086", f"`{text[:80]}` is no indicator")


def _guesses(plain: str) -> tuple[str, ...]:
    """Types that the text may be of, the likeliest first."""
    size = {32: ("md5",), 40: ("sha1",), 64: ("sha256",)}.get(len(plain))
    if size and _HEX.issuperset(plain.lower()):
        return size
    if "://" in plain:
        return ("url",)
    if plain[:1].isdigit() or ":" in plain or plain[:1] == "[":
        return ("ip", "cidr", "ip-port", "domain", "url")
    return ("domain", "url", "ja4") if "/" not in plain and "_" not in plain else ("url", "domain", "ja4")


def canonical_name(text: str) -> str | None:
    """A name in lower case and ASCII, without its last dot; None where it is none."""
    name = text.removeprefix("*.").rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = name.split(".")
    if len(name) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if labels[-1].isdigit() else name


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    plain = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    if "%" in plain:
        return None
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _ip(text: str) -> str | None:
    address = _address(text)
    return None if address is None else str(address)


def _cidr(text: str) -> str | None:
    if "/" not in text or "%" in text:
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:  # noqa: PLR2004  (::ffff:0:0/96 is IPv4)
        network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}", strict=False)
    if network.prefixlen < _NARROWEST[network.version]:
        raise BavnError("BAVN-E092", f"`{text[:60]}` is as good as everything")
    return str(network)


def _endpoint(text: str) -> str | None:
    match = _PORT.fullmatch(text)
    address = _address(match[1]) if match else None
    if match is None or address is None or not 0 < int(match[2]) <= _MAX_PORT:
        return None
    return f"[{address}]:{int(match[2])}" if address.version == 6 else f"{address}:{int(match[2])}"  # noqa: PLR2004


def _domain(text: str) -> str | None:
    name = canonical_name(text)
    return name if name is not None and "." in name else None


def _url(text: str) -> str | None:
    if len(text) > MAX_URL or not ("/" in text or "?" in text) or any(c.isspace() for c in text):
        return None
    scheme = _SCHEME.match(text)
    return canonical_url(text) if scheme is None or scheme[0].lower() in _SCHEMES else None


def canonical_url(text: str) -> str | None:
    """A URL without scheme, user and fragment: host, port unless it is 80 or 443, path, query; None without a host."""
    rest = text.partition("#")[0]
    scheme = _SCHEME.match(rest)
    rest = rest[scheme.end() :] if scheme else rest
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, target = rest[:cut], rest[cut:]
    host = _host(authority.rpartition("@")[2])
    if host is None:
        return None
    target = target if target.startswith("/") else f"/{target}"
    return host + escaped(target.removesuffix("?"))


def _host(authority: str) -> str | None:
    end = authority.find("]") + 1 or (authority.find(":") if ":" in authority else len(authority))
    name, port = authority[:end].rstrip("."), authority[end:]
    address = _address(name)
    plain = (f"[{address}]" if address.version == 6 else str(address)) if address else canonical_name(name)  # noqa: PLR2004
    if not plain or (port and not re.fullmatch(":[0-9]{0,5}", port)):
        return None
    number = int(port[1:] or 80) if port else 80
    if number > _MAX_PORT:
        return None
    return plain if number in _OWN_PORTS else f"{plain}:{number}"


def escaped(target: str) -> str:
    """A path and query whose escapes are those that are needed (RFC 3986, section 6.2.2)."""

    def one(match: re.Match[bytes]) -> bytes:
        byte = bytes.fromhex(match[1].decode()) if match[1] else match[2]
        return byte if byte[0] in _UNRESERVED and match[1] else b"%%%02X" % byte[0]

    return _ESCAPE.sub(one, target.encode("utf-8", "surrogateescape")).decode("ascii")


def _ja4(text: str) -> str | None:
    lower = text.lower()
    return lower if _JA4.fullmatch(lower) else None


def _digest(size: int, text: str) -> str | None:
    plain = text.replace(":", "").lower()
    return plain if len(plain) == 2 * size and _HEX.issuperset(plain) else None


_READERS: Final = {
    "ip": _ip, "cidr": _cidr, "ip-port": _endpoint, "domain": _domain, "host": _domain, "url": _url, "ja4": _ja4,
} | {kind: (lambda text, size=size: _digest(size, text)) for kind, size in DIGESTS.items()}  # fmt: skip
