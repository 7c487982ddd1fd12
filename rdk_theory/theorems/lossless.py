"""``lossless``: whatever the proposal, what is emitted has the target's law; and seven bugs that break it."""

from __future__ import annotations

from fractions import Fraction

from rdk_theory.acceptance import acceptance_rate, total_variation
from rdk_theory.draft_modes import exact_match_rate
from rdk_theory.theorems._claim import Claim, Clause, Control, Kind
from rdk_theory.theorems._emitted import (
    DRAWS,
    Cuts,
    ascending_thresholds,
    frequencies,
    join,
    laws,
    match_law,
    match_then_target,
    misreported,
    misreported_bias,
    mixture,
    played,
    raced,
    restricted_ratios,
    sampled,
    single_residuals,
    three_tokens,
    tiny,
    token_law,
)
from rdk_theory.theorems._sequences import fractions
from rdk_theory.verification import mutants, samplers

_BUGS: tuple[tuple[str, samplers.Sampler, Cuts], ...] = (
    ("accept test by q'", mutants.accept_by_restricted, restricted_ratios),
    ("residual of one token", mutants.residual_at_drafted_only, single_residuals),
    ("draft probability taken as 1", mutants.drafted_probability_one, lambda p, draft, kernel: p),
    ("one uniform for accept and residual", mutants.shared_uniform, lambda p, draft, kernel: ()),
)
"""Bugs that show in the law of any draft, and the thresholds that they add."""

CLAIM = Claim(
    id="lossless",
    title="Verification is lossless",
    section="A",
    statement=(
        r"X \sim r, \text{ accepted with } \min(1, p_X/r_X), \text{ else replaced from } (p - r)_+ / \|(p - r)_+\|_1: "
        r"\text{ the emitted token has law } p, \text{ for every } r. \text{ If the verifier is told } \hat r "
        r"\text{ though } X \sim r, \text{ the emitted law is off by at most } \mathrm{TV}(r, \hat r)"
    ),
    source="Leviathan et al. 2211.17192, Chen et al. 2302.01318",
    clauses=(
        Clause(
            name="token",
            kind=Kind.IDENTITY,
            statement=r"P[\text{emitted} = t] = p_t; \quad P[\text{accept}] = \alpha(p, r)",
            build=laws,
            stated=lambda p, r: join(p, acceptance_rate(p, r)),
            measured=token_law,
            controls=(
                Control("replaced from the target", measured=lambda p, r: played(p, r, list(p))),
                Control("replaced from the drafted law", measured=lambda p, r: played(p, r, list(r))),
                Control("always accepted", measured=lambda p, r: join(r, acceptance_rate(p, r))),
            ),
            samples=40,
        ),
        Clause(
            name="drafted and verified",
            kind=Kind.IDENTITY,
            statement=r"P[\text{emitted} = t] = p_t \text{ for } i \sim q',\; x \sim M_i \text{ verified against } q'M",
            build=mixture,
            stated=lambda p, draft, kept, prior, weight: p,
            measured=sampled(samplers.rejection_sampler),
            controls=tuple(Control(bug, measured=sampled(sampler, cuts)) for bug, sampler, cuts in _BUGS),
            grid_size=2,
            samples=30,
        ),
        Clause(
            name="kept ids in any order",
            kind=Kind.IDENTITY,
            statement=r"\text{the same where kept ids are not ascending: the reported law is that of the draw}",
            build=three_tokens,
            stated=lambda p, draft, kept, prior, weight: p,
            measured=sampled(samplers.rejection_sampler),
            controls=(
                Control(
                    "mapped as if ascending", measured=sampled(mutants.reported_as_if_sorted, ascending_thresholds)
                ),
            ),
            samples=10,
        ),
        Clause(
            name="tiny probabilities",
            kind=Kind.IDENTITY,
            statement=r"\text{the same where } r_x \text{ underflows in half precision}",
            build=tiny,
            stated=lambda p, draft, kept, prior, weight: p,
            measured=sampled(samplers.rejection_sampler),
            controls=(Control("underflow accepts", measured=sampled(mutants.half_underflow)),),
            tolerance=0.0,
            samples=20,
        ),
        Clause(
            name="drafted by a race",
            kind=Kind.IDENTITY,
            statement=r"\text{the same where } x = \arg\min E_t / r_t,\; E_t \text{ exponential (Gumbel maximum)}",
            build=raced,
            stated=lambda p, draft, seed: p,
            measured=frequencies(samplers.race_sampler),
            controls=(Control("draft and residual share the race", measured=frequencies(mutants.shared_race)),),
            exact=False,
            samples=12,
            tolerance=6.5 * 0.5 / DRAWS**0.5,
        ),
        Clause(
            name="a match with a target sample",
            kind=Kind.IDENTITY,
            statement=r"\text{also lossless: accept with } p_x, \text{ else draw from } p \text{ without } x",
            build=laws,
            stated=lambda p, r: join(p, exact_match_rate(p, r)),
            measured=match_law,
            controls=(Control("else draw from p", measured=match_then_target),),
            grid_size=2,
            samples=40,
        ),
        Clause(
            name="misreported proposal",
            kind=Kind.TIGHT_UPPER,
            statement=(
                r"\mathrm{TV}(\text{emitted}, p) \le \mathrm{TV}(r, \hat r) "
                r"\text{ if } X \sim r \text{ is verified as if from } \hat r"
            ),
            build=misreported,
            stated=lambda p, r, reported: total_variation(r, reported),
            measured=misreported_bias,
            controls=(
                Control("half of it", stated=lambda p, r, reported: total_variation(r, reported) / 2),
                Control("no bias", stated=lambda p, r, reported: Fraction(0)),
            ),
            attained=lambda: {"p": fractions(1, 2, 3), "r": fractions(3, 2, 1), "reported": fractions(1, 2, 3)},
            grid_size=2,
            samples=40,
        ),
    ),
    remarks=(
        "A draft probability taken as 1 in the test and in the residual alike is no bug: it is the comparison with a "
        "sample of the target, lossless and less often accepted. The bug is to take it so in the test alone.",
        "With two tokens several of the bugs cannot show: after a rejection only one token is left.",
        "The bias bound holds because the verifier moves r-hat to p exactly, and moves any two laws no further apart.",
        "The race has no finite enumeration: its law is sampled, 40,000 draws an instance, each frequency within 6.5 "
        "standard errors at most; a right sampler fails one entry with probability below 1e-10.",
    ),
)
