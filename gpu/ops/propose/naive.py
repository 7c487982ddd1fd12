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
    return token, (q * column(rows, token)).sum(dim=-1).float()


def law(rows: Rows, place: Tensor) -> Tensor:
    """``M[place]``, ``(B, N)``, float64, up to one factor a row."""
    columns, kind = rows.columns, rows.columns.kind
    if kind == "low rank":
        return columns.left.double()[place] @ columns.right.double().T
    if kind == "dense":
        return rows.matrix[place].double()
    out = torch.zeros((place.numel(), columns.vocab.size), dtype=torch.float64, device=place.device)
    if kind == "sparse":
        for line, i in zip(out, place.tolist(), strict=True):
            part = slice(int(rows.starts[i]), int(rows.starts[i + 1]))
            line[rows.tokens[part]] = rows.sums[part].diff(prepend=rows.sums.new_zeros(1))
        return out
    out.scatter_(1, rows.kept[place][:, None], 1.0)
    return out if kind == "embedding" else (1 - columns.weight) * out + columns.weight * columns.prior.double()


def column(rows: Rows, token: Tensor) -> Tensor:
    """``M[:, token]``, ``(B, K)``, float64."""
    columns, kind = rows.columns, rows.columns.kind
    if kind == "low rank":
        return columns.right.double()[token] @ columns.left.double().T
    if kind == "dense":
        return columns.matrix[token].double() * columns.scale.double()
    if kind == "sparse":
        out = torch.zeros((token.numel(), columns.vocab.kept_size), dtype=torch.float64, device=token.device)
        for line, x in zip(out, token.tolist(), strict=True):
            part = slice(int(columns.starts[x]), int(columns.starts[x + 1]))
            line[columns.places[part].long()] = columns.entries[part].double()
        return out
    own = (token[:, None] == rows.kept).double()
    return own if kind == "embedding" else (1 - columns.weight) * own + columns.weight * columns.prior[token, None]
