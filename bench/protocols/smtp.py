"""SMTP: the names that clients give, envelopes, and of each message its identifier, subject and first sender.

Each thing counts once a conversation. Differences that were found on public captures:
- 48 things in eleven conversations that only bavn shows: mail on ports 1224 and 2525, which tshark does not take for
  SMTP's; mail behind a proxy's CONNECT; and those of the last class below. bavn is right.
- Headers of a mail within a mail: tshark shows them beside those of the mail, bavn those of the mail alone. Both are right.
- Commands that stand in one segment before a BDAT, messages that came by BDAT, and the second message of a session: tshark
  4.0 shows none of them (its dissector takes the segment for data), as in pcaps/smtp-servers. bavn is right, which
  tests/cases/smtp holds.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    Row = dict[str, list[str]]

CASES = ["smtp-mail", "clear-text-credentials"]
FILTER = "smtp.req.command || (smtp && imf)"
FIELDS = [
    "ip.src", "ipv6.src", "tcp.srcport", "smtp.command_line", "imf.message_id", "imf.subject", "imf.from",
]  # fmt: skip
PREFERENCES = ["smtp.desegment_data:TRUE"]


def theirs(rows: list[Row]) -> Iterator[Hashable]:
    """Give what tshark says, each thing once a conversation."""
    yield from dict.fromkeys(said for row in rows for said in of_row(row))


def of_row(row: Row) -> Iterator[Hashable]:
    """Give what one frame says."""
    end = ([*row["ip.src"], *row["ipv6.src"]][-1], row["tcp.srcport"][-1])
    for line in row["smtp.command_line"]:
        yield from ((*end, *command) for command in of_command(line.removesuffix("\\r\\n").strip()))
    for name, form in (("imf.message_id", bare), ("imf.subject", plain), ("imf.from", first)):
        # The outermost message comes first.
        yield from ((*end, name, form(value)) for value in row[name][:1] if form(value))


def of_command(line: str) -> Iterator[tuple[str, str]]:
    """Give what a command line says that is compared."""
    if found := re.fullmatch(r"(?:EHLO|HELO|LHLO)\s+(.+)", line, re.IGNORECASE):
        yield ("helo", found[1].strip())
    elif found := re.match(r"(MAIL|RCPT)\s+(?:FROM|TO)\s*:\s*(?:<([^>]*)>?|(\S+))", line, re.IGNORECASE):
        yield (found[1].lower(), (found[2] or found[3] or "").strip())


def bare(value: str) -> str:
    """Take the brackets off an identifier."""
    return value.strip().removeprefix("<").removesuffix(">")


def plain(value: str) -> str:
    """Decode encoded-words; white space counts as one space, since unfolding differs."""
    try:
        text = str(make_header(decode_header(value.replace("\\r\\n", " "))))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        text = value
    return " ".join(text.split())


def first(value: str) -> str:
    """Give the first address of a list."""
    found = [address for _, address in getaddresses([value]) if address]
    return found[0] if found else ""


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    said = (said for event in events if event["event"]["dataset"] == "bavn.smtp" for said in of_event(event))
    yield from dict.fromkeys(said)


def of_event(event: dict[str, Any]) -> Iterator[Hashable]:
    """Give what one event says."""
    end = (event["source"]["ip"], str(event["source"]["port"]))
    own, mail = event["bavn"]["smtp"], event.get("email", {})
    if own.get("helo"):
        yield (*end, "helo", own["helo"])
    if "mail_from" in own:
        yield (*end, "mail", own["mail_from"])
    yield from ((*end, "rcpt", path) for path in own.get("rcpt_to", []))
    senders = mail.get("from", {}).get("address", [])
    for name, value in (
        ("imf.message_id", mail.get("message_id")),
        ("imf.subject", plain(mail.get("subject", ""))),
        ("imf.from", senders[0] if senders else ""),
    ):
        if value:
            yield (*end, name, value)
