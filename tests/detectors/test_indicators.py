"""Indicators: what lists say is read, kept in one form, and found by both engines alike."""

from __future__ import annotations

import gzip
import ipaddress
import json
import random
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import check, loop
from detectors.errors import CATALOGUE, BavnError
from detectors.indicators import reading
from detectors.indicators.store import Store, write_set
from detectors.indicators.values import parse, type_named
from detectors.indicators.warnings import WarningLists, shipped, warned
from detectors.reference.indicators import ReferenceIndicators
from detectors.reference.loop import reference_loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests/vectors/indicators"
NOW = 1_800_000_000
SAID = reading.Said("a list", confidence=80)
VALUES = tomllib.loads((VECTORS / "values.toml").read_text("utf-8"))["value"]
MATCHING = tomllib.loads((VECTORS / "matching.toml").read_text("utf-8"))

Rows = list[tuple[str, str, str, str, "int | None", "int | None", str, str]]


def rows(values: Iterable[tuple[str, str]], **more: Any) -> Rows:
    said = {"source": "a list", "tlp": "AMBER", "expires": None, "confidence": 80, "note": "", "reference": ""} | more
    return [(kind, value, *said.values()) for kind, value in values]


def both(folder: Path, entries: Rows) -> tuple[loop.Indicators, ReferenceIndicators]:
    path, _ = write_set(folder / "indicators.set", entries)
    return loop.Indicators(path), ReferenceIndicators.load(path)


def told(lines: Sequence[Sequence[bytes]]) -> list[list[dict[str, Any]]]:
    """What tells of indicators, without what the events' flow gives anyway."""
    return [
        [{k: v for k, v in json.loads(one).items() if k not in ("given", "unobserved")} for one in some]
        for some in lines
    ]


@pytest.mark.parametrize("one", VALUES, ids=lambda one: one["text"])
def test_values_have_one_form(one: dict[str, str]) -> None:
    if "error" in one:
        with pytest.raises(BavnError) as caught:
            parse(one["text"], one.get("as"))
        assert caught.value.code == one["error"]
        return
    found = parse(one["text"], one.get("as"))
    assert (found.type, found.value) == (one["type"], one["value"])
    assert parse(found.value, found.type) == found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[loop.Indicators, Path]:
    entries: Rows = []
    for one in MATCHING["kept"]:
        entries += rows(((one["type"], value) for value in one["values"]), expires=one.get("expires"))
    path, _ = write_set(tmp_path_factory.mktemp("set") / "indicators.set", entries)
    return loop.Indicators(path), path


@pytest.mark.parametrize("case", MATCHING["case"], ids=lambda case: case["name"])
def test_what_an_event_holds(kept: tuple[loop.Indicators, Path], case: dict[str, Any]) -> None:
    native, path = kept
    event = {"kind": case["kind"], "time": case.get("time", 1) * 10**9, "packet": 1, "fields": case["fields"]}
    line = json.dumps(event).encode()
    fast, slow = told(native.look([line])), told([ReferenceIndicators.load(path).look(line)])
    assert fast == slow
    found = [[one["fields"]["bavn.indicator.type"], one["fields"]["threat.indicator.name"]] for one in fast[0]]
    assert found == case["found"]


