"""The operations for every kind of kernel, for kernels that depend on the context, and at temperature 0."""

import numpy as np
import pytest
import scipy.sparse
import torch

from gpu.ops import propose as propose_ops
from gpu.ops import redistribute as redistribute_ops
from gpu.ops import softmax_sample as sample_ops
from gpu.ops import verify as verify_ops
from gpu.ops.acceptance import acceptance
from gpu.ops.propose import prepare_rows
from gpu.ops.softmax_sample import softmax_sample
from gpu.ops.verify import agreement, launch, naive, prepare, reading
from rdk_theory import Vocabulary, verify_chain
from rdk_theory._array import to_numpy
from rdk_theory.distributions import softmax
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import (
    BackedOff,
    Embedding,
    GatedPriors,
    RankOne,
    SoftmaxCovariance,
    StoredColumns,
    store_columns,
)
from rdk_theory.verification import verify_block
from tests.kernel_cases import KEPT, SIZE, cases, laws, sparse_laws
from tests.unit.ops_agreement import DEVICE, few, moved, near_ties, on_device, poisoned, uniforms  # noqa: F401
from tests.unit.verify_calls import call, draft_law, quick  # noqa: F401

verify, propose, redistribute = (
    on_device(m) for m in (verify_ops.verify, propose_ops.propose, redistribute_ops.redistribute)
)
sample = on_device(sample_ops.softmax_sample)

FORMS = {
    "softmax, whole": "dense",
    "softmax, diagonal": "backed off",
    "resolvent": "dense",
    "backed off": "backed off",
    "gated priors": "rank one",
    "first-order softmax, factor": "low rank",
    "first-order softmax, diagonal": "backed off",
    "first-order softmax, whole": "dense",
    "first-order resolvent": "dense",
    "first-order resolvent, sparse": "sparse",
    "stored": "dense",
}
"""How some kernels are laid out; those left out are as their name says, or dense."""
BOTH = ("kernel", "naive")


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """Every kernel of the package with its matrix, under its name; one of them in a file."""
    out = {case.name: (case.kernel, case.matrix) for case in cases()}
    kernel, _ = out["backed off"]
    path = tmp_path_factory.mktemp("columns") / "columns.safetensors"
    store_columns(path, kernel, "float16")
    opened = StoredColumns(path, kernel.vocab)
    return out | {"stored": (opened, opened.row(np.arange(KEPT)))}


NAMES = [*(case.name for case in cases()), "stored"]


def logits(seed, *shape):
    z = 1.5 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    z[..., 1::4] = -torch.inf
    return z


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_laid_out_as_its_matrix(name, every):
    """Columns, rows and whole proposals of both forms are the kernel's own, to float32."""
    kernel, matrix = every[name]
    columns, rows = prepare(kernel), prepare_rows(kernel)
    assert columns.kind == FORMS.get(name, columns.kind)
    eye = torch.eye(KEPT, dtype=torch.float64)
    exact = torch.from_numpy(np.asarray(matrix))
    for found in (naive.proposals(eye, columns), propose_ops.naive.column(rows, torch.arange(SIZE)).T):
        torch.testing.assert_close(found, exact, rtol=2e-6, atol=1e-8)
    law = propose_ops.naive.law(rows, torch.arange(KEPT))
    torch.testing.assert_close(law / law.sum(-1, keepdim=True), exact, rtol=2e-6, atol=1e-8)
    if columns.kind not in ("sparse", "backed off"):
        for implementation in BOTH:
            found = redistribute(eye.float(), columns, implementation=implementation)
            torch.testing.assert_close(found, exact.float(), rtol=4e-6, atol=1e-7)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form != "dense"] + ["stored"])
def test_kernels_of_new_forms_are_proposed_from(name, every):
    kernel, matrix = every[name]
    z, first, second = logits(0, 12, KEPT), uniforms(1, 12), uniforms(2, 12)
    law, rows = softmax(z.double()), prepare_rows(kernel)
    _, token = draft_token(law, kernel, first, second)
    exact, proposal = torch.from_numpy(np.asarray(matrix)), law @ torch.from_numpy(np.asarray(matrix))
    for implementation in BOTH:
        drawn = propose(z, rows, first, second, implementation=implementation)
        ties = near_ties(law, first, drawn.drafted.place) + near_ties(exact[drawn.drafted.place], second, drawn.token)
        assert few(ties, 12, SIZE)
        assert int((drawn.token != token).sum()) <= ties
        at = proposal.gather(-1, drawn.token[:, None])[:, 0]
        assert ((drawn.probability - at).abs() <= 3e-6 * at).all()


