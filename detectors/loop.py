"""The batch loop: packets in, alerts out, one call of Python per batch.

A thin, typed face of the compiled loop; it is what the sensor's process runs as its detector.
Whatever the compiled part refuses is a BavnError with the code that it gave.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from detectors.errors import BavnError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Time that one step may take where nobody says otherwise.
STEP_MS: Final = 200
LINK_ETHERNET: Final = 1
# In a plan, whose JSON has one form, this stands where a rule is about scores.
_SCORES: Final = b'"kind":"score"'


@dataclass(frozen=True, slots=True)
class Settings:
    """How a loop runs.

    `key` is the sensor's secret for alert ids, 64 hex digits; `max_flows` 0 = the default; `checksums` True = checked;
    `features` True = flows tell their sizes, gaps and entropy also where no rule asks.
    `workers` are the threads that share the work: what comes out and its order are the same for any number, as long as no
    limit bites.
    """

    agency: str = "local"
    sensor: str = "local"
    key: str = "00" * 32
    tlp: str = "AMBER"
    retention: str = "other"
    events: bool = False
    kinds: tuple[str, ...] = ()
    evidence_bytes: int = 64 * 1024 * 1024
    max_flows: int = 0
    checksums: bool = False
    features: bool = False
    simulate: tuple[str, ...] = ()
    # Kinds of events that are handed out as data.
    observe: tuple[str, ...] = ()
    workers: int = 1

    def to_json(self) -> bytes:
        """As the compiled loop takes it."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step gave.

    `failures` are captures of flows whose parser failed; `evidence` has each alert's capture in the
    order of `alerts`, `heads` its level, rule's title and source address
    (empty where it has none); `events` are JSON Lines; `seen` too, of events to look at, as `Event` reads them;
    `problems` are (code, sentence) of sources that failed.
    """

    alerts: tuple[bytes, ...]
    evidence: tuple[bytes | None, ...]
    failures: tuple[bytes, ...]
    heads: tuple[tuple[str, str, str], ...]
    events: bytes
    seen: bytes
    problems: tuple[tuple[str, str], ...]
    more: bool


class Judge(Protocol):
    """Judges events in place of the compiled engine: the reference. Rules are numbered as in the plan.

    The first two are called by the compiled loop. A correlation that holds is told of as rule, what was measured, the
    group's texts, (time, packet, kind), and whether a span's end brought it. The last in both answers is when to be told of
    the time next. Times are in nanoseconds since the epoch.
    """

    def judge(self, line: bytes, newest: int) -> tuple[Sequence[int], Sequence[Any], int | None]:
        """Look at an event."""
        ...

    def pass_time(self, newest: int, packet: int) -> tuple[Sequence[Any], int | None]:
        """Judge the spans that have passed."""
        ...

    def continue_from(self, before: Judge) -> None:
        """Go on where another ended."""
        ...

    def counters(self) -> dict[str, int]:
        """Named counters, in place of the engine's."""
        ...

    def rules(self) -> Sequence[tuple[int, int, int]]:
        """What each rule did: events judged, matched, unknown."""
        ...


def loop_for(
    plan: bytes, settings: Settings, judge: Judge | None = None, indicators: Indicators | None = None
) -> PacketLoop:
    """The loop for a plan and what it looks for.

    Raises:
        BavnError: the plan is refused, or E070 where a detector cannot be made.
    """
    loop = _loop_for(plan, settings, judge)
    if indicators is not None:
        loop.set_indicators(indicators)
    return loop


def _loop_for(plan: bytes, settings: Settings, judge: Judge | None) -> PacketLoop:
    """The loop for a plan; with the detectors in Python beside it where a rule is about their scores.

    Raises:
        BavnError: the plan is refused, or E070 where a detector cannot be made.
    """
    if _SCORES not in plan:
        return PacketLoop(plan, settings, judge)
    from detectors.analytics.loop import DetectingLoop  # noqa: PLC0415  (few plans need it)

    return DetectingLoop(plan, settings, judge=judge)


