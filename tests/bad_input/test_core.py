"""Wrong input of every public function of the core: a `ValueError` that names the argument, its shape and the place.

Most cases are made by corrupting one argument of a valid call in every way that its kind allows.
"""

import re
from fractions import Fraction

import numpy as np
import pytest
import torch

import rdk_theory as rdk
from rdk_theory.acceptance import acceptance_gain, union_acceptance
from rdk_theory.distributions import embed, kept_mass
from rdk_theory.draft_modes import argmax_rate, exact_match_rate
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import Embedding, RankOne
from rdk_theory.mixing import optimal_mixing
from rdk_theory.multi_draft import multi_draft_acceptance
from rdk_theory.sampling import inverse_cdf
from rdk_theory.verification.law import emitted_law, sampler_law
from rdk_theory.verification.samplers import rejection_sampler

VOCAB = rdk.Vocabulary(4, [3, 0, 1])
OTHER = rdk.Vocabulary(4, [3, 0, 1], draft_size=5, draft_ids=[0, 4, 2])
P = np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.5, 0.0], [0.0, 1.0, 0.0, 0.0]])
R = np.array([[0.4, 0.3, 0.2, 0.1], [0.5, 0.25, 0.25, 0.0], [0.5, 0.5, 0.0, 0.0]])
Q = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.1, 0.2, 0.7]])
FULL = np.array([[0.2, 0.2, 0.2, 0.2, 0.2], [0.5, 0.5, 0, 0, 0], [0.0, 0, 0, 0, 1]])
U = np.array([0.1, 0.5, 0.9])
X = np.array([0, 2, 1])
TRIES = np.array([[0.1, 0.2], [0.3, 0.4], [0.0, 0.9]])
KERNEL = RankOne(VOCAB, 0.5, P[0])
TARGETS, CHAIN = np.stack([P, P[::-1]]), {"proposals": np.stack([R[:2], R[1:]]), "drafted": np.array([[0, 1], [1, 0]])}
PAIR = {"target": P, "proposal": R}
RATIO = np.array([Fraction(1, 4)] * 4, dtype=object)

# function, valid arguments, and which of them are distributions, uniforms and ids.
CALLS = {
    "acceptance_rate": (rdk.acceptance_rate, PAIR, "target proposal", "", ""),
    "total_variation": (rdk.total_variation, PAIR, "target proposal", "", ""),
    "residual": (rdk.residual, PAIR, "target proposal", "", ""),
    "exact_match_rate": (exact_match_rate, PAIR, "target proposal", "", ""),
    "argmax_rate": (argmax_rate, PAIR, "target proposal", "", ""),
    "multi_draft_acceptance": (multi_draft_acceptance, PAIR | {"drafts": 2}, "target proposal", "", ""),
    "acceptance_gain": (acceptance_gain, PAIR | {"baseline": R[::-1]}, "target proposal baseline", "", ""),
    "union_acceptance": (
        union_acceptance,
        {"target": P, "full_draft": FULL, "vocab": OTHER},
        "target full_draft",
        "",
        "",
    ),
    "restrict": (rdk.restrict, {"full_draft": FULL, "vocab": OTHER}, "full_draft", "", ""),
    "kept_mass": (kept_mass, {"full_draft": FULL, "vocab": OTHER}, "full_draft", "", ""),
    "optimal_mixing": (optimal_mixing, {"target": P, "draft": R, "prior": R[::-1]}, "target draft prior", "", ""),
    "redistribute, embedding": (Embedding(VOCAB).redistribute, {"draft": Q}, "draft", "", ""),
    "redistribute, rank one": (KERNEL.redistribute, {"draft": Q}, "draft", "", ""),
    "probability, embedding": (Embedding(VOCAB).probability, {"draft": Q, "token": X}, "draft", "", "token"),
    "probability, rank one": (KERNEL.probability, {"draft": Q, "token": X}, "draft", "", "token"),
    "draw": (KERNEL.draw, {"draft_id": X, "uniform": U}, "", "uniform", "draft_id"),
    "draft_token": (
        draft_token,
        {"draft": Q, "kernel": KERNEL, "first_uniform": U, "second_uniform": U},
        "draft",
        "first_uniform second_uniform",
        "",
    ),
    "inverse_cdf": (inverse_cdf, {"weights": P, "uniform": U}, "", "uniform", ""),
    "verify_token": (
        rdk.verify_token,
        PAIR | {"drafted": X, "accept_uniform": U, "residual_uniform": U},
        "target proposal",
        "accept_uniform residual_uniform",
        "drafted",
    ),
    "verify_chain": (
        rdk.verify_chain,
        {"targets": TARGETS, **CHAIN, "accept_uniforms": TRIES[:2], "residual_uniform": U[:2], "bonus_uniform": U[:2]},
        "targets proposals",
        "accept_uniforms residual_uniform bonus_uniform",
        "drafted",
    ),
    "verify_block": (
        rdk.verify_block,
        {"targets": TARGETS, **CHAIN, "accept_uniforms": TRIES[:2], "residual_uniform": U[:2], "bonus_uniform": U[:2]},
        "targets proposals",
        "accept_uniforms residual_uniform bonus_uniform",
        "drafted",
    ),
    "verify_lazy": (
        rdk.verify_lazy,
        {
            "target": P,
            "draft": Q,
            "kernel": KERNEL,
            "drafted": X,
            "accept_uniform": U,
            "propose_uniforms": TRIES,
            "keep_uniforms": TRIES,
            "fallback_uniform": U,
        },
        "target draft",
        "accept_uniform propose_uniforms keep_uniforms fallback_uniform",
        "drafted",
    ),
}


