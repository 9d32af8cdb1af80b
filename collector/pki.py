"""Certificates and keys for collector and sensors: an authority of the agency, short certificates under it.

For demos, tests and small set-ups; a national set-up brings its own authority. Everything is ECDSA P-256 for
TLS and Ed25519 for batches.
"""

from __future__ import annotations

import ipaddress
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.errors import BavnError

CA_LIFE: Final = timedelta(days=365)
LEAF_LIFE: Final = timedelta(hours=72)
# Clocks of sensor and collector may differ by this much.
BACKDATE: Final = timedelta(minutes=5)


class Identity(msgspec.Struct, frozen=True):
    """Files of one party: its certificate with key, and the authority it trusts."""

    certificate: Path
    key: Path
    ca: Path


class SensorIdentity(msgspec.Struct, frozen=True):
    """A sensor's files: for TLS and for signing batches."""

    tls: Identity
    signing_key: Path
    key_id: str
    public_key: bytes


class Authority:
    """A certificate authority in a directory: `ca.crt`, `ca.key`."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.certificate_path = self.directory / "ca.crt"
        try:
            self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
            key = serialization.load_pem_private_key((self.directory / "ca.key").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise BavnError("BAVN-E261", f"the authority in {directory} cannot be used: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise BavnError("BAVN-E261", f"the authority's key in {directory} is not an ECDSA key")
        self._key = key

    @classmethod
    def create(cls, directory: str | Path, name: str, now: datetime) -> Authority:
        """Makes a new authority; its key stays in `directory`."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            _builder(subject, subject, key.public_key(), now, CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        _write_pair(directory / "ca", certificate, key)
        return cls(directory)

    def server(self, directory: str | Path, names: list[str], now: datetime, life: timedelta = LEAF_LIFE) -> Identity:
        """A server's certificate for host names and addresses; files `server.crt`, `server.key`."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
        return self._issue(Path(directory) / "server", subject, purpose, now, life, alternatives=alternatives)

    def sensor(
        self, directory: str | Path, agency: str, sensor: str, now: datetime, *, life: timedelta = LEAF_LIFE
    ) -> SensorIdentity:
        """A sensor's files: `sensor.crt`, `sensor.key` for TLS, `signing.key` (Ed25519) for its batches.

        A signing key that is there already is kept: a renewal is a new certificate for the sensor that is known.
        """
        directory = Path(directory)
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, agency),
                x509.NameAttribute(NameOID.COMMON_NAME, sensor),
            ]
        )
        tls = self._issue(directory / "sensor", subject, ExtendedKeyUsageOID.CLIENT_AUTH, now, life)
        path = directory / "signing.key"
        if not path.exists():
            _write_secret(path, _private_pem(ed25519.Ed25519PrivateKey.generate()))
        public = load_signing_key(path).public_key().public_bytes_raw()
        return SensorIdentity(tls, path, key_id(public), public)

    def _issue(
        self,
        stem: Path,
        subject: x509.Name,
        purpose: x509.ObjectIdentifier,
        now: datetime,
        life: timedelta,
        *,
        alternatives: x509.SubjectAlternativeName | None = None,
    ) -> Identity:
        stem.parent.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(subject, self._certificate.subject, key.public_key(), now, life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        _write_pair(stem, certificate, key)
        return Identity(stem.with_suffix(".crt"), stem.with_suffix(".key"), self.certificate_path)


def key_id(public_key: bytes) -> str:
    """Name of an Ed25519 key: the first 16 hexadecimal digits of its SHA-256."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public_key)
    return digest.finalize().hex()[:16]


def load_signing_key(path: str | Path) -> ed25519.Ed25519PrivateKey:
    """An Ed25519 key from PEM; E261."""
    try:
        key = serialization.load_pem_private_key(Path(path).read_bytes(), None)
    except (OSError, ValueError) as error:
        raise BavnError("BAVN-E261", f"the key {path} cannot be used: {error}") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise BavnError("BAVN-E261", f"the key {path} is not an Ed25519 key")
    return key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_pair(stem: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    stem.with_suffix(".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_secret(stem.with_suffix(".key"), _private_pem(key))


def _private_pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    """Readable by the owner alone from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
