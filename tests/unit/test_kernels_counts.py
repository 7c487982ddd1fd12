"""Rational kernels are exact, and operation counts are what happens: the same code is run on numbers that count."""

from fractions import Fraction

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate
from rdk_theory.kernels import (
    Dense,
    Diffusion,
    Embedding,
    FirstOrderSoftmax,
    GatedPriors,
    LowRank,
    RankOne,
    SoftmaxCovariance,
    Sparse,
)
from tests.kernel_cases import Counting, counting_laws, rational_laws

SIZES = [(1, 1, 1), (2, 1, 1), (5, 3, 2), (6, 6, 1), (9, 4, 5)]
"""Tokens, kept tokens, rank."""


def csr(matrix):
    """The arrays of a rational matrix, without its zeros."""
    rows, columns = np.nonzero(matrix)
    return matrix[rows, columns], columns, np.searchsorted(rows, np.arange(matrix.shape[0] + 1))


def build(size, kept, rank, law):
    """Rational kernels with their matrices; `law` makes rows of sum 1."""
    rng = np.random.default_rng(100 * size + kept)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    embedding = np.full((kept, size), Fraction(0), dtype=object)
    embedding[np.arange(kept), vocab.kept] = Fraction(1)
    prior, dense, rows, walk = law(rng, size), law(rng, kept, size), law(rng, kept, size), law(rng, size, size)
    left, right = law(rng, kept, rank), law(rng, rank, size)
    factor = law(rng, size, rank) - Fraction(1, 3)
    omega, variances = factor @ factor.T, law(rng, size)
    kind = type(prior[0])
    theta, tau = kind(2, 7), kind(9)
    mixed, gates = (1 - theta) * embedding, law(rng, rank + 1)

    def linear(covariance):
        means = covariance.sum(axis=-1, keepdims=True) / size
        return (1 + (covariance - means)[vocab.kept] / tau) / size

    diagonal = np.full((size, size), Fraction(0), dtype=object)
    diagonal[np.arange(size), np.arange(size)] = variances
    return vocab, {
        "embedding": (Embedding(vocab), embedding),
        "rank one": (RankOne(vocab, np.asarray(theta, dtype=object), prior), mixed + theta * prior),
        "dense": (Dense(vocab, dense), dense),
        "sparse": (Sparse(vocab, csr(rows)), rows),
        "low rank": (LowRank(vocab, left, right), left @ right),
        "gated priors": (GatedPriors(vocab, gates, right), gates[0] * embedding + gates[1:] @ right),
        "softmax, whole": (SoftmaxCovariance(vocab, omega, tau).first_order(), linear(omega)),
        "softmax, factor": (SoftmaxCovariance.from_factor(vocab, factor, tau).first_order(), linear(omega)),
        "softmax, diagonal": (SoftmaxCovariance.from_diagonal(vocab, variances, tau).first_order(), linear(diagonal)),
        "diffusion": (Diffusion(vocab, walk, theta).first_order(), mixed + theta * walk[vocab.kept]),
        "diffusion, sparse": (Diffusion(vocab, csr(walk), theta).first_order(), mixed + theta * walk[vocab.kept]),
    }


NAMES = list(build(2, 1, 1, rational_laws)[1])


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_rational_kernels_are_exact(name, sizes):
    vocab, kernels = build(*sizes, rational_laws)
    kernel, matrix = kernels[name]
    rng = np.random.default_rng(5)
    for shape in ((), (3,), (2, 2)):
        draft = rational_laws(rng, *shape, vocab.kept_size)
        proposal = kernel.redistribute(draft)
        assert np.array_equal(proposal, draft @ matrix)
        assert (proposal.sum(axis=-1) == 1) if shape == () else (proposal.sum(axis=-1) == 1).all()
        assert np.all(acceptance_rate(proposal, proposal) == 1)
        token = np.asarray(rng.integers(0, vocab.size, shape))
        at_token = np.take_along_axis(draft @ matrix, token[..., None], axis=-1)[..., 0]
        assert np.array_equal(kernel.probability(draft, token), at_token)
    for place in range(vocab.kept_size):
        # The rows and columns of the embedding are indicators in floats, which hold 0 and 1 exactly.
        assert np.array_equal(kernel.row(place), matrix[place])
    for token in range(vocab.size):
        assert np.array_equal(kernel.column(token), matrix[:, token])


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_multiplications_and_additions_are_those_that_happen(name, sizes):
    vocab, kernels = build(*sizes, counting_laws)
    kernel = kernels[name][0]
    draft = counting_laws(np.random.default_rng(6), vocab.kept_size)
    Counting.reset()
    kernel.check_draft(draft)
    checking = Counting.counted()
    Counting.reset()
    kernel.redistribute(draft)
    done = tuple(all_of_it - check for all_of_it, check in zip(Counting.counted(), checking, strict=True))
    cost = kernel.operations
    assert done == (cost.multiplications, cost.additions, cost.exponentials)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("form", ["whole", "factor"])
