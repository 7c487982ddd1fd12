"""Bytes that an operation must move at least, named by what holds them.

Each tensor that is read whole counts once, however often a program comes back to it; of one from which entries are
looked up, the entries count, once for each look-up. Whatever is written counts once. So bytes over time, as a share of
the speed of a copy, is never more than the share of the memory's traffic that the operation really caused.
"""

from __future__ import annotations

import math

from torch import Tensor

from gpu.bench.inputs import Inputs
from gpu.ops.propose import Proposed
from gpu.ops.verify import Columns, Verified


def moved_bytes(inputs: Inputs, outcome: object) -> dict[str, int]:
    """Bytes of the operation of a point with this outcome, by what holds them."""
    operation, draft = inputs.point.operation, inputs.draft[:, 0]
    batch = len(draft)
    if isinstance(outcome, Verified):
        return _verify(inputs, outcome)
    if operation == "redistribute":
        factors = inputs.kernel.factors
        held = _whole(inputs.kernel.columns) if factors is None else _bytes(factors.left) + _bytes(factors.right)
        return {"draft": 4 * draft.numel(), "kernel": held, "out": 4 * batch * inputs.point.size}
    # A temperature a row, and what is handed on of a draft: place, probability, maximum, log-sum.
    parts = {"draft": _bytes(draft), "temperature": 8 * batch}
    if operation == "acceptance":
        target = inputs.target[:, 0]
        return parts | {
            "target": _bytes(target), "draft temperature": 8 * batch, "kernel": _whole(inputs.kernel.columns),
            "out": 4 * batch,
        }  # fmt: skip
    parts |= {"first": _bytes(inputs.uniforms["first"]), "out": 20 * batch}
    if operation == "propose":
        assert isinstance(outcome, Proposed)
        found = _drawn(inputs, outcome.token)
        parts |= {"second": _bytes(inputs.uniforms["second"]), "kernel": found, "tokens": 12 * batch}
    return parts


def _verify(inputs: Inputs, outcome: Verified) -> dict[str, int]:
    """Of a verification: logits, what decides, and the kernel whole if a residual or a mass was formed."""
    columns, point = inputs.kernel.columns, inputs.point
    chains, tried = inputs.drafted.numel(), int(outcome.tried.sum())
    masses = point.operation == "verify block" and point.gamma > 1
    if masses or bool(outcome.fell_back.any()):
        kernel = _whole(columns)
    else:
        kernel = _columns(columns, inputs.drafted.reshape(-1), tried)
    uniform = inputs.uniforms["accept_uniforms"].element_size()
    return {
        "target_logits": _bytes(inputs.target),
        "draft": _bytes(inputs.draft),
        "drafted": _bytes(inputs.drafted),
        "accept_uniforms": uniform * chains,
        "last_uniform": uniform * point.batch,
        "propose_uniforms": uniform * tried,
        "keep_uniforms": uniform * tried,
        "lengths": 8 * point.batch,
        "temperatures": 16 * point.batch,
        "kernel": kernel,
        # Accepted, token, ratios, tries, fell back.
        "out": (4 + 8 + 4 * point.gamma + 4 + 1) * point.batch,
    }


def _columns(columns: Columns, tokens: Tensor, tried: int) -> int:
    """Columns of these tokens, and of as many tokens of mean length as were tried beside them."""
    count = len(tokens) + tried
    if columns.kind == "embedding":
        return 4 * count
    if columns.kind == "rank one":
        return 8 * count + _bytes(columns.weight)
    if columns.kind == "sparse":
        lengths = columns.starts.diff()
        entries = int(lengths[tokens].sum()) + round(tried * len(columns.entries) / len(lengths))
        return 16 * count + 8 * entries
    if columns.kind == "low rank":
        return _bytes(columns.left) + 4 * columns.rank * count
    return count * columns.matrix.shape[1] * columns.matrix.element_size() + _bytes(columns.scale)


def _whole(columns: Columns) -> int:
    """All that a form stores."""
    fields = {
        "embedding": ("position",),
        "rank one": ("position", "weight", "prior"),
        "sparse": ("starts", "places", "entries"),
        "low rank": ("left", "right"),
        "dense": ("matrix", "scale"),
    }
    return sum(_bytes(getattr(columns, name)) for name in fields[columns.kind])


def _drawn(inputs: Inputs, tokens: Tensor) -> int:
    """Of the second stage of `propose`: what a draw from one row reads, and one column."""
    rows, columns, batch = inputs.kernel.rows, inputs.kernel.columns, len(tokens)
    assert rows is not None
    steps = max(1, math.ceil(math.log2(inputs.point.size)))
    column = _columns(columns, tokens, 0)
    if columns.kind == "rank one":
        # The own token, the total, and a running sum at each step of a bisection.
        return column + batch * 8 * (2 + steps)
    if columns.kind == "sparse":
        within = max(1, math.ceil(math.log2(max(2, len(rows.tokens) / len(rows.kept)))))
        return column + batch * (16 + 8 * (1 + within) + 8)
    if columns.kind == "low rank":
        return column + batch * 8 * columns.rank * (1 + steps)
    # A dense row is read up to the token that is drawn.
    return column + int((tokens + 1).sum()) * rows.matrix.element_size() + 8 * batch


def _bytes(x: Tensor) -> int:
    return x.numel() * x.element_size()
