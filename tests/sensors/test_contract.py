"""The sharing contract: what the default takes out, what a contract may say, and that nothing else changes."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from alerts_data import alert, alert_bytes

from sensors.contract import Contract, Enforcer, as_toml, load_contract
from sensors.errors import SensorError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = dt.date(2026, 11, 22)
PERSONAL: dict[str, Any] = {
    "url": {
        "original": "/journal?cpr=070761-4285",
        "path": "/journal",
        "query": "cpr=070761-4285",
        "full": "http://a.example/journal?cpr=070761-4285",
    },
    "http": {"request": {"method": "GET", "referrer": "http://a.example/?mail=jens@kommune.example"}},
    "user_agent": {"original": "curl (jens@kommune.example)"},
    "user": {"name": "jens"},
}

RAW = "GET /a?cpr=1 HTTP/1.1\r\nCookie: secret\r\nAuthorization: Basic eA==\r\nUser-Agent: ${jndi:x}"


def enforce(contract: Contract, document: dict[str, Any]) -> dict[str, Any]:
    record = Enforcer(contract).apply(json.dumps(document).encode(), TODAY).record
    assert record is not None
    decoded: dict[str, Any] = json.loads(record)
    return decoded


def personal_alert() -> dict[str, Any]:
    document = alert(**PERSONAL)
    document["bavn"]["http"] = {
        "request": {"cookie": "session=1", "authorization": "Basic amVuczpoZW1tZWxpZw==", "header_names": ["HOST"]}
    }
    return document


def test_default_takes_out_what_is_personal() -> None:
    clean = enforce(Contract(), personal_alert())
    text = json.dumps(clean)
    for secret in ("070761", "4285", "jens", "session=1", "amVuczp"):
        assert secret not in text
    assert clean["url"] == {
        "original": "/journal?[query]",
        "path": "/journal",
        "full": "http://a.example/journal?[query]",
    }
    assert clean["bavn"]["http"]["request"] == {"header_names": ["HOST"]}
    assert clean["bavn"]["contract"]["redacted"].keys() == {"authorization", "cookie", "email", "query"}


def test_reason_survives_and_the_observed_value_follows_its_field() -> None:
    document = personal_alert()
    document["bavn"]["matched"] = [
        {"field": "url.original", "op": "contains", "value": "/etc/passwd", "observed": "/x?f=/etc/passwd"},
        {"field": "bavn.http.raw", "op": "contains", "value": "jndi", "observed": RAW},
        {"field": "bavn.http.request.cookie", "op": "contains", "value": "a", "observed": "secret"},
        {"field": "dns.question.name", "op": "exists", "value": True, "observed": "070761-4285.example"},
    ]
    matched = enforce(Contract(), document)["bavn"]["matched"]
    head = "GET /a?[query]\r\ncookie: [cookie]\r\nauthorization: [authorization]\r\nUser-Agent: ${jndi:x}"
    assert [leaf["observed"] for leaf in matched] == ["/x?[query]", head, "[redacted]", "[cpr].example"]
    assert [leaf["value"] for leaf in matched] == ["/etc/passwd", "jndi", "a", True]


def test_everything_else_is_untouched() -> None:
    document = alert()
    clean = enforce(Contract(redact=()), document)
    assert clean["bavn"].pop("contract") == {"version": "default-1", "redacted": {}}
    document["bavn"].pop("contract")
    assert clean == document


def test_withheld_fields_leave_neither_by_name_nor_by_match() -> None:
    clean = enforce(Contract(withhold=("source", "url.original")), alert(**PERSONAL))
    assert "source" not in clean
    assert "original" not in clean["url"]
    assert clean["bavn"]["matched"][0]["observed"] == "[redacted]"


def test_share_none_keeps_the_alert_at_home() -> None:
    contract = load_contract(None)
    contract = Contract(share=type(contract.share)(low="none"))
    verdict = Enforcer(contract).apply(alert_bytes(level="low"), TODAY)
    assert (verdict.record, verdict.withheld) == (None, "share_none_low")
    assert Enforcer(contract).apply(alert_bytes(level="high"), TODAY).record is not None


def test_nothing_leaves_under_an_expired_contract() -> None:
    with pytest.raises(SensorError) as error:
        Enforcer(Contract(expires=dt.date(2026, 11, 21))).apply(alert_bytes(), TODAY)
    assert error.value.code == "BAVN-E121"
    assert Enforcer(Contract(expires=TODAY)).apply(alert_bytes(), TODAY).record


def test_toml_there_and_back(tmp_path: Path) -> None:
    contract = Contract(version="odense-3", withhold=("user_agent",), expires=dt.date(2027, 1, 1), redact=("cpr",))
    path = tmp_path / "contract.toml"
    path.write_text(as_toml(contract), "utf-8")
    assert load_contract(path) == contract


@pytest.mark.parametrize(
    "text", ["share = 1", 'redact = ["names"]', 'unknown = "x"', "= broken", '[share]\nlow = "some"', "\x00"]
)
def test_a_contract_that_cannot_be_read_lets_nothing_leave(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contract.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SensorError) as error:
        load_contract(path)
    assert error.value.code == "BAVN-E120"
