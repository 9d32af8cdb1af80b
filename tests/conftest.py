"""What all tests share: a real part that is missing is a skip with its reason, and a failure where all is required."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cluster import Cluster

REQUIRE_ALL = os.environ.get("BAVN_REQUIRE_ALL") == "1"


def missing(reason: str) -> None:
    """Skip for a reason, or fail where nothing may be skipped."""
    if REQUIRE_ALL:
        pytest.fail(f"a real part is missing: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """Give a function that makes sure that tools are on the PATH."""

    def check(*tools: str) -> None:
        absent = [tool for tool in tools if shutil.which(tool) is None]
        if absent:
            missing(f"not installed: {', '.join(absent)}")

    return check


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    """One server for the whole session."""
    # Not pytest's own directory: that one is closed to the user whom the server runs as.
    from cluster import Cluster, LackingError  # noqa: PLC0415  (brings the client, which few tests need)

    work = Path(tempfile.mkdtemp(prefix="bavn-es-"))
    work.chmod(0o755)
    try:
        cluster = Cluster.start(work)
        yield cluster
        cluster.kill()
    except LackingError as error:
        missing(str(error))
    finally:
        shutil.rmtree(work, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:  # noqa: ARG001
    """Turn each skip into a failure where nothing may be skipped."""
    outcome = yield
    report = outcome.get_result()
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
