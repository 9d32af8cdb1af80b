"""NetBIOS names: every request and every answer with transaction identifier and operation, and the addresses in answers.

Differences that were found, and who is right:
- Two requests alike with one identifier before an answer (a retry): one transaction to bavn, two messages to tshark. Each
  is counted once here.
- Answers of "wait" (WACK): a message to tshark; to bavn the transaction goes on.
- Both sides use port 137: the flow's source is who spoke first in it, not who asks in each transaction. Ends are sorted here.
- tshark goes by port 137: other things there are NetBIOS to it. bavn asks for an encoded name. bavn is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["lan-names"]
FILTER = "nbns && udp.port == 137 && !icmp && !icmpv6"
FIELDS = ["ip.src", "ip.dst", "nbns.id", "nbns.flags.response", "nbns.flags.opcode", "nbns.addr"]
OPERATIONS = {
    0: "query", 5: "registration", 6: "release", 8: "refresh", 9: "refresh", 15: "multihomed_registration",
}  # fmt: skip


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each message that tshark saw, a retry once."""
    seen = set()
    for row in rows:
        operation = OPERATIONS.get(int((row["nbns.flags.opcode"] or ["7"])[0]))
        if not row["nbns.id"] or operation is None:
            continue
        ends = tuple(sorted(row["ip.src"][-1:] + row["ip.dst"][-1:]))
        answers = row["nbns.flags.response"][0] in {"1", "True"}
        message = (
            *ends,
            int(row["nbns.id"][0], 0),
            "answer" if answers else operation,
        )
        if message not in seen:
            seen.add(message)
            yield message


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each message that bavn saw, a retry once."""
    seen = set()
    for event in events:
        if event["event"]["dataset"] != "bavn.nbns":
            continue
        said = event["bavn"]["nbns"]
        ends = sorted((event["source"]["ip"], event["destination"]["ip"]))
        messages = []
        if "rtt" in said or said["type"] == "query":
            messages.append((*ends, said["transaction_id"], said["operation"]))
        if said["type"] == "answer":
            messages.append((*ends, said["transaction_id"], "answer"))
        for message in messages:
            if message not in seen:
                seen.add(message)
                yield message
