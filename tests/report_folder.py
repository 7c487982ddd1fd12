"""A small report folder with invented tables, for tests of the page; its numbers mean nothing."""

from __future__ import annotations

from pathlib import Path

from rdk_theory import figures, runs, tables
from rdk_theory.report import charts, page
from rdk_theory.report.command import COUNTS
from rdk_theory.theorems.command import record, verify
from rdk_theory.theorems.registry import select
from simulations import gallery

SHIFTS = {
    "union": -0.02,
    "tli": 0.0,
    "rank-one": 0.02,
    "rank-one-cold-mass": -0.03,
    "cooccurrence": 0.03,
    "optimal": 0.06,
    "oracle-weight": 0.05,
    "unpruned": 0.1,
}

PROOF = {
    "id": "acceptance-identity",
    "rungs": ["R6"],
    "proofs": [
        {
            "rung": "R6",
            "status": "proved",
            "reason": "",
            "clauses": ["overlap"],
            "partial": ["extremes: one of two"],
            "sizes": "all sizes",
            "source": "proofs_check/coq/acceptance_identity.v",
        }
    ],
}


def measurement() -> list[tables.Row]:
    """Rows with the columns of ``rdk measure``."""
    rows: list[tables.Row] = []
    for fraction in (0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005):
        for sampler, shift in SHIFTS.items():
            acceptance = 0.6 * fraction**0.12 + shift
            rows.append(
                {
                    "pair": "counts",
                    "selection": "count",
                    "fraction": fraction,
                    "kept": round(32000 * fraction),
                    "sampler": sampler,
                    "acceptance": acceptance,
                    "low": acceptance - 0.01,
                    "high": acceptance + 0.01,
                    "gain": shift,
                    "gain_low": shift - 0.005,
                    "gain_high": shift + 0.005,
                    "recovered": shift / 0.1,
                    "recovered_low": shift / 0.1 - 0.05,
                    "recovered_high": shift / 0.1 + 0.05,
                    "repair": 0.01 if sampler == "optimal" else None,
                    "restoration": shift - 0.01 if sampler == "optimal" else None,
                    "restoration_low": shift - 0.015 if sampler == "optimal" else None,
                    "restoration_high": shift - 0.005 if sampler == "optimal" else None,
                    "dominance_bound": shift - 0.02,
                    "certified": shift > 0.02,
                    "ceiling": 0.97 * fraction**0.08,
                    "contexts": 2000,
                    "documents": 120,
                }
            )
        bound = {"sampler": "context-free-optimum", "acceptance": acceptance - 0.02, "gain": 0.08, "recovered": 0.8}
        rows.append({column: bound.get(column, rows[-1][column]) for column in rows[-1]})
        rows[-1].update(dict.fromkeys(("low", "high", "gain_low", "gain_high", "recovered_low", "recovered_high")))
        rows[-1].update(dominance_bound=None, certified=False)
    return rows


def write_folder(folder: Path) -> Path:
    """Write all that the page is drawn from, and the page; its path."""
    rows = measurement()
    tables.write(folder / "counts" / "measure.csv", rows)
    figures.save(charts.acceptance(rows), folder / "counts" / "acceptance", "Acceptance")
    figures.save(charts.gain(rows), folder / "counts" / "gain", "Gain")
    charts.save_recovered(rows, folder / "counts")
    simulations = folder / "simulations"
    tables.write(simulations / "example.csv", rows)
    figures.save(charts.gain(rows), simulations / "example", "Example")
    experiment = {
        "id": "example",
        "group": "experiments",
        "title": "An example.",
        "caption": "Its numbers are invented.",
        "claims": ["acceptance-identity"],
        "violations": [],
        "table": "example.csv",
        "figure": "example.svg",
    }
    drawn = {**experiment, "id": "claim-acceptance-identity", "group": "claims"}
    runs.write_json(simulations / "experiments.json", {"experiments": [experiment, drawn]})
    records = [record(claim, []) for claim in select([]) if claim.id != "acceptance-identity"]
    records += verify(select(["acceptance-identity"]), scale=0.1)
    runs.write_json(folder / "claims.json", {"claims": records})
    gallery.write(simulations, [experiment, drawn])
    runs.write_json(folder / "proofs" / "proofs.json", {"claims": [PROOF]})
    for name in ("proofs.md", PROOF["proofs"][0]["source"]):
        (folder / "proofs" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "proofs" / name).write_text("An example.", encoding="utf-8")
    runs.write_json(folder / "manifest.json", {})
    return page.write(folder, [{"id": "counts", "title": COUNTS.title, "text": COUNTS.text}], quick=True)
