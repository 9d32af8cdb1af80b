"""RDP: the beginning of connections, against tshark.

Compared: cookie and offered protocols of a request, selected protocol or failure of its answer, name, build, keyboard and
desktop of a client, encryption of a server, user and domain where they pass in clear text.

Differences that were found, and who is right:
- RDP on a port that is not its own: tshark does not see it, bavn does. bavn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["rdp", "rdp-nla"]
FILTER = "rdp"
DECODE_AS = [f"tcp.port=={port},tpkt" for port in range(3390, 3394)]
FIELDS = [
    "rdp.rt_cookie", "rdp.neg_type", "rdp.negReq.requestedProtocols", "rdp.negReq.selectedProtocol",
    "rdp.negFailure.failureCode", "rdp.client.name", "rdp.client.build", "rdp.keyboardLayout", "rdp.desktop.width",
    "rdp.desktop.height", "rdp.encryptionMethod", "rdp.encryptionLevel", "rdp.userName", "rdp.domain", "rdp.name",
]  # fmt: skip
PROTOCOLS = {"SSL": 1, "HYBRID": 2, "RDSTLS": 4, "HYBRID_EX": 8, "RDSAAD": 16}
METHODS = {"None": 0, "40bit": 1, "128bit": 2, "56bit": 8, "FIPS": 16}
LEVELS = ["None", "Low", "Client compatible", "High", "FIPS"]


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give what tshark says."""
    for row in rows:
        cookie, client, level = row["rdp.rt_cookie"], row["rdp.client.name"], row["rdp.encryptionLevel"]
        if cookie:
            # The line as it stands there: what follows the first "=" is the name.
            yield "cookie", cookie[0].strip("\r\n").partition("=")[2]
        for number in row["rdp.negReq.requestedProtocols"]:
            yield "offered", int(number, 0)
        for number in row["rdp.negReq.selectedProtocol"]:
            yield "selected", int(number, 0)
        for number in row["rdp.negFailure.failureCode"]:
            yield "failure", int(number, 0)
        if client or row["rdp.client.build"]:
            names = ("client.build", "keyboardLayout", "desktop.width", "desktop.height")
            numbers = [row[f"rdp.{name}"] for name in names]
            yield "client", "".join(client), *(int(value[0], 0) for value in numbers)
        if level:
            yield "encryption", int(row["rdp.encryptionMethod"][0], 0), int(level[0], 0)
        if row["rdp.userName"]:
            yield "user", row["rdp.userName"][0], "".join(row["rdp.domain"][:1])


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    for event in events:
        if event["event"]["dataset"] != "bavn.rdp":
            continue
        said = event["bavn"]["rdp"]
        cookie = said.get("cookie") or said.get("routing_token", "").partition("=")[2]
        if cookie:
            yield "cookie", cookie
        if "restricted_admin" in said:
            yield "offered", sum(PROTOCOLS.get(name, 0) for name in said["requested_protocols"])
            selected = said.get("security_protocol")
            if selected:
                yield "selected", PROTOCOLS.get(selected, 0)
        if "failure_code" in said:
            yield "failure", said["failure_code"]
        if "client_build" in said:
            numbers = ("client_build", "keyboard_layout_code", "desktop_width", "desktop_height")
            yield "client", said["client_name"], *(said[name] for name in numbers)
        if "encryption_level" in said:
            yield "encryption", METHODS[said["encryption_method"]], LEVELS.index(said["encryption_level"])
        if "clear_text_password" in said:
            user = event.get("user", {})
            yield "user", user.get("name", ""), user.get("domain", "")
