"""Every public function: the numpy result, then torch inputs, then equal; all widths, shapes and memory layouts."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

import rdk_theory as rdk
from rdk_theory.acceptance import acceptance_gain, residual_weights, union_acceptance
from rdk_theory.distributions import embed, kept_mass
from rdk_theory.draft_modes import argmax_rate, exact_match_rate
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Embedding, RankOne
from rdk_theory.mixing import optimal_mixing
from rdk_theory.multi_draft import multi_draft_acceptance
from rdk_theory.sampling import inverse_cdf
from rdk_theory.tolerances import SAME_DTYPE, UNIT_SUM
from rdk_theory.trajectories import accepted_by_block, accepted_by_tokens, trajectory_rejections
from rdk_theory.verification.mutants import MUTANTS
from rdk_theory.verification.samplers import Randomness, exact_match_sampler, race_sampler, rejection_sampler

SIZE, KEPT, DRAFT, TRIES, GAMMA = 6, 3, 5, 2, 3
VOCAB = rdk.Vocabulary(SIZE, [4, 0, 3], draft_size=DRAFT, draft_ids=[1, 4, 0])
BATCHES = [(), (4,), (2, 3), (0,)]


@dataclass(frozen=True)
class Public:
    """A public function, and the shapes of what it takes beyond the batch."""

    name: str
    call: object
    laws: tuple = ()
    """Lengths of the last axes of its distributions: ``(N,)``, or ``(γ, N)``."""
    uniforms: tuple = ()
    ids: tuple = ()
    """For each array of ids the range and the axes beyond the batch."""
    discrete: bool = False
    """Whether it gives ids and flags, which are equal or not; else numbers, equal within a tolerance."""
    scale: float = 1.0
    """Where a result is a sum of several rows' sums, or divided by a small mass, its rounding is that much larger."""
    keywords: dict = field(default_factory=dict)

    def __repr__(self):
        return self.name


def prior(like):
    """A fixed prior in the library of `like`."""
    row = np.array([0.0, 0.5, 0.125, 0.0, 0.125, 0.25])
    return row if isinstance(like, np.ndarray) else torch.from_numpy(row)


def kernel(like):
    return RankOne(VOCAB, 0.25, prior(like))


def with_kernel(function):
    """`function`, whose second and third argument are a draft and a kernel in its library."""
    return lambda target, draft, *rest: function(target, draft, kernel(draft), *rest)


def sampled(sampler):
    return lambda target, draft, *uniforms: sampler(target, draft, kernel(draft), Randomness(*uniforms))


N, K, D = (SIZE,), (KEPT,), (DRAFT,)
SAMPLING = {"laws": (N, K), "uniforms": ((), (), (), (), N), "discrete": True}
CHAIN = {
    "laws": ((GAMMA + 1, SIZE), (GAMMA, SIZE)),
    "ids": ((SIZE, (GAMMA,)),),
    "uniforms": ((GAMMA,), (), ()),
    "discrete": True,
}

PUBLIC = [
    Public("acceptance_rate", rdk.acceptance_rate, (N, N)),
    Public("total_variation", rdk.total_variation, (N, N)),
    Public("residual", rdk.residual, (N, N), scale=8),
    Public("residual_weights", residual_weights, (N, N)),
    Public("acceptance_gain", acceptance_gain, (N, N, N)),
    Public("union_acceptance", lambda p, q: union_acceptance(p, q, VOCAB), (N, D)),
    Public("kept_mass", lambda q: kept_mass(q, VOCAB), (D,)),
    Public("restrict", lambda q: rdk.restrict(q, VOCAB), (D,), scale=4),
    Public("embed", lambda q: embed(q, VOCAB), (K,)),
    Public("softmax", rdk.softmax, (N,)),
    Public("softmax, cold", lambda z: rdk.softmax(z, 0.5), (N,)),
    Public("exact_match_rate", exact_match_rate, (N, N)),
    Public("argmax_rate", argmax_rate, (N, N)),
    Public("multi_draft_acceptance", lambda p, r: multi_draft_acceptance(p, r, 3), (N, N), scale=4),
    Public("embedding: redistribute", Embedding(VOCAB).redistribute, (K,)),
    Public("embedding: probability", Embedding(VOCAB).probability, (K,), ids=((SIZE, ()),)),
    Public("rank one: redistribute", lambda q: kernel(q).redistribute(q), (K,)),
    Public("rank one: probability", lambda q, x: kernel(q).probability(q, x), (K,), ids=((SIZE, ()),)),
    Public("rank one: draw", lambda i, u: kernel(u).draw(i, u), ids=((KEPT, ()),), uniforms=((),), discrete=True),
    Public("inverse_cdf", inverse_cdf, (N,), uniforms=((),), discrete=True),
    Public("draft_token", lambda q, u, v: draft_token(q, kernel(q), u, v), (K,), ((), ()), discrete=True),
    Public("verify_token", rdk.verify_token, (N, N), ((), ()), ((SIZE, ()),), discrete=True),
    Public("verify_chain", rdk.verify_chain, **CHAIN),
    Public("verify_block", rdk.verify_block, **CHAIN),
    Public(
        "verify_lazy",
        lambda p, q, x, *us: rdk.verify_lazy(p, q, kernel(q), x, *us),
        (N, K),
        ((), (TRIES,), (TRIES,), ()),
        ((SIZE, ()),),
        discrete=True,
    ),
    *(Public(s.__name__, sampled(s), **SAMPLING) for s in (rejection_sampler, race_sampler, exact_match_sampler)),
    *(Public(f"mutant: {m.bug}", sampled(m.sampler), **SAMPLING) for m in MUTANTS),
]
every = pytest.mark.parametrize("public", PUBLIC, ids=repr)
of_numbers = pytest.mark.parametrize("public", [p for p in PUBLIC if not p.discrete], ids=repr)
of_ids = pytest.mark.parametrize("public", [p for p in PUBLIC if p.discrete], ids=repr)


