"""Whether a verification is the one that its uniforms decide, but for rounding.

`decided` and `agree` compare a form with the naive one token for token, on vocabularies so narrow that near-ties are
rare. In a vocabulary of 200,000 tokens nearly every uniform has a boundary within the margin: there `unexplained`
asks whether an outcome is one that the uniforms, each moved by no more than a margin, do give.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from gpu.ops._agreement import SLACK, close, require
from gpu.ops.verify import naive, verify
from gpu.ops.verify.chains import Chains, Verified
from gpu.ops.verify.columns import Columns

MARGIN = 2e-5
"""More than float32 moves a ratio, or a running sum of a residual that holds a hundredth of the mass."""

DRAW_MARGIN = 2e-6 * SLACK
"""More than float32 moves a running sum of the target."""

RESIDUAL_MARGIN = 2e-7 * SLACK
"""What float32 moves a running sum of a residual, before it is divided by the mass."""

ENTRIES = 1 << 26
"""Entries of a dense matrix that are widened at a time."""


def decided(columns: Columns, arguments: Mapping[str, Any], **options: Any) -> tuple[Tensor, Verified]:
    """Chains whose outcome no move of the uniforms by the margin changes, and the outcome of all, by the naive form."""
    plain = verify(kernel=columns, **arguments, **options, implementation="naive")
    sure = torch.ones_like(plain.fell_back)
    groups = [["accept_uniforms"], ["last_uniform", "propose_uniforms"], ["keep_uniforms"]]
    for signs in itertools.product((-1, 1), repeat=3):
        shifted = dict(arguments)
        for sign, names in zip(signs, groups, strict=True):
            shifted |= {name: (arguments[name].double() + sign * MARGIN).clip(0, 1 - 1e-12) for name in names}
        other = verify(kernel=columns, **shifted, **options, implementation="naive")
        sure &= (other.accepted == plain.accepted) & (other.token == plain.token) & (other.tried == plain.tried)
    return sure, plain


def agree(columns: Columns, arguments: Mapping[str, Any], found: Verified, **options: Any) -> int:
    """Check that an outcome is that of the naive form, but for near-ties, of which there are few; their number.

    Raises
    ------
    Disagreement
        With the field that differs.
    """
    sure, plain = decided(columns, arguments, **options)
    for name in ("accepted", "token", "tried", "fell_back"):
        mine, its = getattr(found, name), getattr(plain, name)
        require(mine.dtype == its.dtype, f"{name} is {mine.dtype}, not {its.dtype}")
        require(mine[sure] == its[sure], f"{name} is another")
    close(found.acceptance, plain.acceptance, 1e-5, 1e-7, "ratios")
    # Each of at most γ + 2·tries + 1 uniforms a chain is within the margin of a boundary that matters with a
    # probability of a few margins for each token of the vocabulary that has one.
    gamma, size = arguments["drafted"].shape[1], arguments["target_logits"].shape[-1]
    chances = len(sure) * (gamma + 2 * arguments["propose_uniforms"].shape[1] + 1)
    ties = int((~sure).sum())
    require(ties <= 1 + 4 * MARGIN * size * chances, f"{ties} near-ties are too many")
    return ties


def unexplained(chains: Chains, found: Verified, slack: float = 1.0) -> list[str]:
    """What of an outcome the uniforms do not explain, one line for each chain that is wrong.

    Parameters
    ----------
    chains
        The chains, of any form of kernel, without `check`.
    found
        Their outcome by whatever form.
    slack
        By what the margins are multiplied, for forms whose running sums are in float32.

    Notes
    -----
    All laws are formed in float64. A test may be decided either way where its uniform is within `MARGIN` of the
    threshold, relative to both; a draw may give any token whose interval of the running sum is within `DRAW_MARGIN` of
    the uniform, and among such tokens one that is kept, or not, may have been proposed.
    """
    p = naive.target_laws(chains)
    r = whole_proposals(naive.draft_laws(chains), chains.columns)
    wrong = []
    for b in range(len(found.accepted)):
        why = _Chain(chains, found, b, p[b], r[b], slack).wrong()
        if why:
            wrong.append(f"chain {b}: {why}")
    return wrong


def whole_proposals(q: Tensor, columns: Columns) -> Tensor:
    """As `naive.proposals`; of a dense matrix, no more than `ENTRIES` are widened at a time."""
    if columns.kind != "dense":
        return naive.proposals(q, columns)
    weights = q * columns.scale.double()
    step = max(1, ENTRIES // columns.matrix.shape[1])
    return torch.cat([weights @ part.double().T for part in columns.matrix.split(step)], dim=-1)


class _Chain:
    """One chain, its laws ``(γ + 1, N)`` and ``(γ, N)`` in float64, and what was found for it."""

    def __init__(self, chains: Chains, found: Verified, b: int, p: Tensor, r: Tensor, slack: float) -> None:
        self.length, self.block = int(chains.lengths[b]), chains.block
        self.accept = chains.accept[b].double().tolist()
        self.last, self.propose, self.keep = float(chains.last[b]), chains.propose[b], chains.keep[b]
        self.p, self.r, self.slack = p, r, slack
        self.accepted, self.token = int(found.accepted[b]), int(found.token[b])
        self.tried, self.fell_back = int(found.tried[b]), bool(found.fell_back[b])
        self.reported = found.acceptance[b].double().tolist()
        ids = chains.drafted[b].tolist()[: self.length]
        self.ratio = [self._ratio(i, x) for i, x in enumerate(ids)]

    def _ratio(self, i: int, x: int) -> float:
        drawn = float(self.r[i, x])
        return float(self.p[i, x]) / drawn if drawn > 0 else -1.0

    def wrong(self) -> str | None:
        """What is not explained, `None` if all is."""
        for mine, ratio in itertools.zip_longest(self.reported, self.ratio, fillvalue=0.0):
            if not abs(mine - min(ratio, 1.0)) <= self.slack * (1e-5 * abs(ratio) + 1e-7):
                return f"a ratio of {min(ratio, 1.0):.6g} is reported as {mine:.6g}"
        if not 0 <= self.accepted <= self.length:
            return f"{self.accepted} tokens of {self.length} are accepted"
        weight = self._weight()
        if weight is None:
            return f"{self.accepted} tokens are accepted where the uniforms decide for another number"
        if not 0 <= self.token < self.p.shape[-1]:
            return f"token {self.token} is none of the vocabulary"
        law = self.p[self.accepted]
        if self.accepted == self.length:
            if self.tried or self.fell_back:
                return "tries are reported after a whole chain"
            return None if self._in_window(law, self.last, DRAW_MARGIN) else f"token {self.token} after a whole chain"
        return self._replaced(law, weight * law, self.r[self.accepted])

    def _weight(self) -> float | None:
        """The weight of the residual after the accepted tokens; `None` if their number cannot be explained."""
        weight, reached = 1.0, 1.0
        for i in range(1, self.length + 1):
            ratio, u = self.ratio[i - 1], self.accept[i - 1]
            if not self.block:
                sure, possible = self._passes(u, ratio, 1.0)
            else:
                weight = min(1.0, weight * max(ratio, 0.0))
                if i < self.length:
                    mass = float((weight * self.p[i] - self.r[i]).clip(min=0).sum())
                    sure, possible = self._passes(u, mass, mass + 1 - weight)
                else:
                    sure, possible = self._passes(u, weight, 1.0)
            if i == self.accepted:
                if not possible:
                    return None
                reached = weight
            elif i < self.accepted:
                if not self.block and not possible:
                    return None
            elif sure:
                return None
            elif not self.block:
                break
        return reached

    def _passes(self, u: float, above: float, below: float) -> tuple[bool, bool]:
        """Whether ``u · below < above`` surely, and possibly."""
        margin = self.slack * MARGIN * (below + abs(above))
        return u * below < above - margin, u * below < above + margin

    def _replaced(self, law: Tensor, scaled: Tensor, minus: Tensor) -> str | None:
        """What is wrong with the token that replaces the first one rejected."""
        tries = len(self.propose)
        if self.tried > tries or (self.fell_back and self.tried != tries) or not (self.fell_back or self.tried):
            return f"{self.tried} tries of {tries} with fell_back {self.fell_back}"
        share = (scaled - minus) / scaled.clip(min=1e-300)
        margin = self.slack * MARGIN
        for step in range(self.tried):
            u = float(self.keep[step])
            if not self.fell_back and step == self.tried - 1:
                if not self._in_window(law, float(self.propose[step]), DRAW_MARGIN):
                    return f"token {self.token} was not proposed at try {step}"
                return None if u < float(share[self.token]) + margin else f"token {self.token} was not to be kept"
            near = self._window(law, float(self.propose[step]), DRAW_MARGIN)
            if not bool((share[near] <= u + margin).any()):
                return f"try {step} was to be kept"
        residual = (scaled - minus).clip(min=0)
        mass = float(residual.sum())
        if mass > 0 and self._in_window(residual, self.last, RESIDUAL_MARGIN / mass):
            return None
        # A residual that rounding has emptied is replaced by the target.
        emptied = mass <= self.slack * RESIDUAL_MARGIN
        if emptied and self._in_window(law, self.last, DRAW_MARGIN):
            return None
        return f"token {self.token} is not drawn from the residual"

    def _window(self, weights: Tensor, uniform: float, margin: float) -> Tensor:
        """Tokens with weight whose interval is within the margin of the uniform."""
        running = weights.cumsum(dim=-1)
        running = running / running[-1]
        reach = self.slack * margin
        ends = torch.tensor([uniform - reach, uniform + reach], dtype=torch.float64, device=weights.device)
        low, high = torch.searchsorted(running, ends).tolist()
        near = torch.arange(low, min(high, len(weights) - 1) + 1, device=weights.device)
        return near[weights[near] > 0]

    def _in_window(self, weights: Tensor, uniform: float, margin: float) -> bool:
        return bool((self._window(weights, uniform, margin) == self.token).any())
