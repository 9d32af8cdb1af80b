"""Sigma rules in the shapes of the stock HTTP rules, with literals of their own, and HTTP traffic to judge with them.

  python bench/stock_shapes.py FOLDER [--rules 3000] [--seed 1]

Shares, sizes of lists and lengths of literals are counted from the stock rules of categories webserver and proxy and
Zeek's http (SigmaHQ, August 2026): what a rule is about (`CORES`), what else it asks (`EXTRAS`), how long its lists and
literals are. Nothing of a stock rule's text is here: literals are made of syllables, and where the stock has short ones
that ordinary traffic has too (`.php`, `id=`, `../`) it is so here.
"""

from __future__ import annotations

import argparse
import random
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from crafted import ACK, FIN, PUSH, SYN, back, tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crafted import Ends

SYLLABLES: Final = tuple(
    "adminconfiguploadshellexecserviceportdatauserindexweblogsystemnetbasicmanageviewertionkarozimuvolingrapeltorshaquadrifosto"[
        at : at + 3
    ]
    for at in range(0, 120, 2)
)
COMMON: Final = ("/", "=", "../", ".php", ".jsp", "id=", "cmd=", "/api", "/admin", "file", "user", "%20", "login", "?a")
"""Short parts that stock rules ask for beside rarer ones."""
PAIRS: Final = ("qx", "zj", "vk", "qw", "xz", "jq", "kx", "wv")
SHORT: Final = 9
TOPS: Final = ("zq", "xu", "qip", "wyx", "cqz", "jop", "kyt", "vuz")
"""Ends of names that the traffic has not: as the stock's lists of dubious ones."""


@dataclass(frozen=True)
class Item:
    """One question of a rule: `weight` of those that it is drawn among; values a list, characters a literal."""

    weight: int
    key: str
    style: str
    sizes: tuple[int, ...]
    lengths: tuple[int, ...]


PARTS: Final = (5, 8, 11, 14, 19, 23, 28, 46)
AGENTS: Final = (4, 7, 10, 14, 20, 43, 63, 76, 153)
CORES: Final = {
    "webserver": (
        Item(44, "cs-uri-query|contains", "part", (1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 6, 8, 9, 11, 23, 52), PARTS),
        Item(22, "cs-uri-query|contains|all", "parts", (2, 2, 2, 2, 3, 3, 4), (2, 5, 6, 10, 11, 14, 17, 20, 36)),
        Item(13, "", "part", (1, 1, 2, 4, 10, 10, 16, 20, 23, 30, 36), (7, 8, 9, 11, 13, 18, 24, 52)),
        Item(9, "cs-uri-stem|contains", "part", (1, 1, 1, 1, 2), (12, 13, 18, 19, 26, 28, 34, 43)),
        Item(7, "cs-user-agent", "agent", (1, 1, 3, 3, 9), (10, 15, 22, 50, 64, 83, 105)),
        Item(3, "cs-user-agent|contains", "word", (3, 13, 23), (6, 8, 10, 12, 16, 31)),
        Item(3, "cs-referer|contains", "part", (1, 1, 23), (9, 10, 12, 16, 22, 42)),
        Item(5, "cs-uri-query|endswith", "part", (1,), (6, 18, 18)),
        Item(4, "cs-uri-query", "path", (1,), (23, 28, 41)),
    ),
    "proxy": (
        Item(16, "c-uri|contains", "part", (1, 1, 1, 1, 2, 7, 11), (6, 10, 11, 12, 16, 18, 21)),
        Item(15, "c-useragent", "agent", (1, 1, 1, 1, 1, 1, 3, 3, 8, 23, 43, 106), AGENTS),
        Item(8, "c-useragent|startswith", "agent", (1, 1, 1, 2, 4, 8), (7, 8, 9, 12, 15, 27, 66)),
        Item(8, "cs-host", "host", (1,), (14, 15, 16, 17)),
        Item(7, "cs-host|endswith", "host", (1, 3, 5, 9, 18, 61, 70), (3, 3, 4, 6, 10, 12, 15)),
        Item(7, "c-uri|endswith", "part", (1, 1, 1, 2, 13), (4, 5, 6, 18, 25)),
        Item(5, "c-uri|contains|all", "parts", (2,), (4, 5, 8, 11, 18, 29)),
        Item(4, "c-useragent|contains", "word", (1, 2, 3, 46), (6, 7, 8, 9, 12, 19)),
        Item(2, "cs-host|contains", "host", (15, 21), (9, 14, 16, 18, 20, 22)),
        Item(4, "cs-uri|contains", "part", (1, 1, 5), (19, 26, 32, 43)),
        Item(2, "", "part", (2,), (10, 15)),
        Item(5, "c-uri|re", "re", (1,), (1,)),
    ),
    "zeek": (
        Item(2, "user_agent|contains", "word", (1,), (6, 10)),
        Item(1, "host|endswith", "host", (23,), (3, 4, 5, 6)),
        Item(1, "uri|endswith", "part", (23,), (4, 6)),
    ),
}
SOURCES: Final = {
    "webserver": (86, "category: webserver", "cs-method", "sc-status"),
    "proxy": (56, "category: proxy", "cs-method", "sc-status"),
    "zeek": (5, "product: zeek\n  service: http", "method", "status_code"),
}
METHOD, STATUS, SECOND, EXTENSION, EXCEPTION, WILD = 0.53, 0.24, 0.22, 0.03, 0.16, 0.03
"""Share of rules that ask for method, status, a second list, the name's extension, or exclude something; of literals
with a `*` or `?` inside."""


