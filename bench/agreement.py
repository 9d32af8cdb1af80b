"""Compare what `bavn events` and tshark say about one capture: DNS, HTTP/1 over TCP, TLS over TCP.

  python bench/agreement.py CAPTURE... [--part N] [--packets 50000] [--examples 3] [--least 99]

The capture is cut in parts (tshark has been seen to crash on merged captures, and then only one part is lost); each
part is a capture of its own for both. What one says and the other does not is put into a class by a rule of
`agreement_classes.py`, and each class says who is right. Ends with 1 where a share is under --least.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import shlex
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
from agreement_classes import CONFIRMED, RIGHT, Facts, both_see_less, class_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

SEPARATOR, AGGREGATOR = "\x01", "\x02"
# Bodies are not waited for: else tshark tells of a request only where its whole body is in the part.
PREFERENCES = ["tcp.desegment_tcp_streams:TRUE", "http.desegment_body:FALSE"]
# With this tshark puts reordered segments in order, and gives up a stream at the first segment that is lost.
WAITING, NOT_WAITING = "tcp.reassemble_out_of_order:TRUE", "tcp.reassemble_out_of_order:FALSE"
FILTER = "dns || mdns || llmnr || http.request || (tls.handshake.type >= 1 && tls.handshake.type <= 2)"
MAGICS = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
FIELDS = [
    "frame.number", "frame.protocols", "ip.src", "ip.dst",
    "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport",
    "tcp.srcport", "tcp.dstport", "tcp.stream", "sctp.srcport",
    "dns.id", "dns.qry.name", "dns.qry.type", "dns.count.queries",
    "http.request.method", "http.host", "http.request.uri", "tls.handshake.type",
    "tls.handshake.extensions_server_name", "tls.handshake.ja3", "tls.handshake.ja3s", "tls.handshake.version",
    "tls.handshake.extensions.supported_version", "tls.handshake.ciphersuite", "_ws.malformed", "_ws.expert.message",
]  # fmt: skip
DETAILS = ["frame.number", "frame.protocols", "tcp.stream", "_ws.expert.message", "udp.length", "_ws.malformed"]
PROTOCOLS = ("dns", "http", "tls")
VERSIONS = {0x0300: "3.0", 0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3", 0x0002: "2.0"}

Row = dict[str, list[str]]
Ends = frozenset[tuple[str, int]]


class Said(NamedTuple):
    """One thing that was said of a conversation, comparable between the two, and the frame it was said at."""

    what: Hashable
    frame: int
    facts: Facts


@dataclass
class Tally:
    """What came of one protocol."""

    both: int = 0
    only: dict[str, Counter[str]] = field(default_factory=lambda: {"tshark": Counter(), "bavn": Counter()})
    examples: dict[str, list[str]] = field(default_factory=dict)
    values: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def add(self, other: Tally, name: str) -> None:
        """Add another capture's tally."""
        self.both += other.both
        self.values += other.values
        for side, counter in other.only.items():
            self.only[side] += counter
        self.examples |= {f"{name}, {key}": kept for key, kept in other.examples.items()}

    def left(self, side: str) -> int:
        """Count what only that side said, without what is another protocol or no traffic by rule."""
        return sum(count for name, count in self.only[side].items() if RIGHT[name].counts)

    def share(self, side: str) -> float:
        """Give the share, in percent, of what that side said that the other said alike."""
        total = self.both + self.left(side)
        return 100 * self.both / total if total else 100.0


# --- parts


def parts(capture: Path, packets: int, work: Path) -> Iterator[Path]:
    """Cut a pcap; another format is one part."""
    with capture.open("rb") as file:
        head = file.read(24)
        order = MAGICS.get(head[:4])
        if order is None:
            yield capture
            return
        number = 0
        while chunk := b"".join(records(file, order, packets)):
            part = work / f"part{number}.pcap"
            part.write_bytes(head + chunk)
            yield part
            part.unlink()
            number += 1


def records(file: BinaryIO, order: str, most: int) -> Iterator[bytes]:
    """Give up to `most` records, whole ones only."""
    for _ in range(most):
        head = file.read(16)
        if len(head) < 16:  # noqa: PLR2004
            return
        data = file.read(struct.unpack(order + "I", head[8:12])[0])
        yield head + data


