"""Wrong arguments of heads that know the context: each a clear error that names what and where."""

from fractions import Fraction

import numpy as np
import pytest

from rdk_theory import Vocabulary
from rdk_theory.fitting.cold_head import calibrate_head
from rdk_theory.fitting.cold_head_low_rank import LowRankHead
from rdk_theory.fitting.cold_head_refined import refine_head
from rdk_theory.fitting.gated_priors import fit_gated_priors
from rdk_theory.fitting.mass_weight import fit_mass_weight
from rdk_theory.fitting.shortlist import ShortlistHead

VOCAB = Vocabulary(6, [4, 1])
HEAD = np.arange(18.0).reshape(6, 3) % 5
STATES = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 1.0], [-1.0, 1.0, 0.0], [2.0, 0.0, 0.5]])
LOW = LowRankHead.from_head(HEAD, VOCAB, 1)
ROWS = HEAD[VOCAB.cold]
TARGETS = np.full((4, 6), 1 / 6)
DRAFTS = np.full((4, 2), 0.5)
LOGITS = np.zeros((4, 2))
LAWS = np.where(VOCAB.position < 0, 0.25, 0.0) * np.ones((4, 1))
RATIONAL = np.array([[Fraction(1)] * 3] * 6, dtype=object)
RNG = np.random.default_rng(0)


def changed(array, index, value):
    """A copy with one entry changed."""
    out = array.copy()
    out[index] = value
    return out


def gated(**given):
    arguments = {"targets": TARGETS, "drafts": DRAFTS, "vocab": VOCAB, "hidden": STATES, "kept_logits": LOGITS}
    return fit_gated_priors(**{**arguments, "rng": RNG, "priors": 2, "steps": 1, **given})


def refined(**given):
    arguments = {"targets": TARGETS, "drafts": DRAFTS, "hidden": STATES, "kept_logits": LOGITS}
    return refine_head(LOW, **{**arguments, "rng": RNG, "epochs": 1, **given})


def calibrated(**given):
    arguments = {"targets": TARGETS, "drafts": DRAFTS, "hidden": STATES, "kept_logits": LOGITS}
    return calibrate_head(LOW, **{**arguments, **given})