def arguments(public, batch, seed=0):
    """Valid numpy arguments in the order laws, ids, uniforms; eighths and 64ths, which every width holds exactly."""
    rng = np.random.default_rng([seed, *public.name.encode()])
    laws = [_eighths(rng, (*batch, *shape)) for shape in public.laws]
    ids = [rng.integers(0, size, (*batch, *shape)) for size, shape in public.ids]
    # Odd 64ths lie between the steps of laws and kernels, so that no rounding decides.
    uniforms = [(2 * rng.integers(0, 32, (*batch, *shape)) + 1) / 64 for shape in public.uniforms]
    return [*laws, *[np.asarray(x) for x in ids], *[np.asarray(u) for u in uniforms]]


def _eighths(rng, shape):
    """Rows of positive eighths, at most seven of them, that sum to 1."""
    *batch, size = shape
    return (rng.multinomial(8 - size, np.full(size, 1 / size), size=tuple(batch)) + 1) / 8


def outputs(result):
    """The arrays of a result, flat."""
    return list(result) if isinstance(result, tuple) else [result]


def host(x):
    if isinstance(x, torch.Tensor):
        return x.detach().to(torch.float64 if x.is_floating_point() else x.dtype).numpy()
    return np.asarray(x)


def in_torch(x, dtype=None):
    out = torch.tensor(x)
    return out.to(dtype) if dtype is not None and out.is_floating_point() else out


def assert_same(found, expected, public, dtype="float64"):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert host(a).shape == host(b).shape
        if public.discrete:
            assert (host(a) == host(b)).all()
        else:
            atol = SAME_DTYPE[dtype] * public.scale
            np.testing.assert_allclose(host(a), host(b), rtol=0, atol=atol)


@pytest.mark.parametrize("batch", BATCHES)
@every
def test_torch_gives_what_numpy_gives(public, batch):
    args = arguments(public, batch)
    expected = outputs(public.call(*args))
    found = outputs(public.call(*map(in_torch, args)))
    assert all(isinstance(x, torch.Tensor) for x in found)
    assert not any(isinstance(x, torch.Tensor) for x in expected)
    assert_same(found, expected, public)


@pytest.mark.parametrize("batch", [(4,), (2, 3)])
@every
def test_a_batch_is_its_rows(public, batch):
    args = arguments(public, batch)
    whole = outputs(public.call(*args))
    for at in np.ndindex(*batch):
        single = outputs(public.call(*(np.asarray(x[at]) for x in args)))
        assert_same(single, [x[at] for x in whole], public)


WIDTHS = ["float64", "float32", "float16", "bfloat16"]


@pytest.mark.parametrize("dtype", WIDTHS)
@of_numbers
def test_numbers_in_every_width(public, dtype):
    """The result is as near as its width allows; sums of 16-bit numbers may be wider than these."""
    args = arguments(public, (4,))
    narrow = outputs(public.call(*(in_torch(x, getattr(torch, dtype)) for x in args)))
    assert_same(narrow, outputs(public.call(*args)), public, dtype)
    assert all(str(x.dtype).removeprefix("torch.") in (dtype, "float32", "float64") for x in narrow)
    if dtype != "bfloat16":
        in_numpy = [x.astype(dtype) if x.dtype == np.float64 else x for x in args]
        assert_same(outputs(public.call(*in_numpy)), narrow, public, dtype)


@pytest.mark.parametrize("dtype", WIDTHS)
@of_ids
def test_ids_do_not_depend_on_the_width(public, dtype):
    args = arguments(public, (4,))
    expected = outputs(public.call(*args))
    assert_same(outputs(public.call(*(in_torch(x, getattr(torch, dtype)) for x in args))), expected, public)
    if dtype != "bfloat16":
        in_numpy = [x.astype(dtype) if x.dtype == np.float64 else x for x in args]
        assert_same(outputs(public.call(*in_numpy)), expected, public)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("size", [50, 32_768])
