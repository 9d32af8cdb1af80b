"""Kerberos: requests, tickets and errors, against tshark.

Compared: type, service and offered encryption types of a request; client, ticket's and reply's encryption types of a
ticket; number and service of an error. A request that is sent again counts once on both sides.

Differences that were found, and who is right:
- A message that lacks a field which RFC 4120 demands: tshark stops there and calls it malformed, bavn reads on. bavn, in
  that the message tells what it tells; left out here are requests without a service and errors without a number.
- A request that names no service: bavn takes it from the answer, tshark shows none. Both, of what they tell.
- A request with a certificate (PKINIT): tshark's list of service names has those of the certificate too. Only the last are
  the request's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["kerberos"]
FILTER = "kerberos && !gss-api && !spnego-krb5"
FIELDS = [
    "ip.src", "udp.srcport", "tcp.srcport", "kerberos.msg_type", "kerberos.nonce", "kerberos.SNameString",
    "kerberos.CNameString", "kerberos.ENCTYPE", "kerberos.etype", "kerberos.error_code",
]  # fmt: skip
REQUESTS, REPLIES = {"10": "AS", "12": "TGS"}, {"11": "AS", "13": "TGS"}
ETYPES = {
    "des-cbc-crc": 1, "des-cbc-md4": 2, "des-cbc-md5": 3, "des3-cbc-md5": 5, "des3-cbc-sha1": 7,
    "dsaWithSHA1-CmsOID": 9, "md5WithRSAEncryption-CmsOID": 10, "sha1WithRSAEncryption-CmsOID": 11,
    "rc2CBC-EnvOID": 12, "rsaEncryption-EnvOID": 13, "rsaES-OAEP-ENV-OID": 14, "des-ede3-cbc-Env-OID": 15,
    "des3-cbc-sha1-kd": 16, "aes128-cts-hmac-sha1-96": 17, "aes256-cts-hmac-sha1-96": 18,
    "aes128-cts-hmac-sha256-128": 19, "aes256-cts-hmac-sha384-192": 20, "rc4-hmac": 23, "rc4-hmac-exp": 24,
    "camellia128-cts-cmac": 25, "camellia256-cts-cmac": 26, "subkey-keymaterial": 65,
}  # fmt: skip


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give what tshark says."""
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        kind = (row["kerberos.msg_type"] or [""])[0]
        names = row["kerberos.SNameString"]
        etypes = row["kerberos.etype"]
        if kind in REQUESTS:
            again = (kind, *row["ip.src"], *row["udp.srcport"], *row["tcp.srcport"], *row["kerberos.nonce"])
            # The ticket that a TGS request shows stands before what it asks for.
            service = names[2:] if kind == "12" else names[-2:]
            if again not in seen and service and row["kerberos.nonce"]:
                yield REQUESTS[kind], "/".join(service), tuple(row["kerberos.ENCTYPE"])
            seen.add(again)
        elif kind in REPLIES:
            yield f"{REPLIES[kind]} ticket", "/".join(row["kerberos.CNameString"]), *etypes[-2:]
        elif kind == "30" and row["kerberos.error_code"]:
            yield "error", *row["kerberos.error_code"], "/".join(names)


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    for event in events:
        if event["event"]["dataset"] != "bavn.kerberos":
            continue
        said = event["bavn"]["kerberos"]
        kind = said.get("request_type")
        if "etypes_offered" in said:
            yield kind, said.get("service", ""), tuple(number(name) for name in said["etypes_offered"])
        if said.get("success") and kind != "AP":
            ciphers = [number(said[name]) for name in ("cipher", "reply_cipher")]
            yield f"{kind} ticket", event.get("user", {}).get("name", ""), *ciphers
        if "error_code" in said:
            yield "error", str(said["error_code"]), said.get("service", "")


def number(name: str) -> str:
    """Give an encryption type's number."""
    return str(ETYPES.get(name, name))