LABEL = st.text("ab-1", min_size=1, max_size=3).map(lambda text: text.strip("-") or "a")
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
OCTET = st.sampled_from(["1", "2", "129", "255"])
IP = st.one_of(
    st.lists(OCTET, min_size=4, max_size=4).map(".".join), st.sampled_from(["2001:4860::1", "2001:4860::8:1", "::1"])
)
PATH = st.text("aB/%?#:@.=41~ é", max_size=8)
URL = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "HTTPS://", ""]),
    NAME,
    st.sampled_from(["", ":80", ":8080", ":"]),
    PATH,
)
HEX = st.sampled_from(["aa" * 16, "AB" * 16, "ab" * 20, "cd" * 32, "zz"])
SHOWN = st.fixed_dictionaries(
    {},
    optional={
        "dns.question.name": st.one_of(NAME, IP), "dns.resolved_ip": st.lists(IP, max_size=3),
        "url.full": URL, "url.domain": st.one_of(NAME, IP), "file.hash.md5": HEX, "file.hash.sha256": HEX,
        "tls.client.ja3": HEX, "x509.alternative_names": st.lists(st.one_of(NAME, IP, URL), max_size=3),
        "source.ip": IP, "destination.ip": IP,
    },
)  # fmt: skip
FLOW = {"vlan": [None, None], "tunnel": 0, "start": 0, "last": 0, "packets": [0, 0], "bytes": [0, 0]}


@st.composite
def events(draw: st.DrawFn) -> list[bytes]:
    made = []
    for number in range(draw(st.integers(1, 4))):
        event = {
            "kind": "dns",
            "time": draw(st.sampled_from([1, 5, 9])) * 10**9,
            "packet": number,
            "fields": draw(SHOWN),
        }
        if draw(st.booleans()):
            ends = {"ip": [draw(IP), draw(IP)], "port": [80, 53], "transport": draw(st.sampled_from([6, 1]))}
            event["flow"] = {**FLOW, **ends, "id": draw(st.integers(1, 2))}
        made.append(json.dumps(event).encode())
    return made


@given(
    texts=st.lists(st.one_of(NAME, IP, URL, HEX, IP.map("{}/24".format), IP.map("{}:53".format)), max_size=12),
    shown=events(),
    seed=st.integers(0, 9),
)
@settings(max_examples=300, deadline=None)
def test_the_engine_finds_what_the_reference_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], shown: list[bytes], seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311
    found = []
    for text in texts:
        try:
            found.append(parse(text))
        except BavnError:
            continue
    entries: Rows = []
    for one in found:
        entries += rows(
            [one], source=rng.choice("xyz"), tlp=rng.choice(reading.TLPS), expires=rng.choice([None, 5, 9]),
            confidence=rng.choice([None, 0, 20, 50, 100]), note=rng.choice(["", "n"]),
        )  # fmt: skip
    native, slow = both(tmp_path_factory.mktemp("p"), entries)
    flows = [json.loads(line).get("flow", {}).get("id") for line in shown]
    ends = {
        flow: {
            tuple(json.loads(line)["flow"]["ip"])
            for line in shown
            if json.loads(line).get("flow", {}).get("id") == flow
        }
        for flow in flows
        if flow
    }
    if any(len(one) > 1 for one in ends.values()):
        return  # one flow has one pair of ends
    assert told(native.look(shown)) == told([slow.look(line) for line in shown])


LISTS: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "one value a line": (b"# mine\n198.51.100.7\nevil.agency-test.net # why\n\n",
                         [("ip", "198.51.100.7"), ("domain", "evil.agency-test.net")]),
    "header, semicolons": (b"type;indicator\nip-dst;198.51.100.7\ndomain|ip;a.agency-test.net|198.51.100.8\n",
                           [("ip", "198.51.100.7"), ("domain", "a.agency-test.net"), ("ip", "198.51.100.8")]),
    "header in a comment, quotes": (
        b'# "first_seen","ioc_value","ioc_type"\n"2026", "198.51.100.7:80", "ip:port"\n',
        [("ip-port", "198.51.100.7:80")],
    ),
    "columns by their type": (b"sha256_hash,md5_hash,signature\n" + b"ab" * 32 + b",n/a,x\n", [("sha256", "ab" * 32)]),
    "JSON Lines": (b'{"indicator":"hxxp://a[.]agency-test.net/x","tlp":"red"}\n"198.51.100.7"\n',
                   [("url", "a.agency-test.net/x"), ("ip", "198.51.100.7")]),
    "a mark at the beginning": (b"\xef\xbb\xbfvalue\r\n198.51.100.7\r\n", [("ip", "198.51.100.7")]),
}  # fmt: skip


