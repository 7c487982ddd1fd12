"""Chains verified by columns of stored kernels: samples against the target's joint law, mean columns, and controls.

Error rates are those of `test_lossless`: the right law passes with probability at least 1 − 10⁻⁹, and a law at least
`smallest` away in total variation is found out with probability at least 1 − 10⁻⁶.
"""

from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse
import torch

from rdk_theory import Vocabulary, verify_lazy_chain
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Dense, LowRank, Sparse, StoredColumns, store_columns
from rdk_theory.sampling import inverse_cdf
from rdk_theory.statistics import binomial_test, law_test, law_test_plan
from rdk_theory.verification import linear_tries, verify_lazy

FALSE_FAIL, FALSE_PASS, SMALLEST = 1e-9, 1e-6, 0.03
SIZE, KEPT, GAMMA = 3, [2, 0], 2
VOCAB = Vocabulary(SIZE, KEPT)

MATRIX = np.array([[0.1, 0.3, 0.6], [0.5, 0.5, 0.0]])
REVEALING = np.array([[0.0, 0.1, 0.9], [0.0, 0.9, 0.1]])
LEFT, RIGHT = np.array([[0.2, 0.8], [1.0, 0.0]]), np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])


def store(path, dtype="float16", matrix=MATRIX):
    store_columns(path, Dense(VOCAB, matrix), dtype)
    return StoredColumns(path, VOCAB)


KERNELS = {
    "float16 columns": store,
    "float32 columns": lambda path: store(path, "float32"),
    "compressed columns": lambda path: Sparse(VOCAB, scipy.sparse.csc_array(MATRIX)),
    "low rank": lambda path: LowRank(VOCAB, LEFT, RIGHT),
}
by_kernel = pytest.mark.parametrize("name", KERNELS)


class Contexts(NamedTuple):
    """Rows for every prefix: tables of shapes ``(N,)``, ``(N, N)``, …"""

    target: list
    draft: list

    @property
    def joint(self):
        first, second, third = self.target
        return (first[:, None, None] * second[:, :, None] * third).ravel()


def contexts(seed):
    rng = np.random.default_rng(seed)
    target = [rng.dirichlet(np.ones(SIZE), size=(SIZE,) * step) for step in range(GAMMA + 1)]
    return Contexts(target, [rng.dirichlet(np.ones(len(KEPT)), size=(SIZE,) * step) for step in range(GAMMA)])


def sample(kernel, laws, count, tries, seed, *, library="numpy", evaluated=None, verify=verify_lazy_chain, **changed):
    """Three tokens from each of `count` chains, drawn with `kernel`, verified by `evaluated`; and the outcome."""
    rng = np.random.default_rng([seed, tries])
    first_row = np.broadcast_to(laws.draft[0], (count, len(KEPT)))
    _, first = draft_token(first_row, kernel, rng.random(count), rng.random(count))
    second_row = laws.draft[1][first]
    _, second = draft_token(second_row, kernel, rng.random(count), rng.random(count))
    targets = np.stack(
        [np.broadcast_to(laws.target[0], (count, SIZE)), laws.target[1][first], laws.target[2][first, second]], axis=1
    )
    drafts, drafted = np.stack([first_row, second_row], axis=1), np.stack([first, second], axis=1)
    uniforms = {
        "accept_uniforms": rng.random((count, GAMMA)),
        "propose_uniforms": rng.random((count, tries)),
        "keep_uniforms": rng.random((count, tries)),
        "fallback_uniform": rng.random(count),
        "bonus_uniform": rng.random(count),
    }
    uniforms.update({name: change(uniforms) for name, change in changed.items()})
    arrays = [targets, drafts, drafted, *uniforms.values()]
    if library == "torch":
        arrays = [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]
    p, q, x, *numbers = arrays
    out = verify(p, q, evaluated or kernel, x, *numbers)
    tokens = np.asarray(out.tokens).copy()
    # What was not emitted follows from the target itself.
    tokens[:, 1] = np.where(
        tokens[:, 1] < 0, inverse_cdf(laws.target[1][tokens[:, 0]], rng.random(count)), tokens[:, 1]
    )
    rest = laws.target[2][tokens[:, 0], tokens[:, 1]]
    tokens[:, 2] = np.where(tokens[:, 2] < 0, inverse_cdf(rest, rng.random(count)), tokens[:, 2])
    return np.ravel_multi_index(tokens.T, (SIZE,) * 3), out


def plan(laws):
    return law_test_plan(laws.joint, SMALLEST, FALSE_FAIL, FALSE_PASS)


