"""Every claim as a figure: on each instance, what its clauses state against what the other road measures.

A point on the dotted diagonal is an equality. Where a clause is a bound, one side of the diagonal is forbidden and
hatched: there lie what a mutated statement gives, and the instance that a named hypothesis excludes.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from rdk_theory import figures
from rdk_theory.tables import Row
from rdk_theory.theorems._check import holds, mutated
from rdk_theory.theorems._claim import Claim, Clause, Instance, Kind
from rdk_theory.theorems._source import RandomSource
from rdk_theory.theorems.registry import claims
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import distinct, number, pick

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HELD, MUTANT, WITHOUT = "held", "mutant", "without"
ABOVE = (Kind.UPPER, Kind.TIGHT_UPPER, Kind.COUNTEREXAMPLE)
BELOW = (Kind.LOWER, Kind.TIGHT_LOWER, Kind.EXISTENCE)
MOST = 400
"""Different points of one clause and series; beyond them a figure shows no more."""


def parameters(claim: Claim, options: Options) -> list[Setting]:
    """One setting a clause."""
    instances = 25 if options.quick else 60
    return [{"claim": claim.id, "clause": clause.name, "instances": instances} for clause in claim.clauses]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """The points of one clause."""
    claim = claims()[setting["claim"]]
    return points(claim, claim.clause(setting["clause"]), setting["instances"], rng)


def points(claim: Claim, clause: Clause, instances: int, rng: np.random.Generator) -> list[Row]:
    """What both roads of a clause say on random instances, under its mutants, and where a hypothesis is dropped."""
    drawn = [clause.build(RandomSource(rng)) for _ in range(instances)]
    rows = _rows(clause, HELD, None, (_values(clause, instance) for instance in drawn))
    for control in clause.controls:
        mutant = mutated(clause, control)
        broken = (instance for instance in drawn if not _holds(mutant, instance))
        found = (_values(mutant, instance) for instance in islice(broken, instances // 4))
        rows += _rows(clause, MUTANT, control.name, found)
    for hypothesis in claim.hypotheses:
        if hypothesis.clause == clause.name:
            rows += _rows(clause, WITHOUT, hypothesis.name, [_values(clause, hypothesis.dropped())])
    return rows


def _holds(clause: Clause, instance: Instance) -> bool:
    return holds(clause.kind, clause.measured(**instance), clause.stated(**instance), clause.tolerance)


def _values(clause: Clause, instance: Instance) -> np.ndarray:
    """Pairs (stated, measured), one for each number of the clause."""
    roads = (np.asarray(road(**instance)) for road in (clause.stated, clause.measured))
    stated, measured = np.broadcast_arrays(*(np.atleast_1d(value).astype(np.float64) for value in roads))
    return np.stack([stated.ravel(), measured.ravel()], axis=1)


def _rows(clause: Clause, series: str, name: str | None, values: Any) -> list[Row]:
    # A mutant may give what is no number; no clause may, and the check of R0 says so.
    counted = Counter((float(x), float(y)) for pairs in values for x, y in pairs if np.isfinite([x, y]).all())
    return [
        {
            "clause": clause.name,
            "kind": str(clause.kind),
            "tolerance": clause.tolerance,
            "series": series,
            "name": name,
            "stated": x,
            "measured": y,
            "count": count,
        }
        for (x, y), count in islice(counted.items(), MOST)
    ]


def check(rows: Sequence[Row]) -> list[str]:
    """Clauses with a point on the wrong side, and mutants or dropped hypotheses with none."""
    lines = []
    for clause in distinct(rows, "clause"):
        mine = pick(rows, clause=clause)
        wrong = [row for row in pick(mine, series=HELD) if not _stands(row)]
        lines += [f"{clause}: measured {row['measured']}, stated {row['stated']}" for row in wrong[:1]]
        dropped = pick(mine, series=WITHOUT)
        for name in distinct(dropped, "name"):
            if all(_stands(row) for row in pick(dropped, name=name)):
                lines.append(f"{clause}: nothing is violated without {name}")
    return lines


def _stands(row: Row) -> bool:
    return holds(Kind(str(row["kind"])), number(row, "measured"), number(row, "stated"), number(row, "tolerance"))


def draw(rows: Sequence[Row]) -> Figure:
    """A small panel for each clause, two abreast."""
    clauses = distinct(rows, "clause")
    figure, panels = figures.grid(len(clauses))
    for axes, clause in zip(panels, clauses, strict=True):
        _panel(axes, pick(rows, clause=clause), str(clause))
    figure.supxlabel("stated", fontsize=8)
    figure.supylabel("measured by the other road", fontsize=8)
    figures.shared_legend(figure, panels)
    return figure


def _panel(axes: Axes, rows: Sequence[Row], clause: str) -> None:
    kind = Kind(str(rows[0]["kind"]))
    inner = [row for row in rows if row["series"] != MUTANT]
    coordinates = [number(row, name) for row in inner for name in ("stated", "measured")]
    low, high = min(coordinates), max(coordinates)
    least = 1e-6 * max(abs(low), abs(high), 1.0)  # below that it is rounding that would be seen
    room = 0.12 * (high - low) if high - low > least else 0.5
    ends = (low - room, high + room)
    figures.theory_line(axes, ends, ends, None, "equality")
    if kind in ABOVE or kind in BELOW:
        figures.shade_beyond(axes, ends, above=kind in ABOVE, label="excluded by the clause")
    for index, (series, label) in enumerate(
        ((HELD, "instances"), (MUTANT, "mutated statement"), (WITHOUT, "hypothesis dropped"))
    ):
        mine = pick(rows, series=series)
        x, y = ([number(row, name) for row in mine] for name in ("stated", "measured"))
        if mine:
            figures.measured(axes, x, y, index=index, label=label)
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_title(textwrap.fill(clause, 24), fontsize=7)
    axes.locator_params(nbins=3)


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with how many numbers were compared."""
    total = sum(int(number(row, "count")) for row in pick(rows, series=HELD))
    text = (
        f"{total:,} numbers of random instances: what each clause states across, what the other road measures up. "
        "Dotted: equality. Hatched: excluded by the clause. Mutants beyond a panel's edge are left out."
    )
    mutants = distinct(pick(rows, series=MUTANT), "name")
    dropped = distinct(pick(rows, series=WITHOUT), "name")
    if mutants:
        text += f" Mutated statements, where they fail: {'; '.join(mutants)}."
    if dropped:
        text += f" The rational instance without a hypothesis: {'; '.join(dropped)}."
    return text


EXPERIMENTS = tuple(
    Experiment(
        id=f"claim-{claim.id}",
        title=claim.title,
        claims=(claim.id,),
        shows="What each clause states against what an independent road measures, with mutants and dropped hypotheses.",
        parameters=partial(parameters, claim),
        run=run,
        check=check,
        draw=draw,
        caption=caption,
        group="claims",
    )
    for claim in claims().values()
)