def read(path: Path, data: bytes, **more: Any) -> tuple[list[reading.Record], reading.Report]:
    path.write_bytes(data)
    report = reading.Report()
    return list(reading.read(path, SAID, NOW, report, **more)), report


@pytest.mark.parametrize("name", LISTS)
def test_lists_as_they_come(name: str, tmp_path: Path) -> None:
    data, want = LISTS[name]
    for some in (data, gzip.compress(data)):
        found, report = read(tmp_path / "list", some)
        assert [(one.type, one.value) for one in found] == want
        assert report.told == []


def test_what_a_line_says_wins() -> None:
    text = {"ioc": "198.51.100.7", "tlp": "TLP:AMBER+STRICT", "expires": "2027-01-31", "confidence": "low", "source": "them",
            "malware": "Worm", "reference": "https://a.agency-test.net/1"}  # fmt: skip
    maker = reading._Maker(SAID, NOW, None)
    values, facts = reading._json_row(json.dumps(text))
    assert values == [(None, "198.51.100.7")]
    said = maker.said_by(facts)
    assert said == reading.Said("them", "AMBER+STRICT", 1_801_353_600, 15, "Worm", "https://a.agency-test.net/1")


WRONG: dict[str, tuple[bytes, list[tuple[str, int]]]] = {
    "not UTF-8": (b"198.51.100.1\n\xff\xfe\n198.51.100.2\n", [("BAVN-E081", 2)]),
    "a zero byte": (b"198.51.100.1\n\0\n198.51.100.2\n", [("BAVN-E081", 2)]),
    "a huge line": (b"198.51.100.1\n" + b"a" * (1 << 20) + b"\n198.51.100.2\n", [("BAVN-E082", 2)]),
    "an open quote": (b'ip,note\n198.51.100.1,a\n"198.51.100.9,b\n198.51.100.2,c\n', [("BAVN-E093", 3)]),
    "cells too many": (b"ip,note\n198.51.100.1,a\n198.51.100.9,b,c\n198.51.100.2,c\n", [("BAVN-E093", 3)]),
    "no JSON": (b'{"ip":"198.51.100.1"}\n{"ip":\n{"ip":"198.51.100.2"}\n', [("BAVN-E085", 2)]),
    "deep JSON": (b'{"ip":"198.51.100.1"}\n' + b"[" * 60_000 + b'\n{"ip":"198.51.100.2"}\n', [("BAVN-E085", 2)]),
    "no indicator": (b"198.51.100.1\nhello\n198.51.100.2\n", [("BAVN-E086", 2)]),
    "of another type": (b"type,value\nip,198.51.100.1\nsha1,abc\nip,198.51.100.2\n", [("BAVN-E087", 3)]),
    "a type of hosts": (b"type,value\nip,198.51.100.1\nmutex,abc\nip,198.51.100.2\n", [("BAVN-E088", 3)]),
    "no time": (b"ip,expires\n198.51.100.1,\n198.51.100.9,soon\n198.51.100.2,90d\n", [("BAVN-E089", 3)]),
    "no mark": (b"ip,tlp\n198.51.100.1,\n198.51.100.9,pink\n198.51.100.2,white\n", [("BAVN-E090", 3)]),
    "no confidence": (b"ip,confidence\n198.51.100.1,\n198.51.100.9,101\n198.51.100.2,100\n", [("BAVN-E091", 3)]),
    "everything": (b"198.51.100.1\n0.0.0.0/0\n198.51.100.2\n", [("BAVN-E092", 2)]),
    "nothing on a line": (b"ip,domain\n198.51.100.1,\n,\n198.51.100.2,\n", [("BAVN-E084", 3)]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_the_rest_of_a_list_is_read(name: str, tmp_path: Path) -> None:
    data, want = WRONG[name]
    found, report = read(tmp_path / "list", data)
    assert [one.value for one in found] == ["198.51.100.1", "198.51.100.2"]
    assert [(one.code, one.line) for one in report.told] == want
    assert all(one.sentence and (one.hint or CATALOGUE[one.code][2]) for one in report.told)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"PK\3\4 packed", "E080"),
        (gzip.compress(b"198.51.100.1\n" * 99)[:-20], "E080"),
        (b"first;second\n1;2\n", "E084"),
    ],
)
def test_lists_that_cannot_be_read_at_all(data: bytes, code: str, tmp_path: Path) -> None:
    with pytest.raises(BavnError) as caught:
        read(tmp_path / "list", data)
    assert caught.value.code == f"BAVN-{code}"


