"""``linear-cost``: what each kernel's proposal costs, counted while it is computed, and how that grows."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory.distributions import embed
from rdk_theory.kernels import (
    Dense,
    Diffusion,
    Embedding,
    FirstOrderDiffusion,
    FirstOrderSoftmax,
    Kernel,
    LowRank,
    Operations,
    RankOne,
    SoftmaxCovariance,
    Sparse,
)
from rdk_theory.theorems._claim import Claim, Clause, Control, Instance, Kind
from rdk_theory.theorems._counting import Counting, count, counting
from rdk_theory.theorems._source import Source
from rdk_theory.vocabulary import Vocabulary

Sizes = tuple[int, int, int, int]
"""``N``, ``K``, the rank ``R``, and stored entries a row."""


def _laws(rows: int, size: int) -> np.ndarray:
    return counting([[Fraction(1, size)] * size] * rows)


def _csr(rows: int, entries: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row spread over the first `entries` tokens."""
    indices = np.tile(np.arange(entries), rows)
    return _laws(rows, entries).ravel(), indices, np.arange(0, rows * entries + 1, entries)


def _vocab(sizes: Sizes) -> Vocabulary:
    return Vocabulary(sizes[0], np.arange(sizes[1])[::-1])


COLD = 100
"""A temperature at which every deviation of the covariances below is under 1."""

MAKE: dict[str, Callable[[Vocabulary, Sizes], Kernel]] = {
    "embedding": lambda v, n: Embedding(v),
    "rank-one": lambda v, n: RankOne(v, Counting(1, 3), _laws(1, n[0])[0]),
    "dense": lambda v, n: Dense(v, _laws(n[1], n[0])),
    "sparse": lambda v, n: Sparse(v, _csr(n[1], n[3])),
    "low rank": lambda v, n: LowRank(v, _laws(n[1], n[2]), _laws(n[2], n[0])),
    "first-order softmax": lambda v, n: SoftmaxCovariance(v, counting(np.eye(n[0], dtype=int)), COLD).first_order(),
    "first-order softmax, factor": lambda v, n: SoftmaxCovariance.from_factor(
        v, counting(np.ones((n[0], n[2]), dtype=int)), COLD
    ).first_order(),
    "first-order softmax, diagonal": lambda v, n: SoftmaxCovariance.from_diagonal(
        v, counting(np.ones(n[0], dtype=int)), COLD
    ).first_order(),
    "first-order diffusion": lambda v, n: Diffusion(v, _laws(n[0], n[0]), Counting(1, 3)).first_order(),
    "first-order diffusion, sparse": lambda v, n: Diffusion(v, _csr(n[0], n[3]), Counting(1, 3)).first_order(),
    "diffusion": lambda v, n: Diffusion(v, _laws(n[0], n[0]), 1e-6),
    "diffusion, sparse": lambda v, n: Diffusion(v, _csr(n[0], n[3]), 1e-6),
}

ENTRIES: dict[str, Callable[[int, int, int, int], int]] = {
    "embedding": lambda N, K, R, e: 0,
    "rank-one": lambda N, K, R, e: N + 1,
    "dense": lambda N, K, R, e: K * N,
    "sparse": lambda N, K, R, e: K * e,
    "low rank": lambda N, K, R, e: K * R + R * N,
    "first-order softmax": lambda N, K, R, e: K * N,
    "first-order softmax, factor": lambda N, K, R, e: K * R + R * N,
    "first-order softmax, diagonal": lambda N, K, R, e: K,
    "first-order diffusion": lambda N, K, R, e: K * N + 1,
    "first-order diffusion, sparse": lambda N, K, R, e: K * e + 1,
}
"""Numbers that hold the kernel, each read once."""

