"""Compiles rule files into a plan: what `check.load_rules` does where no kept plan fits.

It needs pySigma, which takes longer to import than a kept plan takes to load.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors import correlating, heads, loop, parsing, plan, rulefiles, taxonomy
from detectors.backend import BavnBackend, Compiled
from detectors.check import LoadedRule, Refused, RuleFile, RuleSet, Status
from detectors.correlating import Known
from detectors.diagnostics import UNFILLABLE, Diagnostic
from detectors.errors import BavnError
from detectors.plan import PlannedRule
from detectors.rulefiles import Document, RuleFileError
from detectors.taxonomy import LogSource, Taxonomy
from detectors.values import RuleProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter
    from sigma.processing.pipeline import ProcessingPipeline
    from sigma.rule import SigmaRule

    from detectors.fields import FieldTable


def compile_files(
    files: Iterable[RuleFile], table: FieldTable, names: Taxonomy, pipeline: ProcessingPipeline | None
) -> RuleSet:
    """Compiles rule files; what is wrong is in the result."""
    return _Loader(BavnBackend(pipeline, fields=table, tables=names), table, names).load(files)


@dataclass(slots=True)
class _Entry:
    """One document on its way through the loader."""

    document: Document
    source: str
    ruleset: str
    licence: str = ""
    rule: SigmaRule | None = None
    correlation: SigmaCorrelationRule | None = None
    problems: list[Diagnostic] = field(default_factory=list)
    filters: list[Mapping[str, Any]] = field(default_factory=list)
    compiled: Compiled | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        return self.document.data if isinstance(self.document.data, dict) else {}


_Planned = tuple[_Entry, PlannedRule, LoadedRule]


class _Loader:
    def __init__(self, backend: BavnBackend, fields: FieldTable, tables: Taxonomy) -> None:
        self._backend = backend
        self._fields = fields
        self._tables = tables
        self._warnings: list[Diagnostic] = []
        self._refused: list[Refused] = []

    def load(self, files: Iterable[RuleFile]) -> RuleSet:
        entries = [entry for file in files for entry in self._entries(file)]
        correlations = [entry for entry in entries if "correlation" in entry.data]
        rules = [entry for entry in entries if not {"filter", "correlation"} & entry.data.keys()]
        filters = [entry for entry in entries if "filter" in entry.data]
        self._apply_filters(filters, rules)
        unique = list(self._unique([*rules, *correlations]))
        planned = [item for item in map(self._compile, [e for e in unique if e.correlation is None]) if item]
        planned = self._accepted(planned)
        planned = self._correlate(planned, [entry for entry in unique if entry.correlation is not None])
        return RuleSet(
            plan.assemble(rule for _, rule, _ in planned),
            tuple(loaded for _, _, loaded in planned),
            tuple(self._refused),
            tuple(self._warnings),
            tuple(entry.data for entry in filters if not entry.problems),
        )

    def _entries(self, file: RuleFile) -> list[_Entry]:
        try:
            documents = rulefiles.parse(rulefiles.decode(file.raw, file.source), file.source)
        except RuleFileError as error:
            self._refused.append(Refused("", "", file.source, "refused", (error.diagnostic,)))
            return []
        except Exception as error:  # noqa: BLE001  (no file stops another)
            sentence = f"the file cannot be read: {type(error).__name__}"
            self._refused.append(
                Refused("", "", file.source, "refused", (Diagnostic("BAVN-E035", sentence, file.source),))
            )
            return []
        if not documents:
            empty = Diagnostic("BAVN-E014", "the file holds no rule", file.source)
            self._refused.append(Refused("", "", file.source, "refused", (empty,)))
        entries = [_Entry(document, file.source, file.ruleset, file.licence) for document in documents]
        return [entry for entry in entries if self._parsed(entry)]

    def _parsed(self, entry: _Entry) -> bool:
        """True for filters, and for rules that pySigma could read."""
        try:
            self._parse(entry)
        except Exception as error:  # noqa: BLE001  (no rule stops another)
            entry.problems = [parsing.unexpected(entry.document, error)]
        if entry.problems:
            self._refuse(entry)
        return not entry.problems

    def _parse(self, entry: _Entry) -> None:
        entry.problems = parsing.problems(entry.document)
        self._warnings += parsing.warnings(entry.document)
        if entry.problems or "filter" in entry.data:
            return
        if "correlation" in entry.data:
            entry.correlation, entry.problems = parsing.correlation_of(entry.document)
        else:
            entry.rule, entry.problems = parsing.rule(entry.document)

    def _unique(self, entries: list[_Entry]) -> Iterable[_Entry]:
        """The first rule of each id; the others are refused."""
        seen: dict[str, str] = {}
        for entry in entries:
            read = entry.rule or entry.correlation
            assert read is not None  # noqa: S101  (only rules that were read come here)
            identity = heads.rule_id(read)
            if identity in seen:
                self._duplicate(entry, seen[identity])
            else:
                seen[identity] = entry.source
                yield entry

    def _duplicate(self, entry: _Entry, first: str) -> None:
        sentence = f"the id is already used in {first}"
        entry.problems = [entry.document.diagnostic("BAVN-E029", sentence, ("id",), value=True)]
        self._refuse(entry)

    def _apply_filters(self, filters: list[_Entry], rules: list[_Entry]) -> None:
        for entry in filters:
            try:
                self._apply_filter(entry, rules)
            except Exception as error:  # noqa: BLE001  (no filter stops a rule that it does not fit)
                entry.problems = [parsing.unexpected(entry.document, error)]
            if entry.problems:
                self._refuse(entry)

    def _apply_filter(self, entry: _Entry, rules: list[_Entry]) -> None:
        parsed, entry.problems = parsing.filter_of(entry.document)
        if parsed is None:
            return
        fitting = [rule for rule in rules if rule.rule and _fits(parsed, rule.rule)]
        entry.problems = next((fault for rule in fitting if (fault := self._faults(entry, parsed, rule))), [])
        if entry.problems:
            return
        for rule in fitting:
            rule.filters.append(entry.data)
            assert rule.rule is not None  # noqa: S101  (holds by the line above)
            try:
                parsed.apply_on_rule(rule.rule)
            except Exception as error:  # noqa: BLE001  (without its filter the rule would mean something else)
                rule.problems = [parsing.unexpected(rule.document, error)]
        if not fitting:
            self._warnings.append(entry.document.diagnostic("BAVN-W005", "the filter fits no rule", ("filter",)))

    def _faults(self, entry: _Entry, parsed: SigmaFilter, rule: _Entry) -> list[Diagnostic]:
        """What is wrong with a filter by itself: with it a rule does not compile, which without it does.

        Such a filter is refused, and the rules run as they are. What it asks for that no packet shows is the rule's
        affair: without the filter it would tell of what it must not.
        """
        fresh, _ = parsing.rule(rule.document)
        if fresh is None:
            return []
        try:
            parsed.apply_on_rule(fresh)
            self._backend.compile(fresh)
        except Exception as error:  # noqa: BLE001  (whatever is raised on what others wrote)
            if self._compiles(rule.document):
                problem = self._explained(entry, error)
                return [] if problem.code in UNFILLABLE else [problem]
        return []

    def _compiles(self, document: Document) -> bool:
        fresh, _ = parsing.rule(document)
        try:
            if fresh is not None:
                self._backend.compile(fresh)
        except Exception:  # noqa: BLE001  (why is told where the rule itself is compiled)
            return False
        return True

    def _compile(self, entry: _Entry) -> _Planned | None:
        if not entry.problems:
            try:
                return self._compiled(entry)
            except Exception as error:  # noqa: BLE001  (no rule stops another)
                entry.problems = [self._explained(entry, error)]
        self._refuse(entry)
        return None

    def _compiled(self, entry: _Entry) -> _Planned:
        rule = entry.rule
        assert rule is not None  # noqa: S101  (entries without a rule never come here)
        compiled = self._backend.compile(rule)
        self._warn(entry, compiled)
        head = heads.of_rule(rule, source=entry.source, document=entry.data, filters=entry.filters)
        head["ruleset"] = entry.ruleset
        head["license"] = head["license"] or entry.licence
        kinds = tuple(target.kind for target in compiled.targets)
        loaded = LoadedRule(head["id"], head["title"], head["level"], entry.source, kinds, entry.data)
        return entry, PlannedRule(head, compiled.targets), loaded

    def _correlate(self, planned: list[_Planned], waiting: list[_Entry]) -> list[_Planned]:
        """Appends the correlations, each after the rules that it is over, and quiets those."""
        known = [_known(entry, rule, loaded) for entry, rule, loaded in planned]
        while waiting:
            ready = [entry for entry in waiting if not _missing(entry, known)]
            if not ready:
                break
            for entry in ready:
                item = self._correlated(entry, known)
                if item is not None and self._takes_all([*planned, item], item):
                    planned.append(item)
                    known.append(_known(*item))
            waiting = [entry for entry in waiting if entry not in ready]
        for entry in waiting:
            missing = _missing(entry, known)[0]
            entry.problems = [self._no_such_rule(entry, missing, waiting)]
            self._refuse(entry)
        quiet = {one.id for one in known if one.quiet}
        return [
            (entry, dataclasses.replace(rule, quiet=True) if rule.id in quiet else rule, loaded)
            for entry, rule, loaded in planned
        ]

    def _correlated(self, entry: _Entry, known: list[Known]) -> _Planned | None:
        rule = entry.correlation
        assert rule is not None  # noqa: S101  (only correlations come here)
        by_name = {name: one for one in known for name in (one.id, one.name) if name}
        try:
            compiled = correlating.compile_rule(rule, by_name, self._fields, self._tables)
        except Exception as error:  # noqa: BLE001  (no rule stops another)
            entry.problems = [_correlation_problem(entry.document, error)]
            self._refuse(entry)
            return None
        head = heads.of_rule(rule, source=entry.source, document=entry.data)
        head["ruleset"] = entry.ruleset
        head["license"] = head["license"] or entry.licence
        loaded = LoadedRule(head["id"], head["title"], head["level"], entry.source, compiled.kinds, entry.data)
        return entry, PlannedRule(head, (), compiled.plan), loaded

    def _takes_all(self, planned: list[_Planned], last: _Planned) -> bool:
        error = _refusal([rule for _, rule, _ in planned])
        if error is None:
            return True
        entry = last[0]
        entry.problems = [entry.document.diagnostic(error.code, error.sentence, ("correlation",))]
        self._refuse(entry)
        return False

    def _no_such_rule(self, entry: _Entry, name: str, waiting: list[_Entry]) -> Diagnostic:
        refused = {item.id for item in self._refused}
        if any(name in _names(other) for other in waiting):
            sentence = f"`{name}` is a correlation that waits for others: a circle, or a rule that does not run"
        elif name in refused:
            sentence = f"the rule `{name}` does not run"
        else:
            sentence = f"there is no rule of the id or name `{name}` that runs"
        return entry.document.diagnostic("BAVN-E028", sentence, ("correlation", "rules"))

    def _accepted(self, planned: list[_Planned]) -> list[_Planned]:
        """Those that the engine takes: it has limits of its own, for example on expressions."""
        if not planned or _refusal([rule for _, rule, _ in planned]) is None:
            return planned
        return [item for item in planned if self._takes(*item)]

    def _takes(self, entry: _Entry, rule: PlannedRule, _: LoadedRule) -> bool:
        error = _refusal([rule])
        if error is None:
            return True
        entry.problems = [entry.document.diagnostic(error.code, error.sentence, ("detection",))]
        self._refuse(entry)
        return False

    def _warn(self, entry: _Entry, compiled: Compiled) -> None:
        for code, found in (("BAVN-W001", compiled.blind), ("BAVN-W006", compiled.hopeless)):
            for name, reason in found.items():
                what = "can never hold" if code == "BAVN-W001" else "has a value that never fits"
                path, length = parsing.place_of_field(entry.document, name)
                self._warnings.append(
                    entry.document.diagnostic(code, f"`{name}` {what}: {reason}", path, length=length)
                )

    def _explained(self, entry: _Entry, error: Exception) -> Diagnostic:
        try:
            return self._explain(entry, error)
        except Exception:  # noqa: BLE001  (the first error is the one to tell)
            return parsing.unexpected(entry.document, error)

    def _explain(self, entry: _Entry, error: Exception) -> Diagnostic:
        document = entry.document
        if not isinstance(error, RuleProblemError):
            return parsing.diagnose(document, error)
        path, length = parsing.place_of_field(document, error.field)
        label = self._suggestion(entry, error) if error.code == "BAVN-E031" else ""
        if error.code == "BAVN-E030":
            path, length = ("logsource",), 0
        elif error.code == "BAVN-E025":
            path, length = parsing.place_of_placeholder(document, error.field)
        note = "the rule could never match" if error.code == "BAVN-E031" else error.note
        return document.diagnostic(error.code, error.sentence, path, label=label, note=note, length=length)

    def _suggestion(self, entry: _Entry, error: RuleProblemError) -> str:
        source = entry.data.get("logsource") or {}
        parts = {key: source.get(key) for key in ("category", "product", "service")}
        routes = self._tables.routes(LogSource(**parts))
        names = [n for route in routes for n in taxonomy.known_names(route, self._fields)]
        close = difflib.get_close_matches(error.field, names, 1, 0.6)
        return f"did you mean `{close[0]}`?" if close else ""

    def _refuse(self, entry: _Entry) -> None:
        codes = {problem.code for problem in entry.problems}
        status: Status = "unfillable" if codes <= UNFILLABLE else "refused"
        data = entry.data
        self._refused.append(
            Refused(
                str(data.get("id") or ""),
                str(data.get("title") or ""),
                entry.source,
                status,
                tuple(entry.problems),
                data,
            )
        )


def _refusal(rules: Iterable[PlannedRule]) -> BavnError | None:
    """Why the engine refuses a plan of these rules; None where it takes them, or is not built."""
    try:
        loop.engine(plan.assemble(rules))
    except BavnError as error:
        return None if error.code == "BAVN-E002" else error
    except Exception as error:  # noqa: BLE001  (one rule alone that cannot be written down is refused alone)
        return BavnError("BAVN-E035", f"the rule cannot be written into a plan: {type(error).__name__}")
    return None


def _known(entry: _Entry, rule: PlannedRule, loaded: LoadedRule) -> Known:
    read = entry.rule
    if read is None:
        assert entry.correlation is not None  # noqa: S101  (what is planned was read)
        group = tuple(entry.correlation.group_by or ())
        return Known(rule.id, entry.correlation.name or "", kinds=loaded.kinds, group=group)
    source = LogSource(read.logsource.category, read.logsource.product, read.logsource.service)
    return Known(rule.id, read.name or "", source, loaded.kinds)


def _names(entry: _Entry) -> set[str]:
    read = entry.correlation
    return {heads.rule_id(read), read.name or ""} if read is not None else set()


def _missing(entry: _Entry, known: list[Known]) -> list[str]:
    there = {name for one in known for name in (one.id, one.name) if name}
    assert entry.correlation is not None  # noqa: S101  (only correlations come here)
    return [name for name in correlating.named(entry.correlation) if name not in there]


def _correlation_problem(document: Document, error: Exception) -> Diagnostic:
    if not isinstance(error, RuleProblemError):
        return parsing.unexpected(document, error)
    part = error.field if error.field in document.data["correlation"] else ""
    path = ("correlation", part) if part else ("correlation",)
    return document.diagnostic(error.code, error.sentence, path, note=error.note)


def _fits(sigma_filter: SigmaFilter, rule: SigmaRule) -> bool:
    return sigma_filter._should_apply_on_rule(rule)  # noqa: SLF001  (pySigma has no public test)
