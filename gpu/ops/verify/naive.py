"""Verification of chains in plain torch, in float64, with every law written out: the specification of the kernel."""

from __future__ import annotations

import torch

from gpu.ops.verify.chains import Chains, Verified
from gpu.ops.verify.columns import Columns


def verify(chains: Chains) -> Verified:
    """As `gpu.ops.verify.verify`, of checked arguments."""
    p = target_laws(chains)
    if chains.certain or chains.draft is None:
        r = _certain(
            torch.where(chains.drafted.long() < p.shape[-1], chains.drafted.long(), 0).clip(min=0), p.shape[-1]
        )
    else:
        r = proposals(draft_laws(chains), chains.columns)
    gamma = chains.drafted.shape[1]
    inside = torch.arange(gamma, device=p.device) < chains.lengths[:, None]
    # Beyond the length of a chain nothing is defined: the laws there are looked at, and what is found is not used.
    ids = torch.where(inside, chains.drafted, 0).long()[..., None]
    wanted, drawn = p[:, :-1].gather(-1, ids)[..., 0], r.gather(-1, ids)[..., 0]
    # Never 0 where x was drawn; what cannot have been drawn is rejected, and reported as −1.
    ratio = torch.where(drawn > 0, wanted / torch.where(drawn > 0, drawn, 1), -1)
    count = _by_block if chains.block else _by_token
    accepted, weight = count(chains, p, r, ratio, inside)
    token, tried, fell_back = _next_token(chains, p, r, accepted, weight)
    acceptance = torch.where(inside, ratio.clip(max=1), 0).float()
    return Verified(accepted.int(), token, acceptance, tried.int(), fell_back)


def target_laws(chains: Chains) -> torch.Tensor:
    """``p``, one row a position: softmax at the temperature of the chain over what is not cut off.

    At temperature 0 the greatest logit has all mass, the one of the lowest id among equals.
    """
    logits = chains.target_logits.double()
    if chains.threshold is not None:
        logits = torch.where(logits < chains.threshold.double()[..., None], -torch.inf, logits)
    heat = chains.temperature[:, None, None]
    if not chains.greedy:
        return _softmax(logits / heat)
    best = _certain(logits.nan_to_num(-torch.inf, neginf=-torch.inf).argmax(dim=-1), logits.shape[-1])
    return torch.where(heat == 0, best, _softmax(logits / torch.where(heat == 0, 1, heat)))


def draft_laws(chains: Chains) -> torch.Tensor:
    """``q'``, one row a position; probabilities are taken relative to their sum."""
    assert chains.draft is not None
    if chains.draft_logits:
        return _softmax(chains.draft.double() / chains.draft_temperature[:, None, None])
    return chains.draft.double() / chains.draft.double().sum(dim=-1, keepdim=True)


def proposals(q: torch.Tensor, columns: Columns) -> torch.Tensor:
    r"""``p̃ = q' M``, whole: shapes ``(…, K)`` to ``(…, N)``."""
    size = columns.vocab.size
    if columns.kind == "low rank":
        return ((q @ columns.left.double()) @ columns.right.double().T).clip(min=0)
    if columns.kind == "dense":
        return (q * columns.scale) @ columns.matrix.double().T
    out = q.new_zeros((*q.shape[:-1], size))
    if columns.kind in ("sparse", "backed off"):
        token = torch.repeat_interleave(torch.arange(size, device=q.device), columns.starts.diff())
        out.index_add_(-1, token, q[..., columns.places.long()] * columns.entries)
        if columns.kind == "backed off":
            out += (q @ columns.left.double()) * columns.right[:, 0].double()
        return out
    out[..., torch.as_tensor(columns.vocab.kept.copy(), device=q.device)] = q
    if columns.kind == "embedding":
        return out
    weight = columns.weight[..., None]
    return (1 - weight) * out + weight * columns.prior


def draw(weights: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """The first index whose cumulative weight exceeds ``u Σ w``; rows ``(B, N)`` of positive sums."""
    cumulative = weights.cumsum(dim=-1)
    total = cumulative[:, -1:]
    found = (cumulative <= uniform.double()[:, None] * total).sum(dim=-1)
    # Rounding can put the threshold on the total itself; the last token with weight is then meant.
    return torch.minimum(found, (cumulative < total).sum(dim=-1))


def _certain(token: torch.Tensor, size: int) -> torch.Tensor:
    """Laws with all mass on one token."""
    return torch.nn.functional.one_hot(token, size).double()


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    """Softmax; rows beyond the length of a chain may hold anything, and give 0 where they give no number."""
    return logits.softmax(dim=-1).nan_to_num(0)


def _by_token(
    chains: Chains, p: torch.Tensor, r: torch.Tensor, ratio: torch.Tensor, inside: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How many tokens pass ``u < p_x / p̃_x`` before the first that does not; the weight of the residual is 1."""
    passed = (chains.accept < ratio) & inside
    return passed.long().cumprod(dim=-1).sum(dim=-1), torch.ones_like(ratio[:, 0])


def _by_block(
    chains: Chains, p: torch.Tensor, r: torch.Tensor, ratio: torch.Tensor, inside: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The longest prefix that passes, and the weight ``w`` that it was reached with."""
    weight = torch.ones_like(ratio[:, 0])
    accepted, reached = torch.zeros_like(chains.lengths, dtype=torch.int64), weight
    for i in range(1, ratio.shape[1] + 1):
        weight = (weight * ratio[:, i - 1].clip(min=0)).clip(max=1)
        u = chains.accept[:, i - 1].double()
        if i < ratio.shape[1]:
            mass = (weight[:, None] * p[:, i] - r[:, i]).clip(min=0).sum(dim=-1)
            passed = u * (mass + (1 - weight)) < mass
        else:
            passed = u < weight
        passed = torch.where(chains.lengths == i, u < weight, passed) & inside[:, i - 1]
        accepted = torch.where(passed, i, accepted)
        reached = torch.where(passed, weight, reached)
    return accepted, reached


def _next_token(
    chains: Chains, p: torch.Tensor, r: torch.Tensor, accepted: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The token from ``(w p − p̃)_+`` at the position that was reached, or from ``p`` after a whole chain."""
    row = torch.arange(len(accepted), device=p.device)
    law, rejected = p[row, accepted], accepted < chains.lengths
    proposal = torch.where(rejected[:, None], r[row, accepted.clip(max=r.shape[1] - 1)], 0)
    scaled = weight[:, None] * law
    found, token, tried = ~rejected, torch.zeros_like(accepted), torch.zeros_like(accepted)
    for step in range(chains.propose.shape[1]):
        candidate = draw(law, chains.propose[:, step])
        have, minus = scaled[row, candidate], proposal[row, candidate]
        kept = (chains.keep[:, step].double() * have < have - minus) & ~found
        tried += (~found).long()
        token = torch.where(kept, candidate, token)
        found = found | kept
    residual = (scaled - proposal).clip(min=0)
    # A residual that rounding has emptied is replaced by the target.
    residual = torch.where((residual.sum(dim=-1) > 0)[:, None], residual, law)
    whole = draw(torch.where(rejected[:, None], residual, law), chains.last)
    return torch.where(found & rejected, token, whole), tried, ~found
