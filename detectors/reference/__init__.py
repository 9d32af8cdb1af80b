"""The slow, obvious engine: what a Sigma rule means, written from the specification (2.1) with nothing left out.

It reads rules themselves, by a reader of its own, and shares with the compiled engine only the tables of names. So it is
two things: the readable specification of the engine, and the oracle of its tests. `--engine python` runs it.

| file | says |
|---|---|
| `events` | what an event is, and three-valued logic |
| `operators` | when a field's value is the wanted one |
| `values` | what a value of a rule means: wildcards, and every modifier |
| `conditions` | `not`, `and`, `or`, `1 of`, `all of`, `them` |
| `rules` | detections, filters, and which event fields a name means |
| `correlations` | rules over the hits of rules |
| `engine` | a whole rule set, event by event |
| `loop` | the same behind the packet loop |
| `plans` | the compiled plan, read the slow way |
"""

from detectors.reference.events import Event, Outcome, Time
from detectors.reference.operators import predicate_outcome, wildcard_match
from detectors.reference.plans import ReferenceEngine

__all__ = ["Event", "Outcome", "ReferenceEngine", "Time", "predicate_outcome", "wildcard_match"]
