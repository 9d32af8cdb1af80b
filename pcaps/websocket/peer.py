"""One end of the conversations: python3 peer.py serve PORT, or python3 peer.py talk URL. Debian's python3-websockets."""

import asyncio
import sys
from collections.abc import AsyncIterator

import websockets


async def answer(socket: websockets.WebSocketServerProtocol) -> None:
    """Send each message back; close with the code that a message `close N` asks for."""
    async for message in socket:
        if isinstance(message, str) and message.startswith("close "):
            await socket.close(int(message[6:]), "as asked")
            return
        await socket.send(message)


async def serve(port: int) -> None:
    """Serve on two ports: with compression and without."""
    async with (
        websockets.serve(answer, "", port, subprotocols=["chat.example"]),
        websockets.serve(answer, "", port + 1, compression=None, ping_interval=None),
    ):
        await asyncio.Future()


async def pieces() -> AsyncIterator[str]:
    """Give a message in fragments."""
    for piece in ("first, ", "second, ", "third"):
        yield piece


async def talk(url: str, port: int) -> None:
    """Speak with both servers, in every shape."""
    async with websockets.connect(f"{url}:{port}/chat?room=1", subprotocols=["other", "chat.example"]) as socket:
        for message in ("hello", "x" * 200, b"\x00\x01" * 40000):
            await socket.send(message)
            await socket.recv()
        await socket.send(pieces())
        await socket.recv()
    async with websockets.connect(f"{url}:{port + 1}/plain", compression=None, ping_interval=None) as socket:
        await socket.send("in clear text")
        await socket.recv()
        await (await socket.ping(b"are you there"))
        await socket.send(pieces())
        await socket.recv()
        await socket.send("close 4001")
        await socket.wait_closed()
    lost = await websockets.connect(f"{url}:{port + 1}/lost", compression=None, ping_interval=None)
    await lost.send("no farewell")
    await lost.recv()
    lost.transport.abort()


if sys.argv[1] == "serve":
    asyncio.run(serve(int(sys.argv[2])))
else:
    asyncio.run(talk(sys.argv[2], 8080))