def test_a_packed_bomb_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1 << 18)
    for bomb in (b"\n" * (2 << 20), b"a" * (2 << 20)):
        found, report = read(tmp_path / "list", gzip.compress(b"198.51.100.1\n" + bomb))
        assert [one.value for one in found] == ["198.51.100.1"]
        assert report.counts["BAVN-E083"] == 1


def test_problems_that_are_kept_are_bounded(tmp_path: Path) -> None:
    found, report = read(tmp_path / "list", b"wrong\n" * 3000)
    assert found == []
    assert (len(report.told), report.counts["BAVN-E086"]) == (reading.MAX_TOLD, 3000)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_list_or_an_error_with_a_code(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    report = reading.Report()
    path = tmp_path_factory.mktemp("l") / "list"
    path.write_bytes(data)
    found = []
    try:
        found = list(reading.read(path, SAID, NOW, report))
    except BavnError as error:
        report.add(error, "list", 0)
    for one in found:
        assert parse(one.value, one.type).value == one.value
    assert set(report.counts) <= set(CATALOGUE)


KEPT_OUT = [
    ("ip", "8.8.8.8"), ("ip", "10.1.2.3"), ("cidr", "8.8.0.0/16"), ("ip-port", "1.1.1.1:53"), ("ip", "fe80::1"),
    ("domain", "example.com"), ("domain", "a.b.example.org"), ("domain", "co.uk"),
    ("domain", "google.com"), ("domain", "in-addr.arpa"),
    ("domain", "core.windows.net"), ("url", "google.com/"), ("url", "192.168.1.1/a"), ("url", "files.example.com/x"),
    ("sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), ("md5", "d41d8cd98f00b204e9800998ecf8427e"),
]  # fmt: skip
KEPT = [
    ("ip", "8.8.8.9"), ("cidr", "5.6.7.0/24"), ("domain", "evil.github.io"), ("domain", "evil.co.uk"), ("host", "evil.net"),
    ("url", "google.com/evil"), ("md5", "ab" * 16), ("domain", "notexample.com"),
    ("domain", "evil.example"), ("ip", "203.0.113.7"), ("ip", "2001:db8::7"),
]  # fmt: skip


def test_warning_lists_keep_out() -> None:
    lists = WarningLists.of(shipped())
    assert [one for one in KEPT_OUT if not lists.why(*one)] == []
    assert [(one, lists.why(*one)) for one in KEPT if lists.why(*one)] == []
    own = WarningLists.of([warned(".agency-test.net", "ours"), warned("198.51.0.0/16", "ours")])
    assert own.why("domain", "x.agency-test.net") == own.why("ip", "198.51.1.1") == "ours"


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(27, 32)), max_size=8),
    st.tuples(st.integers(0, 40), st.integers(27, 32)),
)
@settings(max_examples=200, deadline=None)
def test_ranges_overlap_as_networks_do(entries: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    nets = [ipaddress.ip_network((0x05060700 + at, size), strict=False) for at, size in entries]
    one = ipaddress.ip_network((0x05060700 + asked[0], asked[1]), strict=False)
    why = WarningLists.of([warned(str(net), "x") for net in nets]).why("cidr", str(one))
    assert (why is not None) == any(net.overlaps(one) for net in nets)


def records(*texts: str, source: str = "a list") -> list[reading.Record]:
    return [reading.Record(*parse(text), reading.Said(source)) for text in texts]


def test_what_is_kept_stays_and_changes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.add(records("5.6.7.8", "8.8.8.8", "evil.agency-test.net"), 100) == (3, 1)
    assert store.write_set()[1] == 2
    store.add(records("5.6.7.8", "5.6.7.9"), 200, replace=True)
    assert [(row["value"], row["added"]) for row in store.rows()] == [("5.6.7.8", 100), ("5.6.7.9", 200)]
    store.add(records("5.6.7.8", source="another"), 300)
    assert [row["source"] for row in store.rows({"value": "5.6.7.8"})] == ["a list", "another"]
    assert store.warn(["5.6.7.8/31"], "ours") == 1
    assert {row["value"]: row["kept_out"] for row in store.rows()} == {"5.6.7.8": "ours", "5.6.7.9": "ours"}
    assert store.unwarn(["5.6.7.8/31"]) == 1
    assert store.write_set()[1] == 3
    assert store.remove(values=[("ip", "5.6.7.9")]) == 1
    assert store.remove(source="another") == 1
    store.close()


def test_a_list_that_goes_wrong_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.add(records("5.6.7.8"), 1)
    monkeypatch.setattr("detectors.indicators.store.MAX_INDICATORS", 2)
    with pytest.raises(BavnError, match="E083"):
        store.add(records("5.6.7.9", "5.6.7.10", "5.6.7.11"), 2)
    assert [row["value"] for row in store.rows()] == ["5.6.7.8"]
    store.close()


def test_a_store_that_is_none_has_a_code(tmp_path: Path) -> None:
    (tmp_path / "indicators.db").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with pytest.raises(BavnError, match="E094"):
        Store(tmp_path)


def test_damaged_sets_are_refused_whole(tmp_path: Path) -> None:
    path, count = write_set(
        tmp_path / "s.set", rows([("domain", "evil.agency-test.net"), ("cidr", "5.6.7.0/24"), ("md5", "ab" * 16)])
    )
    good = path.read_bytes()
    assert loop.Indicators(path).count == count == 3
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(BavnError, match="E095"):
            loop.Indicators(path)
        if at % 8:
            continue
        path.write_bytes(good[:at])
        with pytest.raises(BavnError, match="E095"):
            loop.Indicators(path)


SETTINGS = loop.Settings(evidence_bytes=0)
CAPTURES = ["web-download", "tls-browser", "dns-suspicious", "ssh-sessions", "benign-office"]


def run(worker: loop.PacketLoop, captures: Iterable[str]) -> tuple[list[bytes], bytes]:
    alerts: list[bytes] = []
    events = b""
    for name in captures:
        worker.open_file(str(next((ROOT / "pcaps" / name).glob("*.pcap"))))
        more = True
        while more:
            batch = worker.step(NOW * 10**9)
            alerts, events, more = [*alerts, *batch.alerts], events + batch.events, batch.more
    more = True
    while more:
        batch = worker.finish(NOW * 10**9)
        alerts, events, more = [*alerts, *batch.alerts], events + batch.events, batch.more
    return alerts, events


@pytest.fixture(scope="module")
def looked_for(tmp_path_factory: pytest.TempPathFactory) -> loop.Indicators:
    """Of what the captures hold: names, addresses, digests, fingerprints, URLs."""
    values = [("domain", "evil.test"), ("cidr", "203.0.113.0/26"), ("ip", "198.51.100.66"), ("ip-port", "203.0.113.43:443"),
              ("sha256", "cdd45002eef102a1c3083bcd08e8cc004169a166977364f087a518a232a8c43e"),
              ("md5", "d6d40776a4d04d5bf7f0e9f6ee77ca0d"), ("ja4", "t13d1517h2_8daaf6152771_cb7bf5808d99"),
              ("url", "files.evil.test/setup.exe"), ("domain", "agency.example")]  # fmt: skip
    path, _ = write_set(
        tmp_path_factory.mktemp("set") / "i.set", rows(values) + rows(values[:2], source="b", tlp="RED", confidence=20)
    )
    return loop.Indicators(path)


@pytest.fixture(scope="module")
def shipped_rules() -> check.RuleSet:
    return check.load_rules([check.default_rules() / "indicator"])


def test_any_number_of_workers_and_the_reference_say_the_same(
    looked_for: loop.Indicators, shipped_rules: check.RuleSet
) -> None:
    one, _ = run(loop.loop_for(shipped_rules.plan, SETTINGS, indicators=looked_for), CAPTURES)
    three, _ = run(
        loop.loop_for(shipped_rules.plan, loop.Settings(evidence_bytes=0, workers=3), indicators=looked_for), CAPTURES
    )
    assert one == three
    slow, _ = run(reference_loop(shipped_rules, SETTINGS, looked_for), CAPTURES)
    assert one == slow
    found = [[json.loads(alert) for alert in one]]
    assert {alert["bavn"]["indicator"]["type"] for alert in found[0]} == {
        "domain",
        "cidr",
        "ip",
        "ip-port",
        "sha256",
        "md5",
        "ja4",
        "url",
    }
    assert all(alert["threat"]["framework"] == "MITRE ATT&CK" for alert in found[0])
    by_two = [alert for alert in found[0] if alert["threat"]["indicator"]["name"] == "evil.test"]
    assert {
        (alert["bavn"]["tlp"], alert["bavn"]["level"], *alert["threat"]["indicator"]["provider"]) for alert in by_two
    } == {("RED", "high", "a list", "b")}
    once = [(alert["bavn"]["flow"]["id"], alert["threat"]["indicator"]["name"]) for alert in found[0]]
    assert len(once) == len(set(once))


def test_what_nobody_wants_is_not_looked_for(looked_for: loop.Indicators, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(
        "title: t\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {category: dns}\n"
        "detection:\n  s: {query: a}\n  condition: s\n"
    )
    worker = loop.loop_for(check.load_rules([tmp_path]).plan, SETTINGS, indicators=looked_for)
    assert run(worker, ["web-download"])[0] == []
    assert worker.counters()["indicator_lookups"] == 0
    assert worker.kinds()["http"] == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_other_indicators_from_one_packet_to_the_next(
    looked_for: loop.Indicators, tmp_path: Path, workers: int
) -> None:
    worker = loop.PacketLoop(None, loop.Settings(evidence_bytes=0, events=True, kinds=("indicator",), workers=workers))
    other, _ = write_set(tmp_path / "o.set", rows([("ip", "192.0.2.1")]))
    turns = [
        (None, "tls-browser"), (looked_for, "web-download"), (loop.Indicators(other), "web-benign"),
        (looked_for, "benign-office"), (None, "dns-benign"),
    ]  # fmt: skip
    for indicators, capture in turns:
        worker.set_indicators(indicators)
        worker.open_file(str(ROOT / "pcaps" / capture / f"{capture}.pcap"))
        events, more = b"", True
        while more:
            batch = worker.step(NOW * 10**9)
            events, more = events + batch.events, batch.more
        assert (events != b"") == (indicators is looked_for)


def test_types_by_the_names_that_lists_give_them() -> None:
    names = {
        "ip-dst": "ip",
        "SHA256 hash": "sha256",
        "x509-fingerprint-sha1": "cert-sha1",
        "ja3-fingerprint-md5": "ja3",
        "FileHash-MD5": "md5",
    }
    assert {name: type_named(name) for name in names} == names
