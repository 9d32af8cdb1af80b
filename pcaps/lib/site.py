"""Write a small web site: the same bytes in every run. Usage: site.py DIRECTORY."""

import random
import struct
import sys
import zlib
from pathlib import Path

PAGES = {"index.html": "Front page", "news.html": "News", "contact.html": "Contact", "tax/form.html": "Form"}
HEAD = '<link rel="stylesheet" href="/style.css"><script src="/app.js"></script>'
TEXT = "the agency answers questions on roads schools water and the registry every day of the week"
WORDS = TEXT.split()


def text(seed: int, words: int) -> str:
    """Return `words` words, the same for the same seed."""
    choose = random.Random(seed)
    return " ".join(choose.choice(WORDS) for _ in range(words))


def page(title: str) -> str:
    """Return an HTML page that asks for a style sheet, a script and a picture."""
    body = f'<h1>{title}</h1><img src="/logo.png" alt=""><p>{text(len(title), 300)}</p>'
    links = "".join(f'<a href="/{name}">{label}</a> ' for name, label in PAGES.items())
    return f"<!doctype html><html><head><title>{title}</title>{HEAD}</head><body>{body}{links}</body></html>\n"


def png(side: int) -> bytes:
    """Return a grey-noise PNG of `side` by `side` pixels (PNG specification, section 11)."""
    rows = b"".join(b"\0" + random.Random(row).randbytes(side) for row in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one PNG chunk: length, type, data, CRC."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write(root: Path, name: str, data: bytes) -> None:
    """Write one file of the site and the folders above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main() -> None:
    """Write the site to the directory named on the command line."""
    root = Path(sys.argv[1])
    for name, title in PAGES.items():
        write(root, name, page(title).encode())
    write(root, "style.css", b"body { font: 16px serif; max-width: 40em }\n" * 20)
    write(root, "app.js", b"document.title += ' *';\n" * 20)
    write(root, "logo.png", png(64))
    write(root, "favicon.ico", png(16))
    write(root, "report.txt", text(7, 4000).encode())
    write(root, "data.bin", random.Random(1).randbytes(120_000))


if __name__ == "__main__":
    main()
