"""Stores to test against: a SQLite file, and a real Elasticsearch that is started once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cluster import Cluster

from collector.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collector.store import Store

__all__ = ["Cluster"]


@pytest.fixture
def cluster(running_cluster: Cluster) -> Cluster:
    """The server, empty."""
    running_cluster.wipe()
    return running_cluster


@pytest.fixture(params=["sqlite", pytest.param("elastic", marks=pytest.mark.real)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each implementation in turn, empty."""
    opened: Any
    opened = (
        SqliteStore(tmp_path / "alerts.sqlite")
        if request.param == "sqlite"
        else request.getfixturevalue("cluster").store()
    )
    yield opened
    opened.close()
