"""Live sources. Scapy opens each one: look-up, promiscuous mode, BPF filter and socket are its work.

Only raw bytes are taken from it: its dissectors never see live traffic. Scapy is imported where it is used,
because its import takes the better part of a second.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sensors.errors import SensorError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

Frame = tuple[int, int, bytes]
"""Time (ns since the epoch), link type (LINKTYPE registry), bytes."""

LOOPBACK: Final = "lo"

_SOL_PACKET: Final = 263
_PACKET_IGNORE_OUTGOING: Final = 23
_PACKET_STATISTICS: Final = 6
_ARPHRD_TO_LINKTYPE: Final = {1: 1, 772: 1, 65534: 101, 768: 101, 769: 101, 776: 101, 778: 101, 519: 101, 512: 101}
_LINKTYPE_ETHERNET: Final = 1
_RECEIVE_BUFFER: Final = 64 << 20
_SO_RCVBUFFORCE: Final = 33
_NS: Final = 1_000_000_000


@dataclass
class KernelCounts:
    """What the kernel says of a socket since it was opened."""

    received: int = 0
    dropped: int = 0


class LiveSource:
    """An opened interface.

    Attributes:
        interface: its name.
        link: LINKTYPE number of its frames.
        kernel: packets received and dropped, brought up to date by `read_statistics`.
    """

    def __init__(self, interface: str, bpf: str | None = None, *, promiscuous: bool = True) -> None:
        """Open an interface for capture.

        Raises:
            SensorError: BAVN-E101 where it cannot be opened, BAVN-E102 where the filter is not valid.
        """
        self.interface = interface
        self.kernel = KernelCounts()
        self._socket = _open(interface, bpf, promiscuous=promiscuous)
        self.link = _link_type(interface)
        self._socket.ins.setblocking(False)

    def fileno(self) -> int:
        """The packet socket's descriptor; the ring is mapped on it."""
        return int(self._socket.fileno())

    def batch(self, limit: int, wait_s: float) -> list[Frame]:
        """Read raw frames in scapy's own way.

        Args:
            limit: frames at most.
            wait_s: how long to wait for the first.
        """
        ready, _, _ = select.select([self._socket.ins], [], [], wait_s)
        frames: list[Frame] = []
        receive, link = self._socket.recv_raw, self.link
        try:
            while ready and len(frames) < limit:
                _, data, stamp = receive()
                if data is None:
                    break
                frames.append((int(stamp * _NS) if stamp else time.time_ns(), link, data))
        except BlockingIOError:
            pass
        return frames

    def read_statistics(self) -> KernelCounts:
        """Bring `kernel` up to date; reading resets the kernel's own counts."""
        if sys.platform == "linux":
            raw = self._socket.ins.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            packets, drops = struct.unpack("II", raw)
            self.kernel.received += packets
            self.kernel.dropped += drops
        return self.kernel

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(interface: str, bpf: str | None, *, promiscuous: bool) -> Any:  # noqa: ANN401
    import scapy.arch  # noqa: PLC0415 - sets up the system's sockets
    import scapy.layers.l2  # noqa: F401, PLC0415 - teaches scapy the link layers
    from scapy.config import conf  # noqa: PLC0415
    from scapy.error import Scapy_Exception  # noqa: PLC0415

    if interface not in {name for _, name in socket.if_nameindex()}:
        raise SensorError("BAVN-E101", f"there is no interface {interface!r}")
    try:
        opened = conf.L2listen(iface=interface, filter=bpf, promisc=promiscuous)
    except (OSError, ValueError) as error:
        raise SensorError("BAVN-E101", f"{interface}: {error}") from error
    except Scapy_Exception as error:
        code = "BAVN-E102" if bpf else "BAVN-E101"
        raise SensorError(code, f"{interface}: {error}") from error
    _widen_buffer(opened.ins)
    if interface == LOOPBACK:
        # Loopback shows each packet as it is sent and as it arrives; kernels before 4.20 have no such option.
        with contextlib.suppress(OSError):
            opened.ins.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    return opened


def _widen_buffer(ins: socket.socket) -> None:
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            ins.setsockopt(socket.SOL_SOCKET, option, _RECEIVE_BUFFER)
        except OSError:
            continue
        return


def _link_type(interface: str) -> int:
    try:
        with open(f"/sys/class/net/{interface}/type", encoding="ascii") as file:  # noqa: PTH123
            return _ARPHRD_TO_LINKTYPE.get(int(file.read()), _LINKTYPE_ETHERNET)
    except (OSError, ValueError):
        return _LINKTYPE_ETHERNET
