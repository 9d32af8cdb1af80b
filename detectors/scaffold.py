"""A rule and its test to begin with, made from an event: they check and pass as they are, and the author makes them better."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from detectors.errors import BavnError
from detectors.fields import native

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

MAX_FIELDS: Final = 4
MAX_VALUE: Final = 200
# Who talked and when is of this event alone; sizes, times and identifiers seldom are what a rule is about.
# What most rules ask for, before what the caller prefers.
_FIRST: Final = ("url.path", "url.query", "user_agent.original")
_NOT_TELLING: Final = re.compile(
    r"(source|destination|client|server|network|related)\.|bavn\.(flow|packet)|.*(bytes|rtt|transaction|_id|\.id|\.full)$"
)
# What YAML's readers refuse even between quotes, and what nobody would see.
_UNPRINTABLE: Final = re.compile(
    "[\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The texts of a rule and of its test."""

    rule: str
    test: str


def make(event: Mapping[str, Any], title: str, preferred: Sequence[str], *, identity: str, today: dt.date) -> Scaffold:
    """A scaffold from `{"kind", "fields", "unobserved"}`; `preferred` are fields that tell much, the best first.

    Raises BavnError (E067) where the event has no text to ask for.
    """
    chosen = _chosen(event["fields"], preferred)
    if not chosen:
        raise BavnError("BAVN-E067", f"the {event['kind']} event has no field that a rule would ask for")
    return Scaffold(_rule(event["kind"], chosen, title, identity, today), _test(event, chosen))


def _chosen(fields: Mapping[str, Any], preferred: Sequence[str]) -> dict[str, str]:
    order = [*_FIRST, *preferred]
    names = [name for name in order if name in fields] + sorted(fields.keys() - set(order))
    telling = {name: text for name in names if (text := _telling(name, fields[name]))}
    return dict(list(telling.items())[:MAX_FIELDS])


def _telling(name: str, value: Any) -> str:  # noqa: ANN401
    row = native().get(name)
    first = value[0] if isinstance(value, list) and value else value
    if row is None or row.type != "text" or _NOT_TELLING.match(name) or not isinstance(first, str):
        return ""
    return first if len(first) <= MAX_VALUE else ""


_RULE: Final = """title: {title}
id: {identity}
status: experimental
description: >-
  Say in a sentence or two what this is, and why it is bad.
author: your name
date: {today}
logsource:
  product: bavn
  service: {kind}
detection:
  # What the event had; keep what makes it bad, and ask for less of each value (|contains, |endswith, |re).
  selection:
{tests}
  condition: selection
falsepositives:
  - say what harmless thing looks like this
level: medium
known_gaps:
  - say what this rule does not see
passport:
  purpose: say what the rule is for
  data: metadata
  owner: your team
  expiry: {expiry}
"""


def _rule(kind: str, chosen: Mapping[str, str], title: str, identity: str, today: dt.date) -> str:
    tests = "\n".join(f"    {name}: {quoted(_escaped(value))}" for name, value in chosen.items())
    expiry = today.replace(year=today.year + 1, day=min(today.day, 28))
    return _RULE.format(title=quoted(title), identity=identity, today=today, kind=kind, tests=tests, expiry=expiry)


def _test(event: Mapping[str, Any], chosen: Mapping[str, str]) -> str:
    name = next(iter(chosen))
    other = {**event, "fields": {**event["fields"], name: "something else"}}
    lines = ["match:", "  - name: the event that the rule was made from", f"    event: {_flow(event)}"]
    lines += ["no_match:", f"  - name: the same with another {name}", f"    event: {_flow(other)}"]
    return "\n".join(lines) + "\n"


def _flow(event: Mapping[str, Any]) -> str:
    return _json({key: event[key] for key in ("kind", "fields", "unobserved") if event.get(key)})


def _escaped(value: str) -> str:
    """Text as Sigma takes it for itself: no wildcards."""
    return re.sub(r"([\\*?])", r"\\\1", value)


def quoted(text: str) -> str:
    """Text as a YAML scalar between quotes, which every reader gives back as it is."""
    return _json(text)


def _json(data: Any) -> str:  # noqa: ANN401
    """JSON is YAML, once what its readers refuse is written as escapes."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(data, ensure_ascii=False))