def arguments_for(kernel, gamma=2, batch=6, tries=1, seed=0):
    """A call of `verify` whose chains that kernel drew."""
    _, arguments = call(
        "embedding", batch=batch, gamma=gamma, tries=tries, seed=seed, size=SIZE, kept=kernel.vocab.kept_size
    )
    proposal = naive.proposals(draft_law(arguments["draft"], 0.8), prepare(kernel))
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.multinomial(proposal.reshape(-1, SIZE), 1, generator=generator)
    target = torch.log(torch.cat([proposal, proposal[:, :1]], dim=1) + 1e-3) * 0.8
    target += torch.randn(target.shape, generator=generator)
    return arguments | {"drafted": drawn.reshape(batch, gamma), "target_logits": target.float()}


def same(found, plain):
    """Token for token; in so narrow a vocabulary these seeds have no near-tie, which a change of either would show."""
    for mine, its in zip(found, plain, strict=True):
        if mine.dtype.is_floating_point:
            torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-7)
        else:
            assert torch.equal(mine, its)


@pytest.fixture
def small_blocks(monkeypatch):
    for name, value in {"BLOCK": 4, "SPLITS": 2, "TILE": 2, "BLOCK_TILE": 1}.items():
        monkeypatch.setattr(launch, name, value)


@pytest.mark.usefixtures("quick", "small_blocks")
@pytest.mark.parametrize("method", ["token", "block"])
@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form != "dense"] + ["stored"])
def test_kernels_of_new_forms_are_verified(name, method, every):
    kernel, _ = every[name]
    arguments, columns = arguments_for(kernel), prepare(kernel)
    plain = verify(kernel=columns, **arguments, method=method, implementation="naive")
    same(verify(kernel=columns, **arguments, method=method, implementation="kernel"), plain)
    assert plain.accepted.unique().numel() > 1


WIDE, WIDE_KEPT = 203, 37


def wide_kernel(kind):
    """A kernel over an odd vocabulary of several blocks."""
    rng = np.random.default_rng(5)
    vocab = Vocabulary(WIDE, rng.permutation(WIDE)[:WIDE_KEPT])
    if kind == "backed off":
        held = rng.random((WIDE_KEPT, 1))
        rows = scipy.sparse.csr_array(held * sparse_laws(rng, WIDE_KEPT, WIDE))
        return BackedOff(vocab, rows, laws(rng, WIDE))
    if kind == "by context":
        return RankOne(vocab, rng.random((6, 3)), laws(rng, WIDE))
    covariance = SoftmaxCovariance.from_factor(vocab, rng.normal(size=(WIDE, 5)), 40.0)
    return covariance.first_order()


@pytest.mark.usefixtures("quick", "poisoned")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", ["backed off", "by context", "low rank"])
def test_narrow_logits_of_unequal_chains_over_several_blocks(kind, dtype, monkeypatch):
    """Token for token but for near-ties, which are counted; one row of the target has its mass on cold tokens alone."""
    for name, value in {"BLOCK": 16, "SPLITS": 2, "TILE": 8, "BLOCK_TILE": 4}.items():
        monkeypatch.setattr(launch, name, value)
    monkeypatch.setattr(reading, "HELD", reading.tl.constexpr(2))
    kernel = wide_kernel(kind)
    columns = prepare(kernel)
    _, arguments = call("embedding", batch=6, tries=1, dtype=dtype, size=WIDE, kept=WIDE_KEPT)
    proposal = naive.proposals(draft_law(arguments["draft"], 0.8), columns)
    generator = torch.Generator().manual_seed(6)
    drafted = torch.multinomial(proposal.reshape(-1, WIDE), 1, generator=generator).reshape(6, 3)
    target = torch.log(torch.cat([proposal, proposal[:, :1]], dim=1) + 1e-4) * 0.8
    target += 0.5 * torch.randn(target.shape, generator=generator)
    target[0, 0, torch.as_tensor(kernel.vocab.kept.copy())] = -torch.inf
    arguments |= {"target_logits": target.to(dtype), "drafted": drafted, "lengths": torch.tensor([3, 2, 0, 3, 1, 3])}
    found = verify(kernel=columns, **arguments, implementation="kernel")
    agreement.agree(columns, arguments, found)
    assert (found.accepted < arguments["lengths"]).any()
    assert found.accepted.unique().numel() > 1


