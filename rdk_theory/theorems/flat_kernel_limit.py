"""``flat-kernel-limit``: a softmax kernel whose deviations are small beside ``ln N`` is nearly uniform."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.kernels import SoftmaxCovariance
from rdk_theory.theorems import _roads
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary


def _covariance(source: Source) -> Instance:
    """A covariance of target laws, kept tokens, and a temperature that leaves deviations of up to 8."""
    size = source.size(2, 8)
    laws = source.distributions(3, size)
    centred = laws - laws.mean(axis=0)
    covariance = centred.T @ centred / 3
    largest = float(np.abs(covariance).max())
    temperature = largest / 8 + 1e-3 + source.weight()
    return {"covariance": (covariance + covariance.T) / 2, "kept": source.kept(size), "temperature": temperature}


def _contexts(source: Source) -> Instance:
    instance = _covariance(source)
    size, kept = len(instance["covariance"]), len(instance["kept"])
    count = source.size(1, 4)
    return {**instance, "p": source.distributions(count, size), "draft": source.distributions(count, kept)}


def _weights(source: Source) -> Instance:
    """A row of the kernel before it is normalised: positive rationals, exponentials of nothing in particular."""
    size = source.size(2, 6)
    return {"y": (source.rational_distribution(size) + Fraction(1, size)) * source.size(1, 3)}


def _deviations(source: Source) -> Instance:
    size, s = source.size(2, 10), 4 * source.weight()
    raw = np.array([source.weight() for _ in range(size)])
    raw = raw - raw.mean()
    largest = float(np.abs(raw).max())
    return {"x": s * raw / largest if largest > 0 else raw}


def _rational_covariance(source: Source) -> Instance:
    """The covariance of two laws, and kept tokens."""
    size = source.size(2, 6)
    laws = source.distributions(2, size)
    centred = laws - laws.sum(axis=0) / 2
    return {"covariance": centred.T @ centred / 2, "kept": source.kept(size, 1, 2 if source.exact else size)}


def _kernel(covariance: np.ndarray, kept: np.ndarray, temperature: float) -> SoftmaxCovariance:
    return SoftmaxCovariance(Vocabulary(len(covariance), kept), covariance, temperature)


def _largest_entry(covariance: np.ndarray, kept: np.ndarray, temperature: float) -> float:
    """The largest entry of the kernel, exponentials added one by one."""
    best = 0.0
    for i in kept:
        weights = [math.exp(x / temperature) for x in covariance[i].tolist()]
        best = max(best, max(weights) / math.fsum(weights))
    return best


def _largest_deviation(covariance: np.ndarray, kept: np.ndarray, temperature: float) -> float:
    return float(max((covariance[i] - covariance[i].mean()).max() for i in kept) / temperature)


def _sharp_entry(covariance: np.ndarray, kept: np.ndarray, temperature: float) -> float:
    size, s = len(covariance), _largest_deviation(covariance, kept, temperature)
    return 1 / (1 + (size - 1) * math.exp(-s * size / (size - 1)))


def _acceptance(p: np.ndarray, draft: np.ndarray, **kernel: Any) -> float:
    """Mean acceptance over contexts, with the kernel's rows one by one."""
    made = _kernel(**kernel)
    rows = np.stack([made.row(i) for i in range(made.vocab.kept_size)])
    return sum(_roads.overlap(a, _roads.times(b, rows)) for a, b in zip(p, draft, strict=True)) / len(p)


def _ceiling(p: np.ndarray, draft: np.ndarray, **kernel: Any) -> float:
    return float(np.minimum(p, _kernel(**kernel).entry_ceiling).sum() / len(p))


def _ceiling_of_mean(p: np.ndarray, draft: np.ndarray, **kernel: Any) -> float:
    return float(np.minimum(p.mean(axis=0), _kernel(**kernel).entry_ceiling).sum())


def _power(y: np.ndarray) -> Any:
    """``(N M_j)^N`` at the largest entry."""
    total = sum(y)
    return (len(y) * max(y) / total) ** len(y)


def _others(y: np.ndarray) -> Any:
    """``((1/M_j − 1)/(N − 1))^{N−1}`` at the largest entry: the mean of the others over it, to that power."""
    return ((sum(y) - max(y)) / max(y) / (len(y) - 1)) ** (len(y) - 1)


def _spike() -> Instance:
    """One deviation up, all others equally down: the row that is furthest from flat."""
    covariance = np.array([[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]])
    return {"covariance": covariance, "kept": np.array([2, 0]), "temperature": 1.5}


def _flat() -> Instance:
    return {"covariance": np.zeros((3, 3)), "kept": np.array([1]), "temperature": 1.0}


def _flat_contexts() -> Instance:
    thirds = np.full((1, 3), 1 / 3)
    return {**_flat(), "p": thirds, "draft": np.array([[1.0]])}


def _distance_from_uniform(x: np.ndarray) -> float:
    weights = [math.exp(v) for v in x.tolist()]
    total = math.fsum(weights)
    return math.fsum(max(w / total - 1 / x.size, 0.0) for w in weights)


def _largest(x: np.ndarray) -> float:
    return float(np.abs(x).max())


