"""Restricting a drafter to kept tokens, and the maps between its ids and the target's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rdk_theory import Vocabulary, acceptance_rate, restrict, softmax
from rdk_theory.acceptance import union_acceptance
from rdk_theory.distributions import embed, kept_mass
from rdk_theory.tolerances import EXACT
from tests.strategies import distributions, rational_distributions, sizes, vocabularies


@st.composite
def full_drafts(draw, rows=rational_distributions):
    """A vocabulary with a drafter of its own ids, and a draft row with mass on a kept token."""
    vocab = draw(vocabularies(drafter=True))
    row = draw(rows(vocab.draft_size))
    if not row[vocab.draft_ids].sum() > 0:
        row = row * 0
        row[vocab.draft_ids] = draw(rows(vocab.kept_size))
    return vocab, row


@given(full_drafts())
def test_restriction_conditions_on_kept_tokens(instance):
    vocab, row = instance
    draft, mass = restrict(row, vocab), kept_mass(row, vocab)
    assert draft.sum() == 1
    assert all(draft[i] * mass == row[d] for i, d in enumerate(vocab.draft_ids))


@given(full_drafts(distributions))
def test_restriction_in_floats(instance):
    vocab, row = instance
    np.testing.assert_allclose(restrict(row, vocab), row[vocab.draft_ids] / row[vocab.draft_ids].sum(), atol=EXACT)


@given(full_drafts(), st.randoms(use_true_random=False))
def test_the_order_of_kept_ids_is_the_order_of_the_row_and_nothing_else(instance, random):
    vocab, row = instance
    places = random.sample(range(vocab.kept_size), vocab.kept_size)
    other = Vocabulary(vocab.size, vocab.kept[places], draft_size=vocab.draft_size, draft_ids=vocab.draft_ids[places])
    assert (restrict(row, other) == restrict(row, vocab)[places]).all()
    assert (embed(restrict(row, other), other) == embed(restrict(row, vocab), vocab)).all()


@given(full_drafts())
def test_embedding_puts_kept_mass_on_kept_ids(instance):
    vocab, row = instance
    draft = restrict(row, vocab)
    whole = embed(draft, vocab)
    assert (whole[vocab.kept] == draft).all()
    assert (whole[vocab.cold] == 0).all()
    assert whole.sum() == 1


@given(full_drafts(), st.data())
def test_restriction_never_accepts_less_than_the_union(instance, data):
    vocab, row = instance
    p = data.draw(rational_distributions(vocab.size))
    union = union_acceptance(p, row, vocab)
    plain = sum(min(p[t], row[d]) for t, d in zip(vocab.kept, vocab.draft_ids, strict=True))
    assert union == plain
    assert acceptance_rate(p, embed(restrict(row, vocab), vocab)) >= union


@given(full_drafts(), st.data())
def test_restricted_acceptance_is_at_most_the_kept_target_mass(instance, data):
    vocab, row = instance
    p = data.draw(rational_distributions(vocab.size))
    assert acceptance_rate(p, embed(restrict(row, vocab), vocab)) <= p[vocab.kept].sum()


@given(st.data())
def test_softmax_over_kept_logits_is_the_restricted_softmax(data):
    vocab = data.draw(vocabularies(drafter=True))
    finite = st.floats(-20, 20)
    logits = data.draw(hnp.arrays(np.float64, vocab.draft_size, elements=finite))
    direct = softmax(logits[vocab.draft_ids])
    np.testing.assert_allclose(restrict(softmax(logits), vocab), direct, rtol=0, atol=EXACT)


@given(sizes, st.data())
def test_softmax_ignores_shifts_and_gives_nothing_to_minus_infinity(size, data):
    logits = data.draw(hnp.arrays(np.float64, size, elements=st.floats(-500, 500)))
    np.testing.assert_allclose(softmax(logits + 700.0), softmax(logits), rtol=0, atol=1e-10)
    masked = np.append(logits, -np.inf)
    assert softmax(masked)[-1] == 0
    np.testing.assert_allclose(softmax(masked)[:-1], softmax(logits), rtol=0, atol=EXACT)


@given(sizes, st.floats(0.1, 10), st.data())
def test_temperature_divides_the_logits(size, temperature, data):
    logits = data.draw(hnp.arrays(np.float64, size, elements=st.floats(-50, 50)))
    np.testing.assert_allclose(softmax(logits, temperature), softmax(logits / temperature), rtol=0, atol=EXACT)


@given(vocabularies(drafter=True))
def test_maps_between_ids_are_inverse(vocab):
    d2t, t2d = vocab.draft_to_target, vocab.target_to_draft
    assert (d2t[t2d[vocab.kept]] == vocab.kept).all()
    assert (t2d[vocab.cold] == -1).all()
    assert (d2t >= 0).sum() == (t2d >= 0).sum() == vocab.kept_size
    assert (vocab.position[vocab.kept] == np.arange(vocab.kept_size)).all()
    assert sorted([*vocab.kept, *vocab.cold]) == list(range(vocab.size))
    assert (vocab.kept[vocab.order] == vocab.ascending).all()
    assert (np.diff(vocab.ascending) > 0).all()


@pytest.mark.parametrize("kept", [[4], [2, 0, 4, 1, 3]], ids=["one kept token", "all kept, not in order"])
def test_one_and_all_kept(kept):
    vocab = Vocabulary(5, kept)
    row = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
    assert restrict(row, vocab).sum() == pytest.approx(1, abs=EXACT)
    np.testing.assert_allclose(embed(restrict(row, vocab), vocab)[kept], row[kept] / row[kept].sum(), atol=EXACT)


def test_intersection_matches_tokens_by_text():
    vocab = Vocabulary.intersection(["a", "b", "c", "d"], ["d", "x", "b"])
    assert vocab.kept.tolist() == [1, 3]
    assert vocab.draft_ids.tolist() == [2, 0]
    assert vocab.draft_size == 3