class PacketLoop:
    """One or several workers over one source. `now_ns` is always given: nothing here reads a clock."""

    # Whether detectors run beside it.
    has_detectors = False

    def __init__(self, plan: bytes | None, settings: Settings, judge: Judge | None = None) -> None:
        loaded = None if plan is None else engine(plan)
        self._judge = judge
        with _own_errors():
            self._loop = load_native().Loop(loaded, settings.to_json(), judge)

    def open_file(self, path: str) -> None:
        """Read from a capture file next. Raises BavnError (E4xx)."""
        with _own_errors():
            self._loop.open_file(path)

    def attach_ring(self, fd: int, link: int = LINK_ETHERNET, skip_outgoing: bool = False) -> None:  # noqa: FBT001, FBT002  (the sensor's protocol)
        """Read from a kernel ring on this packet socket next (Linux). Raises BavnError (E103)."""
        with _own_errors():
            self._loop.attach_ring(fd, link, skip_outgoing)

    def push(self, frames: Sequence[tuple[int, int, bytes]], now_ns: int) -> None:
        """Take frames of a live source: (time in ns since the epoch, link type, bytes)."""
        self._loop.push(list(frames), now_ns)

    def step(self, now_ns: int, budget_ms: int = STEP_MS) -> Batch:
        """Work for at most about `budget_ms`."""
        return _batch(self._loop.step(now_ns, budget_ms))

    def finish(self, now_ns: int) -> Batch:
        """End all flows and give out what is pending, in portions: call it again while `more` is true."""
        return _batch(self._loop.finish(now_ns))

    def take_events(self, events: Sequence[bytes], now_ns: int) -> None:
        """Take events that others made (as JSON), as if the wire had. Raises BavnError (E050)."""
        with _own_errors():
            self._loop.take_events(list(events), now_ns)

    def swap(self, plan: bytes) -> None:
        """Run another plan from the next packet on; where it is refused the old one stays.

        Raises:
            BavnError: the plan is refused, or as `require_detectors` says.
        """
        self.require_detectors(plan)
        self.swap_to(engine(plan))

    def require_detectors(self, plan: bytes) -> None:
        """Refuse rules that need what did not begin with this loop.

        Raises:
            BavnError: E071 where rules are about scores and no detector runs.
        """
        if _SCORES in plan and not self.has_detectors:
            raise BavnError("BAVN-E071", "the new rules are about scores, and no detector runs")

    def swap_to(self, ready: Any, judge: Judge | None = None) -> None:  # noqa: ANN401
        """The same with what `engine` gave, so that the packets do not wait for it to be built.

        Raises:
            BavnError: E003 where another judges than the engine, and no other one of these rules is given.
        """
        if (self._judge is None) != (judge is None):
            raise BavnError("BAVN-E003", "the engine stays what it was when the loop began, and needs rules of its own")
        if self._judge is not None and judge is not None:
            judge.continue_from(self._judge)
        self._loop.swap(ready, judge)
        self._judge = judge

    def set_indicators(self, indicators: Indicators | None) -> None:
        """Look for these indicators from the next packet on, or for none."""
        self._loop.set_indicators(indicators and indicators.native)

    def counters(self) -> dict[str, int]:
        """Named counters since the start."""
        return dict(self._loop.counters()) | (self._judge.counters() if self._judge else {})

    def line_names(self) -> dict[str, dict[str, int]]:
        """What became of lines of other sensors, by name: `other` (no event), `unmapped` (keys), `misfit` (values)."""
        return {what: dict(names) for what, names in self._loop.line_names()}

    def rules(self) -> list[RuleDid]:
        """What each rule of the plan did since the plan runs."""
        return [RuleDid(*row) for row in (self._judge or self._loop).rules()]

    def kinds(self) -> dict[str, int]:
        """Events that came, by kind; kinds that no rule judges and nobody prints are never made."""
        return dict(self._loop.kinds())