def changed(x, value, index=(0,)):
    out = x.copy()
    out[(*index, *[0] * (x.ndim - len(index)))] = value
    return out


def shape_of(x):
    return re.escape(str(x.shape))


def corruptions(x, kind):
    """Each way to spoil the values of a valid argument: by title, the spoilt argument and what the message says."""
    shape = shape_of(x)
    last = (x.shape[0] - 1,)
    place = re.escape(str((*last, *[0] * (x.ndim - 1))))
    common = {
        "a list": (x.tolist(), "must be"),
        "a number": (0.5, "must be"),
        "None": (None, "must be"),
        "complex": (x.astype(complex), f"of shape {shape} must be"),
    }
    number = {
        "integers": (np.zeros(x.shape, dtype=int), f"of shape {shape} must be floating point"),
        "booleans": (np.zeros(x.shape, dtype=bool), f"of shape {shape} must be floating point"),
        "objects": (x.astype(object), f"of shape {shape} has dtype object but holds float"),
    }
    if kind == "distribution":
        row = re.escape(str((*last, *[0] * (x.ndim - 2))))
        return common | {
            **number,
            "NaN": (changed(x, np.nan, last), f"of shape {shape} is not finite at index {place}"),
            "infinity": (changed(x, np.inf, last), f"of shape {shape} is not finite at index {place}"),
            "a negative entry": (changed(x, -0.5, last), f"of shape {shape} is negative at index {place}"),
            "a sum that is not 1": (
                changed(x, x[(*last, *[0] * (x.ndim - 1))] + 0.25, last),
                rf"of shape {shape} must sum to 1 over its last axis; row {row} sums to 1.2",
            ),
            "a negative entry in a row of sum 1": (_shifted(x, last), f"of shape {shape} is negative at index {place}"),
            "logits": (np.log(x + 0.1), f"of shape {shape} (is negative|must sum)"),
        }
    if kind == "uniform":
        return common | {
            **number,
            "1": (changed(x, 1.0, last), rf"of shape {shape} is outside \[0, 1\) at index {place}: 1.0"),
            "a negative number": (changed(x, -1e-9, last), rf"of shape {shape} is outside \[0, 1\) at index {place}"),
            "NaN": (changed(x, np.nan, last), rf"of shape {shape} is outside \[0, 1\) at index {place}: nan"),
            "infinity": (changed(x, np.inf, last), rf"of shape {shape} is outside \[0, 1\) at index {place}: inf"),
        }
    return common | {
        "floats": (x.astype(float), f"of shape {shape} must be integers, not float64"),
        "booleans": (x.astype(bool), f"of shape {shape} must be integers, not bool"),
        "too large": (changed(x, 99, last), rf"of shape {shape} is outside range\(\d\) at index {place}: 99"),
        "negative": (changed(x, -1, last), rf"of shape {shape} is outside range\(\d\) at index {place}: -1"),
    }


def shapes(x, kind):
    """Each way to give an argument the shape of something else."""
    out = {"fewer rows": x[:1], "one axis more": x[..., None], "no axis": x.ravel()[0].reshape(())}
    if kind == "distribution":
        out["an empty vocabulary"] = x[..., :0]
        out["another vocabulary"] = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 1)])
    return out


