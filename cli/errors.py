"""How errors reach a person: code, sentence, evidence, hint; and which exit code they end with."""

from __future__ import annotations

import sys
from typing import Final, NoReturn

from cli.safe import safe

OK: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
UNREADABLE: Final = 3
UNREACHABLE: Final = 4
PARTIAL: Final = 5
INTERRUPTED: Final = 130

CATALOGUE: Final[dict[str, tuple[str, str, str]]] = {
    "BAVN-E301": (
        "no such alert",
        "No alert has this id or begins with it, or several do.",
        "list them: bavn alerts ls",
    ),
    "BAVN-E302": (
        "nothing to explain",
        "The name is no code of bavn's, no rule that is loaded and no alert in the store.",
        "codes look like BAVN-E031; rules: bavn rules ls; alerts: bavn alerts ls",
    ),
    "BAVN-E303": (
        "no sandbox for deep inspection",
        "Evidence is dissected only inside a sandbox with its own user and network namespace and limits; this machine "
        "does not allow one, or tshark is not installed.",
        "allow user namespaces, install tshark, or read the packets with --scapy",
    ),
    "BAVN-E304": (
        "the path cannot be read",
        "The file or folder does not exist or may not be read.",
        "check the path and its permissions",
    ),
    "BAVN-E305": (
        "no store is set up here",
        "This home has no collector configuration, so there are no alerts to show.",
        "try `bavn demo`, or name the home with --home",
    ),
    "BAVN-E306": (
        "a part is not installed",
        "This command needs an optional part of bavn.",
        "pip install 'bavn[all]'",
    ),
    "BAVN-E307": (
        "other distributions installed the same names",
        "Another Python distribution brings a top-level package called sensors, detectors, collector or cli.",
        "give bavn a virtual environment of its own",
    ),
    "BAVN-E308": (
        "the access log has been altered",
        "A record of the access log, or its order, is not what its tree says.",
        "keep the file, compare with the published checkpoints: bavn minlog verify",
    ),
    "BAVN-E309": (
        "the demo could not be set up",
        "A part of the demo did not start.",
        "see the message above; `bavn doctor` checks this machine",
    ),
}
"""Code -> title, explanation, hint; `bavn explain CODE` prints it."""


class CliError(Exception):
    """An error of the command line.

    Attributes:
        code: `BAVN-E3nn`.
        sentence: what went wrong here.
        hint: what to do.
        exit_code: what the process ends with.
    """

    def __init__(self, code: str, sentence: str, hint: str | None = None, exit_code: int = UNREADABLE) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.hint = hint if hint is not None else CATALOGUE[code][2]
        self.exit_code = exit_code


def catalogue() -> dict[str, tuple[str, str, str]]:
    """Join the catalogues of all packages."""
    import collector.errors
    import detectors.errors
    import sensors.errors

    return detectors.errors.CATALOGUE | sensors.errors.CATALOGUE | collector.errors.CATALOGUE | CATALOGUE


_UNREACHABLE_CODES: Final = frozenset({"BAVN-E132", "BAVN-E131"})


def exit_code_of(error: Exception) -> int:
    """Give the exit code of an error that carries a code."""
    own = getattr(error, "exit_code", None)
    if isinstance(own, int):
        return own
    return UNREACHABLE if getattr(error, "code", "") in _UNREACHABLE_CODES else UNREADABLE


def report(error: Exception) -> None:
    """Print an error that carries code, sentence and hint to stderr."""
    code = getattr(error, "code", "BAVN-E000")
    print(f"error[{code}]: {safe(getattr(error, 'sentence', error))}", file=sys.stderr)
    hint = getattr(error, "hint", "")
    if hint:
        print(f"  = hint: {safe(hint)}", file=sys.stderr)
    print(f"  = more: bavn explain {code}", file=sys.stderr)


def stop(error: Exception) -> NoReturn:
    """Report an error and end the process with its exit code."""
    report(error)
    raise SystemExit(exit_code_of(error))
