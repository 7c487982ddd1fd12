"""``restriction-is-renormalisation``: a pruned head computes the full head's law, conditioned on the kept tokens."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np

from rdk_theory.acceptance import total_variation
from rdk_theory.distributions import restrict, softmax
from rdk_theory.theorems import _restricted
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _logits(source: Source) -> Instance:
    """Full logits of a drafter, −inf among them, and the ids that its pruned head keeps, in any order."""
    size = source.size(1, 6)
    kept = source.kept(size)
    scale = source.pick((1.0, 30.0, 700.0))
    logits = np.array([scale * (2 * float(source.weight()) - 1) for _ in range(size)])
    if len(kept) < size and source.pick((True, False)):
        logits[np.setdiff1d(np.arange(size), kept)[0]] = -np.inf
    return {"logits": logits, "kept": kept, "temperature": source.pick((1.0, 0.5, 2.0))}


def _pruned_head(logits: np.ndarray, kept: np.ndarray, temperature: float) -> np.ndarray:
    return softmax(logits[kept], temperature)


def _conditioned_softmax(logits: np.ndarray, kept: np.ndarray, temperature: float) -> np.ndarray:
    """Full softmax, then conditioning, in 60 decimal digits."""
    with localcontext() as context:
        context.prec = 60
        weights = [(Decimal(z) / Decimal(temperature)).exp() if np.isfinite(z) else Decimal(0) for z in logits.tolist()]
        full = [w / sum(weights) for w in weights]
        mass = sum(full[i] for i in kept)
        return np.array([float(full[i] / mass) for i in kept])


def _restricted_softmax(logits: np.ndarray, kept: np.ndarray, temperature: float) -> np.ndarray:
    """The package's own two steps on a full row; logits far apart leave no digits, and are not asked for."""
    return restrict(softmax(logits, temperature), Vocabulary(len(logits), kept))


def _near_logits(source: Source) -> Instance:
    size = source.size(1, 6)
    logits = np.array([20 * float(source.weight()) - 10 for _ in range(size)])
    return {"logits": logits, "kept": source.kept(size), "temperature": source.pick((1.0, 0.5, 2.0))}


def _weights(source: Source) -> Instance:
    return {name: value for name, value in _restricted.restricted(source).items() if name != "p"} | {
        "unit": source.number(1)
    }


def _restrict(full: np.ndarray, kept: np.ndarray, draft_ids: np.ndarray, unit: Any) -> np.ndarray:
    vocab = Vocabulary(int(kept.max()) + 1, kept, draft_size=len(full), draft_ids=draft_ids)
    return restrict(full, vocab)


def _weights_of_kept(full: np.ndarray, kept: np.ndarray, draft_ids: np.ndarray, unit: Any) -> np.ndarray:
    """Unnormalised weights of kept tokens alone, three times too large, divided by their sum."""
    weights = [3 * unit * full[int(d)] for d in draft_ids]
    return np.array([w / sum(weights) for w in weights])


def _cold_peak(source: Source) -> Instance:
    """A full draft whose likeliest token, the first, is cold, and two kept tokens that are possible."""
    size = source.size(3, 5)
    rest = source.distribution(size - 1) + source.array([3, 1, *[0] * (size - 3)])
    return {"full": np.concatenate([source.array([5]), rest]) / 10, "keep": source.array([1])}


def _top_two(row: np.ndarray) -> np.ndarray:
    """The two largest entries, normalised: top-k truncation with k = 2."""
    bound = sorted(row)[-2]
    kept = np.where(row >= bound, row, row * 0)
    return kept / kept.sum()


def _truncation_gap(full: np.ndarray, keep: np.ndarray) -> Any:
    """Distance between truncating before and after restriction to all tokens but the first."""
    vocab = Vocabulary(len(full), np.arange(1, len(full)))
    return total_variation(restrict(_top_two(full), vocab), _top_two(restrict(full, vocab)))


def _tempered(row: np.ndarray) -> np.ndarray:
    """Temperature one half: squares, normalised."""
    return row**2 / (row**2).sum()


def _temperature_gap(full: np.ndarray, keep: np.ndarray) -> Any:
    """Distance between tempering before and after restriction."""
    vocab = Vocabulary(len(full), np.arange(1, len(full)))
    return total_variation(restrict(_tempered(full), vocab), _tempered(restrict(full, vocab)))


CLAIM = Claim(
    id="restriction-is-renormalisation",
    title="A pruned head is the full head, conditioned",
    section="B",
    statement=(
        r"\mathrm{softmax}(z_I / T) = q(\cdot \mid I) \text{ for } q = \mathrm{softmax}(z / T),\; q(I) > 0: "
        r"\text{ pruning the head and conditioning its law are one operation, at any temperature; "
        r"truncation (top-}k\text{) does not commute with it}"
    ),
    clauses=(
        Clause(
            name="pruned head",
            kind=Kind.IDENTITY,
            statement=r"\mathrm{softmax}(z_I/T)_i = \frac{q_i}{q(I)},\quad q = \mathrm{softmax}(z/T)",
            build=_logits,
            stated=_pruned_head,
            measured=_conditioned_softmax,
            controls=(
                Control(
                    "not renormalised", stated=lambda logits, kept, temperature: softmax(logits, temperature)[kept]
                ),
                Control("temperature forgotten", stated=lambda logits, kept, temperature: softmax(logits[kept])),
                Control(
                    "kept ids taken as sorted",
                    stated=lambda logits, kept, temperature: softmax(logits[np.sort(kept)], temperature),
                ),
            ),
            exact=False,
        ),
        Clause(
            name="full row",
            kind=Kind.IDENTITY,
            statement=r"\mathrm{restrict}(\mathrm{softmax}(z/T)) = q(\cdot \mid I)",
            build=_near_logits,
            stated=_restricted_softmax,
            measured=_conditioned_softmax,
            controls=(
                Control(
                    "not renormalised", stated=lambda logits, kept, temperature: softmax(logits, temperature)[kept]
                ),
            ),
            exact=False,
        ),
        Clause(
            name="weights",
            kind=Kind.IDENTITY,
            statement=r"\frac{w_i}{w(I)} = \frac{w_i / w(D)}{w(I) / w(D)} \text{ for weights } w \ge 0,\; w(I) > 0",
            build=_weights,
            stated=_restrict,
            measured=_weights_of_kept,
            controls=(
                Control("not renormalised", stated=lambda full, kept, draft_ids, unit: full[draft_ids]),
                Control(
                    "spread evenly over kept tokens",
                    stated=lambda full, kept, draft_ids, unit: (
                        full[draft_ids] + (unit - full[draft_ids].sum()) / len(kept)
                    ),
                ),
            ),
        ),
        Clause(
            name="truncation does not commute",
            kind=Kind.EXISTENCE,
            statement=r"\mathrm{TV}\bigl(\mathrm{top}_2(q)(\cdot \mid I),\; \mathrm{top}_2(q(\cdot \mid I))\bigr) > 0",
            build=_cold_peak,
            stated=lambda full, keep: full[0] * 0,
            measured=_truncation_gap,
            controls=(
                Control("temperature, which commutes", measured=_temperature_gap),
                Control("by more than half", stated=lambda full, keep: keep[0] / 2),
            ),
        ),
    ),
    remarks=(
        "Where a row has no mass on kept tokens the conditional law does not exist; the package raises there. A pruned "
        "head always has a law, the limit along its logits.",
        "In floats the two orders differ when cold logits are far above the kept ones: the full softmax underflows and "
        "the pruned head does not.",
    ),
)
