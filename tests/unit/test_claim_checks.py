"""The checks of claims: what is wrong is refuted, what proves nothing is unknown, and exhaustive means all."""

import re
from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from rdk_theory.acceptance import acceptance_rate
from rdk_theory.theorems import Claim, Clause, Control, Hypothesis, Kind, Status, check_exhaustive, check_random
from rdk_theory.theorems._check import holds, violation
from rdk_theory.theorems._source import RandomSource, exhaust

HALVES = np.array([Fraction(1, 2)] * 2, dtype=object)


def laws(source):
    size = source.size(1, 4)
    return {"p": source.distribution(size), "r": source.distribution(size)}


def overlap(p, r):
    return sum(min(a, b) for a, b in zip(p, r, strict=True))


ABOVE = Control("larger of the two", stated=lambda p, r: np.maximum(p, r).sum())
RIGHT = Clause(
    name="overlap",
    kind=Kind.IDENTITY,
    statement="x",
    build=laws,
    stated=lambda p, r: acceptance_rate(p, r),
    measured=overlap,
    controls=(ABOVE,),
)
WRONG = replace(RIGHT, stated=lambda p, r: p @ r)


def claim_of(*clauses, hypotheses=()):
    return Claim("a-claim", "A claim", "A", "x", clauses, hypotheses)


def checks(claim):
    return check_random(claim), check_exhaustive(claim)


def statuses(claim):
    return [outcome.status for outcome in checks(claim)]


# What each verdict needs


def test_a_right_claim_is_proved_and_says_how_far():
    random, grid = checks(claim_of(RIGHT))
    assert (random.status, random.instances, random.rung) == (Status.PROVED, 200, "R0")
    assert (grid.status, grid.rung, grid.sizes) == (Status.PROVED, "R1", "overlap ≤ 3, /3")
    assert random.reason == grid.reason == ""


@pytest.mark.parametrize("check", [check_random, check_exhaustive])
def test_a_wrong_statement_is_refuted_by_an_instance_that_can_be_replayed(check):
    outcome = check(claim_of(RIGHT, WRONG))
    assert outcome.status is Status.REFUTED
    number = Fraction if check is check_exhaustive else float
    rows = dict(re.findall(r"(\w+) = \[([^\]]*)\]", outcome.reason))
    instance = {name: np.array([number(x) for x in row.split(", ")]) for name, row in rows.items()}
    assert set(instance) == {"p", "r"}
    assert violation(WRONG, instance, 0.0 if check is check_exhaustive else WRONG.tolerance)
    measured, stated = re.search(r"measured (\S+), stated (\S+) at", outcome.reason).groups()
    assert number(measured) == overlap(**instance)
    assert number(stated) == instance["p"] @ instance["r"]


def test_a_control_that_is_not_rejected_makes_the_clause_unknown():
    blind = Control("the same again", stated=lambda p, r: 1 - abs(p - r).sum() / 2)
    for outcome in checks(claim_of(replace(RIGHT, controls=(ABOVE, blind)))):
        assert outcome.status is Status.UNKNOWN
        assert outcome.reason == "overlap: control not rejected: the same again"


def test_a_control_may_change_the_relation_or_the_other_road():
    lower = replace(RIGHT, kind=Kind.LOWER, stated=lambda p, r: 0, controls=(Control("upper", kind=Kind.UPPER),))
    assert statuses(claim_of(lower)) == [Status.PROVED] * 2
    other = replace(RIGHT, controls=(Control("twice", measured=lambda p, r: 2 * overlap(p, r)),))
    assert statuses(claim_of(other)) == [Status.PROVED] * 2


def tight(attained):
    return replace(
        RIGHT,
        kind=Kind.TIGHT_UPPER,
        stated=lambda p, r: p.sum(),
        controls=(Control("half", stated=lambda p, r: p.sum() / 2),),
        attained=attained,
        tolerance=1e-9,
    )


def test_a_tight_clause_must_be_attained():
    assert statuses(claim_of(tight(lambda: {"p": HALVES, "r": HALVES}))) == [Status.PROVED] * 2
    off = np.array([Fraction(1, 4), Fraction(3, 4)], dtype=object)
    random, grid = checks(claim_of(tight(lambda: {"p": HALVES, "r": off})))
    assert random.status is Status.PROVED  # the instance is rational: rung R1 looks at it
    assert grid.status is Status.UNKNOWN
    assert "overlap: not attained: measured 3/4, stated 1 at p = [1/2, 1/2]" in grid.reason
    floats = replace(tight(lambda: {"p": HALVES, "r": off}), exact=False)
    assert check_random(claim_of(floats)).status is Status.UNKNOWN


