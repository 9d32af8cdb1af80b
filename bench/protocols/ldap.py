"""LDAP: requests and results, against tshark.

Compared: number, operation and name of each request, with scope, filter, attributes of a search and mechanism of a bind;
number, operation and code of each result; entries of a search.

Differences that were found, and who is right:
- LDAP on a port that is not its own: tshark does not see it, bavn does. bavn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["ldap", "cldap"]
FILTER = "ldap || cldap"
FIELDS = [
    "ldap.messageID", "ldap.protocolOp", "ldap.name", "ldap.baseObject", "ldap.object", "ldap.entry", "ldap.delRequest",
    "ldap.scope", "ldap.mechanism", "ldap.resultCode", "ldap.requestName",
]  # fmt: skip
REQUESTS = {"0": "bind", "2": "unbind", "3": "search", "6": "modify", "8": "add", "10": "delete", "12": "modify_dn",
            "14": "compare", "16": "abandon", "23": "extended"}  # fmt: skip
RESULTS = {"1": "bind", "5": "search", "7": "modify", "9": "add", "11": "delete", "13": "modify_dn", "15": "compare",
           "24": "extended"}  # fmt: skip
NAMES = {"search": "ldap.baseObject", "bind": "ldap.name", "delete": "ldap.delRequest", "add": "ldap.entry",
         "modify": "ldap.object", "modify_dn": "ldap.entry", "compare": "ldap.entry"}  # fmt: skip
SCOPES = {"base": "0", "one": "1", "sub": "2", "children": "3"}


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give what tshark says."""
    for row in rows:
        left = {name: list(values) for name, values in row.items()}
        for number, operation in zip(row["ldap.messageID"], row["ldap.protocolOp"], strict=False):
            if operation in REQUESTS:
                kind = REQUESTS[operation]
                name = take(left, NAMES[kind]) if kind in NAMES else ""
                scope = take(left, "ldap.scope") if kind == "search" else ""
                yield "request", number, kind, name, scope
            elif operation in RESULTS:
                yield "result", number, RESULTS[operation], take(left, "ldap.resultCode")
            elif operation == "4":
                yield "entry", number


def take(left: dict[str, list[str]], field: str) -> str:
    """Take the next value of a field; an empty name is shown as a word."""
    value = left[field].pop(0) if left[field] else ""
    return re.sub("^<(ROOT|MISSING)>$", "", value)


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give what bavn says."""
    for event in events:
        if event["event"]["dataset"] != "bavn.ldap":
            continue
        said, unseen = event["bavn"]["ldap"], event["bavn"].get("unobserved", [])
        number, kind = str(said["message_id"]), said["operation"]
        asked = kind in REQUESTS.values() and not {"bavn.ldap.dn", "bavn.ldap.controls"} & set(unseen)
        if asked:
            yield "request", number, kind, said.get("dn", ""), SCOPES.get(said.get("scope", ""), "")
        if "result_code" in said:
            yield "result", number, kind.replace("notice", "extended"), str(said["result_code"])
        yield from [("entry", number)] * said.get("entries", 0)
