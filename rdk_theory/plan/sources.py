"""Where a plan's acceptance comes from: a capture, or a table of mean rates that was measured before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rdk_theory import runs, tables
from rdk_theory.measure.command import digests
from rdk_theory.plan.costs import CostModel
from rdk_theory.plan.observations import KERNELS, Observations, Observer, planned
from rdk_theory.plan.prediction import Setting, from_acceptance, predict
from rdk_theory.tables import Row

LEVEL, RESAMPLES = 0.95, 1000

Costs: TypeAlias = Callable[[int, int | None], CostModel]
"""The cost model for a drafter of ``|D|`` tokens whose head has rows of so many entries, if that is known."""


@dataclass(frozen=True)
class Request:
    """What is asked."""

    path: Path
    fractions: Sequence[float] | None
    """Kept shares; of a table, all that it has."""
    selection: str
    kernels: Sequence[str]
    rank: int
    longest: int
    work: float
    max_memory: float
    seed: int


@dataclass(frozen=True)
class Predicted:
    """Every setting with its prediction, and what the predictions rest on."""

    settings: list[Setting]
    costs: CostModel
    sizes: tuple[int, int]
    documents: int | None
    """Test documents, where they are known."""
    follows: bool
    """Whether consecutive contexts were followed."""


def from_capture(request: Request, fractions: Sequence[float], costs: Costs, run: runs.Run) -> Predicted:
    """Fit and observe every kernel at every kept share, a step of `run` each, and predict."""
    from rdk_theory.captures import open_capture
    from rdk_theory.measure.measurement import Measurement
    from rdk_theory.measure.selection import kept_set

    compared = planned(request.kernels, request.work, request.seed, request.rank)
    capture = open_capture(request.path)
    measurement = Measurement(capture, request.max_memory, request.seed)
    observer = Observer(measurement, request.longest)
    sizes = capture.vocab_sizes
    width = None if capture.hidden is None else int(capture.hidden.shape[1])
    model = costs(sizes[1], width)
    _known(model)
    parameters = {
        "kernels": list(request.kernels),
        "rank": request.rank,
        "longest": request.longest,
        "work": request.work,
        "max_memory": request.max_memory,
        **digests(request.path),
    }
    observed = []
    for fraction in runs.progress(fractions, "kept sets"):
        part = run.directory.absolute() / "parts" / f"{request.selection}-{fraction!r}.safetensors"

        def one(fraction: float = fraction, part: Path = part) -> None:
            calibration = measurement.targets, None, measurement.calibration_contexts
            vocab = kept_set(capture, request.selection, fraction, *calibration)
            observer.observe(request.selection, vocab, compared).write(part)

        run.step(f"{request.selection} {fraction!r}", [part], one, parameters)
        observed.append((fraction, Observations.read(part)))
    settings = predict(
        observed,
        observer.documents,
        observer.runs,
        model,
        sizes,
        rank=request.rank,
        longest=request.longest,
        level=LEVEL,
        resamples=RESAMPLES,
        seed=request.seed,
    )
    return Predicted(settings, model, sizes, len(set(observer.documents.tolist())), bool(observer.runs))


def from_table(request: Request, size: int, costs: Costs) -> Predicted:
    """Predict from ``measure.csv``: mean acceptance with its interval.

    Parameters
    ----------
    request
        Its path is the table's.
    size
        Tokens of target and drafter.
    costs
        As in `from_capture`; the width is not known.

    Raises
    ------
    ValueError
        If the table lacks a column, has no row that was asked for, a rate is none, or more tokens are kept than there
        are.
    """
    rows = [row for row in tables.read(request.path) if row.get("sampler") in request.kernels]
    columns = ("selection", "fraction", "kept", "sampler", "acceptance", "low", "high")
    for column in columns:
        if rows and column not in rows[0]:
            raise ValueError(f"{request.path} has no column {column!r}: it is not the table of a measurement")
    rows = [row for row in rows if row["selection"] == request.selection]
    if request.fractions is not None:
        rows = [row for row in rows if row["fraction"] in request.fractions]
    if not rows:
        raise ValueError(
            f"{request.path} has no row of the kernels {', '.join(request.kernels)} at the kept shares asked for, "
            f"selected by {request.selection}"
        )
    model = costs(size, None)
    _known(model)
    settings: list[Setting] = []
    for index, row in enumerate(rows):
        mean, low, high = (_rate(request.path, row, index, name) for name in ("acceptance", "low", "high"))
        if not low <= mean <= high:
            raise ValueError(f"{request.path}: low, acceptance and high are not in order in row {index}")
        kept, kernel = row["kept"], str(row["sampler"])
        fraction = row["fraction"]
        if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction <= 1:
            raise ValueError(f"{request.path}: fraction is {fraction!r} in row {index}, not in (0, 1]")
        if not isinstance(kept, int) or isinstance(kept, bool) or not 1 <= kept <= size:
            raise ValueError(f"{request.path}: kept is {kept!r} in row {index}, not from 1 to {size}")
        whole = kernel == "unpruned"
        if whole and any(setting.kernel == kernel for setting in settings):
            continue
        settings += from_acceptance(
            1.0 if whole else float(fraction),
            size if whole else kept,
            kernel,
            (mean, low, high),
            model,
            (size, size),
            rank=request.rank,
            longest=request.longest,
        )
    return Predicted(settings, model, (size, size), None, False)


def _known(costs: CostModel) -> None:
    for kernel in costs.kernels:
        if kernel not in KERNELS:
            raise ValueError(f"kernels names {kernel!r} among the costs; there are {', '.join(KERNELS)}")


def _rate(path: Path, row: Row, index: int, name: str) -> float:
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{path}: {name} is {value!r} in row {index}, which is no acceptance rate")
    return float(value)


__all__ = ["KERNELS", "LEVEL", "Predicted", "Request", "from_capture", "from_table"]
