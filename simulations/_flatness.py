"""How far the softmax kernel of a diagonal covariance is from the uniform law, and from its first-order form.

What is measured is read off the kernel's worst row, made whole; `_diagonal` has the closed forms.
"""

from __future__ import annotations

import numpy as np

from rdk_theory import restrict
from rdk_theory.acceptance import acceptance_rate, total_variation
from rdk_theory.kernels import SoftmaxCovariance
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary
from simulations import _diagonal

LEVEL = 0.01
"""A row, or a proposal, is called uniform while it is no further than this from the uniform law in total variation."""
_FORMS = (_diagonal.proposal, _diagonal.first_order_proposal)
COLDEST, HOTTEST = 1 / 600, 1e3
"""Temperatures between which limits are sought, over the largest variance of a kept token."""


def distances(kernel: SoftmaxCovariance, variance: np.ndarray, original: np.ndarray) -> Row:
    """How far the worst row and the proposal `original` are from the uniform law."""
    size = kernel.vocab.size
    u = float(variance[worst(variance, kernel.vocab)[1]]) / kernel.temperature
    return {
        "row_from_uniform": row_from_uniform(kernel, variance),
        "row_from_uniform_theory": _diagonal.from_uniform(u, size),
        "proposal_from_uniform": _from_uniform(original),
    }


def first_order(kernel: SoftmaxCovariance, mean: np.ndarray, variance: np.ndarray, original: np.ndarray) -> Row:
    """Error of ``(1 + x)/N`` in the worst row and in acceptance in the mean law, and its bound where it is allowed.

    Beyond ``|x| = 1`` the package makes no first-order kernel. The formula still gives laws: of a diagonal covariance
    no deviation is below −1 until the largest is near ``N``. Its error is told up to there, without bound.
    """
    vocab, temperature = kernel.vocab, kernel.temperature
    place, own = worst(variance, vocab)
    u = float(variance[own]) / temperature
    if u > vocab.size:
        return dict.fromkeys(("row_error", "row_error_theory", "acceptance_error", "bound"))
    bound = None
    if kernel.spread <= 1:
        approximation = kernel.first_order()
        bound = approximation.error_bound
        error = float(total_variation(kernel.row(place), approximation.row(place)))
        proposal = approximation.redistribute(restrict(mean, vocab))
    else:
        error = formula_error(kernel, variance)
        proposal = _diagonal.first_order_proposal(mean, variance, vocab, temperature)
    return {
        "row_error": error,
        "row_error_theory": _diagonal.from_first_order(u, vocab.size),
        "acceptance_error": _change(mean, original, proposal),
        "bound": bound,
    }


def limits(mean: np.ndarray, variance: np.ndarray, vocab: Vocabulary) -> Row:
    """Temperatures over the largest variance at which something ends, by bisection, and what holds there.

    At `row_leaves` the worst row is `LEVEL` from the uniform law; at `proposal_leaves` the proposal in the mean law
    is, `None` where it never is; at `expansion_ends` the largest ``|x|`` is 1.
    """
    largest = float(variance.max())
    widest = float(variance[worst(variance, vocab)[1]])
    cold, hot = COLDEST * widest, HOTTEST * widest

    def kernel(temperature: float) -> SoftmaxCovariance:
        return SoftmaxCovariance.from_diagonal(vocab, variance, temperature)

    def drafted(temperature: float) -> float:
        return _from_uniform(_diagonal.proposal(mean, variance, vocab, temperature))

    def accepted(temperature: float) -> float:
        forms = (form(mean, variance, vocab, temperature) for form in _FORMS)
        return _change(mean, *forms)

    leaves = _diagonal.crossing(lambda t: row_from_uniform(kernel(t), variance), LEVEL, cold, hot)
    ends = _diagonal.crossing(lambda t: float(kernel(t).spread), 1.0, cold, hot)
    return {
        "level": LEVEL,
        "row_leaves": leaves / largest,
        "row_leaves_theory": widest / _diagonal.leaving(LEVEL, vocab.size) / largest,
        "row_leaves_deviation": float(kernel(leaves).spread),
        "row_leaves_error": formula_error(kernel(leaves), variance),
        "row_leaves_acceptance_error": accepted(leaves),
        "proposal_leaves": (_diagonal.crossing(drafted, LEVEL, cold, hot) / largest if drafted(cold) > LEVEL else None),
        "expansion_ends": ends / largest,
        "row_at_expansion_end": row_from_uniform(kernel(ends), variance),
        "row_error_at_expansion_end": formula_error(kernel(ends), variance),
        "acceptance_error_at_expansion_end": accepted(ends),
    }


def worst(variance: np.ndarray, vocab: Vocabulary) -> tuple[int, int]:
    """Place and id of the kept token of largest variance.

    Its row is furthest from the uniform law, and from first order as long as no own entry exceeds one half.
    """
    place = int(np.argmax(variance[vocab.kept]))
    return place, int(vocab.kept[place])


def row_from_uniform(kernel: SoftmaxCovariance, variance: np.ndarray) -> float:
    """Total variation between the worst row and the uniform law."""
    return _from_uniform(kernel.row(worst(variance, kernel.vocab)[0]))


def formula_error(kernel: SoftmaxCovariance, variance: np.ndarray) -> float:
    """Total variation between the worst row and ``(1 + x)/N``, whether or not the package allows that kernel."""
    place, own = worst(variance, kernel.vocab)
    x = np.zeros(kernel.vocab.size)
    x[own] = variance[own] / kernel.temperature
    return float(total_variation(kernel.row(place), (1 + (x - x.mean())) / x.size))


def _change(mean: np.ndarray, original: np.ndarray, approximation: np.ndarray) -> float:
    return abs(float(acceptance_rate(mean, approximation) - acceptance_rate(mean, original)))


def _from_uniform(law: np.ndarray) -> float:
    return float(total_variation(law, np.full(law.size, 1 / law.size)))
