"""One kernel fitted on calibration documents, measured on held-out ones, and certified there or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.optimal import LARGEST
from rdk_theory.fitting.optimal_streamed import InMemory, StreamedFit, fit_streamed
from rdk_theory.fitting.prior import MixedFit, fit_rank_one
from rdk_theory.fitting.safety import Safe, safe
from rdk_theory.fitting.validated import ValidatedFit, fit_validated, held_out
from rdk_theory.kernels import Embedding, Kernel
from rdk_theory.measure.measurement import Measurement
from rdk_theory.measure.samplers import GAP, Contexts, Fitted, Sampler
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary

Fit: TypeAlias = MixedFit | ValidatedFit | StreamedFit
"""What a fit gives."""


def fit_for_acceptance(contexts: Contexts) -> ValidatedFit | StreamedFit:
    """With steps and shrinkage that every third document chooses; in batches, to a sparse kernel, where it is large.

    The first is then fitted again to all documents; the second, whose fit takes minutes, to the others alone.
    """
    p, q, vocab = contexts.targets, contexts.drafts, contexts.vocab
    if contexts.documents is None or max(vocab.kept_size, p.shape[0]) * vocab.size <= LARGEST:
        return fit_validated(p, q, vocab, contexts.documents, tolerance=GAP)
    held = held_out(contexts.documents)
    return fit_streamed(
        InMemory(p[~held], q[~held]), vocab, tolerance=GAP, validation_source=InMemory(p[held], q[held])
    )


FITS: dict[str, Callable[[Contexts], Fit]] = {
    "rank-one": lambda c: fit_rank_one(c.targets, c.drafts, c.vocab),
    "cooccurrence": lambda c: fit_cooccurrence(c.targets, c.drafts, c.vocab),
    "optimal": fit_for_acceptance,
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
    fits: list[Fit] = []

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
    bound = None if isinstance(found, MixedFit) else found.upper_bound
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
            "steps": None if isinstance(found, MixedFit) else found.steps,
            "fitted": found.acceptance,
            "upper_bound": bound,
            "gap": None if bound is None else bound - found.acceptance,
            **{column: row[column] for column in ("ceiling", "contexts", "documents", "calibration_contexts")},
        },
    )
