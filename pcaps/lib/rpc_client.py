"""Calls of DCE/RPC as intruders' tools make them, by impacket: most end in a fault, which is as good."""

from __future__ import annotations

import contextlib
import sys

from impacket.dcerpc.v5 import drsuapi, epm, even, lsad, lsat, nrpc, rprn, rrp, samr, scmr, srvs, transport, tsch
from impacket.dcerpc.v5.dtypes import MAXIMUM_ALLOWED, NULL
from impacket.dcerpc.v5.rpcrt import (
    RPC_C_AUTHN_LEVEL_PKT_INTEGRITY,
    RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
    DCERPCException,
)
from impacket.smb3structs import SMB2_DIALECT_21
from impacket.smbconnection import SessionError
from impacket.uuid import uuidtup_to_bin

SERVER, USER, PASSWORD, DOMAIN = "10.20.0.5", "ann", "Winter-2026", "EXAMPLE"
EFSR = ("c681d488-d850-11d0-8c52-00c04fd90f7e", "1.0")


def bound(pipe, interface, level=None):
    """Open a pipe and bind an interface to it."""
    rpc = transport.DCERPCTransportFactory(f"ncacn_np:{SERVER}[\\pipe\\{pipe}]")
    rpc.set_credentials(USER, PASSWORD, DOMAIN)
    # In later dialects this client encrypts all it can.
    rpc.preferred_dialect(SMB2_DIALECT_21)
    dce = rpc.get_dce_rpc()
    if level:
        dce.set_auth_level(level)
    dce.connect()
    dce.bind(interface)
    return dce


def services():
    dce = bound("svcctl", scmr.MSRPC_UUID_SCMR)
    manager = scmr.hROpenSCManagerW(dce)["lpScHandle"]
    with contextlib.suppress(Exception):
        scmr.hROpenServiceW(dce, manager, "helper\0")
    with contextlib.suppress(Exception):
        scmr.hRCreateServiceW(
            dce, manager, "helper\0", "helper\0", lpBinaryPathName="\\\\10.20.0.5\\papers\\tool.exe\0"
        )
    scmr.hRCloseServiceHandle(dce, manager)


def accounts():
    dce = bound("samr", samr.MSRPC_UUID_SAMR, RPC_C_AUTHN_LEVEL_PKT_INTEGRITY)
    server = samr.hSamrConnect(dce)["ServerHandle"]
    for domain in samr.hSamrEnumerateDomainsInSamServer(dce, server)["Buffer"]["Buffer"]:
        samr.hSamrLookupDomainInSamServer(dce, server, domain["Name"])


def policies():
    dce = bound("lsarpc", lsat.MSRPC_UUID_LSAT)
    policy = lsad.hLsarOpenPolicy2(dce, MAXIMUM_ALLOWED)["PolicyHandle"]
    with contextlib.suppress(Exception):
        lsat.hLsarLookupNames(dce, policy, ("ann", "bob", "nobody-here"))


def shares():
    dce = bound("srvsvc", srvs.MSRPC_UUID_SRVS, RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
    srvs.hNetrShareEnum(dce, 1)


def registry():
    dce = bound("winreg", rrp.MSRPC_UUID_RRP)
    root = rrp.hOpenLocalMachine(dce)["phKey"]
    with contextlib.suppress(Exception):
        rrp.hBaseRegOpenKey(dce, root, "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run")


def printers():
    dce = bound("spoolss", rprn.MSRPC_UUID_RPRN)
    rprn.hRpcOpenPrinter(dce, f"\\\\{SERVER}\0")


def tasks():
    dce = bound("atsvc", tsch.MSRPC_UUID_TSCHS)
    tsch.hSchRpcHighestVersion(dce)


def replication():
    dce = bound("lsass", drsuapi.MSRPC_UUID_DRSUAPI)
    dce.call(0, b"\0" * 16)


def coercion():
    dce = bound("lsarpc", uuidtup_to_bin(EFSR))
    dce.call(0, b"\0" * 32)


def netlogon():
    dce = bound("netlogon", nrpc.MSRPC_UUID_NRPC)
    nrpc.hNetrServerReqChallenge(dce, NULL, "DESK11\0", b"12345678")


def log():
    dce = bound("eventlog", even.MSRPC_UUID_EVEN)
    even.hElfrOpenELW(dce, "Security")


def ports():
    """Over TCP: where the interfaces are, and one of them there."""
    dce = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{SERVER}[135]").get_dce_rpc()
    dce.connect()
    for entry in epm.hept_lookup(None, dce=dce):
        del entry
    dce.bind(scmr.MSRPC_UUID_SCMR)


STEPS = (
    services, accounts, policies, shares, registry, printers, tasks, replication, coercion, netlogon, log, ports,
)  # fmt: skip
for step in STEPS:
    try:
        step()
    except (OSError, DCERPCException, SessionError) as error:
        print(step.__name__, error, file=sys.stderr)
