"""Wrong parameters and arguments of the kernels: each a clear error that names what and where."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse
import torch

from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Diffusion, LowRank, RankOne, SoftmaxCovariance, Sparse, softmax_first_order_bound

VOCAB = Vocabulary(3, [2, 0])
ROWS = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
WALK = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
OMEGA = np.array([[2.0, -1.0, 0.5], [-1.0, 1.0, 0.0], [0.5, 0.0, 3.0]])


def changed(array, index, value, dtype=None):
    """A copy with one entry changed."""
    out = array.astype(dtype or array.dtype)
    out[index] = value
    return out


def csr(data, indices, indptr, shape=(2, 3)):
    """CSR as scipy keeps it, unchecked."""
    rows = scipy.sparse.csr_array(shape, dtype=np.asarray(data).dtype)
    rows.data, rows.indices, rows.indptr = (np.asarray(x) for x in (data, indices, indptr))
    return rows


HALF = np.array([[0.5], [0.5]])
RATIONAL = np.array([[Fraction(1, 2)] * 2 + [Fraction(0)]] * 2, dtype=object)

PARAMETERS = {
    "dense: list": (lambda: Dense(VOCAB, [[1.0]]), "matrix must be a numpy array or a torch tensor, not list"),
    "dense: integers": (lambda: Dense(VOCAB, np.eye(3, dtype=int)[:2]), r"matrix of shape \(2, 3\) must be floating"),
    "dense: transposed": (lambda: Dense(VOCAB, ROWS.T), r"matrix has shape \(3, 2\), expected \(\.\.\., 2, 3\)"),
    "dense: one row": (lambda: Dense(VOCAB, ROWS[0]), r"matrix has shape \(3,\), expected"),
    "dense: no contexts": (lambda: Dense(VOCAB, np.zeros((0, 2, 3))), r"matrix of shape \(0, 2, 3\) is empty"),
    "dense: NaN": (lambda: Dense(VOCAB, changed(ROWS, (1, 2), np.nan)), r"matrix .* not finite at index \(1, 2\)"),
    "dense: infinite": (lambda: Dense(VOCAB, changed(ROWS, (0, 1), np.inf)), r"matrix .* not finite at index \(0, 1\)"),
    "dense: both infinities": (
        lambda: Dense(VOCAB, np.array([[np.inf, -np.inf, 1], [0, 1, 0]])),
        r"matrix .* not finite at index \(0, 0\)",
    ),
    "dense: negative": (
        lambda: Dense(VOCAB, np.array([[0.5, 0.5, 0], [-0.5, 1.5, 0]])),
        r"matrix of shape \(2, 3\) is negative at index \(1, 0\): -0.5",
    ),
    "dense: sum": (lambda: Dense(VOCAB, ROWS * [[1], [0.9]]), r"row \(1,\) sums to 0.9"),
    "dense: sum in one context": (
        lambda: Dense(VOCAB, np.stack([ROWS, ROWS * [[0.5], [1]]])),
        r"matrix of shape \(2, 2, 3\) must sum to 1 .* row \(1, 0\) sums to 0.5",
    ),
    "dense: half precision sum": (lambda: Dense(VOCAB, (ROWS * 0.97).astype(np.float16)), r"row \(0,\) sums to 0.97"),
    "dense: bfloat16 NaN": (
        lambda: Dense(VOCAB, torch.tensor(changed(ROWS, (1, 0), np.nan)).bfloat16()),
        r"matrix .* not finite at index \(1, 0\)",
    ),
    "dense: rational sum": (
        lambda: Dense(VOCAB, changed(RATIONAL, (1, 0), Fraction(499, 999))),
        r"row \(1,\) sums to 1997/1998",
    ),
    "dense: floats among rationals": (lambda: Dense(VOCAB, changed(RATIONAL, (1, 0), 0.5)), r"holds float at \(1, 0\)"),
    "sparse: dense": (lambda: Sparse(VOCAB, ROWS), "rows must be a scipy sparse array .* not ndarray"),
    "sparse: shape": (
        lambda: Sparse(VOCAB, scipy.sparse.csr_array(WALK)),
        r"rows has shape \(3, 3\), expected \(2, 3\)",
    ),
    "sparse: integers": (
        lambda: Sparse(VOCAB, csr([1, 1], [0, 1], [0, 1, 2])),
        "must hold float32, float64 or rationals",
    ),
    "sparse: NaN": (lambda: Sparse(VOCAB, csr([1, np.nan], [0, 2], [0, 1, 2])), r"finite at index \(1, 2\): nan"),
    "sparse: explicit negative": (
        lambda: Sparse(VOCAB, csr([1, 1.5, -0.5], [0, 0, 2], [0, 1, 3])),
        r"rows of shape \(2, 3\) is negative or not finite at index \(1, 2\): -0.5",
    ),
    "sparse: negative that a repeat would hide": (
        lambda: Sparse(VOCAB, csr([1, 1.5, -0.5], [0, 2, 2], [0, 1, 3])),
        r"negative or not finite at index \(1, 2\)",
    ),
    "sparse: sum": (lambda: Sparse(VOCAB, csr([1, 0.5], [0, 2], [0, 1, 2])), r"row \(1,\) sums to 0.5"),
    "sparse: empty row": (lambda: Sparse(VOCAB, csr([1.0], [0], [0, 1, 1])), r"row \(1,\) sums to 0"),
    "sparse: column": (
        lambda: Sparse(VOCAB, csr([1.0, 1.0], [0, 3], [0, 1, 2])),
        r"column 3 outside range\(3\) at entry \(1,\)",
    ),
    "sparse: negative column": (lambda: Sparse(VOCAB, csr([1.0, 1.0], [0, -1], [0, 1, 2])), "column -1 outside"),
    "sparse: pointers fall": (
        lambda: Sparse(VOCAB, (np.ones(2), np.array([0, 1]), np.array([0, 3, 2]))),
        r"indptr of shape \(3,\) falls at index \(2,\)",
    ),
    "sparse: pointers do not end": (
        lambda: Sparse(VOCAB, (np.ones(2), np.array([0, 1]), np.array([0, 1, 1]))),
        "indptr runs from 0 to 1, expected 0 to 2",
    ),
    "sparse: pointers of another size": (
        lambda: Sparse(VOCAB, (np.ones(2), np.array([0, 1]), np.array([0, 2]))),
        r"indptr has shape \(2,\), expected \(3,\)",
    ),
    "sparse: float indices": (
        lambda: Sparse(VOCAB, (np.ones(2), np.array([0.0, 1.0]), np.array([0, 1, 2]))),
        r"indices of shape \(2,\) must be one row of integers, not float64",
    ),
    "low rank: inner sizes": (
        lambda: LowRank(VOCAB, HALF * 2, ROWS),
        r"right has shape \(2, 3\), expected \(\.\.\., 1, 3\)",
    ),
    "low rank: left rows": (lambda: LowRank(VOCAB, ROWS, WALK[:2]), r"right has shape \(2, 3\), expected"),
    "low rank: left sum": (lambda: LowRank(VOCAB, HALF, WALK[:1]), r"left of shape \(2, 1\) must sum to 1"),
    "low rank: right sum": (lambda: LowRank(VOCAB, HALF * 2, WALK[:1] / 2), r"right of shape \(1, 3\) must sum to 1"),
    "low rank: rank 0": (lambda: LowRank(VOCAB, np.zeros((2, 0)), np.zeros((0, 3))), "with R at least 1"),
    "low rank: contexts": (lambda: LowRank(VOCAB, np.ones((1, 2, 1)), WALK[:1]), r"left has shape \(1, 2, 1\)"),
    "low rank: libraries": (
        lambda: LowRank(VOCAB, HALF * 2, torch.tensor(WALK[:1])),
        "left and right must come from one",
    ),
    "softmax: not square": (
        lambda: SoftmaxCovariance(VOCAB, OMEGA[:2], 1.0),
        r"covariance has shape \(2, 3\), expected \(3, 3\)",
    ),
    "softmax: not symmetric": (
        lambda: SoftmaxCovariance(VOCAB, changed(OMEGA, (1, 2), 0.1), 1.0),
        r"not symmetric at index \(1, 2\): 0.1 against 0.0",
    ),
    "softmax: not finite": (
        lambda: SoftmaxCovariance(VOCAB, changed(OMEGA, (2, 2), np.nan), 1.0),
        r"finite at index \(2, 2\)",
    ),
    "softmax: temperature 0": (
        lambda: SoftmaxCovariance(VOCAB, OMEGA, 0),
        "temperature must be a positive finite number, not 0",
    ),
    "softmax: temperature NaN": (lambda: SoftmaxCovariance(VOCAB, OMEGA, np.nan), "temperature must be a positive"),
    "softmax: temperature infinite": (
        lambda: SoftmaxCovariance(VOCAB, OMEGA, np.inf),
        "temperature must be a positive",
    ),
    "softmax: temperature text": (lambda: SoftmaxCovariance(VOCAB, OMEGA, "1"), "temperature must be a positive"),
    "softmax: temperature array": (
        lambda: SoftmaxCovariance(VOCAB, OMEGA, np.ones(1)),
        "temperature must be a positive",
    ),
    "softmax: temperature true": (lambda: SoftmaxCovariance(VOCAB, OMEGA, True), "temperature must be a positive"),
    "softmax: factor": (
        lambda: SoftmaxCovariance.from_factor(VOCAB, OMEGA[:2], 1.0),
        r"factor has shape \(2, 3\), expected \(3, R\)",
    ),
    "softmax: factor of rank 0": (lambda: SoftmaxCovariance.from_factor(VOCAB, OMEGA[:, :0], 1.0), "R at least 1"),
    "softmax: factor not finite": (
        lambda: SoftmaxCovariance.from_factor(VOCAB, changed(OMEGA, (0, 1), np.inf), 1.0),
        r"factor .* not finite at index \(0, 1\)",
    ),
    "softmax: variances": (
        lambda: SoftmaxCovariance.from_diagonal(VOCAB, OMEGA, 1.0),
        r"variances has shape \(3, 3\)|is negative",
    ),
    "softmax: negative variance": (
        lambda: SoftmaxCovariance.from_diagonal(VOCAB, np.array([1.0, 1.0, -1.0]), 1.0),
        r"variances of shape \(3,\) is negative at index \(2,\)",
    ),
    "softmax: first order at a low temperature": (
        lambda: SoftmaxCovariance(VOCAB, OMEGA, 1.0).first_order(),
        r"temperature 1.0 is too low .* kept token 0 \(target id 2\), token 2; the smallest that would do is 1.83",
    ),
    "bound: above 1": (lambda: softmax_first_order_bound(1.01), r"s must be in \[0, 1\], not 1.01"),
    "bound: negative": (lambda: softmax_first_order_bound(-0.1), r"s must be in \[0, 1\]"),
    "bound: NaN": (lambda: softmax_first_order_bound(np.nan), r"s must be in \[0, 1\]"),
    "diffusion: not square": (
        lambda: Diffusion(VOCAB, ROWS, 0.5),
        r"affinity has shape \(2, 3\), expected \(\.\.\., 3, 3\)",
    ),
    "diffusion: contexts": (
        lambda: Diffusion(VOCAB, WALK[None], 0.5),
        r"affinity has shape \(1, 3, 3\), expected \(3, 3\)",
    ),
    "diffusion: sum": (lambda: Diffusion(VOCAB, WALK / 2, 0.5), r"affinity of shape \(3, 3\) must sum to 1"),
    "diffusion: sparse sum": (
        lambda: Diffusion(VOCAB, scipy.sparse.csr_array(WALK / 2), 0.5),
        "affinity of shape .* must sum to 1",
    ),
    "diffusion: kind": (
        lambda: Diffusion(VOCAB, WALK, 0.5, "cosine"),
        "kind must be 'resolvent' or 'heat', not 'cosine'",
    ),
    "diffusion: weight 1": (
        lambda: Diffusion(VOCAB, WALK, 1.0),
        r"weight must be a number in \[0, 1\) for kind 'resolvent', not 1.0",
    ),
    "diffusion: negative weight": (
        lambda: Diffusion(VOCAB, WALK, -0.1, "heat"),
        r"weight must be a number in \[0, inf\)",
    ),
    "diffusion: infinite weight": (lambda: Diffusion(VOCAB, WALK, np.inf, "heat"), "weight must be a number"),
    "diffusion: NaN weight": (lambda: Diffusion(VOCAB, WALK, np.nan), "weight must be a number"),
    "diffusion: weight array": (lambda: Diffusion(VOCAB, WALK, np.array([0.5])), "weight must be a number"),
    "diffusion: endless resolvent": (
        lambda: Diffusion(VOCAB, WALK, 1 - 1e-9),
        "needs a series of more than 1,000,000 terms",
    ),
    "diffusion: weight that rounds to 1": (
        lambda: Diffusion(VOCAB, WALK, 1 - Fraction(1, 10**30)),
        "needs a series of more than 1,000,000 terms",
    ),
    "diffusion: endless heat": (
        lambda: Diffusion(VOCAB, WALK, 1e9, "heat"),
        "needs a series of more than 1,000,000 terms",
    ),
    "diffusion: first order above 1": (
        lambda: Diffusion(VOCAB, WALK, 1.5, "heat").first_order(),
        "weight must be at most 1 for first order, not 1.5",
    ),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_wrong_parameters_are_named(name):
    make, message = PARAMETERS[name]
    with pytest.raises(ValueError, match=message):
        make()


KERNELS = {
    "rank one": RankOne(VOCAB, 0.5, WALK[0]),
    "dense": Dense(VOCAB, ROWS),
    "sparse": Sparse(VOCAB, scipy.sparse.csr_array(ROWS)),
    "low rank": LowRank(VOCAB, HALF * 2, WALK[:1]),
    "softmax": SoftmaxCovariance(VOCAB, OMEGA, 3.0),
    "softmax, first order": SoftmaxCovariance(VOCAB, OMEGA, 3.0).first_order(),
    "diffusion": Diffusion(VOCAB, WALK, 0.5),
    "diffusion, first order": Diffusion(VOCAB, WALK, 0.5).first_order(),
}

DRAFT = np.array([0.25, 0.75])

ARGUMENTS = {
    "draft over all tokens": (
        lambda k: k.redistribute(WALK[0]),
        r"draft of shape \(3,\) must have a last axis of length 2",
    ),
    "draft of sum 2": (lambda k: k.redistribute(2 * DRAFT), r"draft of shape \(2,\) must sum to 1"),
    "draft with NaN": (lambda k: k.redistribute(np.array([[1.0, 0.0], [np.nan, 1.0]])), r"draft .* at index \(1, 0\)"),
    "draft of integers": (lambda k: k.redistribute(np.array([1, 0])), r"draft of shape \(2,\) must be floating point"),
    "draft without axes": (lambda k: k.redistribute(np.array(1.0)), r"draft of shape \(\) must have a last axis"),
    "token out of range": (lambda k: k.column(3), r"token of shape \(\) is outside range\(3\)"),
    "token negative": (
        lambda k: k.column(np.array([0, -1])),
        r"token of shape \(2,\) is outside range\(3\) at index \(1,\)",
    ),
    "token of float": (lambda k: k.column(np.array([0.0])), "token .* must be integers"),
    "kept place out of range": (lambda k: k.row(2), r"draft_id of shape \(\) is outside range\(2\)"),
    "probability of another shape": (
        lambda k: k.probability(DRAFT, np.array([0, 1])),
        r"token has shape \(2,\), expected \(\)",
    ),
    "probability of a wrong draft": (lambda k: k.probability(-DRAFT, np.array(0)), r"draft of shape \(2,\)"),
    "draw with uniform 1": (lambda k: k.draw(np.array([0]), np.array([1.0])), r"uniform .* outside \[0, 1\)"),
    "draw from another place": (lambda k: k.draw(np.array([2]), np.array([0.5])), r"draft_id .* outside range\(2\)"),
    "draw with too many uniforms": (
        lambda k: k.draw(np.array([0]), np.zeros(2)),
        r"uniform has shape \(2,\), expected \(1,\)",
    ),
}


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_wrong_arguments_are_named(kernel, argument):
    call, message = ARGUMENTS[argument]
    with pytest.raises(ValueError, match=message):
        call(KERNELS[kernel])


@pytest.mark.parametrize(
    "name", ["dense", "low rank", "softmax", "softmax, first order", "diffusion", "diffusion, first order"]
)
def test_float_parameters_and_rational_drafts_never_give_a_wrong_law(name):
    """Either an error, or the exact product with the rationals that the floats are."""
    draft = np.array([Fraction(1, 3), Fraction(2, 3)], dtype=object)
    if name in ("softmax", "diffusion"):
        with pytest.raises(ValueError, match="draft is rational"):
            KERNELS[name].redistribute(draft)
    else:
        assert all(isinstance(value, Fraction) for value in KERNELS[name].redistribute(draft))


@pytest.mark.parametrize(
    "make",
    [
        lambda omega, walk: SoftmaxCovariance(VOCAB, omega, 3),
        lambda omega, walk: Diffusion(VOCAB, walk, Fraction(1, 2)),
    ],
    ids=["softmax", "diffusion"],
)
def test_rational_parameters_have_a_first_order_only(make):
    exact = np.vectorize(Fraction, otypes=[object])
    kernel = make(exact(OMEGA), exact(WALK))
    for call in (lambda: kernel.row(0), lambda: kernel.column(0), lambda: kernel.redistribute(DRAFT)):
        with pytest.raises(ValueError, match="is rational"):
            call()
    assert isinstance(kernel.first_order().row(0)[0], Fraction)


def test_a_batched_kernel_refuses_another_batch():
    kernel = Dense(VOCAB, np.stack([ROWS, ROWS]))
    with pytest.raises(ValueError, match=r"draft has batch shape \(\), expected \(2,\)"):
        kernel.redistribute(DRAFT)
    with pytest.raises(ValueError, match=r"token has shape \(3,\), expected \(2,\)"):
        kernel.column(np.array([0, 1, 2]))
    with pytest.raises(ValueError, match=r"draft_id has shape \(1,\), expected \(2,\)"):
        kernel.row(np.array([0]))
