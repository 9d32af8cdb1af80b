"""Sending a home's outbox: to its end, or beside a capture."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import TYPE_CHECKING, Final

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sensors.health import Health
    from sensors.outbox import Outbox
    from sensors.sender import Delivery, Sender

_HEARTBEAT_EVERY_S: Final = 30.0
_LAST_SEND_S: Final = 10.0
_MAX_WAIT_S: Final = 60.0


def send_until(
    home: Path,
    stop: Callable[[float], bool],
    *,
    once: bool,
    delivery: Delivery | None = None,
    look: Callable[[], Health | None] | None = None,
) -> Delivery:
    """Send a home's outbox until told to stop, or until it is empty or nothing more can be done.

    Now and then a heartbeat goes along, made of the status that the capturing process writes; one that has died or
    hangs no longer writes any, so nobody takes its silence for health.

    Raises:
        SensorError: where the home cannot send, or its outbox cannot be used.
    """
    from sensors.health import read_status
    from sensors.identity import load_identity
    from sensors.outbox import Outbox
    from sensors.sender import Sender

    identity = load_identity(home)
    outbox = Outbox(home / "outbox.db")
    try:
        sender = Sender(outbox, identity, allow=lambda: _require_contract(home))
        sender.delivery = delivery or sender.delivery
        try:
            _send(outbox, sender, stop, look or (lambda: read_status(home)), once=once)
        finally:
            sender.close()
    finally:
        outbox.close()
    return sender.delivery


def _send(
    outbox: Outbox, sender: Sender, stop: Callable[[float], bool], look: Callable[[], Health | None], *, once: bool
) -> None:
    next_beat = 0.0
    wait = 0.0
    while not stop(wait):
        wait = sender.send_due(time.time_ns())
        if once and (sender.delivery.last_error or not outbox.backlog().unsent):
            break
        if time.monotonic() >= next_beat:
            next_beat = time.monotonic() + _HEARTBEAT_EVERY_S
            _beat(outbox, sender, look())


def _require_contract(home: Path) -> None:
    from cli.contract import home_contract

    home_contract(home).require_valid(dt.datetime.now(dt.UTC).date())


def _beat(outbox: Outbox, sender: Sender, health: Health | None) -> None:
    from sensors.health import heartbeat, is_fresh, is_running

    if health is not None and is_running(health) and is_fresh(health, time.time_ns()):
        sender.heartbeat(heartbeat(health, outbox.backlog(), sender.delivery))


def send_steadily(
    home: Path, stop: Callable[[float], bool], delivery: Delivery, look: Callable[[], Health | None] | None = None
) -> None:
    """Send until told to stop, whatever goes wrong; each new trouble is told once and tried again ever more seldom."""
    wait = 0.0
    told = ""
    while not stop(wait):
        try:
            send_until(home, stop, once=False, delivery=delivery, look=look)
        except Exception as error:  # noqa: BLE001 - a sender that ends keeps every later alert at home
            delivery.last_error = str(error) or type(error).__name__
            if delivery.last_error != told:
                told = delivery.last_error
                errors.report(error)
            wait = min(_MAX_WAIT_S, 2 * wait or 1.0)
        else:
            return


class BackgroundSender:
    """A thread that sends a home's outbox beside the capture, and empties it within a bound when the capture ends."""

    def __init__(self, home: Path, delivery: Delivery, look: Callable[[], Health | None]) -> None:
        self._home = home
        self._delivery = delivery
        self._look = look
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
        send_steadily(self._home, self._stop, self._delivery, self._look)

    def _stop(self, wait: float) -> bool:
        if not self._ended.wait(wait):
            return False
        if self._give_up is None:
            self._give_up = time.monotonic() + _LAST_SEND_S
        return time.monotonic() >= self._give_up or self._delivery.last_error is not None or not self._unsent()

    def _unsent(self) -> int:
        from sensors.errors import SensorError
        from sensors.outbox import Outbox

        try:
            box = Outbox(self._home / "outbox.db")
        except SensorError:
            return 0
        try:
            return box.backlog().unsent
        except SensorError:
            return 0
        finally:
            box.close()
