"""Every capture in pcaps/ is whole, is what its description says, and tells nothing of the machine that made it."""

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
CASES = sorted(path.parent for path in PCAPS.glob("*/make.sh"))
CAPTURES = sorted(
    path for case in CASES for path in case.iterdir() if re.search(r"\.pcap(ng)?(\.gz|\.zst)?$", path.name)
)
MAX_TOTAL_BYTES = 15_000_000
FIELDS = {
    "http_hosts": ["http.host"],
    "http_status": ["http.response.code"],
    "user_agents": ["http.user_agent"],
    "sni": ["tls.handshake.extensions_server_name"],
    "alpn": ["tls.handshake.extensions_alpn_str"],
    "tls_server_versions": ["tls.handshake.version"],
    "quic_versions": ["quic.version"],
    "dns_rcodes": ["dns.flags.rcode"],
    "dns_query_types": ["dns.qry.type"],
    "icmp_types": ["icmp.type"],
    "icmpv6_types": ["icmpv6.type"],
    "vlan_ids": ["vlan.id"],
    "ftp_commands": ["ftp.request.command"],
    "pop_commands": ["pop.request.command"],
    "smtp_commands": ["smtp.req.command"],
    "ssh_protocols": ["ssh.protocol"],
    "http_requests": ["http.request.method", "http.request.uri"],
    "dns_queries": ["dns.qry.name", "dns.qry.type"],
    "dns_name_suffixes": ["dns.qry.name"],
    "smb_files": ["smb2.filename"],
    "smb_shares": ["smb2.tree"],
    "smb1_shares": ["smb.path"],
    "ntlm_users": ["ntlmssp.auth.username"],
    "rpc_interfaces": ["dcerpc.cn_bind_to_uuid"],
    "kerberos_services": ["kerberos.SNameString"],
    "kerberos_errors": ["kerberos.error_code"],
    "modbus_functions": ["modbus.func_code"],
    "dtls_sni": ["dtls.handshake.extensions_server_name"],
    "dnp3_functions": ["dnp3.al.func"],
    "s7_functions": ["s7comm.param.func"],
    "nbns_names": ["nbns.name"],
    "ldap_results": ["ldap.resultCode"],
    "ldap_mechanisms": ["ldap.mechanism"],
    "rdp_clients": ["rdp.client.name"],
    "openvpn_opcodes": ["openvpn.opcode"],
    "rdp_selected": ["rdp.negReq.selectedProtocol"],
    "rdp_failures": ["rdp.negFailure.failureCode"],
}
DNS_TYPES = {
    "A": 1, "SOA": 6, "NULL": 10, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "DNSKEY": 48, "HTTPS": 65,
    "AXFR": 252, "ANY": 255, "CAA": 257,
}  # fmt: skip
OUT_OF_ORDER = "tcp.reassemble_out_of_order:TRUE"
TOLD_BY_MACHINE = [b"/work/", b"/root/", b"/home/", b"/tmp/"]
ATTACK_PATHS = {"web-attacks", "nmap-scan"}  # their requests name folders of other people's machines
MAC_FREE = {"EN10MB"}


