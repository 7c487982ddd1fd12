"""One kernel fitted on calibration documents, measured on held-out ones, and certified there or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.prior import MixedFit, fit_rank_one
from rdk_theory.fitting.safety import Safe, safe
from rdk_theory.fitting.validated import ValidatedFit, fit_validated
from rdk_theory.kernels import Embedding, Kernel
from rdk_theory.measure.measurement import Measurement
from rdk_theory.measure.samplers import GAP, Contexts, Fitted, Sampler
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary

FITS: dict[str, Callable[[Contexts], MixedFit | ValidatedFit]] = {
    "rank-one": lambda c: fit_rank_one(c.targets, c.drafts, c.vocab),
    "cooccurrence": lambda c: fit_cooccurrence(c.targets, c.drafts, c.vocab),
    "optimal": lambda c: fit_validated(c.targets, c.drafts, c.vocab, c.documents, tolerance=GAP),
}
"""What fits the kernel of each name."""

MEASURED = (
    *("acceptance", "low", "high", "gain", "gain_low", "gain_high"),
    *("recovered", "recovered_low", "recovered_high"),
)
"""Columns of the measurement that the row of a fit has too."""


@dataclass
class _Recorded:
    """A kernel as a sampler that remembers the acceptance rates it was asked for, context after context."""

    kernel: Kernel
    parts: list[np.ndarray] = field(default_factory=list)

    def __call__(self, contexts: Contexts) -> np.ndarray:
        rates = acceptance_rate(contexts.targets, self.kernel.redistribute(contexts.drafts))
        self.parts.append(np.asarray(rates))
        return self.parts[-1]

    @property
    def rates(self) -> np.ndarray:
        return np.concatenate(self.parts).astype(np.float64)


def fit_and_measure(
    measurement: Measurement, name: str, selection: str, vocab: Vocabulary, level: float
) -> tuple[Kernel, Safe, Row]:
    """Fit the kernel `name` and judge it beside TLI.

    Parameters
    ----------
    measurement
        The capture, with its calibration contexts.
    name
        One of `FITS`.
    selection
        How the kept tokens were chosen, for the row.
    vocab
        The target vocabulary and its kept tokens.
    level
        Of the certificate.

    Returns
    -------
    tuple
        The kernel; what `safe` says of it; and a row of the measurement, with TLI's acceptance in columns of their own.
    """
    judges: dict[str, _Recorded] = {}
    fits: list[MixedFit | ValidatedFit] = []

    def tli(contexts: Contexts) -> Fitted:
        judges["tli"] = _Recorded(Embedding(contexts.vocab))
        return Fitted(judges["tli"])

    def fit(contexts: Contexts) -> Fitted:
        fits.append(FITS[name](contexts))
        judges[name] = _Recorded(fits[0].kernel)
        return Fitted(judges[name])

    base, row = measurement.measure(selection, vocab, (Sampler("tli", tli), Sampler(name, fit)))
    gains = judges[name].rates - judges["tli"].rates
    kernel = judges[name].kernel
    outcome = safe(kernel, gains, measurement.capture.documents[measurement.test], level)
    (found,) = fits
    bound = found.upper_bound if isinstance(found, ValidatedFit) else None
    return (
        kernel,
        outcome,
        {
            **{column: row[column] for column in ("pair", "selection", "kept")},
            "kernel": name,
            **{f"tli{end}": base[column] for column, end in (("acceptance", ""), ("low", "_low"), ("high", "_high"))},
            **{column: row[column] for column in MEASURED},
            "level": level,
            "dominance_bound": outcome.bound.lower,
            "certified": outcome.certified,
            "worse": row["worse"],
            "weight": found.weight if isinstance(found, MixedFit) else found.share,
            "steps": found.steps if isinstance(found, ValidatedFit) else None,
            "fitted": found.acceptance,
            "upper_bound": bound,
            "gap": None if bound is None else bound - found.acceptance,
            **{column: row[column] for column in ("ceiling", "contexts", "documents", "calibration_contexts")},
        },
    )
