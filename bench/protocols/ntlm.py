"""NTLM authentications: user and domain, workstation, names of the server, against tshark.

Compared: for each authenticate message user, domain and workstation; for each challenge the server's NetBIOS name.
What is sent again in the same conversation counts once on both sides.

Differences that were found, and who is right:
- A conversation that stands in a merged capture twice: tshark takes the second for retransmissions and dissects nothing
  of it, bavn tells both. bavn, in that each was seen.
- Carriers that bavn does not read yet (LDAP's SASL, SMTP, MSSQL): tshark names the user there, bavn does not.
- DCE/RPC over UDP is not read by bavn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["smb-sessions", "smb1-sessions", "rpc-calls", "http-ntlm"]
FILTER = "ntlmssp && (smb || smb2 || dcerpc || http)"
FIELDS = [
    "tcp.stream", "ntlmssp.messagetype", "ntlmssp.auth.username", "ntlmssp.auth.domain", "ntlmssp.auth.hostname",
    "ntlmssp.challenge.target_info.nb_computer_name", "ntlmssp.ntlmserverchallenge",
]  # fmt: skip
AUTHENTICATE = "0x00000003"


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give what tshark says."""
    for row in rows:
        if AUTHENTICATE in row["ntlmssp.messagetype"]:
            names = (row[f"ntlmssp.auth.{name}"] for name in ("domain", "username", "hostname"))
            yield "user", *(name[0] if name and name[0] != "NULL" else "" for name in names)


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    for event in events:
        if event["event"]["dataset"] == "bavn.ntlm" and "response" in event["bavn"]["ntlm"]:
            user = event.get("user", {})
            workstation = event["bavn"]["ntlm"].get("workstation", "")
            yield "user", user.get("domain", ""), user.get("name", ""), workstation
