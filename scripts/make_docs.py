"""Writes the reference pages that come from the code's own tables: errors.md, protocols.md, taxonomy.md.

`make docs` runs it on the installed package. With `--check` it writes nothing and fails where a page differs.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.errors import catalogue
from detectors import _native
from detectors.fields import Field, FieldTable, native
from detectors.taxonomy import LogSource, Route, Unfillable, packaged, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
_GENERATED: Final = "<!-- Written by `make docs` from the code's own tables: change those, not this page. -->"
_AREAS: Final = (
    ("BAVN-E0", "Rules and detectors", "Found while rules are read, compiled, tested, or run."),
    ("BAVN-W0", "Warnings of rules", "The rule runs; what is said should still be looked at."),
    ("BAVN-E1", "Sensor", "Capture, contract, outbox, delivery, evidence."),
    ("BAVN-E2", "Collector and store", "The collector's answers to sensors, its stores, its access log."),
    ("BAVN-E3", "Command line", "The `bavn` command itself."),
    ("BAVN-E4", "Capture files", "Files that cannot be read, or not to their end."),
)


def cell(text: str) -> str:
    """Make a text fit for a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write a table."""
    yield "| " + " | ".join(heading) + " |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield "| " + " | ".join(map(cell, row)) + " |"
    yield ""


def errors_page() -> Iterator[str]:
    """Every code with its explanation and what to do.

    Raises:
        ValueError: a code is of no known area.
    """
    codes = catalogue()
    lost = [code for code in codes if not code.startswith(tuple(prefix for prefix, _, _ in _AREAS))]
    if lost:
        raise ValueError(f"codes of no area: {lost}")
    yield from ("# Errors and warnings", "", _GENERATED, "")
    yield from (f"The {len(codes)} codes that bavn can show. `bavn explain BAVN-E031` prints one of them.", "")
    for prefix, title, about in _AREAS:
        own = sorted(code for code in codes if code.startswith(prefix))
        yield from (f"## {title}", "", about, "")
        rows = ((f"`{code}`", codes[code][0], codes[code][1], codes[code][2]) for code in own)
        yield from table(("code", "title", "what it means", "what to do"), rows)


def protocols_page() -> Iterator[str]:
    """Kinds of events with their fields, anomalies and counters."""
    prose = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in (DOCS / "protocols").glob("*.toml")}
    kinds, fields = _native.event_kinds(), native()
    if set(prose) != set(kinds):
        raise ValueError(f"docs/protocols/ and the kinds of events differ: {sorted(set(prose) ^ set(kinds))}")
    yield from ("# Protocols, fields, anomalies and counters", "", _GENERATED, "")
    yield from _protocols_head(kinds)
    yield from _fields_section("Fields of every event", [f for f in rows_of(fields) if f.kinds == set(kinds)])
    for kind in kinds:
        own = [f for f in rows_of(fields) if kind in f.kinds and f.kinds != set(kinds)]
        yield from _kind_section(kind, prose[kind], own)
    yield from _weirds_section(json.loads(_native.weirds()))
    yield from _counters_section(json.loads(_native.counters_doc()))
    yield from _limits_section(_native.limits())


def _protocols_head(kinds: Sequence[str]) -> Iterator[str]:
    names = ", ".join(f"`{kind}`" for kind in kinds)
    yield f"bavn gives {len(kinds)} kinds of events: {names}. `bavn events FILE` prints them, rules judge them; the dataset"
    yield "(`event.dataset`) is `bavn.` and the kind. Names are those of the Elastic Common Schema 8.17; what it has no name"
    yield "for lives under `bavn.`. *list*: several values. *hidden*: for rules, not printed in events; what a rule found there"
    yield "stands in its alert under `bavn.matched`, as the sharing contract lets it through."
    yield "`time`: nanoseconds since 1970, UTC; printed as RFC 3339. `text` is bytes as on the wire: what is no UTF-8 is"
    yield r"printed as `\xNN`."
    yield ""
    yield "A field is *present*, *absent* (the message does not have it) or *unobserved* (the sensor could not see it: one"
    yield "direction only, lost packets, encryption). The names of unobserved fields stand in `bavn.unobserved`."
    yield ""


def rows_of(fields: FieldTable) -> list[Field]:
    """All fields, sorted by name."""
    return [fields.by_name[name] for name in sorted(fields.by_name)]


def _fields_section(title: str, fields: Sequence[Field], level: str = "##") -> Iterator[str]:
    yield from (f"{level} {title}", "")
    yield from table(("field", "type", "meaning"), ((f"`{f.name}`", _type(f), f.doc) for f in fields))


def _type(field: Field) -> str:
    flags = [flag for flag, is_set in (("list", field.list), ("hidden", field.hidden)) if is_set]
    return ", ".join([field.type, *flags])


def _kind_section(kind: str, prose: dict[str, Any], fields: Sequence[Field]) -> Iterator[str]:
    yield from (f"## {prose['title']}: `{kind}`", "", prose["depth"], "")
    yield from ("It cannot see:", "")
    yield from (f"- {line}" for line in prose["blind"])
    yield ""
    yield from _fields_section(f"Fields of `{kind}`", fields, "###")


def _weirds_section(weirds: Sequence[dict[str, str]]) -> Iterator[str]:
    yield from ("## Names of anomalies", "")
    yield from ("What `bavn.weird.name` can be. Rules on them: `product: bavn, service: weird`.", "")
    rows = ((f"`{row['name']}`", row["part"], row["doc"]) for row in weirds)
    yield from table(("name", "told by", "meaning"), rows)


def _counters_section(counters: Sequence[dict[str, str]]) -> Iterator[str]:
    yield from ("## Counters", "")
    yield "`frames` = `analysed` + the sum of all `drop_…`, exactly. The kernel's own drops come on top and are called"
    yield "`kernel` in `bavn sensor status`."
    yield ""
    yield from table(("counter", "meaning"), ((f"`{row['name']}`", row["doc"]) for row in counters))


def _limits_section(limits: Sequence[tuple[str, str, int, str]]) -> Iterator[str]:
    yield from ("## Limits", "")
    yield "What a reader keeps, reads or tells is bounded. Each hit counts in `parser_limit`, or in the counter that the meaning"
    yield "names, and under the limit's own name, in the summary of `bavn scan` and `bavn events` and in `bavn sensor status`."
    yield "`--simulate NAME` lowers a limit, so that it can be seen what then happens."
    yield ""
    rows = ((f"`{name}`", f"{value:,} {unit}", doc) for name, doc, value, unit in limits)
    yield from table(("limit", "value", "meaning"), rows)


def taxonomy_page() -> Iterator[str]:
    """Log sources of Sigma, the kinds they lead to, and what each field name means there."""
    yield from ("# Sigma log sources and fields", "", _GENERATED, "")
    yield "A rule's log source leads to one or more kinds of events. A field name of the rule leads to fields of those events;"
    yield "several are joined by *or*. Names of the Elastic Common Schema, as in [protocols.md](protocols.md), work in every"
    yield "log source. `*` stands for any product. Where two log sources fit, the more exact one counts."
    yield ""
    tables = packaged().tables
    rows = [(", ".join(map(source, t.sources)), ", ".join(f"`{r.kind}`" for r in t.routes)) for t in tables]
    yield from table(("log source", "judges"), rows)
    for one in tables:
        if any(route.names or route.unfillable for route in one.routes):
            yield from (f"## {' · '.join(map(source, one.sources))}", "")
            yield from _routes_sections(one.routes)


def source(logsource: LogSource) -> str:
    """Write a log source as code."""
    return f"`{logsource}`"


def _routes_sections(routes: Sequence[Route]) -> Iterator[str]:
    for route in routes:
        last = "; only where no other kind can serve the rule" if route.fallback else ""
        yield from (f"On `{route.kind}` events{last}:", "")
        filled, blind = _sorted_names(route)
        yield from table(("name in the rule", "field of the event"), filled)
        if blind:
            yield from ("Known, but no packet tells it:", "")
            yield from table(("name in the rule", "why"), blind)


def _sorted_names(route: Route) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    filled, reasons = [], defaultdict(list)
    for name in sorted({*route.names, *route.unfillable}, key=lambda n: (n.lower(), n)):
        found = resolve(route, name, native())
        if isinstance(found, Unfillable):
            reasons[found.reason].append(f"`{name}`")
        elif found is not None:
            filled.append((f"`{name}`", _meaning(found.fields, found.values, found.scale)))
    return filled, [(", ".join(names), reason) for reason, names in reasons.items()]


def _meaning(fields: Sequence[str], values: Any, scale: int) -> str:  # noqa: ANN401
    text = " or ".join(f"`{name}`" for name in fields)
    if scale != 1:
        text += f", numbers times {scale:,}"
    if values:
        pairs = (f"{key} = {' or '.join(leads) or 'always'}" for key, leads in values.items())
        text += f" ({'; '.join(pairs)})"
    return text


PAGES: Final = {"errors.md": errors_page, "protocols.md": protocols_page, "taxonomy.md": taxonomy_page}


def render(name: str) -> str:
    """Give a page's text."""
    return "\n".join(PAGES[name]()).rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or compare them; 1 where one differs."""
    check, differ = "--check" in arguments, 0
    for name in PAGES:
        path, text = DOCS / name, render(name)
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        differ += 1
        if check:
            print(f"{path.name} is not what the code says: run `make docs`", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
            print(f"wrote docs/{name}")
    return 1 if check and differ else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
