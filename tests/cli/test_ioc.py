"""`bavn ioc`: from a list to an alert, what is wrong with a list, what is kept out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_calls import call, on_terminal

ROOT = Path(__file__).resolve().parents[2]
DOWNLOAD = ROOT / "pcaps/web-download/web-download.pcap"
BROWSER = ROOT / "pcaps/tls-browser/tls-browser.pcap"
URL = "files.evil.test/setup.exe"
SETUP = "cdd45002eef102a1c3083bcd08e8cc004169a166977364f087a518a232a8c43e"
LIST = f"""# a list as others give it
# "first_seen","ioc_value","ioc_type","malware","confidence_level","tlp","expires"
"2026-11-01", "{SETUP}", "sha256_hash", "Dropper", "95", "TLP:RED", "2027-06-30"
"2026-11-01", "t13d1517h2_8daaf6152771_cb7bf5808d99", "ja4", "Tool", "20", "green", ""
"2026-11-01", "hxxp://files.evil[.]test/setup.exe", "url", "Dropper", "95", "amber", ""
"2026-11-01", "8.8.8.8", "ip", "mistake", "95", "amber", ""
"2020-01-01", "d6d40776a4d04d5bf7f0e9f6ee77ca0d", "md5_hash", "old", "95", "amber", "2020-06-30"
"2026-11-01", "HKLM\\Software\\Evil", "registry", "x", "95", "amber", ""
"2026-11-01", "no indicator", "domain", "x", "95", "amber", ""
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an imported list."""
    home = tmp_path_factory.mktemp("home")
    (home / "feed.csv").write_text(LIST)
    done = call("ioc", "import", home / "feed.csv", home=home)
    assert done.code == 5, done.err
    assert (
        f"error[BAVN-E088]: `registry` is no type that traffic can show\n  --> {home}/feed.csv:8\n  = hint: there are"
        in done.err
    )
    assert f"error[BAVN-E087]: `no indicator` is no domain\n  --> {home}/feed.csv:9\n  = hint: " in done.err
    assert "9 lines read, 5 indicators, 2 left out, 1 in a warning list" in done.err
    return home


def test_a_list_becomes_alerts(home: Path) -> None:
    """The walk-through: what a list says, seen on the wire, is judged by rules and marked as narrowly as the list asks."""
    done = call("scan", DOWNLOAD, BROWSER, home=home)
    assert done.code == 0, done.err
    alerts = [json.loads(line) for line in done.out.splitlines()]
    found = {a["threat"]["indicator"]["name"]: a for a in alerts if a["bavn"]["event"]["dataset"] == "bavn.indicator"}
    tool = "t13d1517h2_8daaf6152771_cb7bf5808d99"
    assert set(found) == {SETUP, URL, tool}
    dropper, seldom = found[SETUP], found[tool]
    assert (dropper["rule"]["name"], dropper["bavn"]["level"], dropper["bavn"]["tlp"]) == (
        "Indicator of which its list is sure",
        "high",
        "RED",
    )
    assert (seldom["bavn"]["level"], seldom["bavn"]["tlp"]) == ("low", "AMBER")
    assert dropper["threat"]["indicator"]["provider"] == ["feed"]
    assert dropper["threat"]["indicator"]["description"] == "Dropper"
    assert dropper["threat"]["enrichments"]["matched"] == {"atomic": SETUP, "field": "file.hash.sha256"}
    assert "source" in dropper
    without = call("scan", DOWNLOAD, "--no-indicators", home=home)
    assert "bavn.indicator" not in without.out


def test_the_slow_engine_says_the_same(home: Path) -> None:
    both = [
        call("scan", DOWNLOAD, "--rules", ROOT / "rules/indicator", "--engine", engine, home=home).out
        for engine in ("native", "python")
    ]
    alerts = [[json.loads(line) for line in out.splitlines()] for out in both]
    for alert in (*alerts[0], *alerts[1]):
        del alert["event"]["created"]
    assert alerts[0] == alerts[1] != []


def test_what_is_kept_and_what_is_kept_out(home: Path) -> None:
    rows = {row["value"]: row for row in map(json.loads, call("ioc", "ls", home=home).out.splitlines())}
    assert rows["8.8.8.8"]["kept_out"] == "public resolver (Google)"
    assert "kept_out" not in rows[URL]
    assert rows[SETUP] | {"added": ""} == {
        "type": "sha256", "value": SETUP, "source": "feed", "tlp": "RED", "added": "", "expires": "2027-06-30T00:00:00Z",
        "confidence": 95, "note": "Dropper",
    }  # fmt: skip
    ended = call("ioc", "ls", "--expired", home=home).out.splitlines()
    assert [json.loads(line)["note"] for line in ended] == ["old"]
    shown = on_terminal("ioc", "ls", home=home, columns=150)
    assert "kept out: public resolver (Google)" in shown.out
    assert "next: bavn --home" in shown.out
    assert json.loads(call("ioc", "ls", "--sources", home=home).out)["kept_out"] == 1


def test_values_and_captures_are_matched(home: Path) -> None:
    done = call(
        "ioc", "match", SETUP.upper(), "8.8.8.8", "-", "--fail-on-match", home=home, stdin=b"hello.agency-test.net\n"
    )
    assert done.code == 1
    (one,) = map(json.loads, done.out.splitlines())
    assert one["threat"]["indicator"]["name"] == SETUP
    later = call("ioc", "match", SETUP, "--at", "2027-07-01", "--fail-on-match", home=home)
    assert (later.code, later.out) == (0, "")
    done = call("ioc", "match", DOWNLOAD, "--fail-on-match", home=home)
    assert done.code == 1
    assert {json.loads(line)["threat"]["indicator"]["name"] for line in done.out.splitlines()} == {SETUP, URL}
    assert call("ioc", "match", DOWNLOAD, "--no-indicators", home=home).code == 3
    missing = call("ioc", "match", ROOT / "pcaps/none.pcap", home=home)
    assert "BAVN-E086" in missing.err


def test_add_warn_remove(tmp_path: Path) -> None:
    assert call("ioc", "add", "evil[.]agency-test.net", "5.6.7.8:443", "--confidence", "high", home=tmp_path).code == 0
    assert (
        json.loads(call("ioc", "match", "a.evil.agency-test.net", home=tmp_path).out)["bavn"]["indicator"]["confidence"]
        == 85
    )
    assert json.loads(call("ioc", "match", "5.6.7.8:443", home=tmp_path).out)["bavn"]["indicator"]["type"] == "ip-port"
    assert call("ioc", "warn", ".agency-test.net", "--why", "ours", home=tmp_path).code == 0
    assert call("ioc", "match", "a.evil.agency-test.net", home=tmp_path).out == ""
    assert json.loads(call("ioc", "warn", home=tmp_path).out) == {
        "type": "domain",
        "value": ".agency-test.net",
        "why": "ours",
    }
    assert call("ioc", "warn", ".agency-test.net", "--rm", home=tmp_path).code == 0
    assert call("ioc", "rm", "evil.agency-test.net", home=tmp_path).code == 0
    assert [json.loads(line)["type"] for line in call("ioc", "ls", home=tmp_path).out.splitlines()] == ["ip-port"]
    assert (
        "8.8.8.8 is kept out: public resolver (Google) (bavn explain BAVN-W020)"
        in call("ioc", "add", "8.8.8.8", home=tmp_path).err
    )
    wrong = call("ioc", "add", "com", home=tmp_path)
    assert (wrong.code, "BAVN-E086" in wrong.err) == (3, True)


def test_a_dry_run_and_lists_that_are_not_kept(home: Path, tmp_path: Path) -> None:
    tried = call("ioc", "import", "--dry-run", home / "feed.csv", "--problems", tmp_path / "p.jsonl", home=tmp_path)
    assert tried.code == 5
    assert not (tmp_path / "indicators.db").exists()
    assert [json.loads(line)["line"] for line in (tmp_path / "p.jsonl").read_text().splitlines()] == [8, 9]
    done = call("events", "--kind", "indicator", "--indicators", home / "feed.csv", DOWNLOAD, home=tmp_path)
    assert {json.loads(line)["threat"]["indicator"]["name"] for line in done.out.splitlines()} == {SETUP, URL}


def test_a_damaged_set_ends_a_scan_with_its_code(home: Path, tmp_path: Path) -> None:
    (tmp_path / "indicators.set").write_bytes((home / "indicators.set").read_bytes()[:-9])
    done = call("scan", DOWNLOAD, home=tmp_path)
    assert (done.code, "BAVN-E095" in done.err) == (3, True)
    (tmp_path / "bavn.toml").write_text('[detect]\nindicators = ""\n')
    assert call("scan", DOWNLOAD, home=tmp_path).code == 0
