"""`gpu.ops.verify`: the emitted law by samples, of both forms, and controls that must fail."""

import numpy as np
import pytest
import scipy.sparse
import torch

from gpu.ops.verify import launch, prepare, verify
from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Embedding, LowRank, RankOne, Sparse
from rdk_theory.sampling import inverse_cdf
from rdk_theory.statistics import law_test, law_test_plan
from rdk_theory.verification.chain import emit
from tests.statistical.test_lossless_lazy import Contexts, contexts, sample
from tests.unit.ops_agreement import on_device
from tests.unit.verify_calls import quick  # noqa: F401

FALSE_FAIL, FALSE_PASS, SMALLEST = 1e-9, 1e-6, 0.03
"""Of the naive form: the right law fails with at most the first probability; one at least `SMALLEST` away in total
variation passes with at most the second."""

NARROW = Vocabulary(3, [2, 0])
LAW_KERNELS = {
    "embedding": Embedding(NARROW),
    "rank one": RankOne(NARROW, 0.4, np.array([0.1, 0.7, 0.2])),
    "sparse": Sparse(NARROW, scipy.sparse.csr_array(np.array([[0.0, 0.4, 0.6], [1.0, 0.0, 0.0]]))),
    "low rank": LowRank(NARROW, np.array([[0.2, 0.8], [1.0, 0.0]]), np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])),
    "dense": Dense(NARROW, torch.tensor([[0.1, 0.3, 0.6], [0.5, 0.5, 0.0]]).half()),
}


def as_verifier(columns, **options):
    """`verify` as a function of laws in the order of `verify_lazy_chain`."""

    def run(p, q, _kernel, drafted, accept, propose, keep, fallback, _bonus):
        # One uniform draws the last token, wherever it is drawn from: a chain needs one only.
        out = verify(
            torch.log(p).float(),
            q.float(),
            columns,
            drafted,
            accept,
            fallback,
            propose_uniforms=propose,
            keep_uniforms=keep,
            draft_logits=False,
            check=False,
            **options,
        )
        return emit(drafted, out.accepted.long(), out.token)

    return run


def passes(tokens, test):
    return law_test(np.bincount(tokens, minlength=test.law.size), test).passed


@pytest.mark.parametrize("kind", LAW_KERNELS)
@pytest.mark.parametrize(("method", "tries"), [("token", 0), ("token", 2), ("block", 0), ("block", 2)])
def test_emitted_law_of_the_naive_form(kind, method, tries):
    """Three tokens of a chain of two, joint, against the target's."""
    laws, matrix = contexts(11), LAW_KERNELS[kind]
    test = law_test_plan(laws.joint, SMALLEST, FALSE_FAIL, FALSE_PASS)
    run = as_verifier(prepare(matrix), method=method)
    tokens, _ = sample(matrix, laws, test.samples, tries, 12, library="torch", verify=run)
    assert passes(tokens, test)


OTHER = RankOne(NARROW, 0.8, np.array([0.1, 0.7, 0.2]))
MUTANTS = {
    "reported by another weight": (prepare(OTHER), {}),
    "kept places mapped as if ascending": (
        prepare(RankOne(Vocabulary(3, [0, 2]), 0.4, np.array([0.1, 0.7, 0.2]))),
        {},
    ),
    "last token and test share a uniform": (None, {"fallback_uniform": lambda u: u["accept_uniforms"][:, 0]}),
    "every candidate is kept": (None, {"keep_uniforms": lambda u: u["keep_uniforms"] * 0}),
}


@pytest.mark.parametrize("bug", MUTANTS)
def test_emitted_laws_of_wrong_forms_are_found_out(bug):
    """The same test on the same number of samples; one thing wrong."""
    first, second, third = (np.tile([0.5, 0.4, 0.1], (*[3] * step, 1)) for step in range(3))
    laws = Contexts([first, second, third], [np.array([0.85, 0.15]), np.tile([0.85, 0.15], (3, 1))])
    matrix, (columns, changed) = LAW_KERNELS["rank one"], MUTANTS[bug]
    test, tries = law_test_plan(laws.joint, SMALLEST, FALSE_FAIL, FALSE_PASS), 0 if "last" in bug else 3
    right = sample(matrix, laws, test.samples, tries, 13, library="torch", verify=as_verifier(prepare(matrix)))[0]
    wrong = as_verifier(columns or prepare(matrix))
    tokens, _ = sample(matrix, laws, test.samples, tries, 13, library="torch", verify=wrong, **changed)
    assert passes(right, test)
    assert not passes(tokens, test)


@pytest.mark.usefixtures("quick")
def test_emitted_law_of_the_compiled_form(monkeypatch):
    """The first token of a chain: the right law fails with probability 10⁻⁶ at most, one 0.25 away passes with 10⁻³.

    Control: a verifier that draws again from the target after a rejection, at the same rejections.
    """
    for name in ("BLOCK", "TILE", "BLOCK_TILE"):
        monkeypatch.setattr(launch, name, 4)
    monkeypatch.setattr(launch, "SPLITS", 1)
    target = np.array([0.0, 0.5, 0.5])
    matrix = RankOne(NARROW, 0.5, np.array([0.0, 0.0, 1.0]))
    test = law_test_plan(target, 0.25, 1e-6, 1e-3)
    rng = np.random.default_rng(14)
    # The proposal is (1/2, 0, 1/2): half of the chains are rejected, and the residual is the middle token.
    drafted = torch.from_numpy(2 * rng.integers(0, 2, (test.samples, 1)))
    out = on_device(verify)(
        torch.log(torch.from_numpy(target)).float().expand(test.samples, 2, 3),
        torch.tensor([0.0, 1.0]).expand(test.samples, 1, 2),
        prepare(matrix),
        drafted,
        *(torch.from_numpy(rng.random(shape)) for shape in ((test.samples, 1), test.samples)),
        **{f"{name}_uniforms": torch.from_numpy(rng.random((test.samples, 1))) for name in ("propose", "keep")},
        draft_logits=False,
        implementation="kernel",
    )
    accepted, drafted = out.accepted.numpy() == 1, drafted[:, 0].numpy()
    assert passes(np.where(accepted, drafted, out.token), test)
    again = inverse_cdf(np.tile(target, (test.samples, 1)), rng.random(test.samples))
    assert not passes(np.where(accepted, drafted, again), test)
