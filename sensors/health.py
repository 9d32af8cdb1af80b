"""How the sensor is: a small file that `status` and `doctor` read, and the heartbeat that the collector gets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sensors.errors import SensorError
from sensors.outbox import Outbox
from sensors.times import rfc3339

if TYPE_CHECKING:
    from pathlib import Path

    from sensors.outbox import Backlog
    from sensors.sender import Delivery
    from sensors.source import KernelCounts

STATUS_FILE: Final = "sensor-status.json"
OUTBOX_FILE: Final = "outbox.db"
_DROP: Final = "drop_"
_FRESH_NS: Final = 10_000_000_000


class Accounting(msgspec.Struct, frozen=True):
    """Where each packet went: `seen` equals `analysed` plus the drops, or `exact` is False.

    Attributes:
        seen: packets that the source offered, the kernel's drops included.
        analysed: packets that reached a flow.
        drops: packets that did not, by name.
        exact: whether the sum holds.
    """

    seen: int
    analysed: int
    drops: dict[str, int]
    exact: bool


def account(counters: dict[str, int], kernel: KernelCounts | None) -> Accounting:
    """Sum up the detector's counters and the kernel's drops."""
    drops = {name.removeprefix(_DROP): n for name, n in counters.items() if name.startswith(_DROP) and n}
    dropped = (kernel.dropped if kernel else 0) + counters.get("kernel_dropped", 0)
    if dropped:
        drops["kernel"] = dropped
    if malformed := counters.get("kernel_malformed", 0):
        drops["kernel_malformed"] = malformed
        dropped += malformed
    seen, analysed = counters["frames"] + dropped, counters["analysed"]
    return Accounting(seen, analysed, drops, exact=seen == analysed + sum(drops.values()))


class Health(msgspec.Struct, frozen=True):
    """One look at a running sensor; times are ns since the epoch.

    `troubles` counts what failed but stopped nothing, `kinds` the events that came.
    """

    pid: int
    started: int
    written: int
    sensor: str
    source: str
    accounting: Accounting
    counters: dict[str, int]
    alerts: int
    queued: int
    waiting: int
    withheld: dict[str, int]
    unsent: int
    oldest_unsent: int | None
    dead: int
    delivery: dict[str, Any]
    rules: dict[str, Any]
    troubles: dict[str, int] = msgspec.field(default_factory=dict)
    kinds: dict[str, int] = msgspec.field(default_factory=dict)


def write_status(home: Path, health: Health) -> None:
    """Replace the status file in one step."""
    path = home / STATUS_FILE
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(msgspec.json.encode(health))
    part.replace(path)


def read_status(home: Path) -> Health | None:
    """Give the last status, None where none was written or it cannot be read; what waits is asked of the outbox itself."""
    try:
        health = msgspec.json.decode((home / STATUS_FILE).read_bytes(), type=Health)
    except (OSError, msgspec.MsgspecError):
        return None
    if not (home / OUTBOX_FILE).is_file():
        return health
    try:
        outbox = Outbox(home / OUTBOX_FILE)
    except SensorError:
        return health
    try:
        now = outbox.backlog()
    except SensorError:
        return health
    finally:
        outbox.close()
    return msgspec.structs.replace(health, unsent=now.unsent, oldest_unsent=now.oldest, dead=now.dead)


def is_running(health: Health) -> bool:
    """Tell whether the process that wrote the status still lives."""
    try:
        os.kill(health.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_fresh(health: Health, now: int) -> bool:
    """Tell whether the status was written just before `now` (ns since the epoch): a process that hangs writes none."""
    return abs(now - health.written) <= _FRESH_NS


def heartbeat(health: Health, backlog: Backlog, delivery: Delivery) -> dict[str, Any]:
    """Make the heartbeat document (schema/openapi.yaml) of the newest status and what the sender knows."""
    return {
        "format": "bavn-heartbeat",
        "version": 1,
        "time": rfc3339(health.written),
        "counters": {
            **{name: n for name, n in health.counters.items() if n},
            **{f"withheld_{name}": n for name, n in health.withheld.items()},
            **{f"trouble_{name}": n for name, n in health.troubles.items()},
            "sent_stored": delivery.stored,
            "sent_duplicate": delivery.duplicate,
            "sent_refused": delivery.refused,
        },
        "outbox": {
            "unsent": backlog.unsent,
            "oldest": None if backlog.oldest is None else rfc3339(backlog.oldest),
        },
        # How reloads went is for those beside the sensor; the border has its own words.
        "rules": {name: health.rules[name] for name in ("count", "digest") if name in health.rules},
    }