@dataclass(frozen=True, slots=True)
class RuleDid:
    """What one rule did: events on which it was evaluated, that it matched, on which its outcome was unknown."""

    candidates: int
    matches: int
    unobserved: int


class Indicators:
    """A compiled set of indicators, ready to be looked up."""

    def __init__(self, path: Path) -> None:
        """Load a set. Raises BavnError (E095) where it is none, or damaged."""
        self.path = path
        with _own_errors():
            self.native = load_native().Indicators(str(path))

    @property
    def count(self) -> int:
        """Indicators in it, each list's counted."""
        return int(self.native.count())

    @property
    def digest(self) -> str:
        """SHA-256 of the set."""
        return str(self.native.digest())

    @property
    def size(self) -> int:
        """Bytes that it holds in memory."""
        return int(self.native.bytes())

    def kinds(self) -> list[str]:
        """Kinds of events in which one of them can stand."""
        return list(self.native.kinds())

    def look(self, events: Sequence[bytes]) -> list[list[bytes]]:
        """Events in their order; for each, those that tell of indicators in it. Raises BavnError (E050)."""
        with _own_errors():
            return [list(told) for told in self.native.look(list(events))]


class Engine:
    """A plan that is ready to match single events."""

    def __init__(self, plan: bytes) -> None:
        self._engine = engine(plan)

    def match_event(self, event: bytes) -> list[int]:
        """Numbers of the rules that hold. Raises BavnError (E050)."""
        with _own_errors():
            return list(self._engine.match_event(event))

    def replay(self, events: Sequence[bytes]) -> list[list[int]]:
        """Events in their order; for each, the rules that make an alert at it. Raises BavnError (E050)."""
        with _own_errors():
            return [list(rules) for rules in self._engine.replay(list(events))]

    def measure(self, events: Sequence[bytes], rounds: int) -> tuple[int, list[RuleDid]]:
        """Nanoseconds for all rounds over the events, and what each rule did in one. Raises BavnError (E050)."""
        with _own_errors():
            spent, rules = self._engine.measure(list(events), rounds)
        return spent, [RuleDid(*row) for row in rules]

    def explain(self, rule: int, event: bytes) -> Any:  # noqa: ANN401
        """Why a rule holds or not: `{"op", "outcome", "children"}` down to leaves. Raises BavnError (E050)."""
        with _own_errors():
            return json.loads(self._engine.explain(rule, event))


def engine(plan: bytes) -> Any:  # noqa: ANN401
    """The compiled engine with a plan loaded. Raises BavnError where the plan or a rule in it is refused."""
    with _own_errors():
        return load_native().Engine(plan)


def event_kinds() -> list[str]:
    """Kinds of events that the sensor makes, by name."""
    return list(load_native().event_kinds())


def is_lines(path: str) -> bool:
    """True where a file is JSON Lines; its content tells."""
    return bool(load_native().is_lines(path))


def simulations() -> dict[str, str]:
    """Limits that can be made to bite in a drill, by name, with what then happens."""
    return dict(load_native().simulations())


def load_native() -> Any:  # noqa: ANN401
    """The compiled part. Raises BavnError (E002) where it is not built."""
    try:
        return importlib.import_module("detectors._native")
    except ImportError as error:
        raise BavnError("BAVN-E002", "the batch loop is not built", evidence=str(error)) from error


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    """ValueError(code, sentence) of the compiled part as BavnError."""
    try:
        yield
    except ValueError as error:
        code, sentence = error.args if len(error.args) == 2 else ("BAVN-E003", str(error))  # noqa: PLR2004
        plain = str(sentence).removeprefix(f"{code}: ")
        raise BavnError(str(code), plain) from error


def _batch(raw: Any) -> Batch:  # noqa: ANN401
    return Batch(
        alerts=tuple(raw.alerts),
        evidence=tuple(raw.evidence),
        failures=tuple(raw.failures),
        heads=tuple(raw.heads),
        events=bytes(raw.events),
        seen=bytes(raw.seen),
        problems=tuple(raw.problems),
        more=bool(raw.more),
    )
