"""Random events that are likely to matter to a rule set: their values are made of what its rules ask for."""

from __future__ import annotations

import ipaddress
import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.fields import FieldTable

_NOISE = ("", "x", "/", "A b", "0", "ÆØÅ", "\\", "?*", "a=1&b=2")


class LikelyEvents:
    """Draws events for a plan; the same seed draws the same."""

    def __init__(self, plan: bytes, fields: FieldTable, seed: int) -> None:
        data = json.loads(plan)
        self._predicates = data["predicates"]
        self._fields = fields
        self._rng = random.Random(seed)  # noqa: S311
        self._targets = [(t["kind"], t["condition"]) for rule in data["rules"] for t in rule["targets"]]
        self._by_kind: dict[str, list[int]] = {}
        for kind, condition in self._targets:
            self._by_kind.setdefault(kind, []).extend(_numbers(condition))

    def for_each_rule(self) -> Iterator[bytes]:
        """One event for each target of each rule."""
        for kind, condition in self._targets:
            yield self._event(kind, list(_numbers(condition)))

    def _event(self, kind: str, own: list[int]) -> bytes:
        rng = self._rng
        chosen = [n for n in own if rng.random() < 0.7] + rng.choices(self._by_kind[kind], k=2)
        fields: dict[str, Any] = {}
        for number in chosen:
            self._fill(fields, self._predicates[number], kind)
        hidden = [name for name in fields if rng.random() < 0.06]
        for name in hidden:
            del fields[name]
        return json.dumps({"kind": kind, "fields": fields, "unobserved": hidden}).encode()

    def _fill(self, fields: dict[str, Any], predicate: dict[str, Any], kind: str) -> None:
        name = predicate["field"]
        row = self._fields.by_name[name]
        value = self._value(predicate, row.type)
        if value is None or not self._fields.fills(name, kind):
            return
        if row.list:
            fields[name] = [*(fields.get(name) or []), value]
        elif name in fields and row.type == "text" and self._rng.random() < 0.5:
            fields[name] = f"{fields[name]}{self._noise()}{value}"
        else:
            fields[name] = value

    def _value(self, predicate: dict[str, Any], kind: str) -> Any:
        wanted = predicate["value"]
        wanted = self._rng.choice(wanted) if isinstance(wanted, list) and predicate["op"] != "wildcard" else wanted
        made = self._text(predicate["op"], wanted)
        match kind:
            case "number":
                return int(float(made)) if _is_number(made) else self._rng.choice([0, 1, 80, 404])
            case "float":
                return float(made) if _is_number(made) else 0.5
            case "bool":
                return self._rng.random() < 0.5
            case "time":
                return self._rng.randrange(2**60)
            case "ip":
                return _address(made)
            case _:
                return self._rng.choice([made, made.upper(), made.lower(), made[:-1]])

    def _text(self, op: str, wanted: Any) -> str:  # noqa: PLR0911  (one an operator)
        match op:
            case "contains":
                return f"{self._noise()}{wanted}{self._noise()}"
            case "startswith":
                return f"{wanted}{self._noise()}"
            case "endswith":
                return f"{self._noise()}{wanted}"
            case "wildcard":
                return "".join(token if isinstance(token, str) else self._noise() for token in wanted)
            case "cidr":
                network = ipaddress.ip_network(wanted)
                return str(network[min(self._rng.randrange(4), network.num_addresses - 1)])
            case "gt" | "gte" | "lt" | "lte":
                return str(max(0, wanted + self._rng.choice([-1, 0, 1])))
            case "eq":
                return str(wanted)
            case _:
                return self._noise() + "".join(c for c in str(wanted) if c not in "\\^$()[]{}?*+|")

    def _noise(self) -> str:
        return self._rng.choice(_NOISE)


def _numbers(condition: dict[str, Any]) -> Iterator[int]:
    if "p" in condition:
        yield condition["p"]
        return
    parts = [condition["not"]] if "not" in condition else condition.get("and", condition.get("or"))
    for part in parts:
        yield from _numbers(part)


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return "192.0.2.1"
