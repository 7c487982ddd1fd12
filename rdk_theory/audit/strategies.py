"""Hypothesis strategies for laws, vocabularies, kernels and uniforms, for the suites of other projects too.

Nothing here filters: a strategy draws free choices and makes a distribution, a vocabulary or a kernel of them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from rdk_theory.kernels import Dense, Diffusion, Embedding, Kernel, LowRank, RankOne
from rdk_theory.vocabulary import Vocabulary

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    Shape = tuple[int, ...]
else:
    # Where annotations are enforced the first cannot be, and the second takes random numbers, which no strategy may.
    DrawFn, Shape = Callable, tuple

LARGEST_BELOW_ONE = float(np.nextafter(1.0, 0.0))
EDGE_UNIFORMS = (0.0, LARGEST_BELOW_ONE, 0.5, 5e-324)

Rows = Callable[[int], st.SearchStrategy[np.ndarray]]
"""A strategy of rows for each length."""

sizes = st.integers(1, 9)
"""Of vocabularies."""


# Distributions


@st.composite
def distributions(draw: DrawFn, size: int) -> np.ndarray:
    """A float64 row: ties and zeros (sixteenths), a point mass, or a rough one over many orders of magnitude."""
    style = draw(st.sampled_from(("ties", "point", "rough", "zero ends")))
    if style == "point":
        return np.eye(size)[draw(st.integers(0, size - 1))]
    if style == "ties":
        return _exact_parts(draw, size, 16) / 16
    exponents = st.floats(-30, 0, allow_subnormal=False)
    weights = np.exp(draw(st.lists(exponents, min_size=size, max_size=size)))
    if style == "zero ends" and size > 2:
        weights[[0, -1]] = 0.0
    return weights / weights.sum()


@st.composite
def rational_distributions(draw: DrawFn, size: int, denominator: int = 12) -> np.ndarray:
    """A row of rationals with this denominator; entries may be 0."""
    return np.array([Fraction(int(n), denominator) for n in _exact_parts(draw, size, denominator)], dtype=object)


def _exact_parts(draw: DrawFn, size: int, total: int) -> np.ndarray:
    """Non-negative integers that sum to `total`: the gaps between sorted cuts."""
    cuts = sorted(draw(st.lists(st.integers(0, total), min_size=size - 1, max_size=size - 1)))
    return np.diff([0, *cuts, total])


@st.composite
def pairs(draw: DrawFn, rows: Rows = distributions, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Two laws over one vocabulary: independent, equal, with disjoint supports, or one a small change of the other."""
    n = draw(sizes) if size is None else size
    p = draw(rows(n))
    relation = draw(st.sampled_from(("independent", "equal", "rotated", "mixed")))
    if relation == "equal":
        return p, p.copy()
    if relation == "rotated":
        return p, np.roll(p, 1)
    r = draw(rows(n))
    return (p, r) if relation == "independent" else (p, (p + r) / 2)


def rational_pairs(size: int | None = None) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """As `pairs`, in rationals."""
    return pairs(rational_distributions, size)


@st.composite
def batches(draw: DrawFn, shape: Shape, size: int, rows: Rows = distributions) -> np.ndarray:
    """Rows stacked to ``(*shape, size)``."""
    made = [draw(rows(size)) for _ in range(int(np.prod(shape, dtype=int)))]
    return np.stack(made).reshape(*shape, size)


# Uniforms


def uniforms(shape: Shape = ()) -> st.SearchStrategy[np.ndarray]:
    """Float64 uniforms of this shape, the ends of [0, 1) among them."""
    one = st.one_of(st.sampled_from(EDGE_UNIFORMS), st.floats(0, 1, exclude_max=True))
    count = int(np.prod(shape, dtype=int))
    return st.lists(one, min_size=count, max_size=count).map(lambda values: np.array(values).reshape(shape))


# Vocabularies and kernels


@st.composite
def vocabularies(draw: DrawFn, size: int | None = None, drafter: bool = False) -> Vocabulary:
    """Kept ids in any order, from one to all; with `drafter` also a drafter that names them otherwise."""
    n = draw(sizes) if size is None else size
    order = draw(st.permutations(range(n)))
    kept = order[: draw(st.sampled_from((1, n, (n + 1) // 2)))]
    if not drafter:
        return Vocabulary(n, kept)
    draft_size = len(kept) + draw(st.integers(0, 3))
    return Vocabulary(n, kept, draft_size=draft_size, draft_ids=draw(st.permutations(range(draft_size)))[: len(kept)])


KERNELS = ("embedding", "rank one", "dense", "low rank", "first-order diffusion")


@st.composite
def kernels(draw: DrawFn, vocab: Vocabulary, rows: Rows = distributions) -> Kernel:
    """A kernel of a kind that rationals allow; weights at both ends, priors on cold tokens or anywhere."""
    kind = draw(st.sampled_from(KERNELS))
    size, kept = vocab.size, vocab.kept_size
    if kind == "embedding":
        return Embedding(vocab)
    if kind == "dense":
        return Dense(vocab, draw(batches((kept,), size, rows)))
    if kind == "low rank":
        return LowRank(vocab, draw(batches((kept,), 2, rows)), draw(batches((2,), size, rows)))
    weight = draw(st.sampled_from((Fraction(0), Fraction(1, 3), Fraction(1, 2))))
    if kind == "rank one":
        prior = draw(rows(size))
        if vocab.cold.size and draw(st.booleans()):
            prior = prior * 0
            prior[vocab.cold] = draw(rows(vocab.cold.size))
        weight = draw(st.sampled_from((weight, Fraction(1))))
        return RankOne(vocab, weight if prior.dtype == object else float(weight), prior)
    walk = draw(batches((size,), size, rows))
    return Diffusion(vocab, walk, weight if walk.dtype == object else float(weight)).first_order()


@st.composite
def drafted_instances(
    draw: DrawFn, rows: Rows = distributions, size: int | None = None
) -> tuple[np.ndarray, np.ndarray, Kernel]:
    """A target, a draft law over kept tokens and a kernel: what a sampler starts from."""
    vocab = draw(vocabularies(size))
    return draw(rows(vocab.size)), draw(rows(vocab.kept_size)), draw(kernels(vocab, rows))