def _shifted(x, last):
    """The first entry of the last row made −0.25, its second raised so that the sum stays."""
    out = x.copy()
    first, second = ((*last, *[0] * (x.ndim - 2), i) for i in (0, 1))
    out[second] += out[first] + 0.25
    out[first] = -0.25
    return out


def generated(spoil):
    for call, (function, valid, *names) in CALLS.items():
        for kind, arguments in zip(("distribution", "uniform", "ids"), names, strict=True):
            for name in arguments.split():
                for title, wrong in spoil(valid[name], kind).items():
                    yield pytest.param(function, valid, name, wrong, id=f"{call}: {name} is {title}")


GENERATED = list(generated(corruptions))
ALONE = ("restrict", "kept_mass", "redistribute")
MISSHAPEN = [case for case in generated(shapes) if not (case.id.startswith(ALONE) and "fewer rows" in case.id)]


@pytest.mark.parametrize(("function", "valid", "name", "spoilt"), GENERATED)
def test_a_spoilt_argument_is_named(function, valid, name, spoilt):
    wrong, message = spoilt
    whole = {argument: value.copy() if isinstance(value, np.ndarray) else value for argument, value in valid.items()}
    with pytest.raises(ValueError, match=r"^(\w+ and )?" + name) as caught:
        function(**valid | {name: wrong})
    assert re.search(message, str(caught.value)), str(caught.value)
    for argument, value in whole.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(valid[argument], value)


@pytest.mark.parametrize(("function", "valid", "name", "wrong"), MISSHAPEN)
def test_shapes_that_do_not_fit_are_named(function, valid, name, wrong):
    # Of two arguments that do not fit each other either may be named.
    with pytest.raises(ValueError, match=r"^\w+ (has shape|of shape) \(") as caught:
        function(**valid | {name: wrong})
    assert re.search(r"expected \(|must have a last axis|must sum to 1|outside range|must be \(", str(caught.value))


@pytest.mark.parametrize("call", CALLS)
def test_the_unspoilt_call_is_valid(call):
    function, valid, *_ = CALLS[call]
    function(**valid)


def test_there_are_many_cases():
    assert len(GENERATED) > 400


# Arguments that are right one by one and wrong together


def torch_copy(x):
    return torch.from_numpy(x.copy())


@pytest.mark.parametrize(
    "call", [name for name, (_, valid, laws, us, _) in CALLS.items() if len((laws + us).split()) > 1]
)
def test_libraries_are_not_mixed(call):
    function, valid, laws, uniforms, _ = CALLS[call]
    names = [*laws.split(), *uniforms.split()]
    for name in names[1:]:
        with pytest.raises(ValueError, match=f"(and|from).*one array library|{name}"):
            function(**valid | {name: torch_copy(valid[name])})


EXACT = np.array([[Fraction(1, 4)] * 4] * 3, dtype=object)
RATIONAL_UNIFORM = np.array([Fraction(1, 2)] * 3, dtype=object)
SPOILT = np.array([Fraction(1, 2), Fraction(1, 2), Fraction(1, 100), Fraction(0)], dtype=object)


def refuse_random(*arguments):
    raise AssertionError("must not be reached")


