"""Verification by columns: its exact law for every number of tries, what it costs, and which rows it touches."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rdk_theory import Vocabulary, acceptance_rate, verify_lazy, verify_token
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Dense, RankOne
from rdk_theory.verification.law import outcome_law, steps, thresholds
from tests.kernel_cases import KEPT, SIZE, Watched, cases
from tests.kernel_cases import laws as kernel_laws
from tests.strategies import (
    EDGE_UNIFORMS,
    batches,
    distributions,
    drafted_instances,
    kernels,
    rational_distributions,
    uniforms,
    vocabularies,
)


def lazy_law(target, draft, kernel, tries):
    """Exact law of (token, accepted, columns, fell back), the drafted token drawn from the proposal."""
    proposal = kernel.redistribute(draft)
    keep = [1 - r / p for p, r in zip(target, proposal, strict=True) if p]
    law = {}
    for x in np.flatnonzero(proposal > 0):

        def draw(accept, *rest, x=x):
            cells = accept.size
            p, q = (np.broadcast_to(row, (cells, row.size)) for row in (target, draft))
            *between, fallback = rest
            propose, kept = (
                np.stack([*between[start::2]], axis=-1) if tries else np.empty((cells, 0), dtype=object)
                for start in (0, 1)
            )
            return np.stack(verify_lazy(p, q, kernel, np.full(cells, x), accept, propose, kept, fallback), axis=-1)

        cuts = [thresholds(target, proposal), *[steps(target), keep] * tries, thresholds(target, proposal)]
        for outcome, mass in outcome_law(draw, cuts).items():
            law[outcome] = law.get(outcome, 0) + mass * proposal[x]
    return law


@pytest.mark.parametrize("tries", [0, 1, 2])
@given(st.data())
@settings(max_examples=12)
def test_law_is_the_target_for_every_number_of_tries(tries, data):
    target, draft, kernel = data.draw(drafted_instances(lambda n: rational_distributions(n, 4), 3 - tries // 2))
    law = lazy_law(target, draft, kernel, tries)
    emitted = [sum((m for (token, *_), m in law.items() if token == t), Fraction(0)) for t in range(target.size)]
    assert emitted == target.tolist()


@pytest.mark.parametrize("tries", [0, 1, 2])
@given(st.data())
@settings(max_examples=12)
def test_acceptance_columns_and_fallback_are_as_claimed(tries, data):
    target, draft, kernel = data.draw(drafted_instances(lambda n: rational_distributions(n, 4), 3 - tries // 2))
    law = lazy_law(target, draft, kernel, tries)
    alpha = acceptance_rate(target, kernel.redistribute(draft))
    assert sum((m for (_, accepted, *_), m in law.items() if accepted), Fraction(0)) == alpha
    assert sum((m for (*_, fell_back), m in law.items() if fell_back), Fraction(0)) == (1 - alpha) * alpha**tries
    columns = sum(m * c for (_, _, c, _), m in law.items())
    # A rejected row makes try k + 1 with probability α^k: 1 + (1 − α)(1 + α + …) = 2 − α^m columns.
    assert columns == 2 - alpha**tries


@given(st.data())
def test_accepts_what_the_whole_proposal_accepts(data):
    vocab = data.draw(vocabularies(data.draw(st.integers(1, 6))))
    kernel = data.draw(kernels(vocab))
    target, draft = data.draw(batches((4,), vocab.size)), data.draw(batches((4,), vocab.kept_size))
    first, second, accept, fallback = (data.draw(uniforms((4,))) for _ in range(4))
    propose, keep = data.draw(uniforms((4, 2))), data.draw(uniforms((4, 2)))
    _, drafted = draft_token(draft, kernel, first, second)
    out = verify_lazy(target, draft, kernel, drafted, accept, propose, keep, fallback)
    proposal = kernel.redistribute(draft)
    rows = np.arange(4)
    assert (target[rows, out.token] > 0).all()
    assert (out.token[out.accepted] == drafted[out.accepted]).all()
    assert (out.columns[out.accepted] == 1).all()
    assert not (out.accepted & out.fell_back).any()
    kept_in_a_try = ~out.accepted & ~out.fell_back
    slack = 1e-12  # the column sums and the whole proposal may differ in the last bits
    assert (target[rows, out.token] > proposal[rows, out.token] - slack)[kept_in_a_try].all()
    assert (out.columns[out.fell_back] == 3).all()


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_rows_of_a_batch_are_independent_whether_or_not_they_share_the_kernel(batch):
    rng = np.random.default_rng(5)
    vocab = Vocabulary(6, [5, 0, 3])
    target, prior = (rng.dirichlet(np.full(6, 0.3), size=batch) for _ in range(2))
    draft = rng.dirichlet(np.full(3, 0.3), size=batch)
    weight = np.asarray(rng.random(batch))
    first, second, accept, fallback = (np.asarray(rng.random(batch)) for _ in range(4))
    propose, keep = rng.random((2, *batch, 2))
    shared, matrix = rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(6), size=(*batch, 3))
    for whole, one in (
        (RankOne(vocab, 0.3, shared), None),
        (RankOne(vocab, weight, prior), lambda at: RankOne(vocab, float(weight[at]), prior[at])),
        (
            RankOne(vocab, weight, prior[(0,) * len(batch)]),
            lambda at: RankOne(vocab, float(weight[at]), prior[(0,) * len(batch)]),
        ),
        (Dense(vocab, matrix), lambda at: Dense(vocab, matrix[at])),
    ):
        _, drafted = draft_token(draft, whole, first, second)
        drafted = np.asarray(drafted)
        out = verify_lazy(target, draft, whole, drafted, accept, propose, keep, fallback)
        for at in np.ndindex(*batch):
            numbers = [np.asarray(u[at]) for u in (drafted, accept, propose, keep, fallback)]
            single = verify_lazy(target[at], draft[at], one(at) if one else whole, *numbers)
            assert [x[at] for x in out] == list(single)


def test_only_rows_that_need_it_are_worked_on():
    kernel = Watched(Vocabulary(3, [0, 1]))
    target = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.1, 0.9], [0.0, 1.0, 0.0]])
    draft = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [0.9, 0.1]])
    drafted, accept = np.zeros(4, dtype=np.int64), np.full(4, 0.9)
    # Row 0 passes. The others propose: row 1 keeps the cold token at once, row 2 in its second try, row 3 never.
    propose = np.array([[0.0, 0.0], [0.9, 0.0], [0.05, 0.9], [0.0, 0.0]])
    keep = np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.95, 0.95]])
    out = verify_lazy(target, draft, kernel, drafted, accept, propose, keep, np.full(4, 0.5))
    assert out.token.tolist() == [0, 2, 2, 1]
    assert out.columns.tolist() == [1, 2, 3, 3]
    assert out.fell_back.tolist() == [False, False, False, True]
    assert kernel.columns == [4, 3, 2]
    assert kernel.proposals == [1]


def test_nothing_is_worked_on_where_all_rows_pass():
    kernel = Watched(Vocabulary(2, [1, 0]))
    target, draft = np.full((3, 2), 0.5), np.full((3, 2), 0.5)
    one = np.zeros((3, 1))
    out = verify_lazy(target, draft, kernel, np.array([0, 1, 0]), np.full(3, 0.9), one, one, np.zeros(3))
    assert out.accepted.all()
    assert (kernel.columns, kernel.proposals) == ([3], [])


@pytest.mark.parametrize("edge", EDGE_UNIFORMS)
def test_edge_uniforms(edge):
    vocab = Vocabulary(4, [2, 0])
    kernel = RankOne(vocab, 0.5, np.array([0.0, 0.5, 0.0, 0.5]))
    target, draft = np.array([0.0, 0.2, 0.8, 0.0]), np.array([0.5, 0.5])
    u, tries = np.array(edge), np.full(3, edge)
    draft_id, drafted = draft_token(draft, kernel, u, u)
    assert kernel.row(draft_id)[drafted] > 0
    assert target[verify_lazy(target, draft, kernel, np.asarray(drafted), u, tries, tries, u).token] > 0


@given(drafted_instances(lambda n: rational_distributions(n, 6)))
def test_the_two_stage_draw_has_the_law_of_the_proposal(instance):
    _, draft, kernel = instance
    rows = [kernel.row(i) for i in range(kernel.vocab.kept_size)]

    def draw(first, second):
        return draft_token(np.broadcast_to(draft, (first.size, draft.size)), kernel, first, second)[1]

    law = outcome_law(draw, [steps(draft), [c for row in rows for c in steps([Fraction(m) for m in row])]])
    proposal = kernel.redistribute(draft)
    assert law == {(int(t),): proposal[t] for t in np.flatnonzero(proposal > 0)}


@given(st.data())
def test_the_first_stage_names_the_row_of_the_second(data):
    vocab = data.draw(vocabularies())
    kernel, draft = data.draw(kernels(vocab)), data.draw(distributions(vocab.kept_size))
    draft_id, token = draft_token(draft, kernel, data.draw(uniforms()), data.draw(uniforms()))
    assert draft[draft_id] > 0
    assert kernel.row(draft_id)[token] > 0


@pytest.mark.parametrize("case", cases(), ids=repr)
def test_every_kernel_is_verified_by_columns_as_by_the_whole_proposal(case):
    rng = np.random.default_rng(8)
    target, draft = kernel_laws(rng, 40, SIZE), kernel_laws(rng, 40, KEPT)
    first, second, accept, fallback = rng.random((4, 40))
    draft_id, drafted = draft_token(draft, case.kernel, first, second)
    assert (case.matrix[draft_id, drafted] > 0).all()
    nothing = np.zeros((40, 0))
    out = verify_lazy(target, draft, case.kernel, drafted, accept, nothing, nothing, fallback)
    token, accepted = verify_token(target, case.kernel.redistribute(draft), drafted, accept, fallback)
    # Without tries the lazy verifier is the plain one, up to roundings that these uniforms do not meet.
    assert (out.accepted == accepted).all()
    assert (out.token == token).all()
    assert 0 < accepted.sum() < 40


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_rows_give_the_same_as_the_laws_that_they_stand_for(dtype):
    """Rows whose sums miss 1 are drawn from in proportion; the proposal that verifies is not rounded to their width."""
    rng = np.random.default_rng(10)
    vocab = Vocabulary(200, rng.permutation(200)[:60])
    kernel = RankOne(vocab, 0.3, rng.dirichlet(np.ones(200)))
    target, draft = (torch.tensor(rng.dirichlet(np.full(n, 2.0), size=500)).to(dtype) for n in (200, 60))
    numbers = [torch.tensor(rng.random(shape)) for shape in ((500,), (500,), (500,), (500, 2), (500, 2), (500,))]
    laws = [x.double() / x.double().sum(-1, keepdim=True) for x in (target, draft)]
    drafted = draft_token(draft, kernel, *numbers[:2])[1]
    assert (drafted == draft_token(laws[1], kernel, *numbers[:2])[1]).all()
    narrow = verify_lazy(target, draft, kernel, drafted, *numbers[2:])
    wide = verify_lazy(*laws, kernel, drafted, *numbers[2:])
    assert all((a == b).all() for a, b in zip(narrow, wide, strict=True))
    assert 0 < int(narrow.fell_back.sum()) < 500
    # A uniform just below the ratio of the laws accepts every row; taken as they are, 16-bit rows would refuse some.
    at = drafted[:, None]
    ratio = (laws[0].gather(-1, at) / kernel.redistribute(laws[1]).gather(-1, at))[:, 0]
    numbers[2] = (ratio * (1 - 1e-9)).clamp(max=0.999)
    assert verify_lazy(target, draft, kernel, drafted, *numbers[2:]).accepted.all()
    as_they_are = target.double().gather(-1, at) > numbers[2][:, None] * kernel.redistribute(draft).double().gather(
        -1, at
    )
    assert not as_they_are.all() or dtype == torch.float32
