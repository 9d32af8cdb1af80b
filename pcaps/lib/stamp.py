"""Write what was measured of a case's captures into its case.toml, and its README.md from that.

Usage: stamp.py CASE-DIRECTORY TOOL...

case.toml has two halves. Above the marker a person wrote purpose, contents and `[observe]`; below
it this script writes date, tool versions, and per capture its size, digest, packets and what tshark
counts in it.
"""

import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import capfile  # found beside this script

MARKER = "# Measured by lib/stamp.py; what stands below is written anew by every run of make.sh.\n"
CAPTURES = ("*.pcap", "*.pcapng", "*.pcap.gz", "*.pcap.zst", "*.pcapng.gz", "*.pcapng.zst")
VERSION_CALLS = {
    "openssl": ["version"],
    "named": ["-V"],
    "nginx": ["-v"],
    "ssh": ["-V"],
    "sshd": ["-V"],
    "iodine": ["-v"],
    "iodined": ["-v"],
    "traceroute": ["-V"],
    "ping": ["-V"],
    "arping": ["-V"],
    "unbound": ["-V"],
    "socat": ["-V"],
    "dig": ["-v"],
    "bash": ["--version"],
    "swaks": ["--version"],
    "apache2": ["-v"],
    "ndisc6": ["-V"],
    "dropbear": ["-V"],
    "busybox": [],
    "dhclient": ["--version"],
    "exim4": ["-bV"],
    "dbclient": ["-V"],
    "klist": ["-V"],
    "slapd": ["-VV"],
    "ldapsearch": ["-VV"],
}
OUT_OF_ORDER = "tcp.reassemble_out_of_order:TRUE"
FILTERS = {
    "arp": "arp",
    "modbus": "modbus",
    "dnp3": "dnp3",
    "s7comm": "s7comm",
    "nbns": "nbns",
    "mdns": "mdns",
    "llmnr": "llmnr",
    "icmp": "icmp",
    "icmpv6": "icmpv6",
    "ip_fragments": "ip.flags.mf == 1 || ip.frag_offset > 0",
    "ipv6_fragments": "ipv6.fraghdr",
    "vlan": "vlan",
    "tcp": "tcp",
    "tcp_syn": "tcp.flags.syn == 1 && tcp.flags.ack == 0",
    "tcp_reset": "tcp.flags.reset == 1",
    "tcp_retransmissions": "tcp.analysis.retransmission",
    "udp": "udp",
    "dns_queries": "dns && dns.flags.response == 0",
    "dns_responses": "dns && dns.flags.response == 1",
    "http_requests": "http.request",
    "http_responses": "http.response",
    "tls_client_hello": "tls.handshake.type == 1",
    "tls_server_hello": "tls.handshake.type == 2",
    "tls_certificate": "tls.handshake.type == 11",
    "ssh": "ssh",
    "smtp": "smtp",
    "ftp": "ftp",
    "pop": "pop",
    "ntp": "ntp",
    "kerberos": "kerberos",
    "ldap": "ldap || cldap",
    "rdp": "rdp",
    "openvpn": "openvpn",
    "malformed": "_ws.malformed",
}


def version(tool: str) -> str:
    """Return the tool's version as it tells it, or "unknown"; a package of PyPI has it in its name."""
    if "==" in tool:
        return tool.partition("==")[2]
    call = [tool, *VERSION_CALLS.get(tool, ["--version"])]
    done = subprocess.run(call, capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r"\d+\.\d+[\w.+-]*|\d{8}", done.stdout + done.stderr)
    return found.group().rstrip(".") if found else "unknown"


def tshark_counts(path: Path) -> dict[str, int]:
    """Return, for each of FILTERS, how many frames of the capture match, from one run of tshark."""
    call = ["tshark", "-n", "-o", OUT_OF_ORDER, "-r", str(path), "-q", "-z", ",".join(["io,stat,0", *FILTERS.values()])]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=True)
    row = next(line for line in done.stdout.splitlines() if "<>" in line)
    cells = [int(cell) for cell in re.findall(r"\|\s*(\d+)", row.split("<>", 1)[1])]
    return dict(zip(FILTERS, cells[::2], strict=True))


