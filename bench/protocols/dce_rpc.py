"""DCE/RPC: number and interface of each call, and faults, against tshark.

Compared: for each call its operation number, and for each fault its status. A call counts once, however many fragments it has.

Differences that were found, and who is right:
- A conversation that stands in a merged capture twice: tshark takes the second for retransmissions and dissects nothing
  of it, bavn tells both. bavn, in that each was seen.
- Calls in one frame with others: tshark's fields of the fragments stand side by side; they are taken apart here.
- A call whose first fragment is behind a gap: neither can name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["smb-sessions", "rpc-calls"]
FILTER = "dcerpc && tcp"
FIELDS = [
    "tcp.stream", "dcerpc.pkt_type", "dcerpc.cn_flags.first_frag", "dcerpc.cn_call_id", "dcerpc.opnum",
    "dcerpc.cn_bind_to_uuid", "dcerpc.cn_ctx_id", "dcerpc.cn_status",
]  # fmt: skip
REQUEST, FAULT, BIND, ALTER = "0", "3", "11", "14"


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give what tshark says."""
    for row in rows:
        kinds = row["dcerpc.pkt_type"]
        first = row["dcerpc.cn_flags.first_frag"]
        calls = [kind for kind, flag in zip(kinds, first, strict=False) if kind == REQUEST and flag in {"1", "True"}]
        if len(calls) == len(row["dcerpc.opnum"]):
            for number in row["dcerpc.opnum"]:
                yield "call", int(number)
        for status in row["dcerpc.cn_status"]:
            yield "fault", int(status, 0)


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    for event in events:
        if event["event"]["dataset"] != "bavn.dce_rpc":
            continue
        said = event["bavn"]["dce_rpc"]
        if "opnum" in said:
            yield "call", said["opnum"]
        if said.get("status") == "fault":
            yield "fault", fault(said["fault"])


def fault(text: str) -> int:
    """Give the number of a fault by the name that bavn gives it."""
    return FAULTS[text] if text in FAULTS else int(text, 0)


FAULTS = {
    "nca_s_fault_access_denied": 5, "nca_s_fault_other": 1, "nca_s_fault_cant_perform": 0x6D8,
    "nca_s_fault_ndr": 0x6F7, "nca_s_fault_sec_pkg_error": 0x721, "nca_op_rng_error": 0x1C010002,
    "nca_unk_if": 0x1C010003, "nca_s_fault_context_mismatch": 0x1C00001A, "nca_unsupported_type": 0x1C010017,
    "nca_proto_error": 0x1C01000B, "nca_s_fault_object_not_found": 0x1C000024,
    "nca_invalid_pres_context_id": 0x1C00001C, "nca_unsupported_authn_level": 0x1C00001D,
}  # fmt: skip
