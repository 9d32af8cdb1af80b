"""A QUIC server with HTTP/3, or a client that makes a few connections; both on aioquic.

Usage: quic_peer.py serve ADDRESS PORT CERTIFICATE KEY VERSIONS ALPN [retry]
       quic_peer.py call ADDRESS PORT NAME CA VERSIONS ALPN [resume]

VERSIONS: comma-separated numbers in hex, the preferred one first; a client begins with the lowest. ALPN: comma-separated names.
"""

import asyncio
import ssl
import sys
from typing import Any

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent
from aioquic.tls import SessionTicket

PAGE = b"<html><title>Agency</title><body>Opening hours</body></html>"


class Web(QuicConnectionProtocol):
    """Answers every HTTP/3 request with one page."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.web: H3Connection | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol in H3_ALPN:
            self.web = H3Connection(self._quic)
        if self.web is None:
            return
        for seen in self.web.handle_event(event):
            if isinstance(seen, HeadersReceived):
                self.web.send_headers(seen.stream_id, [(b":status", b"200"), (b"content-type", b"text/html")])
                self.web.send_data(seen.stream_id, PAGE, end_stream=True)
                self.transmit()


def settings(versions: str, alpn: str, **options: Any) -> QuicConfiguration:
    """Make a configuration."""
    numbers = [int(number, 16) for number in versions.split(",")]
    made = QuicConfiguration(alpn_protocols=alpn.split(","), supported_versions=numbers, **options)
    if made.is_client:
        made.original_version = min(numbers)
    return made


async def server(address: str, port: int, files: list[str], versions: str, alpn: str, *, retry: bool) -> None:
    """Serve until killed."""
    made = settings(versions, alpn, is_client=False)
    made.load_cert_chain(files[0], files[1])
    tickets: dict[bytes, SessionTicket] = {}

    def keep(ticket: SessionTicket) -> None:
        tickets[ticket.ticket] = ticket

    await serve(
        address,
        port,
        configuration=made,
        create_protocol=Web,
        retry=retry,
        session_ticket_fetcher=tickets.pop,
        session_ticket_handler=keep,
    )
    await asyncio.Event().wait()


async def client(address: str, port: int, files: list[str], versions: str, alpn: str, *, resume: bool) -> None:
    """Connect once, or a second time with early data."""
    tickets: list[SessionTicket] = []
    for _ in range(2 if resume else 1):
        made = settings(versions, alpn, is_client=True, server_name=files[0], cafile=files[1])
        if not files[1]:
            made.verify_mode = ssl.CERT_NONE
        made.session_ticket = tickets[-1] if tickets else None
        async with asyncio.timeout(5):
            early = made.session_ticket is not None
            options = {"session_ticket_handler": tickets.append, "wait_connected": not early}
            async with connect(address, port, configuration=made, **options) as peer:
                reader, writer = await peer.create_stream()
                writer.write(b"\0hello")
                writer.write_eof()
                await peer.wait_connected()
                await asyncio.sleep(0.2)
                reader.feed_eof()


def main() -> None:
    """Run one side."""
    what, address, port, one, two, versions, alpn, *more = sys.argv[1:]
    if what == "serve":
        asyncio.run(server(address, int(port), [one, two], versions, alpn, retry="retry" in more))
    else:
        try:
            asyncio.run(client(address, int(port), [one, two], versions, alpn, resume="resume" in more))
        except (ConnectionError, TimeoutError) as error:
            print(error, file=sys.stderr)


main()