# --- tshark


def tshark(part: Path, display: str, fields: list[str], order: str = WAITING) -> list[Row]:
    """Run tshark for fields; each is a list of all its occurrences in the frame."""
    asked = [word for name in fields for word in ("-e", name)]
    options = [word for preference in [*PREFERENCES, order] for word in ("-o", preference)]
    form = ["-T", "fields", "-E", f"separator={SEPARATOR}", "-E", f"aggregator={AGGREGATOR}", "-E", "occurrence=a"]
    done = subprocess.run(
        ["tshark", "-n", "-r", str(part), *options, "-Y", display, *form, *asked], capture_output=True, check=False
    )
    if done.returncode:
        print(f"tshark ended with {done.returncode} on {part.name}: {done.stderr[-200:]!r}", file=sys.stderr)
    lines = [line.split(SEPARATOR) for line in done.stdout.decode("utf-8", "replace").split("\n")]
    whole = [line for line in lines if len(line) == len(fields)]
    return [{n: v.split(AGGREGATOR) if v else [] for n, v in zip(fields, line, strict=True)} for line in whole]


@functools.cache
def cipher_names() -> dict[int, str]:
    """Give tshark's names of cipher suites."""
    done = subprocess.run(["tshark", "-G", "values"], capture_output=True, check=False)
    rows = [
        line.split("\t")
        for line in done.stdout.decode("utf-8", "replace").splitlines()
        if "tls.handshake.ciphersuite\t" in line
    ]
    return {int(row[2], 0): row[3] for row in rows if row[0] == "V"}


def ends_of(row: Row) -> Ends:
    """Give the innermost pair of addresses and ports."""
    layers = row["frame.protocols"][0].split(":")
    network = next((name for name in reversed(layers) if name in {"ip", "ipv6"}), "ip")
    ports = next((name for name in reversed(layers) if name in {"udp", "tcp"}), "udp")
    ways = [(f"{network}.src", f"{ports}.srcport"), (f"{network}.dst", f"{ports}.dstport")]
    return frozenset((row[ip][-1] if row[ip] else "", int(row[port][-1]) if row[port] else 0) for ip, port in ways)


def facts_of(row: Row) -> Facts:
    layers = row["frame.protocols"][0].split(":") if row["frame.protocols"] else []
    expert = " ".join(row.get("_ws.expert.message", []))
    return Facts(layers, expert, bool(row.get("_ws.malformed")), [])


def tshark_says(rows: list[Row]) -> dict[str, list[Said]]:
    """Sort tshark's rows by protocol."""
    return {
        "dns": [said for row in rows if row["dns.id"] for said in dns_of(row)],
        "http": [said for row in rows if row["http.request.method"] for said in http_of(row)],
        "tls": tls_of([row for row in rows if {"1", "2"} & set(row["tls.handshake.type"])]),
    }


def dns_of(row: Row) -> Iterator[Said]:
    """Give each message of a frame; of several questions the first counts (mDNS asks several)."""
    names, kinds = iter(row["dns.qry.name"]), iter(row["dns.qry.type"])
    counts = [int(count) for count in row["dns.count.queries"]] or [1]
    for ident, count in zip(row["dns.id"], [*counts, *[1] * len(row["dns.id"])], strict=False):
        asked = [(next(names, ""), next(kinds, "")) for _ in range(count)]
        name, kind = asked[0] if asked else ("", "")
        what = (ends_of(row), int(ident, 16), plain(name), int(kind) if kind else None)
        yield Said(what, int(row["frame.number"][0]), facts_of(row))


def http_of(row: Row) -> Iterator[Said]:
    """Give each request of a frame."""
    methods, hosts, targets = row["http.request.method"], row["http.host"], row["http.request.uri"]
    if len(methods) == 1:
        hosts, targets = hosts[:1], [",".join(targets)]
    if len(hosts) != len(methods):
        hosts = [*hosts, *[""] * len(methods)]
    for method, host, target in zip(methods, hosts, [*targets, *[""] * len(methods)], strict=False):
        what = (ends_of(row), method, host_of(host, target), plain(target, fold=False))
        yield Said(what, int(row["frame.number"][0]), facts_of(row))