def test_narrow_rows_of_a_real_size(dtype, size):
    """A softmax made in 16 bits passes as a distribution, and sums over it are made in float32."""
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(scale=3, size=(4, size))).to(getattr(torch, dtype))
    p, r = rdk.softmax(logits), rdk.softmax(logits.flip(0))
    assert p.dtype == logits.dtype
    assert ((p.double().sum(-1) - 1).abs() <= UNIT_SUM[dtype]).all()
    rate = rdk.acceptance_rate(p, r)
    assert rate.dtype == torch.float32
    wide = torch.minimum(p.double(), r.double()).sum(-1)
    np.testing.assert_allclose(rate.numpy(), wide.numpy(), rtol=0, atol=SAME_DTYPE["float32"] * 8)


@every
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_arguments_are_left_as_they_were(public, library):
    args = arguments(public, (2, 3))
    given = args if library == "numpy" else [in_torch(x) for x in args]
    copies = [x.copy() if library == "numpy" else x.clone() for x in given]
    if library == "numpy":
        for x in given:
            x.setflags(write=False)
    public.call(*given)
    for x, copy in zip(given, copies, strict=True):
        assert (x == copy).all()


def strided(x):
    """The same values with gaps in memory."""
    return torch.stack([x, x], dim=-1)[..., 0] if isinstance(x, torch.Tensor) else np.stack([x, x], axis=-1)[..., 0]


@every
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_memory_layout_does_not_matter(public, library):
    args = arguments(public, (2, 3))
    given = args if library == "numpy" else [in_torch(x) for x in args]
    layouts = [strided(x) for x in given]
    assert not any(x.flags.c_contiguous if library == "numpy" else x.is_contiguous() for x in layouts)
    assert_same(outputs(public.call(*layouts)), outputs(public.call(*given)), public)


@every
def test_reversed_views_do_not_matter(public):
    args = arguments(public, (4,))
    views = [x[::-1] for x in args]
    expected = [np.flip(host(x), 0) for x in outputs(public.call(*args))]
    assert_same(outputs(public.call(*views)), expected, public)


@every
def test_tensors_that_track_gradients(public):
    args = [in_torch(x) for x in arguments(public, (4,))]
    expected = outputs(public.call(*args))
    tracked = [x.clone().requires_grad_() if x.is_floating_point() else x for x in args]
    found = outputs(public.call(*tracked))
    assert_same(found, expected, public)
    if public.discrete:
        assert not any(x.requires_grad for x in found)


def test_acceptance_has_the_gradient_of_the_smaller_law():
    target, proposal = (torch.tensor(row, dtype=torch.float64) for row in ([0.5, 0.25, 0.25], [0.25, 0.5, 0.25]))
    proposal = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64, requires_grad=True)
    rdk.acceptance_rate(target, proposal).backward()
    assert proposal.grad.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_torch_ids_of_any_width(dtype):
    p = torch.full((2, 4), 0.25, dtype=torch.float64)
    half = torch.full((2,), 0.5, dtype=torch.float64)
    drafted = torch.tensor([1, 3], dtype=dtype)
    token, accepted = rdk.verify_token(p, p, drafted, half, half)
    assert token.tolist() == [1, 3]
    assert token.dtype == torch.int64
    assert accepted.all()


def test_numpy_ids_beside_torch_rows():
    """Ids are looked up, not computed with: those of either library name the same tokens."""
    p = torch.full((2, 4), 0.25, dtype=torch.float64)
    half = torch.full((2,), 0.5, dtype=torch.float64)
    token, _ = rdk.verify_token(p, p, np.array([1, 3]), half, half)
    assert token.tolist() == [1, 3]


# What does not fit the table: plain numbers, lists of laws, one result for all rows


@pytest.mark.parametrize("batch", BATCHES)
def test_speed_of_arrays(batch):
    alpha = np.asarray(np.random.default_rng(0).random(batch))
    for function in (lambda a: rdk.expected_tokens(a, 4), lambda a: rdk.speedup(a, 4, 0.05)):
        found = function(torch.tensor(alpha))
        assert isinstance(found, torch.Tensor)
        np.testing.assert_allclose(found.numpy(), function(alpha), rtol=0, atol=SAME_DTYPE["float64"] * 4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_mixing(dtype):
    rng = np.random.default_rng(1)
    arrays = [rng.dirichlet(np.ones(7), size=5) for _ in range(3)]
    expected = optimal_mixing(*arrays)
    found = optimal_mixing(*(torch.tensor(a, dtype=dtype) for a in arrays))
    tolerance = 1e-9 if dtype == torch.float64 else 1e-5
    for name in ("weight", "acceptance", "baseline", "slope", "safe_weight"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), abs=tolerance)


@pytest.mark.parametrize("function", [trajectory_rejections, accepted_by_tokens, accepted_by_block])
def test_trajectories(function):
    rng = np.random.default_rng(2)
    targets, proposals = ([rng.dirichlet(np.ones(3), size=(3,) * t) for t in range(3)] for _ in range(2))
    found = function([torch.tensor(x) for x in targets], [torch.tensor(x) for x in proposals])
    assert float(found) == pytest.approx(float(function(targets, proposals)), abs=SAME_DTYPE["float64"])
