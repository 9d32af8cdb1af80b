"""The plan: compiled rules as data, the only thing that the engine reads.

A condition is a tree of `And`, `Or`, `Not` over predicates; the plan numbers the
predicates, each once however many rules use it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT: Final = "bavn-plan"
VERSION: Final = 1
# Part of the key of kept plans: raise it when the same rule compiles to something else.
BACKEND_VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class Leaf:
    """One predicate on one field; `data` is its canonical JSON."""

    data: str

    def to_dict(self) -> dict[str, Any]:
        """The predicate as the plan has it."""
        found: dict[str, Any] = json.loads(self.data)
        return found

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Leaf:
        """The predicate that `to_dict` gave."""
        return cls(canonical(data))


@dataclass(frozen=True, slots=True)
class And:
    """True if all parts are; with no part, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True if any part is; with no part, never."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the part is false."""

    part: Condition


Condition = Leaf | And | Or | Not
ALWAYS: Final = And(())
NEVER: Final = Or(())


_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces; dates and the like as text."""
    return _ENCODER.encode(data)


def leaf(field: str, op: str, value: object, **more: object) -> Leaf:
    """A predicate. `more`: cased, flags, mode, part; left out where they say nothing."""
    extra = {key: item for key, item in more.items() if item not in (None, "", False)}
    return Leaf(canonical({"field": field, "op": op, "value": value, **extra}))


def both(parts: Iterable[Condition]) -> Condition:
    """All of the parts, simplified."""
    return _join(And, NEVER, parts)


def either(parts: Iterable[Condition]) -> Condition:
    """Any of the parts, simplified."""
    return _join(Or, ALWAYS, parts)


def negate(part: Condition) -> Condition:
    """Not the part, simplified."""
    if isinstance(part, Not):
        return part.part
    if part == ALWAYS:
        return NEVER
    return ALWAYS if part == NEVER else Not(part)


def _join(kind: type[And | Or], absorbing: Condition, parts: Iterable[Condition]) -> Condition:
    flat: dict[Condition, None] = {}
    for part in parts:
        for item in part.parts if isinstance(part, kind) else (part,):
            flat[item] = None
    if absorbing in flat:
        return absorbing
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))


def leaves(condition: Condition) -> list[Leaf]:
    """Every predicate of a condition, in order."""
    if isinstance(condition, Leaf):
        return [condition]
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return [found for part in parts for found in leaves(part)]


@dataclass(frozen=True, slots=True)
class Target:
    """A rule's condition on events of one kind."""

    kind: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """A compiled rule: what alerts tell of it, and its targets."""

    head: Mapping[str, Any]
    targets: tuple[Target, ...]
    # What a correlation asks of the hits of other rules.
    correlation: Mapping[str, Any] | None = None
    # Its hits are for correlations alone.
    quiet: bool = False

    @property
    def id(self) -> str:
        """The rule's UUID."""
        return str(self.head["id"])


def assemble(rules: Iterable[PlannedRule]) -> bytes:
    """The plan as JSON bytes, with its digest."""
    numbers: dict[Leaf, int] = {}
    planned = canonical([_rule(rule, numbers) for rule in rules])
    # The predicates are canonical as they are, and the keys stand in their order.
    predicates = ",".join(item.data for item in numbers)
    body = f'"format":"{FORMAT}","predicates":[{predicates}],"rules":{planned},"version":{VERSION}}}'
    found = hashlib.sha256(b"{" + body.encode()).hexdigest()
    return f'{{"digest":"{found}",{body}'.encode()


def digest(plan: bytes) -> str:
    """The digest that a plan must have, worked out anew."""
    body = json.loads(plan)
    body.pop("digest", None)
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def _rule(rule: PlannedRule, numbers: dict[Leaf, int]) -> dict[str, Any]:
    targets = [{"kind": t.kind, "condition": _condition(t.condition, numbers)} for t in rule.targets]
    planned = {**rule.head, "targets": targets}
    if rule.correlation is not None:
        planned["correlation"] = rule.correlation
    if rule.quiet:
        planned["quiet"] = True
    return planned


def _condition(condition: Condition, numbers: dict[Leaf, int]) -> dict[str, Any]:
    match condition:
        case Leaf():
            return {"p": numbers.setdefault(condition, len(numbers))}
        case Not(part):
            return {"not": _condition(part, numbers)}
        case And(parts):
            return {"and": [_condition(part, numbers) for part in parts]}
        case Or(parts):
            return {"or": [_condition(part, numbers) for part in parts]}


def rule_version(document: Mapping[str, Any]) -> str:
    """First 16 hex digits of the SHA-256 of the rule's canonical JSON."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()[:16]
