"""What was proved, by which road, for which sizes: one Markdown page, without seconds, which are not stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs_check._proof import Rung

ROADS = {
    Rung.GRID: "every rational instance of a small grid, in exact arithmetic",
    Rung.DUALITY: "a linear programme whose rational primal and dual are re-checked exactly",
    Rung.SMT: "all reals at fixed sizes, by z3 and cvc5 both",
    Rung.SYMBOLIC: "sizes and parameters symbolic",
    Rung.INTERVAL: "whole ranges of exponentials and logarithms, in interval arithmetic",
    Rung.KERNEL: "all vocabularies, checked by the kernel of Coq",
}
HEAD = """\
# What is proved, and how

Written by `rdk prove --out`. A claim is split into clauses; a cell says how many of them a road proves, whole. `part`
stands where a road proves only a part of a clause, which does not count. Every proof here rejected mutated statements
by the same road (by a counterexample; in Coq the same script must fail on them, which does not show that they are
false), has a model of its hypotheses, and shows by a rational counterexample that each hypothesis of what it proves is
needed.
"""


def markdown(records: Sequence[Mapping[str, Any]], base: str) -> str:
    """The page; `base` is where links to the sources begin."""
    lines = [HEAD, *(f"- **{rung}** {text}" for rung, text in ROADS.items()), ""]
    lines += [f"| claim | clauses | {' | '.join(Rung)} |", f"|---|---|{'---|' * len(Rung)}"]
    lines += [_row(record) for record in records]
    for record in records:
        lines += ["", f"## {record['id']}", "", record["title"] + ".", ""]
        lines += [_proof(entry, base) for entry in record["proofs"]]
    return "\n".join(lines) + "\n"


def _row(record: Mapping[str, Any]) -> str:
    total = len(record["clauses"])
    by_rung = {entry["rung"]: entry for entry in record["proofs"]}
    cells = [_cell(by_rung.get(str(rung)), total) for rung in Rung]
    return f"| [{record['id']}](#{record['id']}) | {total} | {' | '.join(cells)} |"


def _cell(entry: Mapping[str, Any] | None, total: int) -> str:
    if entry is None:
        return ""
    if entry["status"] != "proved":
        return f"**{entry['status']}**"
    proved = len(entry["clauses"])
    return "all" if proved == total else f"{proved}" if proved else "part"


def _proof(entry: Mapping[str, Any], base: str) -> str:
    text = f"- **{entry['rung']}** [{entry['source']}]({base}/{entry['source']}): "
    if entry["status"] != "proved":
        return text + f"{entry['status']}, {entry['reason']}"
    said = [", ".join(entry["clauses"])] if entry["clauses"] else []
    said += [f"in part: {', '.join(entry['partial'])}"] if entry["partial"] else []
    said += [entry["sizes"]] if entry["sizes"] else []
    return "\n".join([text + ". ".join(said) + ".", *(f"  - {_note(note)}" for note in entry["notes"])])


def _note(note: str) -> str:
    """A statement of Coq as code, anything else as text."""
    return f"`{note}`" if "forall" in note or "exists" in note else note