def passes(tokens, test):
    return law_test(np.bincount(tokens, minlength=test.law.size), test).passed


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("tries", [0, 1, 8])
@by_kernel
def test_chains(tmp_path, name, tries, library):
    kernel, laws = KERNELS[name](tmp_path / "m"), contexts(1)
    test = plan(laws)
    tokens, out = sample(kernel, laws, test.samples, tries, 2, library=library)
    assert passes(tokens, test)
    accepted, columns = np.asarray(out.accepted), np.asarray(out.columns)
    assert set(accepted.tolist()) == {0, 1, 2}
    assert np.asarray(out.fell_back).any()
    # At most 2 columns for each token tested, in expectation: the excess over a chain lies in [−γ, tries + 1 − 2].
    excess = columns - 2 * np.minimum(accepted + 1, GAMMA)
    slack = (GAMMA + tries + 1) * np.sqrt(-np.log(FALSE_FAIL) / (2 * test.samples))
    assert excess.mean() <= slack


def wrong_kernel(path):
    """A file in which the sums are those of other weights: what is reported is not what is drawn."""
    from rdk_theory import _tensors

    store(path, matrix=REVEALING)
    file = _tensors.TensorFile(path)
    parts = {name: file.array(name).copy() for name in file.names}
    parts["sums"][0] *= 2
    _tensors.write(path, parts)
    return StoredColumns(path, VOCAB)


MUTANTS = {
    "reported by sums of other weights": lambda path: {"evaluated": wrong_kernel(path)},
    "rows in another order": lambda path: {"evaluated": Dense(VOCAB, REVEALING[::-1])},
    "every candidate is kept": lambda path: {"keep_uniforms": lambda u: u["keep_uniforms"] * 0},
    "a candidate is kept by the uniform that proposed it": lambda path: {
        "keep_uniforms": lambda u: u["propose_uniforms"]
    },
    "bonus and test share a uniform": lambda path: {"bonus_uniform": lambda u: u["accept_uniforms"][:, 1]},
    "fall-back and test share a uniform": lambda path: {"fallback_uniform": lambda u: u["accept_uniforms"][:, 0]},
}


@pytest.mark.parametrize("bug", MUTANTS)
def test_samples_of_wrong_verifiers_fail(tmp_path, bug):
    """The same test, the same number of samples, one thing wrong."""
    # Proposal (0, 0.3, 0.7), target (0.3, 0.6, 0.1): two tokens are under-covered, one wholly and one by half.
    first, second, third = (np.tile([0.3, 0.6, 0.1], (*[SIZE] * step, 1)) for step in range(3))
    laws = Contexts([first, second, third], [np.array([0.75, 0.25]), np.tile([0.75, 0.25], (SIZE, 1))])
    kernel, test = store(tmp_path / "right", matrix=REVEALING), plan(laws)
    tries = 0 if "fall-back" in bug else 3
    tokens, _ = sample(kernel, laws, test.samples, tries, 3)
    assert passes(tokens, test)
    tokens, _ = sample(kernel, laws, test.samples, tries, 3, **MUTANTS[bug](tmp_path / "wrong"))
    assert not passes(tokens, test)


def many_tries(kernel, reads_too_often):
    """Columns read for single tokens, as many tries as keep falling back rare; a mutant reads one column twice."""
    rng = np.random.default_rng(4)
    count, tries = 60_000, linear_tries(64)
    target, draft = np.array([0.6, 0.3, 0.1]), np.array([0.8, 0.2])
    p, q = (np.broadcast_to(row, (count, row.size)) for row in (target, draft))
    _, drafted = draft_token(q, kernel, rng.random(count), rng.random(count))
    pair = rng.random((2, count, tries))
    out = verify_lazy(p, q, kernel, drafted, rng.random(count), *pair, rng.random(count))
    return out.columns + (reads_too_often & ~out.accepted), out, tries, target, draft


@by_kernel
def test_mean_columns_are_at_most_two_whatever_the_number_of_tries(tmp_path, name):
    kernel = KERNELS[name](tmp_path / "m")
    columns, out, tries, target, draft = many_tries(kernel, False)
    alpha = np.minimum(target, kernel.redistribute(draft)).sum()
    claimed = 2 - alpha**tries
    error = columns.std() / np.sqrt(columns.size)
    # Six standard errors: one in 10⁹ for the normal law that means of 60,000 have, near enough.
    assert abs(columns.mean() - claimed) <= 6 * error
    assert columns.mean() - 6 * error <= 2
    assert binomial_test(int(out.fell_back.sum()), columns.size, (1 - alpha) * alpha**tries, "greater") > FALSE_FAIL
    # Control: one column more for each rejection is seen.
    too_many = many_tries(kernel, True)[0]
    assert too_many.mean() - 6 * too_many.std() / np.sqrt(too_many.size) > 2