def load(name: str) -> ModuleType:
    """Import a module of pcaps/lib, which is no package."""
    spec = importlib.util.spec_from_file_location(name, PCAPS / "lib" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


capfile = load("capfile")


def case_of(folder: Path) -> dict[str, Any]:
    """Return a case's description."""
    return tomllib.loads((folder / "case.toml").read_text())


def needs(tool: str) -> None:
    """Skip where a tool is absent; in continuous integration that is a failure."""
    if shutil.which(tool):
        return
    if os.environ.get("CI"):
        pytest.fail(f"{tool} is not installed")
    pytest.skip(f"{tool} is not installed")


def readable(capture: Path) -> None:
    """Skip a capture that needs the zstd program where there is none."""
    if capture.suffix == ".zst":
        needs("zstd")


def name_of(path: Path) -> str:
    """Return a short test name."""
    return str(path.relative_to(PCAPS))


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 18


def test_total_size() -> None:
    assert 0 < sum(path.stat().st_size for path in CAPTURES) < MAX_TOTAL_BYTES


def test_table_lists_every_case() -> None:
    page = (PCAPS / "README.md").read_text()
    assert load("table").table() in page


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_case_is_complete(case: Path) -> None:
    facts = case_of(case)
    present = {path.name for path in CAPTURES if path.parent == case}
    assert present, "no capture"
    assert {one["file"] for one in facts["expect"]} == present
    assert all([facts["purpose"], facts["contents"], facts["made"]["tools"]])
    assert os.access(case / "make.sh", os.X_OK)
    assert "unknown" not in facts["made"]["tools"].values()


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_readme_follows_from_description(case: Path) -> None:
    assert (case / "README.md").read_text() == load("stamp").readme(case.name, case_of(case))


@pytest.mark.parametrize("capture", CAPTURES, ids=name_of)
def test_counts_and_digest(capture: Path) -> None:
    readable(capture)
    expected = next(one for one in case_of(capture.parent)["expect"] if one["file"] == capture.name)
    facts = capfile.summary(capture)
    assert facts.packets == expected["packets"] > 0
    assert (facts.format, facts.link_type) == (expected["format"], expected["link_type"])
    assert hashlib.sha256(capture.read_bytes()).hexdigest() == expected["sha256"]


@pytest.mark.parametrize("capture", CAPTURES, ids=name_of)
def test_no_frame_is_cut(capture: Path) -> None:
    readable(capture)
    assert all(len(record.data) == record.wire_length for record in capfile.records(capture))


@pytest.mark.parametrize("capture", CAPTURES, ids=name_of)
def test_tells_nothing_of_the_machine(capture: Path) -> None:
    readable(capture)
    data, _ = capfile.unpacked(capture)
    kernel = os.uname().release.encode()
    told = [word for word in [*TOLD_BY_MACHINE, kernel] if word in data]
    if capture.parent.name in ATTACK_PATHS:
        told = [word for word in told if word == kernel]
    assert told == []
    host = socket.gethostname().encode()
    assert host in (b"localhost", b"lab") or len(host) < 4 or host not in data


@pytest.mark.parametrize("capture", CAPTURES, ids=name_of)
def test_hardware_addresses_are_invented(capture: Path) -> None:
    readable(capture)
    data, _ = capfile.unpacked(capture)
    if capfile.LINK_TYPES[capfile.link_type(data)] not in MAC_FREE:
        return
    sources = {record.data[6:12] for record in capfile.records(capture)}
    assert all(source[:4] == b"\x02\0\0\0" or source == bytes(6) for source in sources)


@pytest.mark.parametrize("capture", CAPTURES, ids=name_of)
def test_pcapng_has_no_options_but_its_clock(capture: Path) -> None:
    readable(capture)
    data, _ = capfile.unpacked(capture)
    if not capfile.is_pcapng(data):
        return
    starts = {capfile.NG_SECTION: 16, capfile.NG_INTERFACE: 8}
    for block in capfile.pcapng_blocks(data):
        if block.kind in starts:
            codes = {code for code, _ in capfile.options(block.order, block.body[starts[block.kind] :])}
            assert codes <= {capfile.IF_TSRESOL}


@functools.cache
def frames(capture: Path) -> list[dict[str, list[str]]]:
    """Return, frame by frame, all values of every field in FIELDS."""
    names = sorted({name for names in FIELDS.values() for name in names})
    call = ["tshark", "-n", "-o", OUT_OF_ORDER, "-r", str(capture)]
    call += ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=\x1f"]
    for name in names:
        call += ["-e", name]
    done = subprocess.run(call, capture_output=True, timeout=120, check=True)
    lines = done.stdout.decode("utf-8", "replace").split("\n")
    cells = [[cell.split("\x1f") for cell in line.split("\t")] for line in lines if line]
    return [dict(zip(names, line, strict=False)) for line in cells]


def seen(capture: Path, kind: str) -> set[tuple[str, ...]]:
    """Return the values of a kind's fields; a frame's n-th values belong together."""
    columns = [[frame.get(name, []) for name in FIELDS[kind]] for frame in frames(capture)]
    return {values for line in columns for values in zip(*line, strict=False)}


def wanted(kind: str, item: str) -> tuple[str, ...]:
    """Return the field values that an item of [observe] stands for."""
    if kind == "http_requests":
        method, _, uri = item.partition(" ")
        return (method, uri)
    if kind == "dns_queries":
        name, _, number = item.rpartition(" ")
        return (name, str(DNS_TYPES.get(number, number)))
    return (item,)


OBSERVATIONS = [(case, kind) for case in CASES for kind in case_of(case).get("observe", {})]


@pytest.mark.parametrize(("case", "kind"), OBSERVATIONS, ids=[f"{case.name}-{kind}" for case, kind in OBSERVATIONS])
def test_tshark_sees_what_is_described(case: Path, kind: str) -> None:
    needs("tshark")
    values = {found for path in CAPTURES if path.parent == case for found in seen(path, kind)}
    for item in case_of(case)["observe"][kind]:
        if kind == "dns_name_suffixes":
            assert any(name.endswith("." + item) for (name,) in values)
        else:
            assert wanted(kind, item) in values, f"{item} is not in the capture"
