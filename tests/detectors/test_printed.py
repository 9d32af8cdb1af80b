"""Printed events go back to the engine with all that rules can ask for."""

from __future__ import annotations

import json
from pathlib import Path

from detectors import loop, plan, printed

PCAPS = Path(__file__).parents[2] / "pcaps"


def test_lists_of_objects_become_lists_of_values() -> None:
    answers = [{"type": "TXT", "data": "a"}, {"type": "A", "data": "192.0.2.1"}]
    document = {
        "event": {"dataset": "bavn.dns"},
        "dns": {"answers": answers},
        "bavn": {"unobserved": ["dns.response_code"]},
    }
    assert printed.parts(document) == {
        "kind": "dns",
        "fields": {"dns.answers.type": ["TXT", "A"], "dns.answers.data": ["a", "192.0.2.1"]},
        "unobserved": ["dns.response_code"],
    }


def test_a_list_of_which_a_part_was_seen_is_in_one_place() -> None:
    document = {
        "event": {"dataset": "bavn.dnp3"},
        "bavn": {"dnp3": {"request": {"counts": [1]}}, "unobserved": ["bavn.dnp3.request.counts"]},
    }
    assert printed.parts(document)["unobserved"] == []


def test_the_engine_takes_every_event_of_a_capture() -> None:
    engine = loop.Engine(plan.assemble([]))
    events = list(printed.of_captures([PCAPS / "benign-office/benign-office.pcap"]))
    assert len(events) > 100
    assert all(engine.match_event(printed.engine_event(event)) == [] for event in events)
    assert json.loads(printed.engine_event(events[0]))["kind"] == printed.kind_of(events[0])
