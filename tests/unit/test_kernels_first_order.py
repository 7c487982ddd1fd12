"""First-order kernels: the bounds hold, and are reached where they claim to be."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from rdk_theory import Vocabulary, acceptance_rate, total_variation
from rdk_theory.kernels import Diffusion, Embedding, SoftmaxCovariance, softmax_first_order_bound
from rdk_theory.tolerances import EXACT
from tests.kernel_cases import laws

SPREADS = [1e-9, 1e-6, 1e-3, 0.01, 0.1, 0.249, 0.251, 0.5, 0.77, 0.9, 0.99, 1.0]


def distances(x, mass):
    """TV between the softmax and its first order, for values `x` on tokens of total weight `mass`, of mean 0."""
    linear = mass * (1 + x)
    # e^x − 1 − x without cancellation, so that the distance keeps its digits at small x.
    excess = np.where(np.abs(x) < 1e-3, x * x * (0.5 + x * (1 / 6 + x / 24)), np.expm1(x) - x)
    mean_excess = (mass * excess).sum(axis=-1, keepdims=True)
    difference = mass * (excess - mean_excess * (1 + x)) / (1 + mean_excess)
    assert np.abs(linear.sum(axis=-1) - 1).max() <= 1e-9
    return np.abs(difference).sum(axis=-1) / 2


def centred(x, mass, s):
    """`x` shifted to mean 0 and scaled so that the largest magnitude is `s`."""
    x = x - (mass * x).sum(axis=-1, keepdims=True)
    return x * (s / np.abs(x).max(axis=-1, keepdims=True))


def three_atoms(s, steps=24):
    """All laws on a grid: values −s ≤ a ≤ b ≤ c ≤ s in steps, and every weight that gives mean 0."""
    values = np.linspace(-s, s, steps + 1)
    found_x, found_mass = [], []
    for a, b, c in itertools.combinations_with_replacement(values, 3):
        if not a <= 0 <= c or a == c:
            continue
        for middle in np.linspace(0, 1, steps + 1):
            # middle + low + high = 1, and low·a + high·c = −middle·b
            high = (-middle * b - (1 - middle) * a) / (c - a)
            low = 1 - middle - high
            if min(high, low) >= 0:
                found_x.append((a, b, c))
                found_mass.append((low, middle, high))
    return np.array(found_x), np.array(found_mass)


@pytest.mark.parametrize("s", SPREADS)
def test_the_softmax_bound_is_never_exceeded(s):
    bound = softmax_first_order_bound(s) * (1 + 1e-9)
    rng = np.random.default_rng(0)
    x, mass = three_atoms(s)
    assert len(x) > 5000
    assert distances(x, mass).max() <= bound
    for size in (2, 3, 5, 50):
        shapes = (rng.normal(size=(3000, size)), rng.uniform(-1, 1, (3000, size)), rng.standard_cauchy((3000, size)))
        for values in (*shapes, np.sign(shapes[0]) + 1e-3 * shapes[1]):
            mass = laws(rng, 3000, size)
            assert distances(centred(values, mass, s), mass).max() <= bound
            even = np.full((3000, size), 1 / size)
            assert distances(centred(values, even, s), even).max() <= bound


@pytest.mark.parametrize("s", SPREADS)
def test_the_sharp_constant_is_an_eighth(s):
    """Half of the tokens at 0, a quarter each at ±s: the distance is ½ tanh²(s/2), and the bound tends to it."""
    found = distances(np.array([0.0, s, -s]), np.array([0.5, 0.25, 0.25]))
    assert found == pytest.approx(math.tanh(s / 2) ** 2 / 2, rel=1e-9)
    ratio = found / softmax_first_order_bound(s)
    assert 1 - s < ratio <= 1 + 1e-12


def test_a_smaller_constant_would_be_exceeded():
    """Control: the test of the bound sees a bound that is too small by a fiftieth."""
    x, mass = three_atoms(0.01)
    assert distances(x, mass).max() > 0.98 * softmax_first_order_bound(0.01)


@pytest.mark.parametrize("s", SPREADS)
def test_the_bound_is_below_those_that_are_easier_to_prove(s):
    found = softmax_first_order_bound(s)
    assert found <= (1 - 1 / math.cosh(s)) * (1 + 1e-9) + 1e-16
    if 0.01 <= s < 1:
        root = math.sqrt(math.exp(-s) / (1 - s))
        assert found <= (root - 1) / (root + 1)


def test_the_bound_at_its_ends():
    assert softmax_first_order_bound(0) == 0
    assert softmax_first_order_bound(1) == 0.125


@pytest.mark.parametrize("form", ["whole", "factor", "diagonal"])
@pytest.mark.parametrize("s", [0.02, 0.3, 1.0])
def test_first_order_softmax_kernels_are_as_near_as_they_say(form, s):
    rng = np.random.default_rng(1)
    vocab = Vocabulary(30, rng.permutation(30)[:12])
    factor, variances = rng.normal(size=(30, 4)), rng.random(30)

    def build(temperature):
        if form == "whole":
            return SoftmaxCovariance(vocab, factor @ factor.T, temperature)
        if form == "factor":
            return SoftmaxCovariance.from_factor(vocab, factor, temperature)
        return SoftmaxCovariance.from_diagonal(vocab, variances, temperature)

    kernel = build(build(1.0).spread / s)
    assert kernel.spread == pytest.approx(s, rel=1e-12)
    # A spread of 1 up to rounding may be a rounding above it; the smallest temperature is then the next one.
    kernel = build(kernel.temperature * (1 + 1e-15)) if kernel.spread > 1 else kernel
    near = kernel.first_order()
    places = np.arange(12)
    apart = total_variation(kernel.row(places), near.row(places)).max()
    assert 0 < apart <= near.error_bound
    target, draft = laws(rng, 40, 30), laws(rng, 40, 12)
    gaps = acceptance_rate(target, kernel.redistribute(draft)) - acceptance_rate(target, near.redistribute(draft))
    assert np.abs(gaps).max() <= near.error_bound


def test_the_extremal_kernel_reaches_its_bound():
    """A row of the covariance with half zeros and quarters of ±s: the bound is sharp for kernels, too."""
    size, s = 8, 0.01
    omega = np.zeros((size, size))
    omega[0] = omega[:, 0] = [0, 0, 0, 0, 1, 1, -1, -1]
    kernel = SoftmaxCovariance(Vocabulary(size, [0]), omega, 1 / s)
    near = kernel.first_order()
    apart = total_variation(kernel.row(0), near.row(0))
    assert 1 - s < apart / near.error_bound <= 1


def test_spread_deviation_and_ceiling():
    rng = np.random.default_rng(2)
    vocab = Vocabulary(12, [4, 9, 0, 7])
    factor = rng.normal(size=(12, 3))
    omega = factor @ factor.T
    kept = omega[vocab.kept]
    x = (kept - kept.mean(axis=-1, keepdims=True)) / 2.5
    for kernel in (SoftmaxCovariance(vocab, omega, 2.5), SoftmaxCovariance.from_factor(vocab, factor, 2.5)):
        assert kernel.deviation == pytest.approx(x.max(), rel=1e-12)
        assert kernel.spread == pytest.approx(np.abs(x).max(), rel=1e-12)
        assert kernel.entry_ceiling == pytest.approx(math.exp(x.max()) / 12, rel=1e-12)
        assert kernel.row(np.arange(4)).max() <= kernel.entry_ceiling
    variances = rng.random(12)
    diagonal = SoftmaxCovariance.from_diagonal(vocab, variances, 0.01)
    whole = SoftmaxCovariance(vocab, np.diag(variances), 0.01)
    assert diagonal.spread == pytest.approx(whole.spread, rel=1e-12)
    assert diagonal.deviation == pytest.approx(whole.deviation, rel=1e-12)
    assert SoftmaxCovariance.from_diagonal(vocab, variances, 1e-5).entry_ceiling == math.inf
    only = SoftmaxCovariance.from_diagonal(Vocabulary(1, [0]), np.array([3.0]), 0.1)
    assert (only.spread, only.deviation, only.entry_ceiling, only.first_order().error_bound) == (0, 0, 1, 0)


def test_a_row_that_is_far_below_its_mean_sets_the_spread():
    omega = np.array([[0.0, -9.0, 0.0], [-9.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    kernel = SoftmaxCovariance(Vocabulary(3, [0]), omega, 6.0)
    assert (kernel.spread, kernel.deviation) == (1.0, 0.5)
    assert kernel.entry_ceiling == pytest.approx(math.exp(0.5) / 3, rel=1e-15)
    with pytest.raises(ValueError, match=r"kept token 0 \(target id 0\), token 1; the smallest that would do is 6\.0"):
        SoftmaxCovariance(Vocabulary(3, [0]), omega, 5.0).first_order()
    row = kernel.first_order().row(0)
    assert row.min() == 0
    assert row == pytest.approx([0.5, 0, 0.5], abs=1e-15)


def test_an_entry_that_is_zero_but_for_rounding_is_zero():
    rng = np.random.default_rng(4)
    below = 0
    for _ in range(100):
        factor = rng.normal(size=(40, 3)).astype(np.float32)
        kernel = SoftmaxCovariance.from_factor(Vocabulary(40, [5, 8]), factor, 1.0)
        kernel = SoftmaxCovariance.from_factor(Vocabulary(40, [5, 8]), factor, kernel.spread)
        near = kernel.first_order()
        assert near.spread == 1
        rows = near.row(np.arange(2))
        assert rows.min() >= 0
        assert near.redistribute(np.eye(2, dtype=np.float32)).min() >= 0
        below += (near._deviations.row(np.arange(2)) + near._uniform).min() < 0
    assert below > 0  # control: some would be negative


def test_the_extremes_of_a_diagonal_are_those_of_the_matrix():
    rng = np.random.default_rng(5)
    for size in (2, 3, 9):
        for _ in range(20):
            vocab = Vocabulary(size, rng.permutation(size)[: (size + 1) // 2])
            variances = rng.integers(0, 4, size) / 2
            whole = SoftmaxCovariance(vocab, np.diag(variances), 1.0)._covariance
            diagonal = SoftmaxCovariance.from_diagonal(vocab, variances, 1.0)._covariance
            centred = np.diag(variances)[vocab.kept] - variances[vocab.kept, None] / size
            for found, other in zip(diagonal.extremes, whole.extremes, strict=True):
                value, place, token = found
                assert value == pytest.approx(other[0], abs=1e-15)
                assert centred[place, token] == pytest.approx(value, abs=1e-15)


def test_a_temperature_so_low_that_only_the_largest_entry_counts():
    kernel = SoftmaxCovariance.from_diagonal(Vocabulary(3, [2, 0]), np.array([1.0, 1.0, 2.0]), 5e-324)
    assert np.array_equal(kernel.row(np.arange(2)), [[0, 0, 1], [1, 0, 0]])
    assert np.array_equal(kernel.redistribute(np.array([0.25, 0.75])), [0.75, 0, 0.25])


@pytest.mark.parametrize("theta", [0, 0.001, 0.3, 0.9, Fraction(1, 2)])
@pytest.mark.parametrize("kind", ["resolvent", "heat"])
def test_the_diffusion_bounds_are_attained(kind, theta):
    """On the chain 0 → 1 → 2 → 2 the powers of the affinity have disjoint rows until they are absorbed."""
    chain = np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 1]])
    kernel = Diffusion(Vocabulary(3, [0]), chain, theta, kind)
    near = kernel.first_order()
    t = float(theta)
    assert near.error_bound == pytest.approx(t**2 if kind == "resolvent" else t * (1 - math.exp(-t)), abs=1e-15)
    assert float(total_variation(kernel.row(0), near.row(0))) == pytest.approx(near.error_bound, abs=EXACT)


def test_the_heat_bound_is_attained_at_weight_one():
    chain = np.array([[0.0, 1, 0], [0, 0, 1], [0, 0, 1]])
    kernel = Diffusion(Vocabulary(3, [0]), chain, 1, "heat")
    assert float(total_variation(kernel.row(0), kernel.first_order().row(0))) == pytest.approx(
        1 - math.exp(-1), abs=EXACT
    )


@pytest.mark.parametrize("theta", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["resolvent", "heat"])
def test_the_diffusion_bounds_hold(kind, theta):
    rng = np.random.default_rng(3)
    for size in (1, 2, 5, 20):
        vocab = Vocabulary(size, rng.permutation(size)[: (size + 1) // 2])
        walk = laws(rng, size, size) if size % 2 else np.eye(size)[rng.permutation(size)]
        kernel = Diffusion(vocab, walk, theta, kind)
        near = kernel.first_order()
        places = np.arange(vocab.kept_size)
        assert total_variation(kernel.row(places), near.row(places)).max() <= near.error_bound + EXACT
        target, draft = laws(rng, 9, size), laws(rng, 9, vocab.kept_size)
        gap = acceptance_rate(target, kernel.redistribute(draft)) - acceptance_rate(target, near.redistribute(draft))
        assert np.abs(gap).max() <= near.error_bound + EXACT


def test_a_kernel_that_is_cheap_has_no_first_order():
    with pytest.raises(TypeError, match="Embedding has no first-order form"):
        Embedding(Vocabulary.full(2)).first_order()
