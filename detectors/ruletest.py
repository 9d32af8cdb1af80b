"""Runs the tests beside a rule: cases that must match and cases that must not.

The format is told in docs/rules-tests.md. Packets and captures go through the whole
loop, events through the engine alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from detectors import check, crafting, loop, rulefiles
from detectors.crafting import CraftError, Frame
from detectors.diagnostics import Diagnostic
from detectors.errors import BavnError
from detectors.rulefiles import Document, RuleFileError, Yaml, YamlPath

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detectors.check import RuleSet
    from detectors.fields import FieldTable

SUFFIX: Final = ".test.yml"
# A case that is not through by then fails.
MAX_STEPS: Final = 100_000
# Ten years: what lies between the first and the last event of a case at most.
MAX_SECONDS: Final = 315_360_000

_INPUTS: Final = ("event", "events", "packets", "capture")
_CASE_KEYS: Final = {"name", "alerts", "why", *_INPUTS}


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `must_match` from the list it stands in; `alerts` an exact count, if told."""

    name: str
    must_match: bool
    kind: str
    value: Any
    alerts: int | None
    path: YamlPath


@dataclass(frozen=True, slots=True)
class TestFile:
    """A `.test.yml` as read."""

    path: Path
    rule: Path
    cases: tuple[Case, ...]
    document: Document


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one case: `alerts` seen, and the diagnostic where it failed."""

    rule: str
    case: str
    alerts: int
    failure: Diagnostic | None

    @property
    def passed(self) -> bool:
        """True where the case did what it must."""
        return self.failure is None

    @property
    def source(self) -> str:
        """The rule's file."""
        return self.rule

    @property
    def name(self) -> str:
        """The case's name."""
        return self.case

    @property
    def message(self) -> str:
        """What went wrong; empty where nothing did."""
        return self.failure.sentence if self.failure else ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {
            "rule": self.rule,
            "case": self.case,
            "passed": self.passed,
            "alerts": self.alerts,
            "failure": self.failure.to_dict() if self.failure else None,
        }


class Runner(Protocol):
    """Runs one rule set; gives the number of alerts."""

    def event(self, rules: RuleSet, event: Mapping[str, Any]) -> int:
        """Rules that hold on one event."""
        ...

    def events(self, rules: RuleSet, events: Sequence[Mapping[str, Any]]) -> int:
        """Alerts on events that follow each other, for correlations."""
        ...

    def frames(self, rules: RuleSet, frames: Sequence[Frame]) -> int:
        """Alerts on frames."""
        ...

    def capture(self, rules: RuleSet, path: Path) -> int:
        """Alerts on a capture file."""
        ...


class NativeRunner:
    """The engine and the loop that sensors run."""

    def event(self, rules: RuleSet, event: Mapping[str, Any]) -> int:
        """Rules that hold on one event."""
        return len(loop.Engine(rules.plan).match_event(event_json(event)))

    def events(self, rules: RuleSet, events: Sequence[Mapping[str, Any]]) -> int:
        """Alerts on events that follow each other, for correlations."""
        return sum(map(len, loop.Engine(rules.plan).replay([event_json(event) for event in in_order(events)])))

    def frames(self, rules: RuleSet, frames: Sequence[Frame]) -> int:
        """Alerts on frames."""
        worker = self.loop(rules)
        now_ns = frames[-1][0] if frames else crafting.START_NS
        worker.push(frames, now_ns)
        return _drain(worker, now_ns)

    def capture(self, rules: RuleSet, path: Path) -> int:
        """Alerts on a capture file."""
        worker = self.loop(rules)
        worker.open_file(str(path))
        return _drain(worker, crafting.START_NS)

    def loop(self, rules: RuleSet) -> loop.PacketLoop:
        """What packets go through."""
        return loop.loop_for(rules.plan, loop.Settings(evidence_bytes=0))


def event_json(event: Mapping[str, Any]) -> bytes:
    """A case's event as the engine reads it."""
    return json.dumps(event, default=str).encode()


def in_order(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Events with `at` (seconds after the first, default 0) as their time in nanoseconds, and numbered.

    Raises:
        CraftError: `at` is no number from 0 on, or this is no list of events.
    """
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise CraftError("`events` is a list of events")
    placed = []
    for number, event in enumerate(events, 1):
        at = event.get("at", 0)
        if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at <= MAX_SECONDS:
            raise CraftError(f"`at` is a number of seconds, from 0 to {MAX_SECONDS:,}")
        own = {key: value for key, value in event.items() if key != "at"}
        placed.append({**own, "time": crafting.START_NS + round(at * 1_000_000_000), "packet": number})
    return placed


def _drain(worker: loop.PacketLoop, now_ns: int) -> int:
    alerts = 0
    for _ in range(MAX_STEPS):
        batch = worker.step(now_ns)
        alerts += len(batch.alerts)
        if batch.problems:
            raise CraftError(": ".join(batch.problems[0]))
        if not batch.more:
            return alerts + _end(worker, now_ns)
    raise CraftError(f"not through after {MAX_STEPS} steps")


def _end(worker: loop.PacketLoop, now_ns: int) -> int:
    alerts = 0
    more = True
    while more:
        batch = worker.finish(now_ns)
        alerts += len(batch.alerts)
        more = batch.more
    return alerts


def test_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Every test file under the paths; for a rule file the test beside it."""
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob(f"*{SUFFIX}"))
        elif path.name.endswith(SUFFIX):
            yield path
        elif beside(path).exists():
            yield beside(path)