EQUAL = Hypothesis(
    name="equal laws",
    statement="p = r",
    holds=lambda p, r: bool((p == r).all()),
    dropped=lambda: {"p": HALVES, "r": np.array([Fraction(1), Fraction(0)], dtype=object)},
    clause="overlap",
)


def same(source):
    p = laws(source)["p"]
    return {"p": p, "r": p}


SAME = replace(
    RIGHT, build=same, stated=lambda p, r: p.sum(), controls=(Control("none", stated=lambda p, r: 0 * p.sum()),)
)


def test_a_hypothesis_must_be_needed():
    assert statuses(claim_of(SAME, hypotheses=(EQUAL,))) == [Status.PROVED] * 2
    harmless = replace(RIGHT, build=same, controls=SAME.controls)
    for outcome in checks(claim_of(harmless, hypotheses=(EQUAL,))):
        assert outcome.status is Status.UNKNOWN
        assert outcome.reason.startswith("overlap holds without equal laws: measured 1/2, stated 1/2")


def test_a_hypothesis_must_hold_on_the_instances_and_be_dropped_alone():
    for outcome in checks(claim_of(replace(SAME, build=laws), hypotheses=(EQUAL,))):
        assert outcome.status is not Status.PROVED
    kept = replace(EQUAL, dropped=lambda: {"p": HALVES, "r": HALVES})
    two = replace(EQUAL, name="even target", holds=lambda p, r: len(set(p)) == 1)
    for hypotheses in ((kept,), (EQUAL, replace(two, holds=lambda p, r: bool(r[0] < 1)))):
        outcome = check_random(claim_of(SAME, hypotheses=hypotheses))
        assert outcome.status is Status.UNKNOWN


def test_an_instance_that_breaks_a_hypothesis_says_nothing():
    loose = replace(RIGHT, stated=overlap)
    outcome = check_random(claim_of(loose, hypotheses=(EQUAL,)))
    assert (outcome.status, outcome.reason) == (Status.UNKNOWN, "overlap: an instance breaks hypothesis equal laws")


def test_a_claim_without_rational_clauses_skips_the_grid():
    outcome = check_exhaustive(claim_of(replace(RIGHT, exact=False)))
    assert (outcome.status, outcome.reason) == (Status.SKIPPED, "no clause of it is rational")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"controls": ()}, "without a negative control"),
        ({"kind": Kind.TIGHT_UPPER}, "`attained` goes with tight kinds"),
        ({"attained": lambda: {"p": HALVES, "r": HALVES}}, "`attained` goes with tight kinds"),
    ],
)
def test_a_clause_that_cannot_fail_is_not_made(change, message):
    with pytest.raises(ValueError, match=message):
        replace(RIGHT, **change)


def test_a_claim_finds_its_clauses():
    assert claim_of(RIGHT).clause("overlap") is RIGHT
    with pytest.raises(KeyError, match="a-claim has no clause other"):
        claim_of(RIGHT).clause("other")


# Relations

