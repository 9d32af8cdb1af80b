"""Write many Sigma rules in the shapes of the stock network rules, with literals of their own.

  python bench/many_rules.py FOLDER [--rules 3000] [--seed 1]

The shapes and their shares are those of the stock rules: webserver (48 %), proxy (31 %), DNS (6 %), Zeek's protocols
(13 %), firewall (1 %); lists of parts, beginnings, ends and whole values, one rule in ten with keywords, one in fifty
with a regular expression, one in three with a filter. The literals are made of syllables and hardly ever occur in
traffic, as with the stock rules: what is measured is the cost of not matching.
"""

from __future__ import annotations

import argparse
import random
import uuid
from pathlib import Path

SYLLABLES = [
    "ba",
    "be",
    "bi",
    "bo",
    "du",
    "da",
    "ko",
    "ki",
    "lo",
    "mu",
    "na",
    "ne",
    "pa",
    "ra",
    "re",
    "sa",
    "shi",
    "ta",
    "to",
    "vu",
    "wa",
    "xe",
    "zi",
    "qua",
    "00",
    "7f",
    "ex",
    "cgi",
    "adm",
]
SHAPES = (
    (48, "webserver", "category: webserver", ("cs-uri-query", "cs-uri-query", "cs-uri-query", "cs-user-agent", "cs-referer")),
    (31, "proxy", "category: proxy", ("c-uri", "c-uri", "c-useragent", "c-useragent", "cs-host")),
    (6, "dns", "category: dns", ("query",)),
    (3, "zeek_dns", "product: zeek\n  service: dns", ("query", "answers")),
    (5, "zeek_http", "product: zeek\n  service: http", ("uri", "user_agent", "host")),
    (4, "zeek_smb", "product: zeek\n  service: smb_files", ("path", "name")),
    (2, "zeek_rpc", "product: zeek\n  service: dce_rpc", ("endpoint", "operation")),
    (1, "firewall", "category: firewall", ("dst_ip",)),
)  # fmt: skip
METHODS = {"webserver": "cs-method", "proxy": "cs-method", "zeek_http": "method"}


def word(random_: random.Random, least: int = 2, most: int = 5) -> str:
    """Give a word that ordinary traffic does not have."""
    return "".join(random_.choice(SYLLABLES) for _ in range(random_.randint(least, most)))


def literal(random_: random.Random, field: str) -> str:
    """Give a value in the style of a field."""
    one, two = word(random_), word(random_)
    styles = {
        "cs-uri-query": [f"/{one}/{two}.php", f"{one}={two}", f"/{one}%2f{two}", f"../{one}/{two}"],
        "c-uri": [f"/{one}/{two}.exe", f"/{one}.php?id={two}", f"{one}.{two}.example/"],
        "uri": [f"/{one}/{two}", f"/{one}.jsp"],
        "cs-host": [f"{one}-{two}.example"],
        "host": [f"{one}-{two}.example"],
        "query": [f".{one}{two}.example", f"{one}.{two}.test"],
        "dst_ip": [f"198.51.{random_.randint(0, 255)}.{random_.randint(0, 255)}"],
    }
    return random_.choice(styles.get(field, [f"{one} {two}", f"{one}/{random_.randint(1, 9)}.{two}", f"{one}{two}"]))


def selection(random_: random.Random, kind: str, field: str) -> list[str]:
    """Give the lines of a selection."""
    if field == "dst_ip":
        return [f"    {field}: {literal(random_, field)}"]
    if random_.random() < 0.02:  # noqa: PLR2004
        return [f"    {field}|re: '{word(random_)}[0-9a-f]{{4,8}}{word(random_)}'"]
    modifier = random_.choice(["|contains", "|contains", "|contains", "|endswith", "|startswith", ""])
    values = [f"      - '{literal(random_, field)}'" for _ in range(random_.choice([1, 1, 2, 3, 5, 8, 12]))]
    lines = [f"    {field}{modifier}:", *values]
    if kind in METHODS and random_.random() < 0.5:  # noqa: PLR2004
        lines.append(f"    {METHODS[kind]}: {random_.choice(['GET', 'POST'])}")
    return lines


def rule(random_: random.Random, number: int) -> str:
    """Give one rule as YAML."""
    _, kind, source, fields = random_.choices(SHAPES, weights=[shape[0] for shape in SHAPES])[0]
    detection = ["  selection:", *selection(random_, kind, random_.choice(fields))]
    condition = "selection"
    if random_.random() < 0.1 and kind in {"webserver", "proxy"}:  # noqa: PLR2004
        detection += ["  keywords:", f"    - '{word(random_, 3, 6)}'", f"    - '{word(random_, 3, 6)}'"]
        condition = "selection or keywords"
    elif random_.random() < 0.33:  # noqa: PLR2004
        detection += ["  filter_main:", *selection(random_, "", random_.choice(fields))]
        condition = "selection and not filter_main"
    identifier = uuid.UUID(int=random_.getrandbits(128), version=4)
    head = [f"title: Bench {number}", f"id: {identifier}", "status: test", "description: for a measurement"]
    return "\n".join(
        [*head, "logsource:", f"  {source}", "detection:", *detection, f"  condition: {condition}", "level: low", ""]
    )


def main() -> None:
    """Write the rules."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    random_ = random.Random(options.seed)  # noqa: S311
    for number in range(options.rules):
        (options.folder / f"{number:05}.yml").write_text(rule(random_, number), "utf-8")


if __name__ == "__main__":
    main()
