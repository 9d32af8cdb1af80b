"""Rule files to queries, one by one: what cannot be said stops no other rule."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend
from sigma.backends.elasticsearch.elasticsearch_lucene import LuceneBackend

from detectors import conversion, parsing, rulefiles
from detectors.rulefiles import Document, RuleFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sigma.rule import SigmaRule

    from detectors.check import RuleFile

_BACKENDS = {
    "lucene": (LuceneBackend, conversion.lucene_pipeline),
    "esql": (ESQLBackend, conversion.esql_pipeline),
}


@dataclass(frozen=True, slots=True)
class Converted:
    """A rule's queries, one a kind of event; without any, why."""

    id: str
    title: str
    source: str
    queries: tuple[str, ...]
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return asdict(self)


def convert(files: Iterable[RuleFile], language: str) -> Iterator[Converted]:
    """Each rule of the files in `lucene` or `esql`; filters are applied to none, so they are left out."""
    for file in files:
        try:
            documents = rulefiles.parse(rulefiles.decode(file.raw, file.source), file.source)
        except RuleFileError as error:
            yield Converted("", "", file.source, (), error.diagnostic.sentence)
            continue
        yield from (_converted(document, language) for document in documents)


def _converted(document: Document, language: str) -> Converted:
    data = document.data if isinstance(document.data, dict) else {}
    identity = (str(data.get("id") or ""), str(data.get("title") or ""), document.path)
    wrong = parsing.problems(document)
    if wrong:
        return Converted(*identity, (), wrong[0].sentence)
    if "filter" in data or "correlation" in data:
        what = "filter changes other rules" if "filter" in data else "correlation slides its window with the packets"
        return Converted(*identity, (), f"a {what}; no query says it")
    rule, wrong = parsing.rule(document)
    if rule is None or wrong:
        return Converted(*identity, (), wrong[0].sentence if wrong else "not a rule")
    try:
        return Converted(*identity, _queries(rule, language))
    except Exception as error:  # noqa: BLE001  (no rule stops another)
        return Converted(*identity, (), str(getattr(error, "sentence", "")) or str(error))


def _queries(rule: SigmaRule, language: str) -> tuple[str, ...]:
    kind, pipeline = _BACKENDS[language]
    return tuple(map(str, kind(processing_pipeline=pipeline()).convert_rule(rule)))
