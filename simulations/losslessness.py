"""Distance of the emitted law from the target's by number of samples: sound verifiers show noise, a bug a plateau."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from rdk_theory import figures
from rdk_theory.distributions import embed
from rdk_theory.drafting import draft_token
from rdk_theory.kernels import RankOne
from rdk_theory.tables import Row
from rdk_theory.verification import Verified, verify_block, verify_chain, verify_lazy
from rdk_theory.verification.mutants import accept_by_restricted, residual_at_drafted_only
from rdk_theory.verification.samplers import Sampler, randomness, rejection_sampler
from rdk_theory.vocabulary import Vocabulary
from simulations import _trees
from simulations._experiment import Experiment, Options, Setting
from simulations._rows import distinct, number, numbers, pick

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE, GAMMA, TRIES = 4, 2, 3
FALSE_ALARM = 1e-9
"""Probability with which a sound verifier is called unsound, for each replicate and sample size."""


class Laws:
    """One target, drafter and kernel for all verifiers: trees of laws, the drafter naming three tokens of four."""

    def __init__(self) -> None:
        rng = np.random.default_rng(20)
        self.vocab = Vocabulary(SIZE, np.array([2, 0, 1]))
        self.kernel = RankOne(self.vocab, 0.25, np.eye(SIZE)[self.vocab.cold[0]])
        self.targets = _trees.random_levels(SIZE, GAMMA + 1, 1.0, rng)
        self.drafts = [rng.dirichlet(np.ones(self.vocab.kept_size), size=rows.shape[0]) for rows in self.targets]
        self.proposals = [self.kernel.redistribute(rows) for rows in self.drafts]


Emit = Callable[[Laws, int, np.random.Generator], np.ndarray]
"""Numbers of the emitted sequences of ``γ + 1`` tokens, as many as asked for."""


def _one_by_one(sampler: Sampler) -> Emit:
    """Every token of the sequence drafted and verified on its own."""

    def emit(laws: Laws, count: int, rng: np.random.Generator) -> np.ndarray:
        prefix = np.zeros(count, dtype=np.int64)
        for p, q in zip(laws.targets, laws.drafts, strict=True):
            token = sampler(p[prefix], q[prefix], laws.kernel, randomness(rng, (count,), SIZE))
            prefix = _trees.extend(prefix, token, SIZE)
        return prefix

    return emit


def _lazily(laws: Laws, count: int, rng: np.random.Generator) -> np.ndarray:
    """As `_one_by_one`, without forming the proposal, by columns."""
    prefix = np.zeros(count, dtype=np.int64)
    streams = rng.spawn(4)
    for p, q in zip(laws.targets, laws.drafts, strict=True):
        _, token = draft_token(q[prefix], laws.kernel, streams[0].random(count), streams[0].random(count))
        propose, keep = (stream.random((count, TRIES)) for stream in streams[1:3])
        accept, fallback = streams[3].random((2, count))
        emitted = verify_lazy(p[prefix], q[prefix], laws.kernel, token, accept, propose, keep, fallback).token
        prefix = _trees.extend(prefix, emitted, SIZE)
    return prefix


def _as_a_chain(verify: Callable[..., Verified]) -> Emit:
    """One drafted chain; what it does not reach is drawn from the target, as decoding would go on."""

    def emit(laws: Laws, count: int, rng: np.random.Generator) -> np.ndarray:
        drafts, accept, residual, bonus, rest = rng.spawn(5)
        drafted = _trees.draw_chains(laws.targets, laws.proposals[:-1], count, drafts)
        uniforms = accept.random((count, GAMMA)), residual.random(count), bonus.random(count)
        verified = verify(drafted.targets, drafted.proposals, drafted.tokens, *uniforms)
        return _trees.finish(verified.tokens, laws.targets, rest)

    return emit


SOUND: dict[str, Emit] = {
    "token": _one_by_one(rejection_sampler),
    "chain": _as_a_chain(verify_chain),
    "block": _as_a_chain(verify_block),
    "lazy": _lazily,
}
MUTANTS: dict[str, Emit] = {
    "bug: one-hot residual": _one_by_one(residual_at_drafted_only),
    "bug: accepts by q'": _one_by_one(accept_by_restricted),
}


def plateau(laws: Laws, name: str) -> float:
    """Total variation between the target's law of sequences and a mutant's, both enumerated."""
    levels = []
    for p, q, r in zip(laws.targets, laws.drafts, laws.proposals, strict=True):
        if name == "bug: one-hot residual":
            accept = np.minimum(1, p / r)
            weights = np.maximum(p[:, None, :] - r[:, None, :] * np.eye(SIZE), 0)
        else:
            kept = embed(q, laws.vocab)
            accept = np.where(kept > 0, np.minimum(1, p / np.where(kept > 0, kept, 1)), 1)
            weights = np.broadcast_to(np.maximum(p - r, 0)[:, None, :], (*p.shape, SIZE))
        replacement = weights / weights.sum(-1, keepdims=True)
        levels.append(r * accept + np.einsum("cx,cxt->ct", r * (1 - accept), replacement))
    return float(np.abs(_trees.sequence_law(levels) - _trees.sequence_law(laws.targets)).sum() / 2)


def expected_noise(law: np.ndarray, count: int) -> float:
    r"""Exact :math:`\mathrm E\,\mathrm{TV}` of `count` samples of `law` from it (de Moivre's mean deviation)."""
    floor = np.floor(count * law)
    return float((2 * (floor + 1) * (1 - law) * stats.binom.pmf(floor + 1, count, law)).sum() * 0.5 / count)


def parameters(options: Options) -> list[Setting]:
    """One setting for each verifier, the wrong ones last."""
    sizes = [100, 1000, 10_000] if options.quick else [100, 1000, 10_000, 100_000]
    return [{"verifier": name, "sizes": sizes, "replicates": 6} for name in (*SOUND, *MUTANTS)]


def run(setting: Setting, rng: np.random.Generator) -> list[Row]:
    """Distance of the empirical law of whole sequences, by number of samples, over independent replicates."""
    name, sizes = setting["verifier"], setting["sizes"]
    laws = Laws()
    law = _trees.sequence_law(laws.targets)
    emit = {**SOUND, **MUTANTS}[name]
    distances = np.empty((setting["replicates"], len(sizes)))
    for replicate, stream in enumerate(rng.spawn(setting["replicates"])):
        numbers_of_sequences = emit(laws, max(sizes), stream)
        for at, count in enumerate(sizes):
            found = np.bincount(numbers_of_sequences[:count], minlength=law.size) / count
            distances[replicate, at] = np.abs(found - law).sum() / 2
    return [
        {
            "verifier": name,
            "sound": name in SOUND,
            "samples": count,
            "distance": distances[:, at].mean(),
            "low": distances[:, at].min(),
            "high": distances[:, at].max(),
            "noise": expected_noise(law, count),
            # McDiarmid: one sample moves the distance by at most 1/n.
            "alarm": expected_noise(law, count) + np.sqrt(np.log(1 / FALSE_ALARM) / (2 * count)),
            "plateau": plateau(laws, name) if name in MUTANTS else 0.0,
        }
        for at, count in enumerate(sizes)
    ]


def check(rows: Sequence[Row]) -> list[str]:
    """Sound verifiers stay below the alarm; with the most samples every bug is above it."""
    most = max(numbers(rows, "samples"))
    lines = [
        f"{row['verifier']} is {number(row, 'high'):.3g} away from the target at {row['samples']} samples"
        for row in pick(rows, sound=True)
        if number(row, "high") > number(row, "alarm")
    ]
    return lines + [
        f"{row['verifier']} goes unnoticed at {row['samples']} samples"
        for row in pick(rows, sound=False, samples=most)
        if number(row, "low") <= number(row, "alarm")
    ]


def draw(rows: Sequence[Row]) -> Figure:
    """Distance over samples on logarithmic axes; points of one sample size stand side by side."""
    figure, (axes,) = figures.canvas(height=2.6)
    names = distinct(rows, "verifier")
    noise = pick(rows, verifier=names[0])
    figures.theory_line(axes, numbers(noise, "samples"), numbers(noise, "noise"), None, "expected noise")
    for index, name in enumerate(names):
        mine = pick(rows, verifier=name)
        beside = [n * 1.12 ** (index - (len(names) - 1) / 2) for n in numbers(mine, "samples")]
        low, high = numbers(mine, "low"), numbers(mine, "high")
        figures.measured(axes, beside, numbers(mine, "distance"), low, high, index, name)
        if not mine[0]["sound"]:
            figures.theory_line(axes, numbers(mine, "samples"), numbers(mine, "plateau"), index, name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("samples n")
    axes.set_ylabel("total variation to target law")
    axes.minorticks_off()
    figures.legend(axes)
    return figure


def caption(rows: Sequence[Row]) -> str:
    """What the figure shows, with the plateaus."""
    bugs = pick(rows, sound=False, samples=rows[0]["samples"])
    heights = ", ".join(f"{number(row, 'plateau'):.3f} ({row['verifier']})" for row in bugs)
    return (
        f"Total variation between the empirical law of whole emitted sequences of {GAMMA + 1} tokens and the target's, "
        f"whose next-token law depends on the prefix (vocabulary of {SIZE}, one token cold, rank-one kernel). Points: "
        "mean of independent replicates, bars their range. Dotted: the exact expected noise of n samples of the target "
        f"itself, falling as 1/√n; horizontal lines: the enumerated distance of two wrong verifiers, {heights}. Sound "
        "verifiers follow the noise at every n, for any target and proposal; bugs stop at their own distance."
    )


EXPERIMENT = Experiment(
    id="losslessness",
    title="Distance of the emitted law from the target by number of samples",
    claims=("lossless", "block-verification", "exact-linear-time"),
    shows="Distance of the emitted law from the target's by samples: noise for sound verifiers, a plateau for bugs.",
    parameters=parameters,
    run=run,
    check=check,
    draw=draw,
    caption=caption,
)

if __name__ == "__main__":
    from simulations.command import run as script

    raise SystemExit(script(EXPERIMENT))
