"""Answers with bodies in every coding and framing: python3 server.py PORT. Standard library, brotli and zstandard."""

import gzip
import http.server
import sys
import zlib

import brotli
import zstandard

TEXT = b"".join(b"Minutes of the meeting, item %d: agreed.\n" % item for item in range(120))
PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + bytes(range(256)) * 3


def raw_deflate(data: bytes) -> bytes:
    """Deflate without zlib's header, as some servers send it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    "/gzip.txt": ("gzip", gzip.compress(TEXT, mtime=0)),
    "/deflate.txt": ("deflate", zlib.compress(TEXT)),
    "/raw-deflate.txt": ("deflate", raw_deflate(TEXT)),
    "/br.txt": ("br", brotli.compress(TEXT)),
    "/zstd.txt": ("zstd", zstandard.compress(TEXT)),
    "/twice.txt": ("br, gzip", gzip.compress(brotli.compress(TEXT), mtime=0)),
    "/not-packed.txt": ("gzip", TEXT),
    "/broken.txt": ("br", b"\xff" * 64),
    "/zeros.gz": ("gzip", gzip.compress(bytes(1 << 23), mtime=0)),
    "/zeros.br": ("br", brotli.compress(bytes(1 << 24))),
}
NAMES = {
    "/get?id=1": 'attachment; filename="report 1.exe"',
    "/get?id=2": "attachment; filename=plain.exe; filename*=UTF-8''r%C3%B8dgr%C3%B8d.exe",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """One answer a request; uploads are read and thrown away."""

    protocol_version = "HTTP/1.1"
    server_version = "lab"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer by path."""
        if self.path in CODINGS:
            coding, body = CODINGS[self.path]
            self.answer(body, "text/plain", [("Content-Encoding", coding)])
        elif self.path in NAMES:
            self.answer(PROGRAM, "image/png", [("Content-Disposition", NAMES[self.path])])
        elif self.path == "/chunked.txt":
            self.head("text/plain", [("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")])
            packed = gzip.compress(TEXT, mtime=0)
            for at in range(0, len(packed), 50):
                piece = packed[at : at + 50]
                self.wfile.write(b"%x;x=y\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\nX-Trailer: 1\r\n\r\n")
        else:
            self.head("text/plain", [("Connection", "close")])
            self.wfile.write(TEXT)
            self.close_connection = True

    def do_POST(self) -> None:
        """Read the body."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"received\n", "text/plain", [])

    do_PUT = do_POST  # noqa: N815

    def head(self, mime: str, headers: list[tuple[str, str]]) -> None:
        """Send a head."""
        self.send_response_only(200)
        for name, value in [("Content-Type", mime), *headers]:
            self.send_header(name, value)
        self.end_headers()

    def answer(self, body: bytes, mime: str, headers: list[tuple[str, str]]) -> None:
        """Send a head and a body."""
        self.head(mime, [("Content-Length", str(len(body))), *headers])
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
