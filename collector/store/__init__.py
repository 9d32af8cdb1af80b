"""Stores behind one protocol."""

from collector.store.protocol import (
    AlertQuery,
    AlertState,
    Batch,
    DeadLetter,
    Gap,
    Heartbeat,
    NewAlert,
    Page,
    PutResult,
    SequenceState,
    StateChange,
    Store,
    StoredAlert,
)

__all__ = [
    "AlertQuery",
    "AlertState",
    "Batch",
    "DeadLetter",
    "Gap",
    "Heartbeat",
    "NewAlert",
    "Page",
    "PutResult",
    "SequenceState",
    "StateChange",
    "Store",
    "StoredAlert",
]