def word(dice: random.Random, length: int) -> str:
    """Give so many letters of syllables."""
    return "".join(dice.choice(SYLLABLES) for _ in range(length // 2 + 1))[:length]


def rare(dice: random.Random, length: int) -> str:
    """Give so many letters; short ones have two in a row that the traffic's words have not, or many would match."""
    text, place = word(dice, length), dice.randrange(max(1, length - 1))
    return text if length > SHORT else text[:place] + dice.choice(PAIRS) + text[place + 2 :]


def literal(dice: random.Random, style: str, length: int) -> str:
    """Give a value of that style, about so long."""
    if style == "re":
        return f"/{word(dice, 6)}[0-9a-f]{{4,8}}/{word(dice, 5)}\\.php"
    if style == "host":
        return _host(dice, length)
    if style == "agent":
        return f"{rare(dice, 5).title()}/{dice.randrange(9)}.{dice.randrange(99)} ({word(dice, max(2, length - 12))})"[
            :length
        ]
    if style == "word" or length < 7:  # noqa: PLR2004
        return rare(dice, length)
    half = length // 2
    if dice.random() < WILD:
        return rare(dice, max(5, half)) + dice.choice("*?") + rare(dice, max(5, length - half - 1))
    return ("/" if style == "path" else "") + rare(dice, half) + dice.choice("//=.&-_") + word(dice, length - half - 1)


def _host(dice: random.Random, length: int) -> str:
    top = dice.choice(TOPS) + (dice.choice(SYLLABLES)[:1] if length < 5 else "")  # noqa: PLR2004
    return f".{top}" if length < 6 else f".{word(dice, length - len(top) - 2)}.{top}"  # noqa: PLR2004


def values(dice: random.Random, item: Item) -> list[str]:
    """Give the values of an item; in a list of which all must be there, all but one may be common ones."""
    found = []
    for number in range(dice.choice(item.sizes)):
        length = max(2, round(dice.choice(item.lengths) * dice.uniform(0.85, 1.15)))
        if item.style == "parts" and number and length < 7:  # noqa: PLR2004
            found.append(dice.choice(COMMON))
        else:
            found.append(
                literal(dice, "part" if item.style == "parts" else item.style, max(length, 5 if not number else 2))
            )
    if item.style == "host" and "|" not in item.key:
        found = [value.lstrip(".") for value in found]
    return found


def _lines(item: Item, given: list[str]) -> list[str]:
    quoted = [f"- '{value}'" for value in given]
    return [f"    {line}" for line in quoted] if not item.key else [f"    {item.key}:", *(f"      {q}" for q in quoted)]


def rule(dice: random.Random, number: int) -> str:
    """Give one rule as YAML."""
    name = dice.choices(list(SOURCES), [source[0] for source in SOURCES.values()])[0]
    _, source, method, status = SOURCES[name]
    cores = CORES[name]
    pick = lambda: dice.choices(cores, [core.weight for core in cores])[0]  # noqa: E731
    core = pick()
    lines, condition = ["  selection:", *_lines(core, values(dice, core))], "selection"
    if core.key:
        if dice.random() < METHOD:
            lines.append(f"    {method}: {dice.choice(['GET', 'POST'])}")
        if dice.random() < STATUS:
            lines.append(f"    {status}: {dice.choice([200, 200, 302, 401, 500])}")
    if dice.random() < SECOND:
        second = pick()
        lines += ["  selection_more:", *_lines(second, values(dice, second))]
        condition = "all of selection*" if dice.random() < 0.7 else "1 of selection*"  # noqa: PLR2004
    if name == "proxy" and dice.random() < EXTENSION:
        lines += ["  selection_ext:", "    c-uri-extension:", *(f"      - '{word(dice, 3)}'" for _ in range(17))]
        condition += " and selection_ext"
    if dice.random() < EXCEPTION:
        lines += ["  filter_main_own:", f"    {cores[0].key}:", f"      - '{literal(dice, 'part', 12)}'"]
        condition += " and not 1 of filter_main_*"
    identifier = uuid.UUID(int=dice.getrandbits(128), version=4)
    head = [
        f"title: {word(dice, 8).title()} {word(dice, 9)} and {word(dice, 6)} in requests {number}",
        f"id: {identifier}",
        "status: test",
        f"description: Finds requests for {word(dice, 12)} {word(dice, 20)} {word(dice, 30)} as they were seen in use.",
        "references:",
        f"  - https://{word(dice, 10)}.example/{word(dice, 30)}",
        f"  - https://{word(dice, 10)}.example/{word(dice, 20)}",
        f"author: {word(dice, 6).title()} {word(dice, 9).title()}",
        "date: 2026-01-01",
        "tags:",
        "  - attack.initial-access",
        "  - attack.t1190",
        "logsource:",
        f"  {source}",
        "detection:",
    ]
    tail = [
        f"  condition: {condition}",
        "falsepositives:",
        "  - Unknown",
        f"level: {dice.choice(['medium', 'high'])}",
        "",
    ]
    return "\n".join([*head, *lines, *tail])


def write_rules(folder: Path, count: int, seed: int = 1) -> None:
    """Write so many rules; the first of many are those of few."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)  # noqa: S311
    for number in range(count):
        (folder / f"{number:05}.yml").write_text(rule(dice, number), "utf-8")


# -- traffic ------------------------------------------------------------------------------

BROWSERS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
TOOLS: Final = (
    "curl/8.{}.1",
    "python-requests/2.{}.0",
    "Debian APT-HTTP/1.3 (2.{}.1)",
    "Go-http-client/1.1",
    "okhttp/4.{}.0",
)
KINDS: Final = {
    "html": "text/html",
    "js": "text/javascript",
    "png": "image/png",
    "json": "application/json",
    "": "text/plain",
}


def _target(dice: random.Random, kind: str) -> str:
    path = "".join(f"/{word(dice, dice.randint(2, 9))}" for _ in range(dice.randint(1, 3)))
    query = "&".join(
        f"{word(dice, dice.randint(1, 6))}={dice.randrange(1 << dice.randint(1, 30))}"
        for _ in range(dice.randint(0, 2))
    )
    return path + (f".{kind}" if kind else "") + (f"?{query}" if query else "")


def transaction(dice: random.Random, odd: str) -> tuple[bytes, bytes]:
    """Give request and response; `odd` stands in the target."""
    kind = dice.choice(list(KINDS))
    front, end = dice.choice(["www", "cdn", "api", "static", "mail"]), dice.choice(["com", "net", "dk", "org"])
    host = f"{front}.{word(dice, dice.randint(4, 12))}.{end}"
    target, method = _target(dice, kind) + odd, dice.choice(["GET"] * 5 + ["POST", "HEAD"])
    is_browser = dice.random() < 0.5  # noqa: PLR2004
    agent = dice.choice(BROWSERS if is_browser else TOOLS).format(dice.randint(4, 140))
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"User-Agent: {agent}", "Accept: */*"]
    if is_browser:
        head += [f"Referer: http://{host}/{word(dice, dice.randint(3, 12))}", "Accept-Encoding: gzip, deflate"]
    body = b"" if method != "POST" else f"{word(dice, 6)}={word(dice, 10)}".encode()
    if body:
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    status = dice.choice(
        ["200 OK"] * 12 + ["304 Not Modified", "302 Found", "404 Not Found", "500 Internal Server Error"]
    )
    answer = [f"HTTP/1.1 {status}", "Server: nginx", f"Content-Type: {KINDS[kind]}", "Content-Length: 0"]
    return "\r\n".join([*head, "", ""]).encode() + body, "\r\n".join([*answer, "", ""]).encode()


def frames(count: int, odd: list[str], seed: int = 2) -> Iterator[bytes]:
    """Give the frames of so many transactions, four a connection; each odd literal stands in one target."""
    dice = random.Random(seed)  # noqa: S311
    places = dict(zip(dice.sample(range(count), len(odd)), odd, strict=True))
    for number in range(0, count, 4):
        ends = (bytes((10, 1, *dice.randbytes(2))), 1024 + number % 60_000, bytes((192, 0, 2, dice.randrange(256))), 80)
        yield from _connection(
            ends, [transaction(dice, places.get(at, "")) for at in range(number, min(number + 4, count))]
        )


def _connection(ends: Ends, said: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
    mine, its = 1000, 5000
    yield tcp(ends, mine, 0, SYN)
    yield tcp(back(ends), its, mine + 1, SYN | ACK)
    mine, its = mine + 1, its + 1
    for request, response in said:
        yield tcp(ends, mine, its, PUSH | ACK, request)
        mine += len(request)
        yield tcp(back(ends), its, mine, PUSH | ACK, response)
        its += len(response)
    yield tcp(ends, mine, its, FIN | ACK)
    yield tcp(back(ends), its, mine + 1, FIN | ACK)


def main() -> None:
    """Write the rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write_rules(options.folder, options.rules, options.seed)


if __name__ == "__main__":
    main()
