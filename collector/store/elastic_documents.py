"""Small documents that several collectors change: read, change, write if nobody else did."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final

from elasticsearch import ConflictError, Elasticsearch, NotFoundError

from collector.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

TRIES: Final = 12
FIRST_PAUSE: Final = 0.02


class Documents:
    """An index whose documents hold an opaque `body` and the few fields that are searched."""

    def __init__(self, client: Elasticsearch, index: str) -> None:
        self._client = client
        self._index = index

    def several(self, ids: list[str]) -> dict[str, Json]:
        """Bodies by id of those that are there; sees the newest write."""
        if not ids:
            return {}
        found = self._client.mget(index=self._index, ids=ids)["docs"]
        return {doc["_id"]: doc["_source"]["body"] for doc in found if doc.get("found")}

    def update(self, id_: str, change: Callable[[Json | None], Json], fields: Callable[[Json], Json]) -> Json:
        """Writes `change(body)` unless another collector wrote in between, else begins again."""
        for attempt in range(TRIES):
            before, condition = self._read(id_)
            after = change(before)
            try:
                self._client.index(index=self._index, id=id_, document={**fields(after), "body": after}, **condition)
            except ConflictError:
                time.sleep(random.uniform(0, FIRST_PAUSE * 2 ** min(attempt, 5)))  # noqa: S311 - jitter, no secret
            else:
                return after
        raise StoreUnavailableError("BAVN-E233", f"too many writers of {id_}", retry_after=2)

    def _read(self, id_: str) -> tuple[Json | None, Json]:
        try:
            found = self._client.get(index=self._index, id=id_)
        except NotFoundError as error:
            if error.body.get("found") is not False:
                raise
            return None, {"op_type": "create"}
        return found["_source"]["body"], {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