# Kernels that depend on the context.


def contextual(batch, priors, seed=4):
    """A weight for each context of this shape, one of them 0 and one 1; one prior, or one for each."""
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(SIZE, rng.permutation(SIZE)[:KEPT])
    weight = rng.random(batch)
    weight.flat[:2] = 0, 1
    return RankOne(vocab, weight, laws(rng, *(batch if priors else ()), SIZE))


def alone(kernel, index):
    """The kernel of one context."""
    return RankOne(kernel.vocab, kernel.weight[index], kernel.prior[index] if kernel.prior.ndim > 1 else kernel.prior)


def test_gates_for_each_context_are_weights_and_priors():
    """One of them moves nothing, one all; the whole proposals are the kernel's own."""
    rng = np.random.default_rng(0)
    gates = np.concatenate([[[1.0, 0, 0, 0], [0, 0.5, 0.5, 0]], laws(rng, 4, 4)])
    kernel = GatedPriors(Vocabulary(SIZE, rng.permutation(SIZE)[:KEPT]), gates, laws(rng, 3, SIZE))
    q = laws(rng, 6, KEPT)
    found = redistribute(torch.from_numpy(q).float(), prepare(kernel), implementation="naive")
    torch.testing.assert_close(found, torch.from_numpy(kernel.redistribute(q)).float(), rtol=4e-6, atol=1e-7)


@pytest.mark.usefixtures("quick", "small_blocks")
@pytest.mark.parametrize("implementation", BOTH)
@pytest.mark.parametrize("priors", [False, True])
def test_a_kernel_for_each_context_is_used_in_its_own(priors, implementation):
    """Every operation on a batch gives what it gives for each row with the kernel of that row."""
    kernel = contextual((2, 3), priors)
    z, first, second = logits(3, 2, 3, KEPT), uniforms(5, 2, 3), uniforms(6, 2, 3)
    target, how = logits(7, 2, 3, SIZE), {"implementation": implementation}
    q = softmax(z, 1.0)
    rows = prepare_rows(kernel)
    drawn = propose(z, rows, first, second, **how)
    whole = redistribute(q, rows.columns, **how)
    rate = on_device(acceptance)(target, z, rows.columns, **how)
    for index in np.ndindex(2, 3):
        own = prepare_rows(alone(kernel, index))
        one = propose(z[index], own, first[index], second[index], **how)
        assert (one.token, one.probability) == (drawn.token[index], drawn.probability[index])
        assert torch.equal(redistribute(q[index], own.columns, **how), whole[index])
        assert on_device(acceptance)(target[index], z[index], own.columns, **how) == rate[index]
    exact = kernel.redistribute(softmax(z.double(), 1.0))
    torch.testing.assert_close(whole, torch.tensor(to_numpy(exact), dtype=torch.float32))
    assert torch.unique(rate).numel() == 6


@pytest.mark.usefixtures("quick", "small_blocks")
@pytest.mark.parametrize("method", ["token", "block"])
@pytest.mark.parametrize("priors", [False, True])
def test_chains_are_verified_with_the_kernel_of_each_position(priors, method):
    kernel = contextual((6, 2), priors)
    arguments, columns = arguments_for(kernel, tries=0), prepare(kernel)
    plain = verify(kernel=columns, **arguments, method=method, implementation="naive")
    same(verify(kernel=columns, **arguments, method=method, implementation="kernel"), plain)
    p = softmax(arguments["target_logits"].double(), 0.8)
    r = torch.from_numpy(kernel.redistribute(draft_law(arguments["draft"], 0.8).numpy()))
    uniform = arguments["last_uniform"]
    generic = verify_block if method == "block" else verify_chain
    out = generic(p, r, arguments["drafted"], arguments["accept_uniforms"], uniform, uniform)
    assert torch.equal(plain.accepted.long(), out.accepted)
    assert torch.equal(plain.token, out.tokens.gather(-1, out.accepted[:, None])[:, 0])
    # Control: the weights of other positions lead to other ratios.
    other = verify(
        kernel=columns.at(columns.weight.flip(0), columns.prior if priors else None), **arguments, check=False
    )
    assert not torch.allclose(other.acceptance, plain.acceptance, atol=1e-3)


