"""One self-contained page from the tables and figures of a run."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from rdk_theory import provenance, tables
from rdk_theory.report import charts, findings, formulas
from rdk_theory.runs import atomic_path
from rdk_theory.tables import Row
from rdk_theory.theorems.registry import claims as registry

SECTIONS = {
    "A": "Acceptance and losslessness",
    "B": "Restricted vocabularies",
    "C": "Dominance",
    "D": "First-order approximations",
    "E": "How much mass is cold",
    "F": "Sequences and speed",
}


UNRECOVERED = ("tli", "unpruned")
"""Samplers of which the share is 0 or 1 by definition."""

ROADS = {
    "R0": "random instances in floats",
    "R1": "every rational instance of a small grid, in exact arithmetic, by the functions that users call",
    "R2": "linear programmes whose rational duals are re-checked exactly",
    "R3": "all reals at fixed sizes, by two SMT solvers that agree",
    "R4": "sizes and parameters symbolic",
    "R5": "whole ranges of exponentials and logarithms, in interval arithmetic",
    "R6": "all vocabularies, checked by the kernel of Coq",
}


def write(folder: Path, pairs: Sequence[Mapping[str, str]], *, quick: bool) -> Path:
    """Write ``index.html`` from what stands below `folder`.

    Parameters
    ----------
    folder
        Holds ``claims.json``, ``proofs/proofs.json`` with the sources of the proofs, ``simulations/experiments.json``
        with its tables and figures, and for each pair ``<id>/measure.csv``, ``<id>/acceptance.svg``, ``<id>/gain.svg``
        and ``<id>/recovered.svg``.
    pairs
        For each pair its ``id`` (the folder), ``title`` and ``text``.
    quick
        Whether the run was the short one; the page says so.
    """
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(loader=PackageLoader("rdk_theory.report"), autoescape=True, trim_blocks=True)
    figure = environment.get_template("figure.html")
    environment.globals["card"] = lambda item: Markup(figure.render(figure=item))
    records = json.loads((folder / "claims.json").read_text(encoding="utf-8"))["claims"]
    proofs = json.loads((folder / "proofs" / "proofs.json").read_text(encoding="utf-8"))["claims"]
    measured = {pair["id"]: tables.read(folder / pair["id"] / "measure.csv") for pair in pairs}
    said = findings.about_claims(records) + findings.about_proofs(proofs, len(records))
    for pair in pairs:
        said += findings.about_pair(measured[pair["id"]], pair["title"])
    text = environment.get_template("page.html").render(
        title="quick report" if quick else "report",
        css=Markup(_resource("style.css")),
        lead=_lead(quick),
        findings=said,
        pairs=[_pair(folder, pair, measured[pair["id"]]) for pair in pairs],
        simulations=_simulations(folder),
        sections=_sections(
            records, proofs, {c: item["id"] for item in _listed(folder, "claims") for c in item["claims"]}
        ),
        roads=ROADS,
        provenance=_provenance(),
    )
    path = folder / "index.html"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _lead(quick: bool) -> str:
    text = (
        "When a drafter’s vocabulary is pruned, its mass can be moved onto the tokens that it lost. This page says "
        "when that raises the acceptance rate of speculative decoding, when it provably does, and when it does not."
    )
    return text + (" This is the quick run: smaller sizes, wider intervals." if quick else "")


def _resource(name: str) -> str:
    return (resources.files("rdk_theory.report") / "templates" / name).read_text(encoding="utf-8")


def image(path: Path) -> str:
    """An SVG file as a data URI, so that ids of two figures never meet in one document."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _pair(folder: Path, pair: Mapping[str, str], rows: Sequence[Row]) -> dict[str, Any]:
    where = pair["id"]
    fractions = sorted({float(str(row["fraction"])) for row in rows}, reverse=True)
    samplers = list(dict.fromkeys([*charts.NAMES, *(str(row["sampler"]) for row in rows)]))
    cells = {(str(row["sampler"]), float(str(row["fraction"]))): row for row in rows}
    return {
        **pair,
        "table": f"{where}/measure.csv",
        "fractions": [f"{100 * fraction:g} %" for fraction in fractions],
        "rows": [
            {"name": charts.name(sampler), "cells": [_cell(cells.get((sampler, fraction))) for fraction in fractions]}
            for sampler in samplers
            if any((sampler, fraction) in cells for fraction in fractions)
        ],
        "recovered": [
            {"name": charts.name(sampler), "cells": [_share(cells.get((sampler, f)), "recovered") for f in fractions]}
            for sampler in samplers
            if sampler not in UNRECOVERED
            and any(cells.get((sampler, f), {}).get("recovered") is not None for f in fractions)
        ]
        + [
            {"name": title, "cells": [_points(cells.get(("optimal", f)), column) for f in fractions]}
            for column, title in (("repair", "fitted: repair"), ("restoration", "fitted: restoration"))
            if any(cells.get(("optimal", f), {}).get(column) is not None for f in fractions)
        ],
        "repaired": any(row.get("repair") is not None for row in rows),
        "figures": [
            {
                "id": f"{where}-{stem}",
                "title": title,
                "caption": caption,
                "claims": claims,
                "table": f"{where}/measure.csv",
                "image": image(folder / where / f"{stem}.svg"),
            }
            for stem, title, caption, claims in (
                (
                    "acceptance",
                    "Acceptance by kept share.",
                    "Points: mean over held-out contexts; bars: 95 % document bootstrap; dotted: TLI's ceiling p(I).",
                    ("support-ceiling", "optimal-kernel"),
                ),
                (
                    "recovered",
                    "Acceptance recovered.",
                    "Share of what pruning cost that each sampler gives back: 0 is TLI, 100 % the unpruned drafter. "
                    "Bars: 95 % document bootstrap of the paired ratio. Dotted: a certified bound on every "
                    "context-free kernel in these very contexts, so hatched is out of reach for what does not know its "
                    f"context. The view ends at −{-100 * charts.VIEW[0]:g} and {100 * charts.VIEW[1]:g} %.",
                    ("optimal-kernel",),
                ),
                (
                    "gain",
                    "Gain over TLI.",
                    "Below 0 the kernel loses on this pair. Bars: 95 % document bootstrap of the paired difference.",
                    ("gain-identity", "overshoot", "holdout-dominance"),
                ),
            )
        ],
    }