TOGETHER = {
    # Rationals
    "rationals with floats": (lambda: rdk.acceptance_rate(EXACT, P), "target and proposal mix rationals and floats"),
    "rational law, float uniform": (
        lambda: rdk.verify_token(EXACT, EXACT, X, U, U),
        "target and accept_uniform mix rationals and floats",
    ),
    "float law, rational uniform": (
        lambda: rdk.verify_token(P, R, X, U, RATIONAL_UNIFORM),
        "target and residual_uniform mix rationals and floats",
    ),
    "rationals that do not sum to 1": (lambda: rdk.acceptance_rate(SPOILT, RATIO), r"row \(\) sums to 101/100"),
    "integers among rationals": (
        lambda: rdk.total_variation(np.array([1, 0, 0, 0], dtype=object), RATIO),
        r"target of shape \(4,\) has dtype object but holds int at \(0,\)",
    ),
    # Drafted tokens
    "a token the proposal excludes": (
        lambda: rdk.verify_token(P, R, np.array([0, 3, 1]), U, U),
        r"drafted of shape \(3,\) has probability 0 under the proposal: it was not drawn from that law in row \(1,\)",
    ),
    "a token the chain's proposal excludes": (
        lambda: rdk.verify_chain(TARGETS, CHAIN["proposals"], np.array([[0, 1], [1, 3]]), TRIES[:2], U[:2], U[:2]),
        r"drafted of shape \(2, 2\) has probability 0 .* in row \(1, 1\)",
    ),
    "a token the block's proposal excludes": (
        lambda: rdk.verify_block(TARGETS, CHAIN["proposals"], np.array([[0, 3], [1, 0]]), TRIES[:2], U[:2], U[:2]),
        r"drafted of shape \(2, 2\) has probability 0 .* in row \(0, 1\)",
    ),
    "a token the kernel never gives": (
        lambda: rdk.verify_lazy(P, Q, Embedding(VOCAB), np.array([2, 3, 1]), U, TRIES, TRIES, U),
        r"drafted of shape \(3,\) has probability 0 .* in row \(0,\)",
    ),
    "a draft that underflowed in half precision": (
        lambda: rdk.verify_token(
            np.array([0.5, 0.5]),
            np.array([1 - 1e-8, 1e-8], dtype=np.float16),
            np.array(1),
            np.array(0.5),
            np.array(0.5),
        ),
        r"drafted of shape \(\) has probability 0 .* in row \(\)",
    ),
    # Shapes of several arguments
    "a chain without the bonus row": (
        lambda: rdk.verify_chain(TARGETS[:, :2], CHAIN["proposals"], CHAIN["drafted"], TRIES[:2], U[:2], U[:2]),
        r"targets has shape \(2, 2, 4\), expected \(2, 3, 4\)",
    ),
    "an empty chain": (
        lambda: rdk.verify_block(
            P[:1], np.zeros((0, 4)), np.zeros(0, dtype=int), np.zeros(0), np.array(0.5), np.array(0.5)
        ),
        r"proposals of shape \(0, 4\) must be \(\.\.\., gamma, N\) with gamma at least 1",
    ),
    "tries that differ": (
        lambda: rdk.verify_lazy(P, Q, KERNEL, X, U, TRIES, P, U),
        r"keep_uniforms has shape \(3, 4\), expected \(3, 2\)",
    ),
    "tries without an axis": (
        lambda: rdk.verify_lazy(P[0], Q[0], KERNEL, X[:1][0:1].reshape(()), *[np.array(0.5)] * 4),
        r"propose_uniforms has shape \(\), expected \(0,\)",
    ),
    "one draft for several targets": (
        lambda: rdk.verify_lazy(P, Q[:1], KERNEL, X, U, TRIES, TRIES, U),
        r"target has shape \(3, 4\), expected \(1, 4\)",
    ),
    "one weight a context, other contexts": (
        lambda: RankOne(VOCAB, np.full(2, 0.5), P[0]).redistribute(Q),
        r"draft has batch shape \(3,\), expected \(2,\)",
    ),
    "one prior a context, other contexts": (
        lambda: RankOne(VOCAB, np.full(2, 0.5), P),
        r"weight has shape \(2,\), expected \(3,\)",
    ),
    "a prior over another vocabulary": (
        lambda: optimal_mixing(P, R, np.array([0.5, 0.5])),
        r"prior of shape \(2,\) must have a last axis of length 4",
    ),
    "embedding rows of another length": (
        lambda: embed(P, VOCAB),
        r"draft of shape \(3, 4\) must have a last axis of length 3",
    ),
    # Laws for which something is undefined
    "no residual": (
        lambda: rdk.residual(P, np.stack([R[0], P[1], R[2]])),
        r"proposal of shape \(3, 4\) equals target: there is no residual in row \(1,\)",
    ),
    "no mass on kept tokens": (
        lambda: rdk.restrict(np.array([[1.0, 0, 0, 0, 0], [0, 1, 0, 0, 0]]), OTHER),
        r"full_draft of shape \(2, 5\) has no mass on kept tokens in row \(1,\)",
    ),
    "weights without mass": (
        lambda: inverse_cdf(np.array([[1.0, 0], [0, 0]]), np.array([0.5, 0.5])),
        r"weights of shape \(2, 2\) has no mass in row \(1,\)",
    ),
    "negative weights": (
        lambda: inverse_cdf(np.array([2.0, -1.0]), np.array(0.5)),
        r"weights of shape \(2,\) is negative at index \(1,\): -1.0",
    ),
    "weights that are NaN": (
        lambda: inverse_cdf(np.array([2.0, np.nan]), np.array(0.5)),
        r"weights of shape \(2,\) is not finite at index \(1,\): nan",
    ),
    "weights that are infinite": (
        lambda: inverse_cdf(np.array([2.0, np.inf]), np.array(0.5)),
        r"weights of shape \(2,\) is not finite at index \(1,\): inf",
    ),
    # Logits
    "logits with NaN": (
        lambda: rdk.softmax(np.array([[0.0], [np.nan]])),
        r"logits of shape \(2, 1\) is NaN .* \(1, 0\)",
    ),
    "logits with +inf": (lambda: rdk.softmax(np.array([0.0, np.inf])), r"logits of shape \(2,\) is NaN or \+inf"),
    "logits all −inf": (
        lambda: rdk.softmax(np.array([[0.0, 1.0], [-np.inf, -np.inf]])),
        r"logits of shape \(2, 2\) has no finite logit in row \(1,\)",
    ),
    "integer logits": (
        lambda: rdk.softmax(np.array([1, 2])),
        r"logits of shape \(2,\) must be floating point, not int64",
    ),
    "rational logits": (lambda: rdk.softmax(RATIO), "logits must be floating point"),
    "no logits": (lambda: rdk.softmax(np.zeros((2, 0))), r"logits of shape \(2, 0\) must have a last axis"),
    "temperature 0": (lambda: rdk.softmax(P, 0.0), "temperature must be positive and finite, not 0.0"),
    "negative temperature": (lambda: rdk.softmax(P, -1.0), "temperature must be positive"),
    "temperature NaN": (lambda: rdk.softmax(P, float("nan")), "temperature must be positive"),
    "infinite temperature": (lambda: rdk.softmax(P, float("inf")), "temperature must be positive"),
    "temperature True": (lambda: rdk.softmax(P, True), "temperature must be positive"),
    "temperature of words": (lambda: rdk.softmax(P, "hot"), "temperature must be positive"),
    # Vocabularies
    "no kept ids": (lambda: rdk.Vocabulary(4, []), r"kept of shape \(0,\) is empty"),
    "kept id repeated": (lambda: rdk.Vocabulary(4, [1, 2, 1]), r"kept of shape \(3,\) repeats id 1 at index \(2,\)"),
    "kept id too large": (
        lambda: rdk.Vocabulary(4, [1, 4]),
        r"kept of shape \(2,\) has id 4 outside range\(4\) at index \(1,\)",
    ),
    "kept id negative": (
        lambda: rdk.Vocabulary(4, [-1, 1]),
        r"kept of shape \(2,\) has id -1 outside range\(4\) at index \(0,\)",
    ),
    "kept ids as floats": (
        lambda: rdk.Vocabulary(4, [1.0, 2.0]),
        r"kept of shape \(2,\) must be integers, not float64",
    ),
    "kept as a mask": (
        lambda: rdk.Vocabulary(2, np.array([True, False])),
        r"kept of shape \(2,\) must be integers, not bool",
    ),
    "kept in two axes": (lambda: rdk.Vocabulary(4, [[0, 1]]), r"kept must be one-dimensional, not of shape \(1, 2\)"),
    "kept as one number": (lambda: rdk.Vocabulary(4, 2), r"kept must be one-dimensional, not of shape \(\)"),
    "kept as words": (lambda: rdk.Vocabulary(4, ["a", "b"]), r"kept of shape \(2,\) must be integers"),
    "kept as torch floats": (lambda: rdk.Vocabulary(4, torch.tensor([0.5])), "must be integers, not float32"),
    "size 0": (lambda: rdk.Vocabulary(0, [0]), "size must be a positive integer, not 0"),
    "size as a float": (lambda: rdk.Vocabulary(4.0, [0]), "size must be a positive integer, not 4.0"),
    "size True": (lambda: rdk.Vocabulary(True, [0]), "size must be a positive integer, not True"),
    "another drafter without its ids": (
        lambda: rdk.Vocabulary(4, [0], draft_size=3),
        "draft_ids is needed where draft_size",
    ),
    "draft size 0": (
        lambda: rdk.Vocabulary(4, [0], draft_size=0, draft_ids=[0]),
        "draft_size must be a positive integer",
    ),
    "fewer draft ids than kept": (
        lambda: rdk.Vocabulary(4, [0, 1], draft_size=3, draft_ids=[0]),
        r"draft_ids has shape \(1,\), expected \(2,\)",
    ),
    "draft id repeated": (
        lambda: rdk.Vocabulary(4, [0, 1], draft_size=3, draft_ids=[2, 2]),
        r"draft_ids of shape \(2,\) repeats id 2 at index \(1,\)",
    ),
    "pruned head without tokens": (lambda: rdk.Vocabulary.pruned_head(4, []), "kept of shape .* is empty"),
    "vocabularies that share nothing": (
        lambda: rdk.Vocabulary.intersection(["a"], ["b", "c"]),
        r"target \(1 tokens\) and draft \(2 tokens\) share no token",
    ),
    # Kernels
    "weight above 1": (lambda: RankOne(VOCAB, 1.5, P[0]), "weight must be in \\[0, 1\\], not 1.5"),
    "weight NaN": (lambda: RankOne(VOCAB, float("nan"), P[0]), "weight must be in"),
    "weight True": (lambda: RankOne(VOCAB, True, P[0]), "weight must be a number in"),
    "weight as a word": (lambda: RankOne(VOCAB, "half", P[0]), "weight must be a number in"),
    "weights, one negative": (
        lambda: RankOne(VOCAB, np.array([0.5, -0.5, 0.5]), P[0]),
        r"weight of shape \(3,\) is outside \[0, 1\] at index \(1,\): -0.5",
    ),
    "prior over kept tokens": (
        lambda: RankOne(VOCAB, 0.5, Q[0]),
        r"prior of shape \(3,\) must have a last axis of length 4",
    ),
    "column of no token": (lambda: KERNEL.column(4), r"token of shape \(\) is outside range\(4\)"),
    "column of a float": (lambda: KERNEL.column(1.0), "token must be an integer array, not float"),
    "row of no kept token": (
        lambda: Embedding(VOCAB).row(np.array([0, 3])),
        r"draft_id of shape \(2,\) .* at index \(1,\): 3",
    ),
    "row of True": (lambda: Embedding(VOCAB).row(True), "draft_id must be an integer array, not bool"),
    # Speed
    "alpha above 1": (lambda: rdk.expected_tokens(1.5, 3), "alpha must be in \\[0, 1\\], not 1.5"),
    "alpha NaN": (lambda: rdk.expected_tokens(float("nan"), 3), "alpha must be in"),
    "alpha as a word": (lambda: rdk.expected_tokens("high", 3), "alpha must be a number in"),
    "alphas, one negative": (
        lambda: rdk.expected_tokens(np.array([0.5, -0.1]), 3),
        r"alpha of shape \(2,\) .* index \(1,\): -0.1",
    ),
    "gamma 0": (lambda: rdk.expected_tokens(0.5, 0), "gamma must be a positive integer, not 0"),
    "gamma as a float": (lambda: rdk.speedup(0.5, 2.0, 0.1), "gamma must be a positive integer, not 2.0"),
    "gamma True": (lambda: rdk.speedup(0.5, True, 0.1), "gamma must be a positive integer, not True"),
    "negative cost": (lambda: rdk.speedup(0.5, 2, -0.1), "draft_cost must be finite and at least 0, not -0.1"),
    "cost NaN": (lambda: rdk.speedup(0.5, 2, float("nan")), "draft_cost must be finite"),
    "infinite cost": (lambda: rdk.speedup(0.5, 2, float("inf")), "draft_cost must be finite"),
    "infinite cost in an array": (
        lambda: rdk.speedup(0.5, 2, np.array([0.1, np.inf])),
        r"draft_cost of shape \(2,\) is not finite at index \(1,\): inf",
    ),
    "cost as a word": (lambda: rdk.speedup(0.5, 2, "cheap"), "draft_cost must be"),
    "drafts 0": (lambda: multi_draft_acceptance(P, R, 0), "drafts must be a positive integer, not 0"),
    # Enumeration
    "floats to enumerate": (
        lambda: emitted_law(rdk.verify_token, P[0], R[0]),
        r"target of shape \(4,\) must be one row of rationals",
    ),
    "a batch to enumerate": (
        lambda: emitted_law(rdk.verify_token, EXACT, EXACT),
        r"target of shape \(3, 4\) must be one row of rationals",
    ),
    "float draft to enumerate": (
        lambda: sampler_law(rejection_sampler, RATIO, Q[0], KERNEL),
        r"draft of shape \(3,\) must be one row of rationals",
    ),
}


@pytest.mark.parametrize(("call", "message"), TOGETHER.values(), ids=TOGETHER.keys())
def test_the_error_says_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_torch_rows_are_checked_as_numpy_rows(value, dtype):
    rows = torch.full((2, 4), 0.25, dtype=dtype)
    rows[1, 2] = value
    with pytest.raises(ValueError, match=r"proposal of shape \(2, 4\) is (not finite|negative) at index \(1, 2\)"):
        rdk.acceptance_rate(torch.full((2, 4), 0.25, dtype=dtype), rows)