def tls_of(rows: list[Row]) -> list[Said]:
    """Give one handshake a stream: the first ClientHello, and the ServerHello that counts (the last)."""
    streams: dict[str, dict[str, Any]] = {}
    for row in rows:
        stream = row["tcp.stream"][-1] if row["tcp.stream"] else "udp" + str(hash(ends_of(row)))
        seen = streams.setdefault(
            stream, {"ends": ends_of(row), "frame": int(row["frame.number"][0]), "facts": facts_of(row)}
        )
        types = row["tls.handshake.type"]
        if "1" in types and "sni" not in seen:
            seen |= {"sni": plain((row["tls.handshake.extensions_server_name"] or [""])[0]), "ja3": last(row, "ja3")}
        if "2" in types and "1" not in types:
            seen |= {"ja3s": last(row, "ja3s"), "version": server_version(row), "cipher": cipher_of(row)}
    return [
        Said((seen["ends"], seen.get("sni")), seen["frame"], seen["facts"]._replace(values=[seen]))
        for seen in streams.values()
    ]


def last(row: Row, name: str) -> str | None:
    return row[f"tls.handshake.{name}"][-1] if row[f"tls.handshake.{name}"] else None


def server_version(row: Row) -> str | None:
    numbers = row["tls.handshake.extensions.supported_version"] or row["tls.handshake.version"]
    return VERSIONS.get(int(numbers[-1], 16)) if numbers else None


def cipher_of(row: Row) -> str | None:
    numbers = row["tls.handshake.ciphersuite"]
    return cipher_names().get(int(numbers[-1], 0)) if numbers else None


def plain(text: str, *, fold: bool = True) -> str:
    """Make both tools' ways to write a byte that is no printable ASCII alike."""
    text = text.replace("<Root>", "").replace("\\\\", "\\").replace("\\.", ".")
    text = re.sub(r"\?+", "?", re.sub(r"\\x..|\\[0-7]{3}|\\[trnabfv]|[^\x20-\x7e]", "?", text))
    return text.lower().strip(".") if fold else text


def host_of(host: str, target: str) -> str:
    """Give the host that a request is for: of the target where it has one."""
    found = re.match(r"[a-z]+://([^/?#]*)", target, re.IGNORECASE)
    host = plain(found[1].rpartition("@")[2] if found else host)
    return re.sub(r":\d*$", "", host).strip("[]")


# --- bavn


def events(part: Path, home: Path, command: list[str] | None = None) -> list[dict[str, Any]]:
    """Run `bavn events`, or another command that prints a capture's events."""
    command = command or [sys.executable, "-P", "-m", "cli", "--home", str(home), "events", "--json"]
    done = subprocess.run([*command, str(part)], capture_output=True, check=False)
    if done.returncode not in {0, 5}:
        sys.exit(f"bavn ended with {done.returncode}: {done.stderr[-400:].decode(errors='replace')}")
    return [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]


def bavn_says(found: list[dict[str, Any]]) -> dict[str, list[Said]]:
    """Sort bavn's events by protocol."""
    said: dict[str, list[Said]] = {protocol: [] for protocol in PROTOCOLS}
    makers = {"dns": dns_event, "http": http_event, "tls": tls_event}
    for event in found:
        protocol = event["event"]["dataset"].removeprefix("bavn.")
        if protocol in makers and (what := makers[protocol](event)) is not None:
            values = [tls_values(event)] if protocol == "tls" else []
            said[protocol].append(Said(what, event["bavn"]["packet"], Facts([], "", malformed=False, values=values)))
    return said


def event_ends(event: dict[str, Any]) -> Ends:
    return frozenset((event[side]["ip"], event[side].get("port", 0)) for side in ("source", "destination"))


def dns_event(event: dict[str, Any]) -> Hashable:
    name = event["dns"].get("question", {}).get("name", "")
    return (event_ends(event), int(event["dns"]["id"]), plain(name), event["bavn"]["dns"].get("question_type_code"))


def http_event(event: dict[str, Any]) -> Hashable | None:
    method = event["http"].get("request", {}).get("method")
    if method is None:
        return None
    url = event.get("url", {})
    host = plain(url.get("domain", "")).strip("[]")
    return (event_ends(event), method, host, plain(url.get("original", ""), fold=False))


