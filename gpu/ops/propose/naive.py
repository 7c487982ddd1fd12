"""The specification of the second stage of `propose`, in plain torch and float64."""

from __future__ import annotations

import torch
from torch import Tensor

from gpu.ops.propose.rows import Rows
from gpu.ops.softmax_sample import Drafted


def second_stage(
    logits: Tensor, temperature: Tensor, rows: Rows, drafted: Drafted, uniform: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Token :math:`x \sim M_i` and :math:`\tilde p_x` for rows ``(B, K)``; see `propose`."""
    running = law(rows, drafted.place).cumsum(dim=-1)
    total = running[:, -1:]
    above = running > uniform.double()[:, None] * total
    # Rounding can put the threshold on the total itself; the last token with weight is then meant.
    token = (above | (running >= total)).int().argmax(dim=-1)
    q = torch.softmax(logits.double() / temperature[:, None], dim=-1)
    return token, (q * column(rows, token)).sum(dim=-1).clip(min=0).float()


def law(rows: Rows, place: Tensor) -> Tensor:
    """``M[place]``, ``(B, N)``, float64, up to one factor a row."""
    columns, kind = rows.columns, rows.columns.kind
    if kind == "low rank":
        return (columns.left.double()[place] @ columns.right.double().T).clip(min=0)
    if kind == "dense":
        return rows.matrix[place].double()
    out = torch.zeros((place.numel(), columns.vocab.size), dtype=torch.float64, device=place.device)
    if kind in ("sparse", "backed off"):
        for line, i in zip(out, place.tolist(), strict=True):
            part = slice(int(rows.starts[i]), int(rows.starts[i + 1]))
            line[rows.tokens[part]] = rows.sums[part].diff(prepend=rows.sums.new_zeros(1))
        return out if kind == "sparse" else out + columns.left.double()[place] * columns.right[:, 0].double()
    out.scatter_(1, rows.kept[place][:, None], 1.0)
    if kind == "embedding":
        return out
    weight = columns.weight.reshape(-1, 1)
    return (1 - weight) * out + weight * columns.prior.reshape(-1, columns.vocab.size).double()


def column(rows: Rows, token: Tensor) -> Tensor:
    """``M[:, token]``, ``(B, K)``, float64."""
    columns, kind = rows.columns, rows.columns.kind
    if kind == "low rank":
        return columns.right.double()[token] @ columns.left.double().T
    if kind == "dense":
        return columns.matrix[token].double() * columns.scale.double()
    if kind in ("sparse", "backed off"):
        out = torch.zeros((token.numel(), columns.vocab.kept_size), dtype=torch.float64, device=token.device)
        for line, x in zip(out, token.tolist(), strict=True):
            part = slice(int(columns.starts[x]), int(columns.starts[x + 1]))
            line[columns.places[part].long()] = columns.entries[part].double()
        return out if kind == "sparse" else out + columns.left[:, 0].double() * columns.right.double()[token]
    own = (token[:, None] == rows.kept).double()
    if kind == "embedding":
        return own
    weight, prior = columns.weight.reshape(-1, 1), columns.prior.reshape(-1, columns.vocab.size)
    at = prior[0, token] if len(prior) == 1 else prior.gather(-1, token[:, None])[:, 0]
    return (1 - weight) * own + weight * at[:, None].double()
