"""Sending a home's outbox: to its end, or beside a capture."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sensors.outbox import Outbox
    from sensors.sender import Delivery, Sender

_HEARTBEAT_EVERY_S: Final = 30.0
_LAST_SEND_S: Final = 10.0


def send_until(home: Path, stop: Callable[[float], bool], *, once: bool, delivery: Delivery | None = None) -> Delivery:
    """Send a home's outbox until told to stop, or until it is empty or nothing more can be done.

    Now and then a heartbeat goes along, made of the status that the capturing process writes; a process that has
    died no longer writes one, so nobody takes its silence for health.
    """
    from sensors.identity import load_identity
    from sensors.outbox import Outbox
    from sensors.sender import Sender

    identity = load_identity(home)
    outbox = Outbox(home / "outbox.db")
    sender = Sender(outbox, identity)
    sender.delivery = delivery or sender.delivery
    next_beat = 0.0
    wait = 0.0
    while not stop(wait):
        wait = sender.send_due(time.time_ns())
        if once and (sender.delivery.last_error or not outbox.backlog().unsent):
            break
        if time.monotonic() >= next_beat:
            next_beat = time.monotonic() + _HEARTBEAT_EVERY_S
            _beat(home, outbox, sender)
    sender.close()
    outbox.close()
    return sender.delivery


def _beat(home: Path, outbox: Outbox, sender: Sender) -> None:
    from sensors.health import heartbeat, is_running, read_status

    health = read_status(home)
    if health is not None and is_running(health):
        sender.heartbeat(heartbeat(health, outbox.backlog(), sender.delivery))


class BackgroundSender:
    """A thread that sends a home's outbox beside the capture, and empties it within a bound when the capture ends."""

    def __init__(self, home: Path, delivery: Delivery) -> None:
        self._home = home
        self._delivery = delivery
        self._ended = threading.Event()
        self._give_up: float | None = None
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Send what is left, for a bounded time."""
        self._ended.set()
        self._thread.join(_LAST_SEND_S + 5)

    def _run(self) -> None:
        try:
            send_until(self._home, self._stop, once=False, delivery=self._delivery)
        except Exception as error:
            if not errors.has_code(error):
                raise
            self._delivery.last_error = str(error)
            errors.report(error)

    def _stop(self, wait: float) -> bool:
        if not self._ended.wait(wait):
            return False
        if self._give_up is None:
            self._give_up = time.monotonic() + _LAST_SEND_S
        return time.monotonic() >= self._give_up or self._delivery.last_error is not None or not self._unsent()

    def _unsent(self) -> int:
        from sensors.outbox import Outbox

        box = Outbox(self._home / "outbox.db")
        try:
            return box.backlog().unsent
        finally:
            box.close()
