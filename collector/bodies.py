"""Reading a request's body within limits of size and time, before and after its content coding."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from collector.errors import BavnError

if TYPE_CHECKING:
    from starlette.requests import Request

_GZIP: Final = 16 + zlib.MAX_WBITS


async def read(request: Request, *, limit: int, seconds: float) -> bytes:
    """The decoded body; E208, E209, E210."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise BavnError("BAVN-E210", f"the content coding {coding[:40]!r} is not known")
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise too_large(limit)
    body = _Gunzip(limit) if coding == "gzip" else _Plain(limit)
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body.add(chunk)
    except TimeoutError:
        raise BavnError("BAVN-E209", f"the body was not complete after {seconds:.0f} s") from None
    return body.end()


def too_large(limit: int) -> BavnError:
    """E208."""
    return BavnError("BAVN-E208", f"the body is larger than {limit} bytes")


class _Plain:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        if len(self._body) + len(chunk) > self._limit:
            raise too_large(self._limit)
        self._body += chunk

    def end(self) -> bytes:
        return bytes(self._body)


class _Gunzip(_Plain):
    """Stops as soon as the output passes the limit, so that a bomb costs no more than a large body."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._decoder = zlib.decompressobj(_GZIP)
        self._read = 0

    def add(self, chunk: bytes) -> None:
        self._read += len(chunk)
        if self._read > self._limit:
            raise too_large(self._limit)
        try:
            super().add(self._decoder.decompress(chunk, self._limit - len(self._body) + 1))
        except zlib.error as error:
            raise BavnError("BAVN-E210", f"the gzip is broken: {error}") from error
        if self._decoder.unused_data:
            raise BavnError("BAVN-E210", "there are bytes after the end of the gzip")

    def end(self) -> bytes:
        if self._read and not self._decoder.eof:
            raise BavnError("BAVN-E210", "the gzip is cut off")
        return super().end()
