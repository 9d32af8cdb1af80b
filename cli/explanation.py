"""Why a rule fired or did not: its tree with the outcome of each leaf, in words."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError
from cli.safe import safe
from cli.terminal import ascii_only

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detectors.check import RuleSet

MOST_EVENTS: Final = 100
_NOT_FIELDS: Final = ("@timestamp", "event.dataset", "event.kind", "event.category", "event.type", "ecs.version")


def events_of(text: bytes, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Read one event, or the lines of `bavn events`: then those of the kinds that a rule judges.

    Raises:
        CliError: BAVN-E304 where there is no event that fits.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        return [as_engine_event(text)]
    except CliError:
        if len(lines) <= 1:
            raise
    found = [event for event in map(as_engine_event, lines) if event["kind"] in kinds]
    if not found:
        raise CliError("BAVN-E304", f"none of the {len(lines)} events is of a kind that the rule judges")
    return found[:MOST_EVENTS]


def as_engine_event(text: bytes) -> dict[str, Any]:
    """Turn an event as `bavn events` prints it, or an alert, into {"kind","fields","unobserved"}.

    Raises:
        CliError: BAVN-E304 where it is neither.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise CliError("BAVN-E304", f"the event is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise CliError("BAVN-E304", "the event is no JSON object")
    if "kind" in document:
        return document
    own = document.get("bavn", {})
    dataset = own.get("event", {}).get("dataset") or document.get("event", {}).get("dataset", "")
    fields = {path: value for path, value in flatten(document) if path not in _NOT_FIELDS}
    # A list of which a part was seen is told of in both; an event for the engine has it in one.
    unobserved = [name for name in own.get("unobserved", []) if name not in fields]
    return {"kind": str(dataset).removeprefix("bavn."), "fields": fields, "unobserved": unobserved}


def flatten(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the leaves of a nested document under dotted names; a list of objects gives a list for each name."""
    for key, value in node.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flatten(value, f"{path}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            names = {name for item in value for name, _ in flatten(item)}
            for name in sorted(names):
                yield f"{path}.{name}", [dict(flatten(item)).get(name) for item in value]
        else:
            yield path, value


def explain_event(rules: RuleSet, number: int, event: dict[str, Any]) -> dict[str, Any]:
    """Give the tree of a rule (by its number in the plan) on an event."""
    from detectors.fields import native
    from detectors.loop import Engine

    known = native().by_name
    event = {**event, "fields": {name: value for name, value in event.get("fields", {}).items() if name in known}}
    tree: dict[str, Any] = Engine(rules.plan).explain(number, json.dumps(event).encode())
    return tree


def render_tree(tree: dict[str, Any], depth: int = 0) -> str:
    """Write the tree for a person, a line a node."""
    yes, no, unknown = ("✔", "✘", "?") if sys.stdout.isatty() and not ascii_only() else ("+", "-", "?")
    mark = {"true": yes, "false": no}.get(tree["outcome"], unknown)
    pad = "  " * depth
    if "field" not in tree:
        lines = [f"{pad}{mark} {tree['op']}"]
        lines += [render_tree(child, depth + 1) for child in tree["children"]]
        return "\n".join(lines)
    wanted = safe(json.dumps(tree["value"], ensure_ascii=False), 120)
    seen = (
        f"saw {safe(json.dumps(tree['observed'], ensure_ascii=False), 160)}"
        if tree["state"] == "present"
        else tree["state"]
    )
    return f"{pad}{mark} {safe(tree['field'])} {tree['op']} {wanted}    ({seen})"
