"""What the tables say, in plain words. Every number in a sentence is read from a table; none is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rdk_theory.report.charts import name
from rdk_theory.tables import Row

NOT_KERNELS = ("union", "tli", "unpruned", "oracle-weight", "unpruned-optimal", "context-free-optimum")
CONTEXT_FREE = ("rank-one", "cooccurrence", "optimal", "softmax-covariance")


@dataclass(frozen=True)
class Finding:
    """One sentence with its verdict: ``holds``, ``fails`` or ``open``."""

    verdict: str
    text: str
    condition: str
    """Under which hypotheses, on which data, or by which claim."""


def about_claims(records: Sequence[dict[str, Any]]) -> list[Finding]:
    """What the registry says as a whole, and of the claim that no context-free kernel escapes."""
    proved = [r for r in records if r["status"] == "proved"]
    broken = [r["id"] for r in records if r["status"] != "proved"]
    total = sum(r["instances"] for r in records)
    findings = [
        Finding(
            "holds" if not broken else "fails",
            f"{len(proved)} of {len(records)} claims held on {total:,} instances"
            + (f"; not proved: {', '.join(broken)}." if broken else "."),
            "Random floats (R0) and every rational of a small grid (R1), negative controls rejected. "
            "Both are evidence at small sizes, not a proof for all vocabularies.",
        )
    ]
    for record in records:
        if record["id"] == "no-free-dominance" and record["status"] == "proved":
            findings.append(
                Finding(
                    "fails",
                    "No context-free kernel beats TLI in every context: each one but the embedding loses somewhere.",
                    "Claim no-free-dominance. Dominance is a statement about a distribution of contexts.",
                )
            )
        if record["id"] == "local-dominance" and record["status"] == "proved":
            findings.append(
                Finding(
                    "holds",
                    "A small enough mixing weight beats TLI exactly when acceptance rises at weight 0.",
                    "Claim local-dominance. With a prior on cold tokens of positive probability it rises in every "
                    "context (cold-restoration); too large a weight loses (overshoot).",
                )
            )
    return findings


def about_proofs(records: Sequence[dict[str, Any]], claims: int) -> list[Finding]:
    """What machines proved beyond grids; `records` are those of ``rdk prove``, `claims` how many there are."""
    entries = [(r["id"], e) for r in records for e in r["proofs"]]
    failed = sorted({f"{id} ({e['rung']})" for id, e in entries if e["status"] in ("refuted", "unknown")})
    if failed:
        return [Finding("fails", f"Machine proofs failed: {', '.join(failed)}.", "Why stands with each claim below.")]
    found = []
    for rung, text, condition in (
        (
            "R6",
            "are proved, in one clause at least, for all vocabularies by a proof assistant.",
            "Rung R6: Coq, with pinned statements and an allow-list of axioms. Which clauses: with each claim below.",
        ),
        (
            "R3",
            "are proved, in one clause at least, for all real numbers at fixed small sizes by two solvers.",
            "Rung R3: neither z3 nor cvc5 leaves a counterexample to what this package's own code computes.",
        ),
    ):
        proved = {id for id, e in entries if e["rung"] == rung and e["status"] == "proved" and e["clauses"]}
        if proved:
            found.append(Finding("holds", f"{len(proved)} of {claims} claims {text}", condition))
    return found


def about_pair(rows: Sequence[Row], pair: str) -> list[Finding]:
    """What was measured on one pair: the best kernel where pruning costs most, certified gains, and losses."""
    findings: list[Finding] = []
    kernels = [r for r in rows if r["sampler"] not in NOT_KERNELS]
    if not kernels:
        return findings
    for fraction in _extremes(rows):
        at = [r for r in kernels if r["fraction"] == fraction]
        best = max(at, key=lambda r: _number(r["acceptance"]))
        base = next(r for r in rows if r["sampler"] == "tli" and r["fraction"] == fraction)
        whole = next((r for r in rows if r["sampler"] == "unpruned" and r["fraction"] == fraction), None)
        text = (
            f"With {100 * _number(fraction):g} % of the vocabulary kept, TLI accepts {_number(base['acceptance']):.3f} "
            f"and the best kernel, {name(str(best['sampler']))}, {_number(best['acceptance']):.3f} "
            f"[{_number(best['low']):.3f}, {_number(best['high']):.3f}]"
        )
        if whole is not None:
            text += f"; the unpruned drafter has {_number(whole['acceptance']):.3f}"
        text += _recovery([r for r in rows if r["fraction"] == fraction], best)
        gained = _number(best["gain_low"]) > 0
        findings.append(Finding("holds" if gained else "open", text + ".", f"{pair}: {_where(best)}"))
    certified = [r for r in kernels if r["certified"]]
    if certified:
        names = sorted({name(str(r["sampler"])) for r in certified})
        findings.append(
            Finding(
                "holds",
                f"Dominance over TLI is certified on held-out documents in {len(certified)} of {len(kernels)} "
                f"settings: {', '.join(names)}.",
                f"{pair}: 95 % betting bound, unit the document (claim holdout-dominance).",
            )
        )
    losing = [r for r in kernels if _number(r["gain_high"]) < 0]
    for sampler in dict.fromkeys(str(r["sampler"]) for r in losing):
        mine = [r for r in losing if r["sampler"] == sampler]
        worst = min(mine, key=lambda r: _number(r["gain"]))
        findings.append(
            Finding(
                "fails",
                f"{name(sampler)} falls below TLI in {len(mine)} of {len({r['fraction'] for r in rows})} kept sizes, "
                f"by {-_number(worst['gain']):.3f} at {100 * _number(worst['fraction']):g} % kept.",
                f"{pair}: whole 95 % interval of the gain below 0.",
            )
        )
    return findings


def _recovery(rows: Sequence[Row], best: Row) -> str:
    """How much of what pruning cost comes back: by the best kernel, the best without context, and what that can be."""
    if best["recovered"] is None:
        return ""
    text = f". It recovers {_share(best)} of what pruning cost"
    free = [r for r in rows if r["sampler"] in CONTEXT_FREE]
    if free and best not in free:
        other = max(free, key=lambda r: _number(r["acceptance"]))
        text += f"; {name(str(other['sampler']))}, the best that does not know its context, {_share(other)}"
    bound = next((r for r in rows if r["sampler"] == "context-free-optimum"), None)
    if bound is not None:
        text += f"; no context-free kernel more than {100 * _number(bound['recovered']):.0f} %"
    return text


def _share(row: Row) -> str:
    value, low, high = (f"{100 * _number(row[key]):.0f}" for key in ("recovered", "recovered_low", "recovered_high"))
    return f"{value} % [{low}, {high}]"


def _extremes(rows: Sequence[Row]) -> list[Any]:
    """The kept fraction nearest 10 % and the smallest one."""
    fractions = sorted({_number(r["fraction"]) for r in rows})
    return list(dict.fromkeys([min(fractions, key=lambda f: abs(f - 0.1)), fractions[0]]))


def _where(row: Row) -> str:
    return f"{row['contexts']} held-out contexts of {row['documents']} documents, 95 % document bootstrap"


def _number(cell: Any) -> float:
    return float(cell) if cell is not None else float("nan")
