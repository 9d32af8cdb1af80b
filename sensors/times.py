"""Times as the border writes them."""

from __future__ import annotations

import time
from typing import Final

_NS: Final = 1_000_000_000


def rfc3339(now: int) -> str:
    """Write a time (ns since the epoch) as RFC 3339 in UTC with milliseconds."""
    seconds, rest = divmod(now, _NS)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1_000_000:03d}Z"
