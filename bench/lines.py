"""Lines of another sensor against rules: `bavn scan`, and peers that read the same lines and the same rules.

    python -P bench/lines.py [--rounds 5] [--rules 50,180] [--lines 100000] [--peer NAME='COMMAND {rules} {lines}']…

Lines are made here: Zeek's JSON for HTTP, DNS and connections, some 535 bytes each on average, with values as real traffic
has them, the same for each run. Rules are made too, for the same three logs in Zeek's own field names. CPU seconds (user and
system) of whole processes on one core, interleaved, medians; a run on one line is taken off each, so that start-up and
loading of rules do not count.

Peers are whatever the machine has. Chainsaw and Hayabusa read event logs of Windows alone and cannot take part.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

WORDS = (
    "news", "login", "portal", "static", "img", "api", "update", "mail", "search", "docs", "shop", "account", "assets",
    "data", "report", "index", "user", "cdn",
)  # fmt: skip
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Microsoft-CryptoAPI/10.0",
    "curl/7.88.1",
)


def name(rng: random.Random) -> str:
    return f"{rng.choice(WORDS)}{rng.randrange(500)}.{rng.choice(WORDS)}.example"


def common(rng: random.Random, path: str, number: int, port: int) -> dict[str, Any]:
    return {
        "_path": path,
        "ts": f"2026-11-22T09:{number // 60 % 60:02}:{number % 60:02}.{rng.randrange(10**6):06}Z",
        "uid": f"C{rng.getrandbits(90):x}"[:18],
        "id.orig_h": f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
        "id.orig_p": rng.randrange(1024, 65536),
        "id.resp_h": f"203.0.{rng.randrange(256)}.{rng.randrange(1, 255)}",
        "id.resp_p": port,
    }


def http(rng: random.Random, number: int) -> dict[str, Any]:
    path = "/".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 6)))
    query = "&".join(f"{rng.choice(WORDS)}={rng.getrandbits(64):x}" for _ in range(rng.randrange(0, 4)))
    return common(rng, "http", number, 80) | {
        "trans_depth": rng.randrange(1, 9), "method": rng.choice(("GET", "GET", "GET", "POST")), "host": name(rng),
        "uri": f"/{path}.html?{query}", "referrer": f"http://{name(rng)}/{rng.choice(WORDS)}", "version": "1.1",
        "user_agent": rng.choice(AGENTS), "request_body_len": 0, "response_body_len": rng.randrange(90_000),
        "status_code": rng.choice((200, 200, 200, 304, 404)), "status_msg": "OK", "tags": [],
        "resp_fuids": [f"F{rng.getrandbits(80):x}"], "resp_mime_types": ["text/html"],
    }  # fmt: skip


def dns(rng: random.Random, number: int) -> dict[str, Any]:
    answers = [name(rng), *(f"203.0.{rng.randrange(256)}.{rng.randrange(256)}" for _ in range(rng.randrange(1, 5)))]
    return common(rng, "dns", number, 53) | {
        "proto": "udp", "trans_id": rng.randrange(65536), "rtt": 0.0125, "query": name(rng), "qclass": 1,
        "qclass_name": "C_INTERNET", "qtype": 1, "qtype_name": "A", "rcode": 0, "rcode_name": "NOERROR", "AA": False, "TC": False,
        "RD": True, "RA": True, "Z": 0, "answers": answers, "TTLs": [300.0] * len(answers), "rejected": False,
    }  # fmt: skip


def conn(rng: random.Random, number: int) -> dict[str, Any]:
    return common(rng, "conn", number, 443) | {
        "proto": "tcp", "service": "ssl", "duration": rng.random() * 30, "orig_bytes": rng.randrange(9000),
        "resp_bytes": rng.randrange(90_000), "conn_state": "SF", "local_orig": True, "local_resp": False, "missed_bytes": 0,
        "history": "ShADadFf", "orig_pkts": rng.randrange(90), "orig_ip_bytes": rng.randrange(9900),
        "resp_pkts": rng.randrange(90), "resp_ip_bytes": rng.randrange(99_000), "tunnel_parents": [],
    }  # fmt: skip


def write_lines(path: Path, count: int) -> None:
    rng = random.Random(7)  # noqa: S311  (made values, the same each time)
    with path.open("w") as out:
        for number in range(count):
            line = rng.choices((http, dns, conn), (5, 3, 2))[0](rng, number // 30)
            out.write(json.dumps(line, separators=(",", ":")) + "\n")


FIELDS = (
    ("http", "uri|contains"), ("http", "user_agent|contains"), ("http", "host|endswith"), ("http", "method"),
    ("dns", "query|endswith"), ("dns", "query|contains"), ("dns", "answers|contains"), ("conn", "id.resp_h"),
    ("http", "uri|endswith"),
)  # fmt: skip


def write_rules(folder: Path, count: int) -> None:
    rng = random.Random(11)  # noqa: S311  (as above)
    for number in range(count):
        service, field = FIELDS[number % len(FIELDS)]
        values = [f"{rng.choice(WORDS)}-{rng.getrandbits(40):x}" for _ in range(rng.randrange(1, 8))]
        if field == "id.resp_h":
            values = [f"198.51.100.{rng.randrange(256)}" for _ in values]
        rule = {
            "title": f"made {number}", "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)), "level": "low",
            "logsource": {"product": "zeek", "service": service},
            "detection": {"selection": {field: values}, "condition": "selection"},
        }  # fmt: skip
        # JSON is YAML.
        (folder / f"{number}.yml").write_text(json.dumps(rule))


def cpu(command: list[str], core: int) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["taskset", "-c", str(core), *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: Path, given: argparse.Namespace, rules: int, peers: dict[str, str]) -> None:
    lines, one, made = folder / "lines.json", folder / "one.json", folder / f"rules-{rules}"
    made.mkdir()
    write_rules(made, rules)
    spent: dict[str, list[float]] = {tool: [] for tool in peers}
    for _ in range(given.rounds):
        for tool, command in peers.items():
            call = [[part.format(rules=made, lines=path) for part in command.split()] for path in (lines, one)]
            spent[tool].append(cpu(call[0], given.core) - cpu(call[1], given.core))
    for tool, seconds in spent.items():
        median = statistics.median(seconds)
        print(f"| {rules} | {tool} | {median:.3f} | {given.lines / median / 1000:,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rules", default="50,180")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    given = parser.parse_args()
    peers = {"bavn scan": f"{sys.executable} -P -m cli scan {{lines}} --rules {{rules}}"}
    peers |= dict(peer.split("=", 1) for peer in given.peer)
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        lines = folder / "lines.json"
        write_lines(lines, given.lines)
        with lines.open() as stream:
            (folder / "one.json").write_text(stream.readline())
        print(
            f"{given.lines:,} lines, {lines.stat().st_size / given.lines:.0f} bytes each, {given.rounds} rounds, one core\n"
        )
        print("| rules | tool | CPU s without start-up | thousand lines/CPU-s |\n|---|---|---|---|")
        for rules in map(int, given.rules.split(",")):
            measure(folder, given, rules, peers)


if __name__ == "__main__":
    main()
