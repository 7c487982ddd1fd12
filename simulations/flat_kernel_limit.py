"""How flat a softmax kernel is at vocabulary scale: acceptance and its ceiling by temperature, diagonal covariance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rdk_theory import figures, runs, validation
from rdk_theory.ensembles import zipf
from rdk_theory.kernels import SoftmaxCovariance
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import bars, distinct, number, numbers, pick, standard_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, CONTEXTS, SHARE = 4096, 128, 4
STAND_IN = "Zipf stand-in"
RATIOS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 20.0)
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
    rows: list[Row] = []
    for ratio in RATIOS:
        temperature = ratio * float(variance.max())
        kernel = SoftmaxCovariance.from_diagonal(vocab, variance, temperature)
        row: Row = {
            "statistics": setting["statistics"],
            "size": size,
            "kept": vocab.kept_size,
            "temperature": temperature,
            "over_largest_variance": ratio,
            "deviation": float(kernel.deviation),
            "ceiling": float(np.minimum(mean, kernel.entry_ceiling).sum()),
            "in_mean_law": float(np.minimum(mean, proposal(mean, variance, vocab, temperature)).sum()),
            "tli_perfect_drafter": float(mean[vocab.kept].sum()),
            "contexts": 0 if contexts is None else contexts.shape[0],
        }
        if contexts is None:
            rows.append({**row, "measured": None, "low": None, "high": None, "error": None, "alarm": None})
        else:
            found = np.minimum(contexts, proposal(contexts, variance, vocab, temperature)).sum(-1)
            rows.append({**row, **bars(found.mean(), standard_error(found), found.size)})
    return rows


def proposal(target: np.ndarray, variance: np.ndarray, vocab: Vocabulary, temperature: float) -> np.ndarray:
    r"""``q' M`` for a perfect drafter, ``q' = p(·|I)``, in closed form, :math:`O(N)` a row.

    Row ``i`` of the kernel is :math:`(1 + [j = i](e^{v_i/\tau} - 1)) / (N - 1 + e^{v_i/\tau})`. The terms are divided
    by :math:`e^{v_i/\tau}`, which may be beyond any float.
    """
    shrunk = np.exp(-variance[vocab.kept] / temperature)
    total = (vocab.size - 1) * shrunk + 1
    draft = target[..., vocab.kept] / target[..., vocab.kept].sum(-1, keepdims=True)
    out = np.broadcast_to((draft * shrunk / total).sum(-1, keepdims=True), target.shape).copy()
    out[..., vocab.kept] += draft * (1 - shrunk) / total
    return out


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
    """Neither acceptance exceeds the ceiling, which falls as the temperature rises."""
    lines = []
    for row in rows:
        found = [number(row, "in_mean_law")] + ([] if row["measured"] is None else [number(row, "measured")])
        if max(found) > number(row, "ceiling") + 1e-9:
            lines.append(f"acceptance exceeds the ceiling at temperature {row['temperature']} ({row['statistics']})")
    for name in distinct(rows, "statistics"):
        ceilings = numbers(pick(rows, statistics=name), "ceiling")
        if any(later > earlier + 1e-12 for earlier, later in pairwise(ceilings)):
            lines.append(f"the ceiling rises with the temperature ({name})")
    return lines


def draw(rows: Sequence[Row]) -> Figure:
    """Ceiling, acceptance and TLI over temperature: one panel for each source of statistics."""
    names = distinct(rows, "statistics")
    figure, panels = figures.canvas(len(names), height=2.5)
    for axes, name in zip(panels, names, strict=True):
        mine = pick(rows, statistics=name)
        ratio = numbers(mine, "over_largest_variance")
        figures.theory_line(axes, ratio, numbers(mine, "ceiling"), 0, "ceiling")
        figures.measured(axes, ratio, numbers(mine, "in_mean_law"), index=1, label="in the mean law")
        if mine[0]["measured"] is not None:
            low, high = numbers(mine, "low"), numbers(mine, "high")
            figures.measured(axes, ratio, numbers(mine, "measured"), low, high, 2, "mean over contexts")
        figures.theory_line(axes, ratio, numbers(mine, "tli_perfect_drafter"), None, "TLI, perfect drafter")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.05)
        axes.set_xlabel("temperature τ over the largest variance")
        axes.set_ylabel("acceptance")
        short = str(name) if len(str(name)) <= 24 else str(name)[:23] + "…"
        axes.text(0.98, 0.72, f"{short}\nN = {mine[0]['size']}", transform=axes.transAxes, ha="right", va="top")
        figures.legend(axes, 2)
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, and which statistics it was made with."""
    sources = []
    for name in distinct(rows, "statistics"):
        row = pick(rows, statistics=name)[0]
        what = f"{row['contexts']} contexts" if row["contexts"] else "mean and variance from a file"
        sources.append(f"{name} (N = {row['size']}, {what})")
    return (
        "Acceptance of the softmax kernel with the diagonal covariance of the target, Ω = diag(variance), drafter "
        "perfect on the kept quarter of the tokens. Line: the ceiling Σ min(p̄_t, e^(s')/N) at the mean law p̄, with "
        "s' the largest centred entry; by concavity no mean over contexts exceeds it. Points: acceptance of the "
        "kernel in the mean law and, where contexts are at hand, its mean over them with 95 % intervals. Dotted: TLI "
        "with the same drafter. Unless τ is far below the largest variance the kernel is nearly uniform, and TLI is "
        f"better. Statistics: {'; '.join(sources)}."
    )


EXPERIMENT = Experiment(
    id="flat_kernel_limit",
    title="Acceptance of the softmax kernel by temperature",
    claims=("flat-kernel-limit",),
    shows="Acceptance with a softmax kernel by temperature, from TLI to the flat kernel, under the ceiling.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