def measure(path: Path) -> dict[str, Any]:
    """Return the facts of one capture: digest, format, packets by our own count, tshark's counts."""
    facts = capfile.summary(path)
    counts = tshark_counts(path)
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "format": facts.format,
        "link_type": facts.link_type,
        "packets": facts.packets,
        "seconds": round(facts.seconds, 3),
        "frames_by_tshark": {name: count for name, count in counts.items() if count},
    }


def toml_value(value: object) -> str:
    """Return a string, number or inline table as TOML (its basic strings are JSON's)."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)


def measured_half(script: str, tools: dict[str, str], facts: list[dict[str, Any]]) -> str:
    """Return the lower half of case.toml."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    lines = [MARKER + "[made]", f'date = "{today}"', f'script = "{script}"', f"tools = {toml_value(tools)}"]
    for one in facts:
        lines += ["", "[[expect]]"] + [f"{key} = {toml_value(value)}" for key, value in one.items()]
    return "\n".join(lines) + "\n"


def bullets(items: list[str]) -> str:
    """Return a Markdown list."""
    return "\n".join(f"- {item}" for item in items)


def observations(observe: dict[str, list[str]]) -> str:
    """Return what must be seen in the capture as Markdown."""
    parts = [
        f"{key.replace('_', ' ')}:\n\n" + "\n".join(f"    {item}" for item in items) for key, items in observe.items()
    ]
    return "\n\n".join(parts) or "Only the counts above."


def capture_lines(expect: list[dict[str, Any]]) -> str:
    """Return one Markdown table row per capture."""
    rows = [
        f"| `{one['file']}` | {one['packets']} | {one['bytes']} "
        f"| {one['format']}, {one['link_type']} | {one['seconds']} |"
        for one in expect
    ]
    return "\n".join(["| file | packets | bytes | format | seconds |", "|---|---|---|---|---|", *rows])


def readme(name: str, case: dict[str, Any]) -> str:
    """Return README.md of a case."""
    tools = ", ".join(f"{tool} {number}" for tool, number in case["made"]["tools"].items())
    limits = f"\n## Known limits\n\n{bullets(case['limits'])}\n" if case.get("limits") else ""
    return (
        f"# {name}\n\n{case['purpose']}\n\n## What is in it\n\n{bullets(case['contents'])}\n\n"
        f"## Captures\n\n{capture_lines(case['expect'])}\n\n"
        f"## Expected observations\n\n{observations(case.get('observe', {}))}\n{limits}\n"
        f"## Where it is from\n\nMade on {case['made']['date']} by `{case['made']['script']}` "
        f"in network namespaces of its own, with\n{tools}.\n"
        "No part of it left those namespaces; all names, addresses, people and passwords are invented.\n"
        "This page is written from `case.toml` by `lib/stamp.py`.\n"
    )


def main() -> None:
    """Measure the captures of the case directory, then write case.toml and README.md."""
    case, tools = Path(sys.argv[1]).resolve(), sys.argv[2:]
    captures = sorted(path for pattern in CAPTURES for path in case.glob(pattern))
    upper = (case / "case.toml").read_text().split(MARKER)[0].rstrip() + "\n\n"
    versions = {tool.partition("==")[0]: version(tool) for tool in ["tcpdump", *tools]}
    (case / "case.toml").write_text(upper + measured_half("make.sh", versions, [measure(path) for path in captures]))
    (case / "README.md").write_text(readme(case.name, tomllib.loads((case / "case.toml").read_text())))
    print(f"{case.name}: {', '.join(path.name for path in captures)}")


if __name__ == "__main__":
    main()