def _cell(row: Row | None) -> dict[str, str]:
    if row is None:
        return {"value": "–", "interval": "", "kind": ""}
    kind = ""
    if row["sampler"] not in findings.NOT_KERNELS:
        kind = "certified" if row["certified"] else "loses" if float(str(row["gain_high"])) < 0 else ""
    interval = "bound"
    if row["low"] is not None:
        interval = f"[{float(str(row['low'])):.3f}, {float(str(row['high'])):.3f}]"
    return {"value": f"{float(str(row['acceptance'])):.3f}", "interval": interval, "kind": kind}


def _share(row: Row | None, column: str) -> dict[str, str]:
    """A share in percent with its interval."""
    if row is None or row.get(column) is None:
        return {"value": "–", "interval": "", "kind": ""}
    value, low, high = (row[key] for key in (column, f"{column}_low", f"{column}_high"))
    interval = "bound" if low is None else f"[{100 * float(str(low)):.0f}, {100 * float(str(high)):.0f}]"
    return {"value": f"{100 * float(str(value)):.1f}", "interval": interval, "kind": ""}


def _points(row: Row | None, column: str) -> dict[str, str]:
    """Acceptance gained, with its interval where there is one."""
    if row is None or row.get(column) is None:
        return {"value": "–", "interval": "", "kind": ""}
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    interval = "" if low is None else f"[{float(str(low)):.3f}, {float(str(high)):.3f}]"
    return {"value": f"{float(str(row[column])):+.3f}", "interval": interval, "kind": ""}


def _listed(folder: Path, group: str) -> list[dict[str, Any]]:
    """The figures of a group that ``rdk simulate`` made."""
    listed = json.loads((folder / "simulations" / "experiments.json").read_text(encoding="utf-8"))["experiments"]
    return [item for item in listed if item["group"] == group]


def _simulations(folder: Path) -> list[dict[str, Any]]:
    return [
        {
            **item,
            "id": f"simulation-{item['id']}",
            "title": item["title"].rstrip(".") + ".",
            "table": f"simulations/{item['table']}",
            "image": image(folder / "simulations" / item["figure"]),
        }
        for item in _listed(folder, "experiments")
    ]


def _sections(
    records: Sequence[Mapping[str, Any]], proofs: Sequence[Mapping[str, Any]], drawn: Mapping[str, str]
) -> list[dict[str, Any]]:
    from markupsafe import Markup

    known = registry()
    proved = {record["id"]: record for record in proofs}
    letters = dict.fromkeys(record["section"] for record in records)
    sections = []
    for letter in letters:
        mine = []
        for record in records:
            if record["section"] != letter:
                continue
            claim = known[record["id"]]
            machine = proved.get(claim.id, {"proofs": [], "rungs": []})
            mine.append(
                {
                    **record,
                    "status": _status(record["status"], machine["proofs"]),
                    "rungs": " ".join(sorted({*record["rungs"], *machine["rungs"]})) or "no rung",
                    "figure": drawn.get(claim.id),
                    "proofs": [_proof(entry, len(claim.clauses)) for entry in machine["proofs"]],
                    "instances": f"{record['instances']:,}",
                    "seconds": f"{record['seconds']:.1f}",
                    "statement": Markup(formulas.prose(claim.statement)),
                    "clauses": [
                        {"name": c.name, "kind": str(c.kind), "statement": Markup(formulas.prose(c.statement))}
                        for c in claim.clauses
                    ],
                    "hypotheses": [
                        {"name": h.name, "statement": Markup(formulas.prose(h.statement))} for h in claim.hypotheses
                    ],
                    "remarks": [Markup(formulas.remark(r)) for r in claim.remarks],
                    "source": claim.source,
                    "reasons": [
                        f"{o['rung']}: {o['reason']}"
                        for o in record["outcomes"]
                        if o["status"] in ("refuted", "unknown")
                    ],
                }
            )
        sections.append({"letter": letter, "title": SECTIONS[letter], "claims": mine})
    return sections


def _status(checked: str, proofs: Sequence[Mapping[str, Any]]) -> str:
    """That of the check, unless a proof failed."""
    failed = {entry["status"] for entry in proofs} & {"refuted", "unknown"}
    return min(failed) if failed else checked


def _proof(entry: Mapping[str, Any], clauses: int) -> dict[str, str]:
    """One proof as the page shows it: what it covers in words, or why it does not count."""
    if entry["status"] != "proved":
        text = f"{entry['status']}: {entry['reason']}"
    elif len(entry["clauses"]) == clauses:
        text = "every clause"
    else:
        text = ", ".join([*entry["clauses"], *(f"{part} (in part)" for part in entry["partial"])])
    return {"rung": entry["rung"], "text": text, "sizes": entry["sizes"], "source": f"proofs/{entry['source']}"}


def _provenance() -> list[tuple[str, str]]:
    rows = [("machine", ", ".join(f"{k} {v}" for k, v in provenance.hardware().items()))]
    rows += [("git", ", ".join(f"{k} {v}" for k, v in (provenance.git_state() or {}).items()) or "not a checkout")]
    rows += [(name, version) for name, version in provenance.versions().items()]
    return [(key, str(value)) for key, value in rows]