CLAIM = Claim(
    id="flat-kernel-limit",
    title="A softmax kernel is flat at vocabulary scale",
    section="D",
    statement=(
        r"s' = \max_{i, j} (\Omega_{ij} - \bar\Omega_i)/\tau: \quad "
        r"M_{ij} \le \frac{1}{1 + (N-1) e^{-s' N/(N-1)}} \le \frac{e^{s'}}{N},"
        r"\quad \mathrm E\,\alpha(p, q' M) \le \mathrm E \sum_t \min(p_t, e^{s'}/N)"
        r" \le \sum_t \min(\mathrm E p_t, e^{s'}/N)"
    ),
    clauses=(
        Clause(
            name="entry",
            kind=Kind.TIGHT_UPPER,
            statement=r"M_{ij} \le e^{s'}/N",
            build=_covariance,
            stated=lambda **x: _kernel(**x).entry_ceiling,
            measured=_largest_entry,
            controls=(Control("uniform", stated=lambda **x: 1 / len(x["covariance"])),),
            attained=_flat,
            exact=False,
        ),
        Clause(
            name="sharp entry",
            kind=Kind.TIGHT_UPPER,
            statement=r"M_{ij} \le 1/(1 + (N-1) e^{-s' N/(N-1)}), \text{ attained for every } s' \text{ and } N \ge 2",
            build=_covariance,
            stated=_sharp_entry,
            measured=_largest_entry,
            controls=(Control("three quarters", stated=lambda **x: 0.75 * _sharp_entry(**x)),),
            attained=_spike,
            exact=False,
        ),
        Clause(
            name="sharper",
            kind=Kind.UPPER,
            statement=r"1/(1 + (N-1) e^{-s' N/(N-1)}) \le e^{s'}/N",
            build=_covariance,
            stated=lambda **x: _kernel(**x).entry_ceiling,
            measured=_sharp_entry,
            controls=(Control("than half of it", stated=lambda **x: _kernel(**x).entry_ceiling / 2),),
            exact=False,
            samples=50,
        ),
        Clause(
            name="entry in weights",
            kind=Kind.TIGHT_UPPER,
            statement=r"y_j = e^{x_j}: \quad (N \max_j M_j)^N \le \max_j y_j^N / \prod_k y_k \;(= e^{N s'})",
            build=_weights,
            stated=lambda y: max(y) ** len(y) / math.prod(y),
            measured=_power,
            controls=(Control("the smallest weight", stated=lambda y: min(y) ** len(y) / math.prod(y)),),
            attained=lambda: {"y": np.array([Fraction(1, 2)] * 3)},
            grid_size=4,
            grid_denominator=6,
        ),
        Clause(
            name="sharp entry in weights",
            kind=Kind.TIGHT_LOWER,
            statement=(
                r"\Big(\frac{1/M_j - 1}{N - 1}\Big)^{N-1} \ge \prod_{k \ne j} y_k / y_j^{N-1} \;(= e^{-N s'})"
                r" \text{ at the largest } M_j"
            ),
            build=_weights,
            stated=lambda y: math.prod(y) / max(y) ** len(y),
            measured=_others,
            controls=(Control("twice that", stated=lambda y: 2 * math.prod(y) / max(y) ** len(y)),),
            attained=lambda: {"y": np.array([Fraction(3), Fraction(1), Fraction(1)])},
            grid_size=4,
            grid_denominator=6,
        ),
        Clause(
            name="variances suffice",
            kind=Kind.TIGHT_UPPER,
            statement=(
                r"\Omega \text{ a covariance of laws: } s' \tau = \max_{i \in I, j} \Omega_{ij} \le \max_t \Omega_{tt},"
                r" \text{ the largest variance}"
            ),
            build=_rational_covariance,
            stated=lambda covariance, kept: max(np.diagonal(covariance)),
            measured=lambda covariance, kept: max(
                x - sum(covariance[i]) / len(covariance) for i in kept for x in covariance[i]
            ),
            controls=(
                Control(
                    "the mean variance", stated=lambda covariance, kept: sum(np.diagonal(covariance)) / len(covariance)
                ),
            ),
            attained=lambda: {
                "covariance": np.array([[Fraction(1, 4), Fraction(-1, 4)], [Fraction(-1, 4), Fraction(1, 4)]]),
                "kept": np.array([1]),
            },
            grid_denominator=2,
        ),
        Clause(
            name="acceptance",
            kind=Kind.TIGHT_UPPER,
            statement=r"\mathrm E\,\alpha(p, q' M) \le \mathrm E \sum_t \min(p_t, e^{s'}/N)",
            build=_contexts,
            stated=_ceiling,
            measured=_acceptance,
            controls=(Control("half of it", stated=lambda **x: _ceiling(**x) / 2),),
            attained=_flat_contexts,
            exact=False,
        ),
        Clause(
            name="acceptance from the mean target",
            kind=Kind.TIGHT_UPPER,
            statement=(
                r"\mathrm E\,\alpha(p, q' M) \le \sum_t \min(\mathrm E p_t, e^{s'}/N): \text{ no context is needed}"
            ),
            build=_contexts,
            stated=_ceiling_of_mean,
            measured=_acceptance,
            controls=(Control("half of it", stated=lambda **x: _ceiling_of_mean(**x) / 2),),
            attained=_flat_contexts,
            exact=False,
        ),
        Clause(
            name="distance from uniform",
            kind=Kind.UPPER,
            statement=r"|x_j| \le s: \quad \mathrm{TV}(M_i, \mathbf 1/N) \le \tanh(s/2)",
            build=_deviations,
            stated=lambda x: math.tanh(_largest(x) / 2),
            measured=_distance_from_uniform,
            controls=(Control("two thirds of it", stated=lambda x: 2 * math.tanh(_largest(x) / 2) / 3),),
            exact=False,
        ),
    ),
    remarks=(
        "The sharp bound on an entry is attained by a row with one deviation up and all others equally down; to give "
        "one token half of a row, s' must reach (1 − 1/N) ln(N − 1).",
        "Rational checks use weights y = e^x in place of deviations: both bounds are then means of the y, arithmetic "
        "against geometric.",
        "The mean and the variances of a target's probabilities are enough for a bound on every softmax kernel of its "
        "covariance: deviations cannot exceed the largest variance, and contexts are not needed.",
    ),
)