WRONG = {
    "head of too few rows": (
        lambda: LowRankHead.from_head(HEAD[:5], VOCAB, 1),
        r"head has shape \(5, 3\), expected \(6, d\)",
    ),
    "head of NaN": (
        lambda: LowRankHead.from_head(changed(HEAD, (2, 1), np.nan), VOCAB, 1),
        r"head of shape \(6, 3\) is not finite at index \(2, 1\)",
    ),
    "rational head": (lambda: LowRankHead.from_head(RATIONAL, VOCAB, 1), r"head of shape \(6, 3\) is rational"),
    "nothing cold": (lambda: LowRankHead.from_head(HEAD, Vocabulary.full(6), 1), "keeps all of its 6 tokens"),
    "rank 0": (lambda: LowRankHead.from_head(HEAD, VOCAB, 0), r"rank must be an integer in \[1, 3\], not 0"),
    "rank above the width": (lambda: LowRankHead.from_head(HEAD, VOCAB, 4), r"rank must be an integer in \[1, 3\]"),
    "a true rank": (lambda: LowRankHead.from_head(HEAD, VOCAB, True), "rank must be an integer"),
    "states of another width": (
        lambda: LowRankHead.from_head(HEAD, VOCAB, 1, STATES[:, :2]),
        r"states has shape \(4, 2\), expected \(C, 3\)",
    ),
    "no states": (lambda: LowRankHead.from_head(HEAD, VOCAB, 1, STATES[:0]), r"states has shape \(0, 3\)"),
    "states of zeros": (lambda: LowRankHead.from_head(HEAD, VOCAB, 1, 0 * STATES), "states .* are all 0"),
    "factors that do not meet": (
        lambda: LowRankHead(VOCAB, LOW.left, np.ones((3, 2)), LOW.mean),
        r"right has shape \(3, 2\), expected \(3, 1\)",
    ),
    "left of all tokens": (
        lambda: LowRankHead(VOCAB, np.ones((6, 1)), LOW.right, LOW.mean),
        r"left has shape \(6, 1\), expected \(4, 1\)",
    ),
    "hidden of another width": (lambda: LOW.at(STATES[:, :2], LOGITS), "hidden .* must have a last axis of length 3"),
    "hidden not finite": (lambda: LOW.logits(changed(STATES, (0, 0), np.inf)), "hidden .* is not finite"),
    "rational hidden": (lambda: LOW.logits(RATIONAL), "hidden is rational"),
    "kept logits of another set": (lambda: LOW.at(STATES, np.zeros((4, 3))), "kept_logits .* axis of length 2"),
    "kept logits of other contexts": (lambda: LOW.at(STATES, LOGITS[:3]), r"expected \(3,\)"),
    "list of none": (lambda: ShortlistHead(LOW, ROWS, 0), r"length must be an integer in \[1, 4\], not 0"),
    "list too long": (lambda: ShortlistHead(LOW, ROWS, 5), r"length must be an integer in \[1, 4\], not 5"),
    "rows of the whole head": (lambda: ShortlistHead(LOW, HEAD, 2), r"rows has shape \(6, 3\), expected \(4, 3\)"),
    "tail without a cold token": (
        lambda: ShortlistHead(LOW, ROWS, 2, changed(changed(LAWS[0], 2, 0.0), 3, 0.5)),
        "gives cold token 2 nothing",
    ),
    "tail no law": (lambda: ShortlistHead(LOW, ROWS, 2, LAWS[0] / 2), "tail of shape .* must sum to 1"),
    "tail of many rows": (lambda: ShortlistHead(LOW, ROWS, 2, LAWS), r"tail has shape \(4, 6\), expected \(6,\)"),
    "share above 1": (lambda: ShortlistHead.within(1.5, HEAD, VOCAB), r"share must be a float or a Fraction in"),
    "share too small": (lambda: ShortlistHead.within(0.1, HEAD, VOCAB), "share 0.1 of a head .* pays for no scorer"),
    "gated: too many priors": (lambda: gated(priors=5), r"priors must be an integer in \[1, 4\], not 5"),
    "gated: negative steps": (lambda: gated(steps=-1), "steps must be an integer"),
    "gated: states of other contexts": (
        lambda: gated(hidden=STATES[:3]),
        r"hidden has shape \(3, 3\), expected \(4, d\)",
    ),
    "gated: logits of another set": (lambda: gated(kept_logits=np.zeros((4, 3))), r"kept_logits has shape \(4, 3\)"),
    "gated: no mass on cold tokens": (
        lambda: gated(targets=np.where(VOCAB.position < 0, 0.0, 0.5) * np.ones((4, 1))),
        "give no mass to any of the 4 cold tokens",
    ),
    "refined: no epochs": (lambda: refined(epochs=0), "epochs must be an integer"),
    "refined: no targets": (lambda: refined(targets=TARGETS * 2), "targets .* must sum to 1"),
    "refined: other contexts": (lambda: refined(kept_logits=LOGITS[:2]), r"kept_logits has shape \(2, 2\)"),
    "calibrated: other contexts": (
        lambda: calibrated(hidden=STATES[:2]),
        r"hidden has shape \(2, 3\), expected \(4, 3\)",
    ),
    "calibrated: one document": (
        lambda: calibrated(documents=np.zeros(4, dtype=np.int64)),
        "documents .* name one document",
    ),
    "mass weight: laws of other contexts": (
        lambda: fit_mass_weight(TARGETS, DRAFTS, VOCAB, LAWS[:2], np.full(4, 0.5)),
        r"laws has shape \(2, 6\), expected \(4, 6\)",
    ),
    "mass weight: no laws": (
        lambda: fit_mass_weight(TARGETS, DRAFTS, VOCAB, LAWS / 2, np.full(4, 0.5)),
        "laws .* must sum to 1",
    ),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gates_of_other_contexts():
    fit = gated()
    with pytest.raises(ValueError, match=r"kept_logits has shape \(3, 2\), expected \(4, 2\)"):
        fit.at(STATES, LOGITS[:3])
    with pytest.raises(ValueError, match=r"hidden .* must have a last axis of length 3"):
        fit.gates(STATES[:, :2], LOGITS)
