"""One table, one run: a read-only libpcap floor, bavn, and the peers that are installed.

  python bench/compare.py [CAPTURE] [--rounds N] [--only NAME,NAME] [--et FILE] [--many FOLDER]

Each tool runs as a whole process pinned to one core, the tools in turn, N rounds; medians are printed. CPU is user and
system time. Start-up is measured apart on the capture's first packet and taken off the rate. Anonymous memory is the
peak of RssAnon, so that a mapped capture does not count.

The rows with 100 rules do the same work: bavn and Suricata have the same hundred literals in the same five shapes, and
both write flow, dns, http and tls events and alerts. `--et` names a file of Suricata rules (an Emerging Threats set, say,
which is not ours to keep here), `--many` a folder of Sigma rules (`bench/many_rules.py`): a row for each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
SCAPY = (
    "import sys\nfrom scapy.utils import RawPcapReader\n"
    "n = 0\nfor data, meta in RawPcapReader(sys.argv[1]):\n    n += 1\nprint(n)"
)


@dataclass
class Tool:
    """A command to measure; `{}` stands for the capture. `output` says what it writes."""

    name: str
    command: list[str]
    output: str
    cpu: list[float] = field(default_factory=list)
    anon: list[int] = field(default_factory=list)
    start: list[float] = field(default_factory=list)


KINDS = ("flow", "dns", "http", "tls")


def tools(work: Path, et: Path | None, many: Path | None) -> list[Tool]:
    """Give the tools that this machine has."""
    found = []
    if floor := build_floor(work):
        found.append(Tool("libpcap floor", [str(floor), "{}"], "nothing"))
    bavn = str(BIN / "bavn")
    found.append(Tool("bavn scan, the shipped rules", [bavn, "scan", "{}", "--json"], "alerts"))
    silent = quiet_rules(work / "quiet")
    found.append(Tool("bavn, no output", [bavn, "scan", "{}", "--json", "--rules", str(silent)], "nothing"))
    found.append(Tool("bavn events", [bavn, "events", "{}", "--json"], "every kind"))
    same = sigma_rules(work / "same")
    kinds = [part for kind in KINDS for part in ("--events", kind)]
    judged = [bavn, "scan", "{}", "--json", *kinds, "--rules"]
    found.append(Tool("bavn, 100 rules, events", [*judged, str(same)], "alert flow dns http tls"))
    if many:
        found.append(Tool("bavn, many rules, events", [*judged, str(many)], "alert flow dns http tls"))
    if suricata := shutil.which("suricata"):
        (work / "eve").mkdir()
        common = [
            suricata,
            "-c",
            str(HERE / "suricata.yaml"),
            "-l",
            str(work / "eve"),
            "-k",
            "none",
            "--runmode",
            "single",
        ]
        rules = suricata_rules(work / "bench.rules")
        found.append(
            Tool("suricata, 100 rules, EVE", [*common, "-S", str(rules), "-r", "{}"], "alert flow dns http tls")
        )
        if et:
            found.append(
                Tool("suricata, many rules, EVE", [*common, "-S", str(et), "-r", "{}"], "alert flow dns http tls")
            )
    if tshark := shutil.which("tshark"):
        fields = ["-T", "fields", "-e", "dns.qry.name", "-e", "http.host", "-e", "tls.handshake.extensions_server_name"]
        found.append(Tool("tshark, three fields", [tshark, "-n", "-r", "{}", *fields], "three fields"))
    found.append(Tool("scapy raw reader", [sys.executable, "-c", SCAPY, "{}"], "nothing"))
    return found


def build_floor(work: Path) -> Path | None:
    """Compile the floor where a compiler and libpcap's headers are."""
    target = work / "floor"
    done = subprocess.run(
        ["cc", "-O2", str(HERE / "floor.c"), "-o", str(target), "-lpcap"], capture_output=True, check=False
    )
    return target if done.returncode == 0 else None


def suricata_rules(path: Path) -> Path:
    """Write 100 rules of the usual shapes: URI, host, user agent, DNS name, server name."""
    shapes = (
        ('http any any -> any any (msg:"uri {n}"; http.uri; content:"/cmd{n}.php"; nocase; sid:{n};)'),
        ('http any any -> any any (msg:"agent {n}"; http.user_agent; content:"tool{n}"; nocase; sid:{n};)'),
        ('dns any any -> any any (msg:"name {n}"; dns.query; content:"bad{n}.example"; nocase; endswith; sid:{n};)'),
        ('tls any any -> any any (msg:"sni {n}"; tls.sni; content:"evil{n}.example"; endswith; sid:{n};)'),
        ('http any any -> any any (msg:"host {n}"; http.host; content:"drop{n}.example"; sid:{n};)'),
    )
    path.write_text("".join(f"alert {shapes[n % 5].format(n=1000 + n)}\n" for n in range(100)), "utf-8")
    return path


