"""The sharing contract: what the default takes out, what a contract may say, and that nothing else changes."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from alerts_data import alert, alert_bytes

from collector.alert import _REQUIRED
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
        {"field": "http.request.body.content", "op": "contains", "value": "b", "observed": "password=secret"},
        {"field": "dns.question.name", "op": "exists", "value": True, "observed": "070761-4285.example"},
    ]
    matched = enforce(Contract(), document)["bavn"]["matched"]
    head = "GET /a?[query]\r\ncookie: [cookie]\r\nauthorization: [authorization]\r\nUser-Agent: ${jndi:x}"
    assert [leaf["observed"] for leaf in matched] == ["/x?[query]", head, "[redacted]", "[redacted]", "[cpr].example"]
    assert [leaf["value"] for leaf in matched] == ["/etc/passwd", "jndi", "a", "b", True]


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


def test_a_head_is_read_whatever_its_line_ends_and_folds() -> None:
    heads = [
        "GET http://jens:hemlig@a.example/x?cpr=1 HTTP/1.1\nCookie: secret\nA: b",
        "A: b\r\nCookie: one=1;\r\n two=secret\r\n\tthree=secret\r\nC: d",
        "Referer: http://a.example/#secret\nLocation: //jens:hemlig@b.example/?secret\nX: 1#2",
    ]
    document = alert()
    document["bavn"]["matched"] = [
        {"field": "bavn.http.raw", "op": "exists", "value": True, "observed": heads[0]},
        {"field": "bavn.http.request.headers", "op": "exists", "value": True, "observed": heads[1:]},
    ]
    raw, headers = (leaf["observed"] for leaf in enforce(Contract(), document)["bavn"]["matched"])
    assert raw == "GET http://[authorization]@a.example/x?[query]\ncookie: [cookie]\nA: b"
    assert headers == [
        "A: b\r\ncookie: [cookie]\r\nC: d",
        "Referer: http://a.example/#[query]\nLocation: //[authorization]@b.example/?[query]\nX: 1#2",
    ]


def test_urls_lose_userinfo_query_and_fragment_wherever_they_stand() -> None:
    url = "https://jens:hemlig@a.example/x#access_token=secret"
    document = alert(url={"original": url, "full": url}, http={"request": {"referrer": url}})
    document["bavn"]["http"] = {"response": {"location": url}}
    clean = enforce(Contract(), document)
    want = "https://[authorization]@a.example/x#[query]"
    assert clean["url"] == {"original": want, "full": want}
    assert clean["http"]["request"]["referrer"] == want
    assert clean["bavn"]["http"]["response"]["location"] == want
    assert clean["bavn"]["contract"]["redacted"] == {"authorization": 4, "query": 5}, "4, and the match"
    kept = enforce(Contract(redact=()), document)
    assert kept["url"]["original"] == url


def test_hashes_and_attribution_are_never_taken_for_personal_data() -> None:
    number, mail = "0101901234", "jens@kommune.example"
    document = alert()
    document["tls"] = {
        "client": {"ja3": number, "ja4": number},
        "server": {"ja3s": number, "hash": {"sha256": number}, "x509": {"serial_number": number}},
    }
    document["rule"] |= {"author": [mail], "description": number}
    document["bavn"]["rule"]["falsepositives"] = [mail]
    document["bavn"]["evidence"] = {"sha256": number}
    document["observer"]["name"] = document["organization"]["id"] = number
    document["network"]["community_id"] = number
    clean = enforce(Contract(), document)
    for name in ("tls", "rule", "observer", "organization", "network"):
        assert clean[name] == document[name]
    assert clean["bavn"]["rule"] == document["bavn"]["rule"]
    assert clean["bavn"]["evidence"] == document["bavn"]["evidence"]


@pytest.mark.parametrize("name", sorted({*_REQUIRED, "bavn", "event", "rule", "bavn.agency", "bavn.contract"}))
def test_a_contract_cannot_withhold_what_each_alert_must_have(tmp_path: Path, name: str) -> None:
    path = tmp_path / "contract.toml"
    path.write_text(as_toml(Contract(withhold=(name,))), "utf-8")
    with pytest.raises(SensorError) as error:
        load_contract(path)
    assert error.value.code == "BAVN-E120"


def test_matches_can_be_withheld() -> None:
    assert "matched" not in enforce(Contract(withhold=("bavn.matched",)), alert())["bavn"]


def indicator_alert(tlp: str | None, field: str = "url.full") -> dict[str, Any]:
    document = alert()
    document["bavn"]["event"] = {"dataset": "bavn.indicator"}
    document["bavn"]["indicator"] = {"observed": "http://bad.example/a?cpr=070761-4285"}
    marking = {} if tlp is None else {"marking": {"tlp": tlp}}
    document["threat"] = {
        "indicator": {"name": "bad.example/a?id=070761-4285", **marking},
        "enrichments": {"matched": {"atomic": "bad.example/a?id=070761-4285", "field": field}},
    }
    return document


@pytest.mark.parametrize(
    ("own", "indicator", "want"),
    [("AMBER", "CLEAR", "AMBER"), ("GREEN", "AMBER+STRICT", "AMBER+STRICT"), ("RED", "GREEN", "RED"),
     ("GREEN", None, "RED"), ("GREEN", "PINK", "RED")],
)  # fmt: skip
def test_the_mark_of_an_indicator_is_never_widened(own: Any, indicator: str | None, want: str) -> None:
    assert enforce(Contract(tlp=own), indicator_alert(indicator))["bavn"]["tlp"] == want
    assert enforce(Contract(tlp=own), alert())["bavn"]["tlp"] == own


def test_an_indicator_stays_clear_and_what_was_seen_does_not() -> None:
    clean = enforce(Contract(), indicator_alert("AMBER"))
    assert clean["threat"]["indicator"]["name"] == "bad.example/a?id=070761-4285"
    assert clean["threat"]["enrichments"]["matched"]["atomic"] == "bad.example/a?id=070761-4285"
    assert clean["bavn"]["indicator"]["observed"] == "http://bad.example/a?[query]"


@pytest.mark.parametrize(("withheld", "is_seen"), [("url.full", False), ("url", False), ("dns", True)])
def test_what_held_an_indicator_is_withheld_with_its_field(withheld: str, is_seen: bool) -> None:  # noqa: FBT001
    clean = enforce(Contract(withhold=(withheld,)), indicator_alert("AMBER"))
    assert ("observed" in clean["bavn"]["indicator"]) == is_seen
