"""The sensor's field table."""

from __future__ import annotations

import pytest

from detectors import fields


@pytest.fixture(scope="session")
def field_table() -> fields.FieldTable:
    """Every field of the sensor."""
    return fields.native()
