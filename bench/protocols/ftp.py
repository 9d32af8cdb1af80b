"""FTP: log-ins with the user, and the other commands of interest with their arguments.

Replies and the sizes of transfers are not compared here; tests/cases/ftp holds them. Differences that were found on
public captures:
- A command that follows lost bytes directly (1): tshark takes it for a whole line; bavn cannot know that it is no rest of
  one, and goes on at the next line.
- One PASS alone in its flow, with the refusal of another command (1): tshark goes by the port. PASS is POP3's too, so bavn
  does not judge by it.
- A log-in with security (AUTH GSSAPI) on a port that tshark does not take for FTP's (1): bavn goes by content and is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    Row = dict[str, list[str]]

CASES = ["ftp-transfers", "clear-text-credentials"]
FILTER = "ftp.request.command || ftp.response.code"
FIELDS = ["ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport", "ftp.request.command",
    "ftp.request.arg", "ftp.response.code",
]  # fmt: skip
WANTED = {
    "RETR", "STOR", "STOU", "APPE", "LIST", "NLST", "MLSD", "DELE", "RNTO", "MKD", "XMKD", "RMD", "XRMD", "SITE", "AUTH",
}  # fmt: skip


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give each command of interest with its client, argument and user."""
    users: dict[tuple[str, str], str] = {}
    for row in rows:
        end = ([*row["ip.src"], *row["ipv6.src"]][-1], row["tcp.srcport"][-1])
        for command, argument in zip(row["ftp.request.command"], [*row["ftp.request.arg"], ""], strict=False):
            name = command.upper()
            if name == "USER":
                users[end] = argument.strip()
            elif name == "PASS":
                yield (*end, "login", users.get(end, ""))
            elif name in WANTED:
                yield (*end, name, argument.strip())


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says of the same."""
    for event in events:
        own = event["bavn"].get("ftp", {})
        if event["event"]["dataset"] != "bavn.ftp" or "command" not in own:
            continue
        end = (event["source"]["ip"], str(event["source"]["port"]))
        if own["command"] == "PASS":
            yield (*end, "login", event.get("user", {}).get("name", ""))
        elif own["command"] in WANTED:
            yield (*end, own["command"], own.get("argument", "").strip())