def test_operations_of_the_softmax_kernel(form, sizes):
    """The sum over blocks, on numbers with a pretended exponential; normalisers are prepared before."""
    size, kept, rank = sizes
    rng = np.random.default_rng(7)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    factor = counting_laws(rng, size, rank)
    if form == "whole":
        kernel = SoftmaxCovariance(vocab, factor @ factor.T, Counting(3))
    else:
        kernel = SoftmaxCovariance.from_factor(vocab, factor, Counting(3))
    flat, top, total = counting_laws(rng, 1, kept), counting_laws(rng, kept), counting_laws(rng, kept) + 1
    Counting.reset()
    kernel._streamed(flat, top, total)
    cost = kernel.operations
    assert Counting.counted() == (cost.multiplications, cost.additions, cost.exponentials)


@pytest.mark.parametrize("stored", ["whole", "sparse"])
@pytest.mark.parametrize("kind", ["resolvent", "heat"])
def test_operations_of_the_diffusion_kernels(kind, stored):
    rng = np.random.default_rng(8)
    vocab = Vocabulary(5, [3, 0])
    walk = counting_laws(rng, 5, 5)
    kernel = Diffusion(vocab, csr(walk) if stored == "sparse" else walk, 1e-4, kind)
    assert kernel.terms > 2
    start = counting_laws(rng, 1, 5)
    Counting.reset()
    kernel._series(start, kernel._affinity.product)
    assert Counting.counted()[:2] == (kernel.operations.multiplications, kernel.operations.additions)


class Tape:
    """An array of zeros that notes which entries are read and written."""

    def __init__(self, *shape):
        self.values, self.read, self.written = np.zeros(shape), set(), set()

    def __getitem__(self, index):
        self.read.add(index)
        return self.values[index]

    def __setitem__(self, index, value):
        self.written.add(index)
        self.values[index] = value


def touched(name, vocab, rank, nnz_rows):
    """Entries read and written by the plainest loops that compute the proposal from draft and parameters."""
    size, kept = vocab.size, range(vocab.kept_size)
    draft, out = Tape(vocab.kept_size), Tape(size)
    tapes = [draft]

    def tape(*shape):
        tapes.append(Tape(*shape))
        return tapes[-1]

    rows, vector, left, right, weight, gates = None, None, None, None, None, None
    if name in ("dense", "softmax, whole", "diffusion"):
        rows = tape(vocab.kept_size, size)
    if name in ("rank one",):
        vector = tape(size)
    if name in ("softmax, diagonal",):
        vector = tape(vocab.kept_size)
    if name in ("low rank", "softmax, factor"):
        left, right = tape(vocab.kept_size, rank), tape(rank, size)
    if name in ("rank one", "diffusion", "diffusion, sparse"):
        weight = tape(1)
    if name in ("gated priors",):
        gates, vector = tape(rank + 1), tape(rank, size)
    stored = tape(len(nnz_rows)) if "sparse" in name else None
    theta = weight[0] if weight else 0.0
    inner = [sum(draft[i] * left[i, k] for i in kept) for k in range(rank)] if left else []
    for j in range(size):
        value = theta * vector[j] if name == "rank one" else 0.0
        if gates:
            value += sum(gates[k + 1] * vector[k, j] for k in range(rank))
        if rows:
            value += sum(draft[i] * rows[i, j] for i in kept)
        if left:
            value += sum(inner[k] * right[k, j] for k in range(rank))
        out[j] = value
    for i in kept:
        if name in ("embedding", "rank one", "gated priors", "diffusion", "diffusion, sparse", "softmax, diagonal"):
            own = vector[i] if name == "softmax, diagonal" else gates[0] if gates else 1 - theta
            out.values[vocab.kept[i]] += own * draft[i]
    if stored:
        for entry, row in enumerate(nnz_rows):
            out.values[0] += draft[row] * stored[entry]
    return sum(len(t.read) for t in tapes), len(out.written)


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_reads_and_writes_are_the_entries_that_must_be_touched(name, sizes):
    vocab, kernels = build(*sizes, rational_laws)
    kernel = kernels[name][0]
    entries = []
    if name == "sparse":
        entries = kernel._rows.row_of
    elif name == "diffusion, sparse":
        entries = kernel._affinity.row_of
    cost = kernel.operations
    assert (cost.reads, cost.writes) == touched(name, vocab, sizes[2], entries)


def test_narrow_matrices_cost_one_product_a_row_more():
    vocab = Vocabulary(4, [2, 0])
    wide = np.full((2, 4), 0.25)
    exact, narrow = Dense(vocab, wide).operations, Dense(vocab, wide.astype(np.float32)).operations
    assert (exact.multiplications, exact.reads) == (8, 10)
    assert (narrow.multiplications, narrow.reads) == (8 + 2, 10 + 2)
    assert (narrow.additions, narrow.writes) == (exact.additions, exact.writes) == (4, 4)


def test_costs_are_formulas_in_symbols():
    sympy = pytest.importorskip("sympy")
    N, K, R, nnz, terms = sympy.symbols("N K R nnz terms", positive=True)
    assert sympy.degree(Dense.cost(N, K).multiplications.subs(K, N), N) == 2
    for cost in (LowRank.cost(N, N, R), FirstOrderSoftmax.cost(N, N, R), FirstOrderSoftmax.cost(N, N, diagonal=True)):
        assert sympy.degree(cost.multiplications + cost.additions, N) == 1
    assert Sparse.cost(N, K, nnz).bytes() == 4 * (K + nnz + N)
    assert sympy.degree(Diffusion.cost(N, K, terms, nnz).multiplications, nnz) == 1
    assert SoftmaxCovariance.cost(N, K).exponentials == N * K
