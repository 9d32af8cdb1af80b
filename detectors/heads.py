"""What a plan tells of each rule besides its condition: identity, author, texts."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from detectors import plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

# Of a rule without level: neither hidden nor loud.
DEFAULT_LEVEL: Final = "medium"
# Namespace of ids that are made for rules without one.
NAMESPACE: Final = uuid.UUID("6f5d1c1c-0f0b-5c35-9c4e-6c6f3b1d8a52")


def of_rule(
    rule: SigmaRule | SigmaCorrelationRule,
    *,
    source: str = "",
    document: Mapping[str, Any] | None = None,
    filters: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The head of a rule. `document` is the rule as it was read, `filters` those applied to it."""
    content = document if document is not None else rule.to_dict()
    return {
        "id": rule_id(rule),
        "version": plan.rule_version({**content, "filters": filters} if filters else content),
        "title": rule.title,
        "level": str(rule.level) if rule.level else DEFAULT_LEVEL,
        "status": str(rule.status) if rule.status else "",
        "description": rule.description or "",
        "author": rule.author or "",
        "date": _text(rule.date),
        "modified": _text(rule.modified),
        "license": rule.license or "",
        "references": _texts(rule.references),
        "tags": [str(tag) for tag in rule.tags],
        "falsepositives": _texts(rule.falsepositives),
        "source": source,
        "logsource": _logsource(rule),
        "fields": _texts(rule.fields),
    }


def rule_id(rule: SigmaRule | SigmaCorrelationRule) -> str:
    """The rule's UUID; made from title and log source where it has none."""
    if rule.id is not None:
        return str(rule.id)
    return str(uuid.uuid5(NAMESPACE, f"{rule.title}\0{getattr(rule, 'logsource', 'correlation')}"))


def _logsource(rule: SigmaRule | SigmaCorrelationRule) -> dict[str, str | None]:
    """Of a correlation none: its rules have theirs."""
    source = getattr(rule, "logsource", None)
    return {part: getattr(source, part, None) for part in ("category", "product", "service")}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _texts(values: Sequence[Any] | None) -> list[str]:
    return [str(value) for value in values or ()]
