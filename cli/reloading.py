"""Other rules for a running sensor: read and compiled beside the capture, swapped between two packets.

Flows, streams and correlations go on; where the new rules cannot be read, or none of them runs, the old ones stay.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cli.watching import look
from detectors.errors import BavnError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cli.watching import Seen
    from detectors.check import RuleSet
    from detectors.loop import Indicators, Judge

LOOK_EVERY_S: Final = 2.0


@dataclass(frozen=True)
class Ready:
    """Rules that were read, the engine (or the reference) that is ready to judge by them, the indicators to look for."""

    rules: RuleSet
    engine: Any
    judge: Judge | None = None
    indicators: Indicators | None = None


@dataclass
class Reloader:
    """Reads rules and indicators again when asked to, or when their files change.

    `take` is called by `poll`, so in the caller's thread; `judged` is True where the reference judges; `indicators` is the
    set, which need not be there.
    """

    paths: Sequence[Path]
    take: Callable[[Ready], None]
    watch: bool = False
    judged: bool = False
    indicators: Path | None = None
    done: int = 0
    failed: int = 0
    last_error: str = ""
    _asked: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _result: Ready | Exception | None = None
    _seen: Seen | None = None
    _next_look: float = 0.0

    def ask(self) -> None:
        """Ask for a reload; may be called from a signal handler."""
        self._asked.set()

    def poll(self, now: float) -> None:
        """Start what was asked for, and hand over what is ready. `now`: seconds of a monotonic clock."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
            self._hand_over()
        if self._asked.is_set() or self._has_changed(now):
            self._asked.clear()
            self._thread = threading.Thread(target=self._read, name="rules", daemon=True)
            self._thread.start()

    def _has_changed(self, now: float) -> bool:
        if not self.watch or now < self._next_look:
            return False
        self._next_look = now + LOOK_EVERY_S
        before, self._seen = self._seen, look([*self.paths, *filter(None, [self.indicators])])
        return before is not None and self._seen != before

    def _read(self) -> None:
        from cli.captures import load_rule_set
        from cli.errors import CliError
        from detectors.loop import Indicators, engine

        try:
            kept = self.indicators
            indicators = Indicators(kept) if kept is not None and kept.is_file() else None
            rules = load_rule_set(self.paths)
            judge = _reference(rules) if self.judged else None
            none_runs = CliError(
                "BAVN-E310", f"no rule of {', '.join(map(str, self.paths)) or 'the shipped ones'} runs"
            )
            self._result = Ready(rules, engine(rules.plan), judge, indicators) if rules.rules else none_runs
        except Exception as error:  # noqa: BLE001  (told by the caller's thread; the old rules stay)
            self._result = error

    def _hand_over(self) -> None:
        result, self._result = self._result, None
        if isinstance(result, Ready):
            try:
                self.take(result)
            except BavnError as error:
                result = error
        if isinstance(result, Ready):
            self.done += 1
            self.last_error = ""
        elif result is not None:
            self.failed += 1
            self.last_error = str(result)


def _reference(rules: RuleSet) -> Judge:
    from detectors.reference.loop import ReferenceJudge

    return ReferenceJudge(rules)
