"""Kernels of every kind, each beside its matrix computed another way; and numbers that count what is done to them."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.special

from rdk_theory import Vocabulary
from rdk_theory.kernels import (
    BackedOff,
    Dense,
    Diffusion,
    Embedding,
    GatedPriors,
    LowRank,
    RankOne,
    SoftmaxCovariance,
    Sparse,
)

SIZE, KEPT, RANK = 11, 5, 3


def laws(rng, *shape):
    """Rows of positive numbers that sum to 1."""
    rows = rng.gamma(0.7, size=shape) + 1e-3
    return rows / rows.sum(axis=-1, keepdims=True)


def sparse_laws(rng, rows, size):
    """Rows of which about a third of the entries are not zero, the first and last rows a single one."""
    matrix = np.where(rng.random((rows, size)) < 0.35, rng.random((rows, size)), 0.0)
    matrix[[0, -1]] = 0
    matrix[np.arange(rows), rng.integers(0, size, rows)] += 0.1
    return matrix / matrix.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Case:
    """A kernel, and ``M`` by plain numpy or scipy."""

    name: str
    kernel: object
    matrix: np.ndarray

    def __repr__(self):
        return self.name


def cases(convert=np.asarray):
    """One kernel of each kind in float64; `convert` puts dense parameters into an array library."""
    rng = np.random.default_rng(7)
    vocab = Vocabulary(SIZE, rng.permutation(SIZE)[:KEPT])
    kept = vocab.kept
    embedding = np.eye(SIZE)[kept]
    prior, dense, walk = laws(rng, SIZE), laws(rng, KEPT, SIZE), laws(rng, SIZE, SIZE)
    left, right = laws(rng, KEPT, RANK), laws(rng, RANK, SIZE)
    rows, graph = sparse_laws(rng, KEPT, SIZE), sparse_laws(rng, SIZE, SIZE)
    held = np.linspace(0, 1, KEPT)[:, None]  # nothing of the first row is its own, and all of the last
    factor = rng.normal(size=(SIZE, RANK))
    omega, variances, tau = factor @ factor.T, rng.random(SIZE), 15.0
    identity = np.eye(SIZE)
    whole = SoftmaxCovariance(vocab, convert(omega), tau)
    factored = SoftmaxCovariance.from_factor(vocab, convert(factor), tau)
    diagonal = SoftmaxCovariance.from_diagonal(vocab, convert(variances), tau)
    resolvent = Diffusion(vocab, convert(walk), 0.8)
    heat = Diffusion(vocab, convert(walk), 0.9, kind="heat")
    on_graph = Diffusion(vocab, scipy.sparse.csr_array(graph), 0.6)
    late = Diffusion(vocab, convert(walk), 40.0, kind="heat")
    gates, priors = laws(rng, 3), sparse_laws(rng, 2, SIZE)

    def softmax(covariance):
        return scipy.special.softmax(covariance[kept] / tau, axis=-1)

    def linear(covariance):
        return (1 + (covariance[kept] - covariance[kept].mean(axis=-1, keepdims=True)) / tau) / SIZE

    def resolved(affinity, theta):
        return (1 - theta) * np.linalg.inv(identity - theta * affinity)[kept]

    return [
        Case("embedding", Embedding(vocab), embedding),
        Case("rank one", RankOne(vocab, 0.3, convert(prior)), 0.7 * embedding + 0.3 * prior),
        Case("dense", Dense(vocab, convert(dense)), dense),
        Case("sparse", Sparse(vocab, scipy.sparse.csr_array(rows)), rows),
        Case(
            "backed off", BackedOff(vocab, scipy.sparse.csr_array(held * rows), prior), held * rows + (1 - held) * prior
        ),
        Case(
            "gated priors",
            GatedPriors(vocab, convert(gates), convert(priors)),
            gates[0] * embedding + gates[1:] @ priors,
        ),
        Case("low rank", LowRank(vocab, convert(left), convert(right)), left @ right),
        Case("softmax, whole", whole, softmax(omega)),
        Case("softmax, factor", factored, softmax(omega)),
        Case("softmax, diagonal", diagonal, softmax(np.diag(variances))),
        Case("resolvent", resolvent, resolved(walk, 0.8)),
        Case("heat", heat, scipy.linalg.expm(0.9 * (walk - identity))[kept]),
        Case("heat, late", late, scipy.linalg.expm(40 * (walk - identity))[kept]),
        Case("resolvent, sparse", on_graph, resolved(graph, 0.6)),
        Case("first-order softmax, whole", whole.first_order(), linear(omega)),
        Case("first-order softmax, factor", factored.first_order(), linear(omega)),
        Case("first-order softmax, diagonal", diagonal.first_order(), linear(np.diag(variances))),
        Case("first-order resolvent", resolvent.first_order(), (0.2 * identity + 0.8 * walk)[kept]),
        Case("first-order heat", heat.first_order(), (0.1 * identity + 0.9 * walk)[kept]),
        Case("first-order resolvent, sparse", on_graph.first_order(), (0.4 * identity + 0.6 * graph)[kept]),
    ]


def _counted(name, counter):
    plain = getattr(Fraction, name)

    def method(self, other):
        value = plain(self, other)
        if value is NotImplemented:
            return value
        setattr(Counting, counter, getattr(Counting, counter) + 1)
        return Counting(value)

    return method


class Counting(Fraction):
    """A rational that counts the operations on its kind; a division counts as a multiplication."""

    multiplications = additions = exponentials = 0

    __mul__, __rmul__ = _counted("__mul__", "multiplications"), _counted("__rmul__", "multiplications")
    __truediv__, __rtruediv__ = _counted("__truediv__", "multiplications"), _counted("__rtruediv__", "multiplications")
    __add__, __radd__ = _counted("__add__", "additions"), _counted("__radd__", "additions")
    __sub__, __rsub__ = _counted("__sub__", "additions"), _counted("__rsub__", "additions")

    def exp(self):
        """What `numpy.exp` calls on an object: counted; the value does not matter."""
        Counting.exponentials += 1
        return Counting(1, 2)

    @classmethod
    def reset(cls):
        """Begin to count."""
        cls.multiplications = cls.additions = cls.exponentials = 0

    @classmethod
    def counted(cls):
        """Multiplications, additions and exponentials since `reset`."""
        return cls.multiplications, cls.additions, cls.exponentials


def counting_laws(rng, *shape):
    """Rational rows of sum 1, of counting numbers."""
    return rational_laws(rng, *shape, kind=Counting)


def rational_laws(rng, *shape, kind=Fraction):
    """Rational rows of sum exactly 1, with zeros among them."""
    weights = rng.integers(0, 4, size=shape)
    weights[..., 0] += 1
    totals = weights.sum(axis=-1, keepdims=True)
    out = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        out[index] = kind(int(weights[index]), int(totals[(*index[:-1], 0)]))
    return out


class Watched(Embedding):
    """Counts the rows that are asked for."""

    def __init__(self, vocab):
        super().__init__(vocab)
        self.columns, self.proposals = [], []

    def point(self, draft, token):
        self.columns.append(token.size)
        return super().point(draft, token)

    def redistribute(self, draft):
        self.proposals.append(draft.shape[0])
        return super().redistribute(draft)