def tls_event(event: dict[str, Any]) -> Hashable | None:
    if event["network"].get("transport") == "udp":
        return None
    client = event["tls"].get("client", {})
    unseen = "tls.client.server_name" in event["bavn"].get("unobserved", [])
    name = None if unseen else plain(client.get("server_name", ""))
    return (event_ends(event), name)


def tls_values(event: dict[str, Any]) -> dict[str, Any]:
    tls = event["tls"]
    client, server = tls.get("client", {}), tls.get("server", {})
    version = tls.get("version")
    return {"ja3": client.get("ja3"), "ja3s": server.get("ja3s"), "version": version, "cipher": tls.get("cipher")}


# --- comparison


def compare(
    theirs: list[Said], ours: list[Said], protocol: str
) -> tuple[list[tuple[Said, Said]], list[Said], list[Said]]:
    """Pair what is the same: DNS as a set (repeats are one), the others one by one."""
    if protocol == "dns":
        theirs, ours = unique(theirs), unique(ours)
    waiting: dict[Hashable, list[Said]] = {}
    for said in ours:
        waiting.setdefault(said.what, []).append(said)
    pairs, only = [], []
    for said in theirs:
        same = waiting.get(said.what)
        if same:
            pairs.append((said, same.pop(best(said, same))))
        else:
            only.append(said)
    return pairs, only, [said for same in waiting.values() for said in same]


def unique(all_said: list[Said]) -> list[Said]:
    return list({said.what: said for said in reversed(all_said)}.values())


def best(said: Said, among: list[Said]) -> int:
    """Choose, of several handshakes of the same ends, the one with most values alike."""
    alike = [sum(ok for _, ok in values_alike(said, one)) for one in among]
    return alike.index(max(alike))


def values_alike(theirs: Said, ours: Said) -> list[tuple[str, bool]]:
    """Compare the further values of a handshake that tshark has."""
    if not theirs.facts.values or not ours.facts.values:
        return []
    mine, yours = ours.facts.values[0], theirs.facts.values[0]
    return [(name, yours[name] == mine[name]) for name in ("ja3", "ja3s", "version", "cipher") if yours.get(name)]


def details(part: Path, frames: set[int]) -> dict[int, Row]:
    """Ask tshark what it took certain frames for, and their streams."""
    if not frames:
        return {}
    rows = tshark(part, f"frame.number in {{{','.join(map(str, sorted(frames)))}}}", DETAILS)
    return {int(row["frame.number"][0]): row for row in rows}


def add_part(part: Path, number: int, found: list[dict[str, Any]], tallies: dict[str, Tally], examples: int) -> None:
    """Compare one part and its events; add to the tallies."""
    theirs, ours = tshark_says(tshark(part, FILTER, FIELDS)), bavn_says(found)
    results = {protocol: compare(theirs[protocol], ours[protocol], protocol) for protocol in PROTOCOLS}
    looked_up = details(part, {said.frame for _, _, only in results.values() for said in only})
    again = second_look(part, results)
    for protocol, (pairs, only_tshark, only_bavn) in results.items():
        tally = tallies[protocol]
        tally.both += len(pairs)
        for pair in pairs:
            tally.values.update(values_alike(*pair))
            note_values(tally, pair, number, examples)
        confirmed = Counter(said.what for said in again[protocol]) - Counter(yours.what for yours, _ in pairs)
        for said in only_tshark:
            name = class_of(protocol, "tshark", said.what, said.facts, ends_in(ours[protocol]))
            note(tally, "tshark", name, said, number, examples)
        for said in only_bavn:
            facts = facts_of(looked_up[said.frame]) if said.frame in looked_up else said.facts
            name = class_of(protocol, "bavn", said.what, facts, ends_in(theirs[protocol]))
            if confirmed[said.what] > 0:
                confirmed[said.what] -= 1
                name = CONFIRMED
            note(tally, "bavn", name, said._replace(facts=facts), number, examples)