def test_weights_are_given_without_preparing_the_rest_anew():
    kernel = contextual((4,), False)
    shared = prepare_rows(RankOne(kernel.vocab, 0.5, kernel.prior))
    given = shared.at(torch.from_numpy(kernel.weight))
    assert given.sums is shared.sums
    assert given.columns.prior is shared.columns.prior
    z, first, second = logits(3, 4, KEPT), uniforms(5, 4), uniforms(6, 4)
    for mine, its in zip(
        propose(z, given, first, second)[:2], propose(z, prepare_rows(kernel), first, second)[:2], strict=True
    ):
        assert torch.equal(mine, its)
    priors = contextual((4,), True)
    own = shared.at(torch.from_numpy(priors.weight), torch.from_numpy(priors.prior))
    torch.testing.assert_close(own.sums, prepare_rows(priors).sums, rtol=0, atol=1e-6)


# Temperature 0.


@pytest.mark.usefixtures("quick", "small_blocks")
@pytest.mark.parametrize("implementation", BOTH)
@pytest.mark.parametrize(("method", "tries"), [("token", 1), ("block", 0)])
def test_at_temperature_zero_the_greatest_logit_has_all_mass(tries, method, implementation):
    """Chains of the target's own choice are accepted whole, others up to the first that is not."""
    kernel = RankOne(Vocabulary.full(SIZE), 0.5, np.full(SIZE, 1 / SIZE))
    _, arguments = call("embedding", batch=4, gamma=3, tries=tries, size=SIZE, kept=SIZE)
    target = arguments["target_logits"].clone()
    target[0, 1, [2, 7, 9]] = 5.0
    target[1, 3, [3, 8]] = 6.0
    best = target.argmax(-1)
    assert (best[0, 1], best[1, 3]) == (2, 3)
    drafted = best[:, :3].clone()
    drafted[2, 1] = (best[2, 1] + 1) % SIZE
    drafted[0, 1] = 7  # as great, but not the lowest
    arguments |= {"target_logits": target, "drafted": drafted, "draft": logits(0, 4, 3, SIZE), "temperature": 0}
    for heat in (0,) if implementation == "kernel" else (0, torch.zeros(4)):
        out = verify(
            kernel=prepare(kernel), **(arguments | {"temperature": heat}), method=method, implementation=implementation
        )
        assert out.accepted.tolist() == [1, 3, 1, 3]
        assert out.token.tolist() == [2, 3, best[2, 1], best[3, 3]]
    certain = verify(
        kernel=prepare(Embedding(kernel.vocab)),
        **(arguments | {"draft": None}),
        certain=True,
        method=method,
        implementation=implementation,
    )
    assert torch.equal(certain.accepted, out.accepted)
    assert torch.equal(certain.token, out.token)
    cut = verify(kernel=prepare(kernel), **arguments, method=method, implementation=implementation, top_k=2, top_p=0.5)
    assert torch.equal(cut.token, out.token)


@pytest.mark.usefixtures("quick", "small_blocks")
@pytest.mark.parametrize("method", ["token", "block"])
def test_temperatures_of_a_batch_may_be_zero_for_some(method):
    """The others are verified as without them; certain drafts of a target that samples, as the generic code does."""
    kernel = RankOne(Vocabulary.full(SIZE), 0.5, np.full(SIZE, 1 / SIZE))
    arguments = arguments_for(kernel) | {"draft": logits(1, 6, 2, SIZE)}
    mixed = arguments | {"temperature": torch.tensor([0.8, 0.0] * 3, dtype=torch.float64)}
    plain, found = (verify(kernel=prepare(kernel), **mixed, method=method, implementation=form) for form in BOTH[::-1])
    same(found, plain)
    warm = verify(kernel=prepare(kernel), **(arguments | {"temperature": 0.8}), method=method)
    for mine, its in zip(plain, warm, strict=True):
        assert torch.equal(mine[::2], its[::2])
    assert torch.equal(
        plain.token[1::2],
        arguments["target_logits"].argmax(-1)[1::2].gather(-1, plain.accepted[1::2, None].long())[:, 0],
    )
    sure = arguments | {"draft": None, "propose_uniforms": None, "keep_uniforms": None}
    plain, found = (
        verify(kernel=prepare(kernel), **sure, certain=True, method=method, implementation=form) for form in BOTH[::-1]
    )
    same(found, plain)
    p, r = (
        softmax(arguments["target_logits"].double(), 0.8),
        torch.nn.functional.one_hot(arguments["drafted"], SIZE).double(),
    )
    generic = verify_block if method == "block" else verify_chain
    last = arguments["last_uniform"]
    out = generic(p, r, arguments["drafted"], arguments["accept_uniforms"], last, last)
    assert torch.equal(plain.token, out.tokens.gather(-1, out.accepted[:, None])[:, 0])


