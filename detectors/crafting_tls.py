"""The readable part of a TLS handshake as bytes: ClientHello, ServerHello, Certificate."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography import x509

VERSIONS: Final = {"3.0": 0x0300, "1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
# The few suites that tests name (IANA registry); others by number.
CIPHERS: Final = {
    "TLS_NULL_WITH_NULL_NULL": 0x0000,
    "TLS_RSA_WITH_NULL_SHA": 0x0002,
    "TLS_RSA_EXPORT_WITH_RC4_40_MD5": 0x0003,
    "TLS_RSA_WITH_RC4_128_SHA": 0x0005,
    "TLS_RSA_WITH_NULL_SHA256": 0x003B,
    "TLS_RSA_WITH_AES_128_CBC_SHA": 0x002F,
    "TLS_DH_anon_WITH_AES_128_CBC_SHA": 0x0034,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": 0xC02F,
    "TLS_AES_128_GCM_SHA256": 0x1301,
}
_DEFAULT: Final = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"]
_HANDSHAKE: Final = 22


def handshake(step: Mapping[str, Any], now: int) -> tuple[bytes, bytes]:
    """The client's and the server's bytes.

    Keys: version, client_version, ciphers, cipher, server_name, alpn, certificate
    ({subject, issuer, days_before, days_after, names} or none). `now` in seconds.
    """
    version = VERSIONS[str(step.get("version", "1.2"))]
    offered = VERSIONS[str(step.get("client_version", step.get("version", "1.2")))]
    suites = [_suite(name) for name in step.get("ciphers", _DEFAULT)]
    chosen = _suite(step["cipher"]) if "cipher" in step else suites[0]
    answer = _record(version, 2, _server_hello(version, chosen))
    certificate = step.get("certificate", {})
    if certificate != "none":
        answer += _record(version, 11, _certificates(_certificate(certificate or {}, now)))
    answer += _record(version, 14, b"")
    return _record(min(offered, 0x0301), 1, _client_hello(step, offered, suites)), answer


def _suite(name: str | int) -> int:
    return name if isinstance(name, int) else CIPHERS[name]


def _client_hello(step: Mapping[str, Any], version: int, suites: Sequence[int]) -> bytes:
    extensions = b""
    if step.get("server_name"):
        name = str(step["server_name"]).encode()
        extensions += _extension(0, _sized(2, b"\0" + _sized(2, name)))
    extensions += _extension(10, _sized(2, struct.pack(">2H", 29, 23)))
    extensions += _extension(11, _sized(1, b"\0"))
    extensions += _extension(13, _sized(2, struct.pack(">2H", 0x0403, 0x0804)))
    if step.get("alpn"):
        extensions += _extension(16, _sized(2, b"".join(_sized(1, p.encode()) for p in step["alpn"])))
    body = struct.pack(">H", min(version, 0x0303)) + b"\x11" * 32 + _sized(1, b"")
    body += _sized(2, b"".join(struct.pack(">H", suite) for suite in suites))
    return body + _sized(1, b"\0") + _sized(2, extensions)


def _server_hello(version: int, suite: int) -> bytes:
    return struct.pack(">H", min(version, 0x0303)) + b"\x22" * 32 + _sized(1, b"") + struct.pack(">HB", suite, 0)


def _certificates(*chain: bytes) -> bytes:
    return _sized(3, b"".join(_sized(3, item) for item in chain))


def _record(version: int, kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + _sized(3, body)
    return struct.pack(">BH", _HANDSHAKE, min(version, 0x0303)) + _sized(2, message)


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">H", kind) + _sized(2, body)


def _sized(width: int, body: bytes) -> bytes:
    return len(body).to_bytes(width, "big") + body


def _certificate(wanted: Mapping[str, Any], now: int) -> bytes:
    """A certificate in DER; the issuer is the subject unless told otherwise."""
    from cryptography import x509  # noqa: PLC0415  (only tests with TLS need it)
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    subject = str(wanted.get("subject", "www.example.org"))
    at = datetime.fromtimestamp(now, UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(name) for name in wanted.get("names", [subject])]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_common_name(subject))
        .issuer_name(_common_name(str(wanted.get("issuer", subject))))
        .public_key(key.public_key())
        .serial_number(int(wanted.get("serial", 4_242)))
        .not_valid_before(at - timedelta(days=float(wanted.get("days_before", 30))))
        .not_valid_after(at + timedelta(days=float(wanted.get("days_after", 60))))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)


def _common_name(name: str) -> x509.Name:
    from cryptography import x509  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
