"""SMB 1 to 3: dialects, shares, names of opened files, statuses, against tshark.

Compared: the dialect that a server chose (SMB 2 and 3), path of each share that is connected, name of each file that
is opened, and the status of negotiations, log-ins, connected shares and opens. A request or answer that is sent again
in the same conversation under the same number counts once on both sides.

Differences that were found, and who is right:
- A conversation that stands in a merged capture twice: tshark takes the second for retransmissions and dissects nothing
  of it, bavn tells both. bavn, in that each was seen.
- Several messages of SMB 1 in one frame: tshark's fields do not tell them apart, so that bavn says more here.
- A path that begins with a backslash (SMB 1): tshark's is as on the wire, bavn's is without, as SMB 2 has it. Both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["smb-sessions", "smb1-sessions", "rpc-calls"]
FILTER = "smb2 || smb"
FIELDS = [
    "tcp.stream", "smb2.cmd", "smb2.flags.response", "smb2.nt_status", "smb2.msg_id", "smb2.filename", "smb2.tree",
    "smb2.dialect", "smb.cmd", "smb.flags.response", "smb.nt_status", "smb.mid", "smb.file", "smb.path",
]  # fmt: skip
SOURCE = Path(__file__).resolve().parents[2] / "sensors/wire/src/proto/smb/status.rs"
ROW = re.compile(r'\(0x([0-9a-f_]+), "(\w+)"\)')
STATUSES = {name: int(code.replace("_", ""), 16) for code, name in ROW.findall(SOURCE.read_text())}
ACTIONS = {"negotiate": "negotiate", "session_setup": "session", "tree_connect": "tree", "file_open": "open",
           "pipe_open": "open"}  # fmt: skip
SMB2 = {"0": "negotiate", "1": "session", "3": "tree", "5": "open"}
SMB1 = {"0x72": "negotiate", "0x73": "session", "0x75": "tree", "0xa2": "open", "0x2d": "open"}
PENDING, MORE = 0x103, 0xC0000016
DIALECTS = {0x202: "2.0.2", 0x210: "2.1", 0x2FF: "2.???", 0x300: "3.0", 0x302: "3.0.2", 0x311: "3.1.1"}


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give what tshark says."""
    seen: set[Hashable] = set()
    for row in rows:
        for said, where in (*smb2(row), *smb1(row)):
            if (said, where) not in seen:
                yield said
            seen.add((said, where))


def smb2(row: dict[str, list[str]]) -> Iterator[tuple[Hashable, Hashable]]:
    """Give what a frame of SMB 2 or 3 says, with the number of the message."""
    commands = list(zip(row["smb2.cmd"], row["smb2.flags.response"], row["smb2.msg_id"], strict=False))
    answers = [(command, number) for command, is_answer, number in commands if truth(is_answer)]
    stream = row["tcp.stream"][0] if row["tcp.stream"] else ""
    for (command, number), text in zip(answers, row["smb2.nt_status"], strict=False):
        status = int(text, 0)
        if command in SMB2 and status not in {PENDING, MORE}:
            yield (f"{SMB2[command]} status", status), (stream, number)
        if command == "0" and status == 0 and row["smb2.dialect"]:
            yield ("dialect", DIALECTS.get(int(row["smb2.dialect"][0], 0), "?")), (stream, number)
    asked = [(command, number) for command, is_answer, number in commands if not truth(is_answer)]
    if [command for command, _ in asked].count("3") == 1 and len(asked) == 1 and row["smb2.tree"]:
        yield ("share", row["smb2.tree"][-1]), (stream, asked[0][1])
    opens = [number for command, number in asked if command == "5"]
    if len(opens) == len(row["smb2.filename"]) and not any(command in {"14", "17"} for command, _ in asked):
        for number, name in zip(opens, row["smb2.filename"], strict=True):
            if name:
                yield ("file", name.lstrip("\\")), (stream, number)


def smb1(row: dict[str, list[str]]) -> Iterator[tuple[Hashable, Hashable]]:
    """Give what a frame with one message of SMB 1 says."""
    if len(row["smb.mid"]) != 1 or not row["smb.flags.response"]:
        return
    commands = [SMB1[command] for command in row["smb.cmd"] if command in SMB1]
    where = (*row["tcp.stream"], *row["smb.mid"], *commands)
    if truth(row["smb.flags.response"][0]):
        status = int(row["smb.nt_status"][0], 0) if row["smb.nt_status"] else 0
        for command in commands:
            if status != MORE:
                yield (f"{command} status", status), (*where, len(commands))
    else:
        if "tree" in commands and row["smb.path"]:
            yield ("share", row["smb.path"][-1]), where
        if "open" in commands and row["smb.file"] and row["smb.file"][0].strip("\\"):
            yield ("file", row["smb.file"][0].removeprefix("\\")), where


def truth(text: str) -> bool:
    """Read a flag as any version of tshark writes it."""
    return text in {"1", "True"}


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    for event in events:
        action = event["event"].get("action")
        if event["event"]["dataset"] != "bavn.smb" or action not in ACTIONS:
            continue
        said = event["bavn"]["smb"]
        if "status" in said:
            status = STATUSES.get(said["status"]) or int(said["status"], 0) if said["status"] != "STATUS_SUCCESS" else 0
            yield f"{ACTIONS[action]} status", status
        if action == "negotiate" and said.get("dialect", "")[:2] in {"2.", "3."}:
            yield "dialect", said["dialect"]
        if action == "tree_connect" and "path" in said.get("share", {}):
            yield "share", said["share"]["path"]
        if action in {"file_open", "pipe_open"} and event.get("file", {}).get("path"):
            yield "file", event["file"]["path"]