@pytest.mark.parametrize("implementation", BOTH)
def test_the_greatest_logit_is_sampled_at_temperature_zero(implementation):
    z = torch.tensor([[1.0, 3.0, 3.0, -torch.inf], [0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 4.0, 0.5]])
    last = torch.full((3,), 1 - 2**-53, dtype=torch.float64)
    for heat in (0, torch.zeros(3)):
        out = sample(z, last, heat, implementation=implementation)
        assert out.place.tolist() == [1, 0, 2]
        assert out.probability.tolist() == [1, 1, 1]
        assert out.log_sum.tolist() == [0, 0, 0]
    mixed = sample(z, last, torch.tensor([0.0, 1.0, 1.0]), implementation=implementation)
    assert mixed.place.tolist() == [1, 3, 3]
    assert mixed.probability[1] == 0.25


def test_rows_that_lie_far_apart(tmp_path):
    """More than 2³¹ entries between rows of a chain, and of a batch: of a file that is nearly all hole."""
    far, before = 1_200_000_000, 2_000_000_000  # what lies before is read where an offset has lost its upper bits
    size = before + 2 * far + SIZE
    if DEVICE == "cpu":
        target = torch.from_file(str(tmp_path / "far"), shared=True, size=size, dtype=torch.bfloat16)
    else:
        target = torch.zeros(size, dtype=torch.bfloat16, device=DEVICE)
    near = logits(0, 3, SIZE).bfloat16()
    near[2], near[2, 3] = -torch.inf, 0.0
    near = near.to(DEVICE)
    rows = target.as_strided((1, 3, SIZE), (2 * far, far, 1), before)
    rows[0] = near
    mixed = RankOne(Vocabulary.full(SIZE), 0.5, np.full(SIZE, 1 / SIZE))
    kernel, arguments = prepare(mixed, DEVICE), moved(arguments_for(mixed, batch=1), DEVICE)
    arguments |= {"drafted": near[None, :2].float().argmax(-1), "draft": logits(1, 1, 2, SIZE).to(DEVICE)}
    for name in ("accept_uniforms", "last_uniform"):
        arguments[name][:] = 0.01
    out = [
        verify_ops.verify(kernel=kernel, **(arguments | {"target_logits": x}), implementation="kernel")
        for x in (rows, near[None])
    ]
    assert (out[0].accepted, out[0].token) == (2, 3)
    for mine, its in zip(*out, strict=True):
        assert torch.equal(mine, its)
    uniform = torch.tensor([0.1, 0.5, 0.9], device=DEVICE)
    for mine, its in zip(*(softmax_sample(x, uniform, implementation="kernel") for x in (rows[0], near)), strict=True):
        assert torch.equal(mine, its)


def test_a_layout_of_another_kernel_is_seen(every):
    """Control: the comparison of matrices finds a covariance at another temperature."""
    kernel, matrix = every["softmax, diagonal"]
    other = SoftmaxCovariance.from_diagonal(
        kernel.vocab, kernel._covariance.values[np.argsort(kernel.vocab.kept)].repeat(3)[:SIZE], 14.0
    )
    found = naive.proposals(torch.eye(KEPT, dtype=torch.float64), prepare(other))
    assert not torch.allclose(found, torch.from_numpy(np.asarray(matrix)), rtol=2e-6, atol=1e-8)