NUMBERS = (0.0, 0.5, 1.0)
RELATIONS = {
    Kind.IDENTITY: lambda m, s: m == s,
    Kind.UPPER: lambda m, s: m <= s,
    Kind.TIGHT_UPPER: lambda m, s: m <= s,
    Kind.LOWER: lambda m, s: m >= s,
    Kind.TIGHT_LOWER: lambda m, s: m >= s,
    Kind.EXISTENCE: lambda m, s: m > s,
    Kind.COUNTEREXAMPLE: lambda m, s: m < s,
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("number", [float, Fraction])
def test_relations_of_numbers_and_of_arrays(kind, number):
    for m in map(number, NUMBERS):
        for s in map(number, NUMBERS):
            want = RELATIONS[kind](m, s)
            assert holds(kind, m, s, 0.0) == want
            assert holds(kind, np.array([m, m]), np.array([s, s]), 0.0) == want
            assert holds(kind, np.array([s, m]), np.array([s, s]), 0.0) == (want and RELATIONS[kind](s, s))


@pytest.mark.parametrize("kind", Kind)
def test_rounding_is_allowed_where_equality_is_and_no_witness_where_it_is_not(kind):
    equality = RELATIONS[kind](0, 0)
    assert holds(kind, 1 + 1e-13, 1.0, 1e-12) == holds(kind, 1 - 1e-13, 1.0, 1e-12) == equality
    assert holds(kind, 1 + 1e-11, 1.0, 1e-12) == RELATIONS[kind](1, 0)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_a_number_holds_nowhere(kind, bad):
    assert not holds(kind, bad, 1.0, 1e-12)
    assert not holds(kind, 1.0, bad, 1e-12)
    assert not holds(kind, np.array([1.0, bad]), np.array([Fraction(1), Fraction(1)], dtype=object), 1e-12)


def test_truth_values_are_compared_by_identity_alone():
    assert holds(Kind.IDENTITY, True, True, 0.0)
    assert not holds(Kind.IDENTITY, np.array([True, False]), np.array([True, True]), 0.0)
    assert not holds(Kind.LOWER, True, True, 0.0)


# The grid


@pytest.mark.parametrize(("size", "denominator"), [(1, 4), (2, 3), (3, 2), (3, 4), (4, 2)])
def test_the_grid_is_exhausted(size, denominator):
    found = list(exhaust(laws, size, denominator))
    assert len(found) == sum(comb(denominator + n - 1, n - 1) ** 2 for n in range(1, size + 1))
    assert len({(*i["p"], None, *i["r"]) for i in found}) == len(found)
    assert all(i["p"].sum() == i["r"].sum() == 1 for i in found)
    outcome = check_exhaustive(
        claim_of(replace(RIGHT, grid_size=size, grid_denominator=denominator, controls=(ABOVE,)))
    )
    assert (outcome.instances, outcome.status) == (len(found), Status.PROVED if size > 1 else Status.UNKNOWN)


def test_every_kind_of_choice_is_exhausted():
    kept = list(exhaust(lambda s: tuple(s.kept(4, 2, 3)), 4, 1))
    assert len(kept) == len({frozenset(k) for k in kept}) == comb(4, 2) + comb(4, 3)
    mixed = list(exhaust(lambda s: (s.pick("ab"), s.weight(), s.size(2, 9)), 4, 5))
    assert len(mixed) == len(set(mixed)) == 2 * 6 * 3
    dependent = list(exhaust(lambda s: [s.weight() for _ in range(s.size(1, 3))], 3, 1))
    assert len(dependent) == 2 + 4 + 8
    assert len(list(exhaust(lambda s: tuple(s.parts(3, 4)), 1, 1))) == comb(6, 2)


def test_a_grid_beyond_its_limit_is_an_error_and_no_sample():
    assert len(list(exhaust(laws, 2, 3, limit=17))) == 17
    with pytest.raises(RuntimeError, match=r"size 2, denominator 3\) has more than 16 instances"):
        list(exhaust(laws, 2, 3, limit=16))


# Randomness


def instances(seed, clause=RIGHT, scale=1.0, before=()):
    """What the random check puts to a clause."""
    seen = []

    def record(p, r):
        seen.append((p.tobytes(), r.tobytes()))
        return overlap(p, r)

    outcome = check_random(claim_of(*before, replace(clause, measured=record)), seed, scale)
    assert outcome.status is Status.PROVED
    return list(dict.fromkeys(seen))


def test_a_seed_fixes_the_instances():
    assert instances(3) == instances(3)
    assert instances(3) != instances(4)


def test_a_clause_added_changes_no_other_instances():
    assert instances(3, before=(replace(RIGHT, name="another"),)) == instances(3)
    assert instances(3, clause=replace(RIGHT, name="another")) != instances(3)


def test_the_number_of_instances_scales_and_never_vanishes():
    assert check_random(claim_of(RIGHT), scale=0.25).instances == 50
    assert check_random(claim_of(RIGHT), scale=0.0).instances == 10


def test_random_sources_give_what_they_promise():
    source = RandomSource(np.random.default_rng(0))
    for _ in range(300):
        size = source.size(1, 6)
        assert 1 <= size <= 6
        assert abs(source.distribution(size).sum() - 1) < 1e-12
        assert source.rational_distribution(size).sum() == 1
        assert source.parts(size, 7).sum() == 1
        kept = source.kept(size, 1, size)
        assert len(set(kept.tolist())) == len(kept) >= 1
        assert 0 <= source.weight() <= 1
        assert 0 < source.open_weight() < 1
        cold = np.arange(size // 2, size)
        assert source.distribution_on(cold, size)[: size // 2].sum() == 0
