"""How flat a softmax kernel is at vocabulary scale, and what its first-order form costs; diagonal covariance.

Everything is `O(N)` a temperature: acceptance is in closed form, and of the kernel itself only the worst row is made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures, runs, tolerances, validation
from rdk_theory.ensembles import zipf
from rdk_theory.kernels import SoftmaxCovariance
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations import _diagonal, _flatness
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import bars, distinct, number, numbers, pick, standard_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, CONTEXTS, SHARE = 4096, 128, 4
STAND_IN = "Zipf stand-in"
TEMPERATURE = "temperature τ over the largest variance"
ROOT = 1e-6
"""Relative distance of a root that was bisected to 1e-9 from its closed form."""
RATIOS = (0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 5.0, 20.0)
"""Temperatures, as multiples of the largest variance."""


def parameters(options: Options) -> list[Setting]:
    """The statistics of a real target where a file is given, and always the synthetic stand-in."""
    settings: list[Setting] = [{"statistics": STAND_IN, "contexts": CONTEXTS // 2 if options.quick else CONTEXTS}]
    if options.statistics is not None:
        path = options.statistics
        settings.append({"statistics": path.stem, "file": str(path.resolve()), "sha256": runs.sha256(path)})
    return settings


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """By temperature: the ceiling, acceptance in the mean law, and mean acceptance where there are contexts."""
    if "file" in setting:
        mean, variance = read_statistics(Path(setting["file"]))
        contexts = None
    else:
        contexts = zipf(rng, setting["contexts"], SIZE).targets
        mean, variance = contexts.mean(0), contexts.var(0)
    size = mean.size
    vocab = Vocabulary(size, np.argsort(-mean, kind="stable")[: size // SHARE])
    largest = float(variance.max())
    if not variance[vocab.kept].any():
        raise ValueError(f"variance of shape {variance.shape} is 0 on all kept tokens, the {vocab.kept_size} likeliest")
    limits = _flatness.limits(mean, variance, vocab)
    rows: list[Row] = []
    for ratio in RATIOS:
        temperature = ratio * largest
        kernel = SoftmaxCovariance.from_diagonal(vocab, variance, temperature)
        original = _diagonal.proposal(mean, variance, vocab, temperature)
        row: Row = {
            "statistics": setting["statistics"],
            "size": size,
            "kept": vocab.kept_size,
            "temperature": temperature,
            "over_largest_variance": ratio,
            "deviation": float(kernel.deviation),
            "ceiling": float(np.minimum(mean, kernel.entry_ceiling).sum()),
            "in_mean_law": float(np.minimum(mean, original).sum()),
            "tli_perfect_drafter": float(mean[vocab.kept].sum()),
            "contexts": 0 if contexts is None else contexts.shape[0],
            **_flatness.distances(kernel, variance, original),
            **_flatness.first_order(kernel, mean, variance, original),
            **limits,
        }
        if contexts is None:
            rows.append({**row, "measured": None, "low": None, "high": None, "error": None, "alarm": None})
        else:
            found = np.minimum(contexts, _diagonal.proposal(contexts, variance, vocab, temperature)).sum(-1)
            rows.append({**row, **bars(found.mean(), standard_error(found), found.size)})
    return rows


def read_statistics(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over contexts of a target's next-token law, float64; the mean is brought to sum 1 exactly.

    Raises
    ------
    ValueError
        If the file is no npz archive with these two arrays, the mean is no distribution within the tolerance of its
        dtype, or a variance is negative or not finite. Arrays of Python objects are refused unread.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            mean, variance = archive["mean"], archive["variance"]
    except (KeyError, EOFError, ValueError) as error:
        raise ValueError(f"{path} is not an npz archive with mean and variance: {error}") from None
    validation.distribution("mean", mean)
    validation.non_negative("variance", variance)
    validation.same_shape("variance", variance, mean.shape)
    if mean.ndim != 1 or mean.size < SHARE or not variance.any():
        raise ValueError(f"mean of shape {mean.shape} must be one law over at least {SHARE} tokens, which varies")
    wide = mean.astype(np.float64)
    return wide / wide.sum(), variance.astype(np.float64)


def check(rows: Sequence[Row]) -> list[str]:
    """Acceptance is below a ceiling that falls; distances are their closed forms, and below the bounds where they hold.

    Where the expansion is allowed, no row may be further from its first-order form, nor acceptance change by more,
    than the bound; a row may nowhere be further from the uniform law than ``tanh(s/2)``.
    """
    lines = []
    for row in rows:
        where = f"at temperature {row['temperature']} ({row['statistics']})"
        found = [number(row, "in_mean_law")] + ([] if row["measured"] is None else [number(row, "measured")])
        if max(found) > number(row, "ceiling") + 1e-9:
            lines.append(f"acceptance exceeds the ceiling {where}")
        for name in ("row_from_uniform", "row_error"):
            if row[name] is not None and abs(number(row, name) - number(row, f"{name}_theory")) > tolerances.EXACT:
                lines.append(f"{name} is not its closed form {where}")
        if number(row, "row_from_uniform") > math.tanh(number(row, "deviation") / 2) + tolerances.EXACT:
            lines.append(f"a row is further from uniform than tanh(s/2) {where}")
        if row["bound"] is not None:
            bound = number(row, "bound") + tolerances.EXACT
            if max(number(row, "row_error"), number(row, "acceptance_error")) > bound:
                lines.append(f"the first-order form is further away than its bound {where}")
        if (row["bound"] is not None) != (number(row, "over_largest_variance") >= number(row, "expansion_ends")):
            lines.append(f"a bound stands where the expansion is not allowed, or the reverse, {where}")
    for name in distinct(rows, "statistics"):
        mine = pick(rows, statistics=name)
        if any(later > earlier + 1e-12 for earlier, later in pairwise(numbers(mine, "ceiling"))):
            lines.append(f"the ceiling rises with the temperature ({name})")
        leaves, theory = number(mine[0], "row_leaves"), number(mine[0], "row_leaves_theory")
        if abs(leaves / theory - 1) > ROOT:
            lines.append(f"the worst row leaves uniformity at {leaves}, not {theory} ({name})")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """For each source of statistics acceptance over temperature, and below it the distances of the worst row."""
    names = distinct(rows, "statistics")
    figure, panels = figures.canvas(2 * len(names), height=2.5)
    for above, below, name in zip(panels[::2], panels[1::2], names, strict=True):
        mine = pick(rows, statistics=name)
        _draw_acceptance(above, mine)
        _draw_distances(below, mine)
        short = str(name) if len(str(name)) <= 24 else str(name)[:23] + "…"
        above.text(0.98, 0.72, f"{short}\nN = {mine[0]['size']}", transform=above.transAxes, ha="right", va="top")
    return figure


def _draw_acceptance(axes: Axes, rows: Sequence[Row]) -> None:
    ratio = numbers(rows, "over_largest_variance")
    figures.theory_line(axes, ratio, numbers(rows, "ceiling"), 0, "ceiling")
    figures.measured(axes, ratio, numbers(rows, "in_mean_law"), index=1, label="in the mean law")
    if rows[0]["measured"] is not None:
        low, high = numbers(rows, "low"), numbers(rows, "high")
        figures.measured(axes, ratio, numbers(rows, "measured"), low, high, 2, "mean over contexts")
    figures.theory_line(axes, ratio, numbers(rows, "tli_perfect_drafter"), None, "TLI, perfect drafter")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.05)
    axes.set_xlabel(TEMPERATURE)
    axes.set_ylabel("acceptance")
    figures.legend(axes, 2)


def _draw_distances(axes: Axes, rows: Sequence[Row]) -> None:
    """Hatched where the expansion has no bound; a vertical line where the worst row stops being uniform."""
    ratio = numbers(rows, "over_largest_variance")
    known = [row for row in rows if row["row_error"] is not None]
    bounded = [row for row in rows if row["bound"] is not None]
    for index, (name, mine, label) in enumerate(
        (("row_from_uniform", rows, "worst row from uniform"), ("row_error", known, "from its first order"))
    ):
        at = numbers(mine, "over_largest_variance")
        figures.theory_line(axes, at, numbers(mine, f"{name}_theory"), index, label)
        figures.measured(axes, at, numbers(mine, name), index=index, label=label)
    at = numbers(known, "over_largest_variance")
    figures.measured(axes, at, numbers(known, "acceptance_error"), index=2, label="acceptance error")
    if bounded:
        at = numbers(bounded, "over_largest_variance")
        figures.theory_line(axes, at, numbers(bounded, "bound"), 3, "bound s²/8")
    level, leaves = number(rows[0], "level"), number(rows[0], "row_leaves")
    axes.axvline(leaves, color="#222222", linewidth=0.8, linestyle=":")
    axes.plot([leaves], [level], marker="*", markersize=9, color="#222222", linestyle="", label=f"level {level:g}")
    left = min(ratio) / 1.2
    ends = number(rows[0], "expansion_ends")
    if ends > left:
        figures.shade_counterexample(axes, x=(left, ends), label="|x| > 1: no bound")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(left, max(ratio) * 1.2)
    axes.set_xlabel(TEMPERATURE)
    axes.set_ylabel("total variation, or acceptance")
    figures.legend(axes, 2)


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with which statistics it was made, and where the kernel is uniform."""
    parts = []
    for name in distinct(rows, "statistics"):
        row = pick(rows, statistics=name)[0]
        what = f"{row['contexts']} contexts" if row["contexts"] else "mean and variance from a file"
        leaves, ends = number(row, "row_leaves"), number(row, "expansion_ends")
        drafted = row["proposal_leaves"]
        proposal = "" if drafted is None else f" (the proposal at {drafted:.3g})"
        parts.append(
            f"{name} (N = {row['size']}, {what}): the bound ends at τ = {ends:.3g} of the largest variance; there the "
            f"worst row is {number(row, 'row_at_expansion_end'):.2g} from uniform, "
            f"{number(row, 'row_error_at_expansion_end'):.2g} from its first-order form, which changes acceptance by "
            f"{number(row, 'acceptance_error_at_expansion_end'):.2g}. That row is {row['level']} from uniform at "
            f"{leaves:.3g}{proposal}, {ends / leaves:.2g} times colder, with |x| up to "
            f"{number(row, 'row_leaves_deviation'):.3g}; of that distance (1 + x)/N misses "
            f"{100 * number(row, 'row_leaves_error') / number(row, 'level'):.0f} %, and in acceptance "
            f"{number(row, 'row_leaves_acceptance_error'):.2g}"
        )
    return (
        "The softmax kernel with the diagonal covariance of the target, Ω = diag(variance), drafter perfect on the "
        "kept quarter of the tokens. Upper panels: the ceiling Σ min(p̄_t, e^(s')/N) at the mean law p̄ (line), with s' "
        "the largest centred entry, which by concavity no mean over contexts exceeds; acceptance in the mean law and, "
        "where contexts are at hand, its mean over them with 95 % intervals (points); TLI with the same drafter "
        "(dotted). Lower panels: total variation of the worst row from the uniform law and from (1 + x)/N, closed form "
        "(lines) and from the kernel's rows (points); change of acceptance in the mean law by (1 + x)/N; the bound "
        "s²/8, which needs |x| ≤ 1 (hatched: not so, and the package makes no first-order kernel). Star: the worst row "
        f"is further than that from uniform. {'; '.join(parts)}. With off-diagonal covariances, which a file of "
        "variances does not tell, rows can be further from uniform, by at most tanh(s/2)."
    )


EXPERIMENT = Experiment(
    id="flat_kernel_limit",
    title="Flatness and first-order error of the softmax kernel by temperature",
    claims=("flat-kernel-limit", "softmax-first-order"),
    shows="Acceptance of a softmax kernel by temperature under its ceiling; where it is uniform, and where expandable.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