def sigma_rules(folder: Path) -> Path:
    """Write the same 100 rules in Sigma."""
    shapes = (
        ("category: proxy", "c-uri|contains: /cmd{n}.php"),
        ("category: proxy", "c-useragent|contains: tool{n}"),
        ("category: dns", "query|endswith: bad{n}.example"),
        ("product: bavn\n  service: tls", "tls.client.server_name|endswith: evil{n}.example"),
        ("category: proxy", "cs-host|contains: drop{n}.example"),
    )
    folder.mkdir()
    for n in range(100):
        source, selection = shapes[n % 5]
        write_rule(folder / f"{n}.yml", n, source, selection.format(n=1000 + n))
    return folder


def quiet_rules(folder: Path) -> Path:
    """Write three rules that nothing matches: DNS, HTTP, TLS and flows are parsed, and nothing is written."""
    sources = (
        ("category: dns", "query"),
        ("category: proxy", "c-uri"),
        ("product: bavn\n  service: tls", "tls.client.server_name"),
    )
    folder.mkdir()
    for n, (source, field_) in enumerate(sources):
        write_rule(folder / f"{n}.yml", n, source, f"{field_}: nothing-is-called-so")
    return folder


def write_rule(path: Path, number: int, source: str, selection: str) -> None:
    """Write one rule."""
    head = f"title: Bench {number}\nid: 00000000-0000-4000-8000-{number:012}\nstatus: test\nlevel: low\n"
    path.write_text(
        f"{head}logsource:\n  {source}\ndetection:\n  selection:\n    {selection}\n  condition: selection\n", "utf-8"
    )


def measure(command: list[str], capture: Path, core: int) -> tuple[float, int]:
    """Run a command on a capture on one core; gives CPU seconds and the peak of anonymous memory in bytes."""
    argv = [str(capture) if part == "{}" else part for part in command]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(["taskset", "-c", str(core), *argv], stdout=subprocess.DEVNULL, stderr=errors)
        peak = 0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, anonymous(child.pid))
            time.sleep(0.02)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in {0, 1, 5}:
            errors.seek(0)
            sys.exit(f"{argv[0]} ended with {child.returncode}: {errors.read()[-400:].decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime, peak


def anonymous(pid: int) -> int:
    """Give RssAnon of a process in bytes, 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def count_packets(capture: Path) -> int:
    """Count the records of a little-endian pcap."""
    count = 0
    with capture.open("rb", buffering=1 << 22) as file:
        file.seek(24)
        while len(head := file.read(16)) == 16:  # noqa: PLR2004
            file.seek(struct.unpack_from("<I", head, 8)[0], 1)
            count += 1
    return count


def first_packet(capture: Path, work: Path) -> Path:
    """Cut a capture after its first packet: what a tool needs for it is its start-up."""
    with capture.open("rb") as file:
        head = file.read(40)
        frame = file.read(struct.unpack_from("<I", head, 32)[0])
    target = work / "first.pcap"
    target.write_bytes(head + frame)
    return target


def make_capture(work: Path) -> Path:
    """Without a capture: our own, put one behind the other and repeated."""
    merged, target = work / "own.pcap", work / "own-repeated.pcap"
    captures = sorted(str(path) for path in (HERE.parent / "pcaps/benign-office").glob("*.pcap"))
    merged.write_bytes(Path(captures[0]).read_bytes())
    subprocess.run([sys.executable, str(HERE / "repeat.py"), str(merged), str(target), "100"], check=True)
    return target


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--et", type=Path)
    parser.add_argument("--many", type=Path)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        capture = options.capture or make_capture(work)
        chosen = [
            t
            for t in tools(work, options.et, options.many)
            if not options.only or any(o in t.name for o in options.only.split(","))
        ]
        one, packets = first_packet(capture, work), count_packets(capture)
        for _ in range(options.rounds):
            for tool in chosen:
                cpu, anon = measure(tool.command, capture, options.core)
                tool.cpu.append(cpu)
                tool.anon.append(anon)
                tool.start.append(measure(tool.command, one, options.core)[0])
        report(chosen, packets, capture.stat().st_size, options.rounds)


def report(chosen: list[Tool], packets: int, size: int, rounds: int) -> None:
    """Print the table in Markdown."""
    print(f"{packets:,} packets, {size / 1e6:,.0f} MB, {rounds} rounds, medians, one core\n")
    print("| tool | writes | CPU s | start-up CPU s | k packets/CPU-s | x floor | RssAnon MB |")
    print("|---|---|---|---|---|---|---|")
    net = {t.name: max(statistics.median(t.cpu) - statistics.median(t.start), 1e-3) for t in chosen}
    floor = net.get("libpcap floor")
    for tool in chosen:
        times = f"{net[tool.name] / floor:.1f}" if floor else "-"
        print(
            f"| {tool.name} | {tool.output} | {statistics.median(tool.cpu):.2f} | {statistics.median(tool.start):.2f} "
            f"| {packets / net[tool.name] / 1000:,.0f} | {times} | {statistics.median(tool.anon) / 1e6:.0f} |",
        )


if __name__ == "__main__":
    main()