def second_look(
    part: Path, results: dict[str, tuple[list[tuple[Said, Said]], list[Said], list[Said]]]
) -> dict[str, list[Said]]:
    """Ask tshark again without waiting for lost segments, where bavn said more."""
    if not any(results[protocol][2] for protocol in ("http", "tls")):
        return {protocol: [] for protocol in PROTOCOLS}
    return tshark_says(tshark(part, FILTER, FIELDS, NOT_WAITING))


def ends_in(all_said: list[Said]) -> set[Hashable]:
    return {said.what[0] for said in all_said}  # type: ignore[index]


def note(tally: Tally, side: str, name: str, said: Said, number: int, examples: int) -> None:  # noqa: PLR0917
    """Count one difference, and keep the first of its class as examples."""
    if both_see_less(said.what):
        return
    tally.only[side][name] += 1
    kept = tally.examples.setdefault(f"only {side}: {name}", [])
    if len(kept) < examples:
        kept.append(f"part {number} frame {said.frame} {show(said.what)} {':'.join(said.facts.layers)}")


def note_values(tally: Tally, pair: tuple[Said, Said], number: int, examples: int) -> None:
    for name in (name for name, ok in values_alike(*pair) if not ok):
        kept = tally.examples.setdefault(f"differs: {name}", [])
        if len(kept) < examples:
            yours, mine = pair[0].facts.values[0], pair[1].facts.values[0]
            kept.append(f"part {number} frame {pair[0].frame} tshark {yours[name]} bavn {mine[name]}")


def show(what: Any) -> str:  # noqa: ANN401
    ends, *rest = what
    return f"{' '.join(f'{ip}|{port}' for ip, port in sorted(ends))} {rest}"[:200]


# --- report


def report(tallies: dict[str, Tally]) -> None:
    """Print the tables."""
    print("| protocol | both | only tshark | only bavn | of tshark's | of bavn's |\n|---|---|---|---|---|---|")
    for protocol, tally in tallies.items():
        counted = [tally.left("tshark"), tally.left("bavn")]
        shares = [f"{tally.share(side):.2f} %" for side in ("tshark", "bavn")]
        print(f"| {protocol} | {tally.both:,} | {counted[0]:,} | {counted[1]:,} | {shares[0]} | {shares[1]} |")
    print("\n| value of paired handshakes | alike | compared |\n|---|---|---|")
    for name in ("ja3", "ja3s", "version", "cipher"):
        alike, not_alike = (tallies["tls"].values[name, ok] for ok in (True, False))
        print(f"| {name} | {alike:,} | {alike + not_alike:,} |")
    print("\n| protocol | said only by | class | count | in the base | who is right |\n|---|---|---|---|---|---|")
    for protocol, tally in tallies.items():
        for side, counter in tally.only.items():
            for name, count in counter.most_common():
                right = RIGHT[name]
                print(f"| {protocol} | {side} | {name} | {count:,} | {'yes' if right.counts else 'no'} | {right.who} |")
    for protocol, tally in tallies.items():
        for name, kept in tally.examples.items():
            print(f"\n{protocol}, {name}")
            print("\n".join(f"  {example}" for example in kept))


def agreement(
    capture: Path,
    packets: int = 50_000,
    only: int | None = None,
    examples: int = 3,
    command: list[str] | None = None,
) -> dict[str, Tally]:
    """Compare a capture; gives a tally a protocol."""
    tallies = {protocol: Tally() for protocol in PROTOCOLS}
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts(capture, packets, Path(folder))):
            if only in {None, number}:
                add_part(part, number, events(part, Path(folder), command), tallies, examples)
    return tallies


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path, nargs="+")
    parser.add_argument("--events-from", type=shlex.split, help="a command that prints a capture's events")
    parser.add_argument("--part", type=int)
    parser.add_argument("--packets", type=int, default=50_000)
    parser.add_argument("--examples", type=int, default=3)
    parser.add_argument("--least", type=float, default=99.0)
    options = parser.parse_args()
    tallies = {protocol: Tally() for protocol in PROTOCOLS}
    for capture in options.capture:
        found = agreement(capture, options.packets, options.part, options.examples, options.events_from)
        for protocol, tally in found.items():
            tallies[protocol].add(tally, capture.name)
    report(tallies)
    sys.exit(int(any(tally.share("tshark") < options.least for tally in tallies.values())))


if __name__ == "__main__":
    main()
