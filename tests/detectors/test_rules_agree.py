"""Index, tree walk and reference say the same of every shipped rule; of other rules where BAVN_RULES names a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from likely_events import LikelyEvents

from detectors import check, loop
from detectors.reference.engine import ReferenceRules

if TYPE_CHECKING:
    from detectors.fields import FieldTable

FOLDERS = [check.default_rules(), *(Path(one) for one in os.environ.get("BAVN_RULES", "").split(os.pathsep) if one)]
OUTCOMES = {True: "true", False: "false", None: "unknown"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_index_tree_and_reference_agree(folder: Path, field_table: FieldTable) -> None:
    found = check.load_rules([folder])
    engine, reference = loop.Engine(found.plan), ReferenceRules(found)
    rounds = int(os.environ.get("BAVN_ROUNDS", "2"))
    matched: set[int] = set()
    for seed in range(rounds):
        for event in LikelyEvents(found.plan, field_table, seed).for_each_rule():
            slow = reference.outcomes(reference.read(event))
            assert sorted(engine.match_event(event)) == [n for n, outcome in enumerate(slow) if outcome], event
            matched |= {number for number, outcome in enumerate(slow) if outcome}
            kind = reference.read(event).kind
            for number, outcome in enumerate(slow):
                if kind in found.rules[number].kinds and "correlation" not in found.rules[number].document:
                    walked = engine.explain(number, event)["outcome"]
                    assert walked == OUTCOMES[outcome], (found.rules[number].source, event)
    assert len(matched) > len(found.rules) // 4, "the events hardly touch the rules"