def beside(rule: Path) -> Path:
    """The test file of a rule file."""
    return rule.with_name(rule.name.removesuffix(".yaml").removesuffix(".yml") + SUFFIX)


def read(path: Path) -> TestFile:
    """A test file. Raises RuleFileError with its diagnostic."""
    documents = rulefiles.parse(rulefiles.read_file(path)[1], str(path))
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise RuleFileError(Diagnostic("BAVN-E060", "a test file is one mapping", str(path)))
    document = documents[0]
    unknown = document.data.keys() - {"rule", "match", "no_match"}
    if unknown:
        raise _wrong(document, f"unknown key `{min(unknown)}`", (min(unknown),))
    named = document.data.get("rule")
    if named is not None and (not isinstance(named, str) or Path(named).name != named):
        raise _wrong(document, "`rule` is the name of a file in the same folder", ("rule",))
    name = named or path.name.removesuffix(SUFFIX) + ".yml"
    cases = [*_cases(document, "match"), *_cases(document, "no_match")]
    return TestFile(path, path.with_name(str(name)), tuple(cases), document)


def _cases(document: Document, key: str) -> Iterator[Case]:
    listed = document.data.get(key, [])
    if not isinstance(listed, list):
        raise _wrong(document, f"`{key}` is a list of cases", (key,))
    for number, item in enumerate(listed):
        yield _case(document, (key, number), item)


def _case(document: Document, path: YamlPath, item: Yaml) -> Case:
    if not isinstance(item, dict):
        raise _wrong(document, "a case is a mapping", path)
    unknown = item.keys() - _CASE_KEYS
    if unknown:
        raise _wrong(document, f"unknown key `{min(unknown)}`", (*path, min(unknown)))
    kinds = [kind for kind in _INPUTS if kind in item]
    if len(kinds) != 1 or not item.get("name") or not isinstance(item["name"], (str, int, float)):
        raise _wrong(document, "a case has a name and one of event, events, packets, capture", path)
    count = item.get("alerts")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise _wrong(document, "`alerts` is a whole number", (*path, "alerts"))
    must = path[0] == "match"
    return Case(str(item["name"]), must, kinds[0], item[kinds[0]], item.get("alerts"), path)


def _wrong(document: Document, sentence: str, path: YamlPath) -> RuleFileError:
    return RuleFileError(document.diagnostic("BAVN-E060", sentence, path))


def run_tests(
    paths: Sequence[Path],
    *,
    runner: Runner | None = None,
    fields: FieldTable | None = None,
    cache: Path | None = None,
) -> list[Result]:
    """Runs every test under the paths; a test file that cannot be read is one failed result."""
    return [result for path in test_files(paths) for result in _run_file(path, runner, fields, cache)]


def _run_file(path: Path, runner: Runner | None, fields: FieldTable | None, cache: Path | None) -> list[Result]:
    try:
        return run(read(path), runner=runner, fields=fields, cache=cache)
    except RuleFileError as error:
        return [Result(str(path), "", 0, error.diagnostic)]
    except BavnError as error:
        return [Result(str(path), "", 0, Diagnostic(error.code, error.sentence, str(path)))]


def run(
    test: TestFile, *, runner: Runner | None = None, fields: FieldTable | None = None, cache: Path | None = None
) -> list[Result]:
    """Runs all cases of a test file against its rule alone; a rule that does not load fails them."""
    rules = check.load_rules([test.rule], fields=fields, cache=cache)
    if not rules.rules:
        reasons = [reason for item in rules.refused for reason in item.reasons]
        return [Result(str(test.rule), case.name, 0, reasons[0]) for case in test.cases]
    used = runner or NativeRunner()
    return [_run_case(test, case, rules, used) for case in test.cases]


def _run_case(test: TestFile, case: Case, rules: RuleSet, runner: Runner) -> Result:
    rule = str(test.rule)
    try:
        alerts = _alerts(test, case, rules, runner)
    except (CraftError, BavnError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        failure = test.document.diagnostic("BAVN-E060", f"`{case.name}`: {error}", case.path)
        return Result(rule, case.name, 0, failure)
    sentence = _verdict(case, alerts)
    failed = test.document.diagnostic("BAVN-E061", sentence, case.path) if sentence else None
    return Result(rule, case.name, alerts, failed)


def _alerts(test: TestFile, case: Case, rules: RuleSet, runner: Runner) -> int:
    if case.kind == "event":
        return runner.event(rules, case.value)
    if case.kind == "events":
        return runner.events(rules, case.value)
    if case.kind == "packets":
        return runner.frames(rules, crafting.craft(case.value))
    return runner.capture(rules, find_capture(str(case.value), test.path))


def _verdict(case: Case, alerts: int) -> str:
    """What is wrong; empty where nothing is."""
    if case.alerts is not None and alerts != case.alerts:
        return f"`{case.name}` gave {alerts} alerts, not {case.alerts}"
    if case.must_match and not alerts:
        return f"`{case.name}` must match and did not"
    if not case.must_match and alerts:
        return f"`{case.name}` must not match and did ({alerts} alerts)"
    return ""


def find_capture(name: str, test: Path) -> Path:
    """A capture by its path from the test file's folder or any folder above it."""
    if Path(name).is_absolute():
        raise CraftError("captures are named relative to the test file or the tree")
    for folder in test.resolve().parents:
        if (folder / name).is_file():
            return folder / name
    raise CraftError(f"there is no capture {name}")