GROWTH: dict[str, tuple[int, Callable[[int], Operations]]] = {
    "embedding": (1, lambda N: Embedding.cost(N, N // 4)),
    "rank-one": (1, lambda N: RankOne.cost(N, N // 4)),
    "dense": (2, lambda N: Dense.cost(N, N // 4)),
    "sparse": (1, lambda N: Sparse.cost(N, N // 4, 8 * N)),
    "low rank": (1, lambda N: LowRank.cost(N, N // 4, 64)),
    "softmax": (2, lambda N: SoftmaxCovariance.cost(N, N // 4)),
    "softmax, factor": (2, lambda N: SoftmaxCovariance.cost(N, N // 4, 64)),
    "first-order softmax": (2, lambda N: FirstOrderSoftmax.cost(N, N // 4)),
    "first-order softmax, factor": (1, lambda N: FirstOrderSoftmax.cost(N, N // 4, 64)),
    "first-order softmax, diagonal": (1, lambda N: FirstOrderSoftmax.cost(N, N // 4, diagonal=True)),
    "diffusion": (2, lambda N: Diffusion.cost(N, N // 4, 20)),
    "diffusion, sparse": (1, lambda N: Diffusion.cost(N, N // 4, 20, 8 * N)),
    "first-order diffusion": (2, lambda N: FirstOrderDiffusion.cost(N, N // 4)),
    "first-order diffusion, sparse": (1, lambda N: FirstOrderDiffusion.cost(N, N // 4, 8 * N)),
}
"""The exponent of each kernel in `N`, with a quarter kept, rank 64, eight stored entries a token and 20 terms."""


def _instance(source: Source, kinds: tuple[str, ...] = tuple(MAKE)) -> Instance:
    size = source.size(1, 8)
    kept = source.size(1, size)
    return {"kind": source.pick(kinds), "sizes": (size, kept, source.size(1, 3), source.size(1, size))}


def _counted(kind: str, sizes: Sizes) -> np.ndarray:
    """Products and sums while the proposal is computed; what checking the draft row takes does not count."""
    vocab = _vocab(sizes)
    kernel = MAKE[kind](vocab, sizes)
    draft = _laws(1, sizes[1])[0]
    if isinstance(kernel, Diffusion):  # a series has no rational end, and is refused: its terms are run as they are
        start, affinity = counting(embed(draft, vocab)), kernel._affinity
        return np.array(count(lambda: kernel._series(start, lambda v: counting(affinity.product(v)))))
    total, checks = count(lambda: kernel.redistribute(draft)), count(lambda: kernel.check_draft(draft))
    return np.array(total) - np.array(checks)


def _arithmetic(kind: str, sizes: Sizes) -> np.ndarray:
    cost = MAKE[kind](_vocab(sizes), sizes).operations
    return np.array([cost.multiplications, cost.additions])


def _bytes(kind: str, sizes: Sizes) -> Any:
    return MAKE[kind](_vocab(sizes), sizes).operations.bytes(itemsize=4)


def _bytes_by_arrays(kind: str, sizes: Sizes) -> int:
    """Four bytes for each number of the draft row, of the kernel, and of the proposal."""
    return 4 * (sizes[1] + ENTRIES[kind](*sizes) + sizes[0])


def _exponent(kind: str, measure: Callable[[Operations], int]) -> float:
    """Slope of the logarithm of the cost between ``N = 2¹²`` and ``2¹⁸``, to two digits."""
    low, high = (measure(GROWTH[kind][1](1 << n)) for n in (12, 18))
    return round(math.log2(high / low) / 6, 2)


def _work(cost: Operations) -> int:
    return int(cost.multiplications + cost.additions + cost.exponentials + cost.reads + cost.writes)


CLAIM = Claim(
    id="linear-cost",
    title="What a proposal costs",
    section="D",
    statement=(
        r"\text{products and sums of } q' M: \text{ rank-one } N + K,\ K + 1;\ \text{dense } KN,\ (K-1)N;"
        r"\ \text{sparse } \mathrm{nnz},\ \mathrm{nnz};\ \text{low rank } (K + N) R,\ (K-1) R + (R-1) N;"
        r"\ \text{exponent in } N \text{: 2 for whole matrices, 1 for the others}"
    ),
    clauses=(
        Clause(
            name="arithmetic",
            kind=Kind.IDENTITY,
            statement=r"\texttt{operations} = \text{products and sums counted while } q' M \text{ is computed}",
            build=_instance,
            stated=_arithmetic,
            measured=_counted,
            controls=(
                Control("that of a dense kernel", stated=lambda kind, sizes: _arithmetic("dense", sizes)),
                Control("one sum for each product", stated=lambda kind, sizes: _arithmetic(kind, sizes)[[0, 0]]),
            ),
            samples=100,
        ),
        Clause(
            name="bytes",
            kind=Kind.IDENTITY,
            statement=(
                r"\text{bytes} = 4 \cdot (\text{draft row} + \text{numbers that hold the kernel} + \text{proposal})"
            ),
            build=lambda source: _instance(source, tuple(ENTRIES)),
            stated=_bytes,
            measured=_bytes_by_arrays,
            controls=(Control("the proposal alone", stated=lambda kind, sizes: 4 * sizes[0]),),
            samples=100,
        ),
        Clause(
            name="exponents",
            kind=Kind.IDENTITY,
            statement=(
                r"\log_2 \frac{\text{cost}(2^{18})}{\text{cost}(2^{12})} / 6 = 1 \text{ or } 2 \text{ to two digits}"
            ),
            build=lambda source: {"kind": source.pick(tuple(GROWTH))},
            stated=lambda kind: GROWTH[kind][0],
            measured=lambda kind: _exponent(kind, _work),
            controls=(
                Control("all linear", stated=lambda kind: 1),
                Control("all quadratic", stated=lambda kind: 2),
            ),
            samples=30,
        ),
    ),
    remarks=(
        "Costs are those of `redistribute` for one draft row; the cost of checking that row is left out of the count. "
        "The softmax kernel cannot run on rationals, and is not counted, only its exponent is taken from its formula.",
        "Times against N are measured by the simulation of cost and by the benchmarks.",
    ),
)
