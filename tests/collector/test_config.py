"""Configuration, registry and certificates: clear errors, no half-written file, keys readable by the owner alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from collector import config
from collector.config import Limits, Quotas
from collector.errors import BavnError
from collector.pki import Authority, load_signing_key
from collector.quotas import Bucket, Gate
from collector.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
TLS = '[collector.tls]\ncertificate = "s.crt"\nkey = "s.key"\nclient_ca = "ca.crt"\n'


def load(directory: Path, text: str) -> config.Config:
    (directory / "bavn.toml").write_text(text)
    return config.load(directory / "bavn.toml")


def test_a_whole_configuration(tmp_path: Path) -> None:
    quotas = "[collector.quotas]\nalerts_per_second = 5\n"
    text = f'[collector]\nlisten = "::1"\nport = 1\nstore = "sqlite:a.db"\n{TLS}{quotas}'
    found = load(tmp_path, text)
    assert (found.listen, found.port, found.quotas.alerts_per_second) == ("::1", 1, 5)
    assert found.path("x") == tmp_path / "x"
    assert found.path("/x").as_posix() == "/x"
    store = found.open_store()
    assert store.kind == "sqlite"
    store.close()
    assert (tmp_path / "a.db").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[collector", "TOML"),
        ("", "Expected `object`"),
        ('[collector]\nstore = "sqlite:x"\n', "`tls`"),
        (f"[collector]\n{TLS}", "`store`"),
        (f'[collector]\nstore = "sqlite:x"\nport = 70000\n{TLS}', "`$.port`"),
        (f'[collector]\nstore = "sqlite:x"\nnovel = 1\n{TLS}', "`novel`"),
        (f'[collector]\nstore = "sqlite:x"\n{TLS}[collector.quotas]\nalerts_per_second = 0\n', "alerts_per_second"),
    ],
)
def test_a_wrong_configuration_names_the_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BavnError) as error:
        load(tmp_path, text)
    assert error.value.code == "BAVN-E200"
    assert says in error.value.sentence


@pytest.mark.parametrize("store", ["sqlite:", "oracle:x", "elastic:host", ""])
def test_a_store_that_is_none(tmp_path: Path, store: str) -> None:
    with pytest.raises(BavnError, match="BAVN-E200"):
        load(tmp_path, f'[collector]\nstore = "{store}"\n{TLS}').open_store()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BavnError, match="BAVN-E200"):
        config.load(tmp_path / "none.toml")


def test_registry_is_seen_by_all_who_have_it_open(tmp_path: Path) -> None:
    one, two = Registry(tmp_path / "r.json"), Registry(tmp_path / "r.json")
    with pytest.raises(BavnError, match="BAVN-E202"):
        two.find("odense", "a")
    one.register("odense", "a", b"k" * 32)
    assert two.find("odense", "a").key_id == one.register("odense", "a", b"k" * 32).key_id
    with pytest.raises(BavnError, match="BAVN-E262"):
        two.register("odense", "a", b"x" * 32)
    two.revoke("odense", "a")
    with pytest.raises(BavnError, match="BAVN-E203"):
        one.find("odense", "a")
    assert one.register("odense", "a", b"x" * 32, reinstate=True).revoked is False
    for name in ("", "a b", "../a", "a" * 65, "a\n"):
        with pytest.raises(BavnError, match="BAVN-E260"):
            one.register("odense", name, b"k" * 32)


def test_a_damaged_registry_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"format": "bavn-registry", "version": 1, "sen')
    with pytest.raises(BavnError, match="BAVN-E260"):
        Registry(tmp_path / "r.json")


def test_certificates_are_short_and_say_who(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ca", "authority", NOW)
    files = authority.sensor(tmp_path / "s", "odense", "a", NOW)
    certificate = x509.load_pem_x509_certificate(files.tls.certificate.read_bytes())
    assert certificate.not_valid_after_utc - NOW <= timedelta(hours=72)
    assert certificate.subject.rfc4514_string() == "CN=a,O=odense"
    for secret in (files.tls.key, files.signing_key, tmp_path / "ca/ca.key"):
        assert secret.stat().st_mode & 0o077 == 0
    assert load_signing_key(files.signing_key).public_key().public_bytes_raw() == files.public_key
    for wrong in (files.tls.key, tmp_path / "none"):
        with pytest.raises(BavnError, match="BAVN-E261"):
            load_signing_key(wrong)
    with pytest.raises(BavnError, match="BAVN-E261"):
        Authority(tmp_path / "s")


def test_a_bucket_lets_through_its_rate_and_no_more() -> None:
    bucket, now, taken = Bucket(10, 30, 0.0), 0.0, 0
    while now < 100:
        if bucket.wait(now) == 0:
            bucket.take(7)
            taken += 7
        now += 0.01
    assert 1000 <= taken <= 1000 + 30 + 7


def test_one_agency_cannot_hold_all_places() -> None:
    gate = Gate(Quotas(requests_at_once=2), Limits(requests_at_once=3))
    with gate.enter("a", 0), gate.enter("a", 0):
        with pytest.raises(BavnError, match="BAVN-E211"), gate.enter("a", 0):
            pass
        with gate.enter("b", 0), pytest.raises(BavnError, match="BAVN-E213"), gate.enter("c", 0):
            pass
    with gate.enter("a", 0):
        pass
