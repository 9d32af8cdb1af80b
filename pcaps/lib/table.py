"""Write the table of all cases into pcaps/README.md, between its two markers."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table: written by lib/table.py -->\n", "<!-- end of table -->\n"


def row(name: str, case: dict[str, Any]) -> str:
    """Return one case's row."""
    packets = sum(one["packets"] for one in case["expect"])
    size = sum(one["bytes"] for one in case["expect"]) // 1000
    return f"| [{name}]({name}/README.md) | {len(case['expect'])} | {packets} | {size} | {case['purpose']} |"


def table() -> str:
    """Return the Markdown table of all cases."""
    cases = {path.parent.name: tomllib.loads(path.read_text()) for path in sorted(ROOT.glob("*/case.toml"))}
    head = ["| case | files | packets | kB | purpose |", "|---|---|---|---|---|"]
    return "\n".join(head + [row(name, case) for name, case in cases.items()]) + "\n"


def main() -> None:
    """Replace what stands between the markers."""
    page = ROOT / "README.md"
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + table() + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
