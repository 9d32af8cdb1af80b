"""A sensor's health for a person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from cli.safe import safe
from cli.summary import checksums_text

if TYPE_CHECKING:
    from sensors.health import Accounting, Health

_NS: Final = 1_000_000_000


def health_lines(health: Health, *, running: bool) -> list[str]:
    """Write a sensor's health, a line a fact."""
    account, sent = health.accounting, health.delivery
    age = (time.time_ns() - health.oldest_unsent) / _NS if health.oldest_unsent else 0
    oldest = f", oldest {age:,.0f} s" if health.unsent else ""
    wrong = sum(health.counters.get(name, 0) for name in ("checksum_wrong", "checksum_offloaded"))
    checksums = [f"checksums {checksums_text(health.counters)}"] if wrong else []
    return [
        f"{safe(health.sensor)} on {safe(health.source)}: {'running' if running else 'not running'}, pid {health.pid}",
        f"packets   {accounting(account)}",
        *checksums,
        f"alerts    {health.alerts:,} made, {health.queued:,} queued, {health.waiting:,} wait for the disk",
        f"rules     {rules(health.rules)}",
        f"withheld  {counts(health.withheld)}",
        f"outbox    {health.unsent:,} unsent{oldest}, {health.dead:,} refused",
        f"delivery  {sent.get('stored', 0):,} stored    last error: {safe(sent.get('last_error') or 'none')}",
    ]


def rules(found: dict[str, Any]) -> str:
    """Write which rules run, and how their last reload went."""
    said = [f"{found.get('count', 0):,} run"]
    said += [f"by the slow engine ({safe(found['engine'])})"] if found.get("engine") else []
    said += [f"{found['refused']:,} do not: bavn rules check"] if found.get("refused") else []
    said += [f"reloaded {found['reloads']:,} times"] if found.get("reloads") else []
    said += [f"last reload failed: {safe(found['last_error'])}"] if found.get("last_error") else []
    return ", ".join(said)


def accounting(account: Accounting) -> str:
    """Write where the packets went."""
    exact = "exact" if account.exact else "THE SUM DOES NOT HOLD"
    return f"seen {account.seen:,}  analysed {account.analysed:,}  dropped {counts(account.drops)}  ({exact})"


def counts(named: dict[str, int]) -> str:
    """Write counters by name."""
    return ", ".join(f"{safe(name)} {count:,}" for name, count in named.items() if count) or "none"
