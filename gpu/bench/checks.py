"""What is compared before anything is timed: a small case whole, and rows of the timed inputs themselves."""

from __future__ import annotations

from typing import Any

import torch

from gpu.bench.grid import Point
from gpu.bench.implementations import fused
from gpu.bench.inputs import Inputs, make_inputs, make_kernel
from gpu.ops._agreement import DEVICE, close, few, near_ties, require
from gpu.ops.acceptance import naive as acceptance_naive
from gpu.ops.propose import naive as propose_naive
from gpu.ops.redistribute import naive as redistribute_naive
from gpu.ops.verify import Verified
from gpu.ops.verify.agreement import agree, unexplained, whole_proposals
from gpu.ops.verify.chains import Chains
from rdk_theory import tolerances

ROWS = 8
"""Rows of the timed inputs that are compared."""
SMALL = {"cpu": (203, 2, 1), "cuda": (5003, 32, 3)}
"""Tokens, batch and chain length of the small case: interpreted, a kernel takes a second for a few chains."""
FLOAT32 = 50.0
"""By what margins are multiplied where running sums over the vocabulary are in float32."""


def small(operation: str, form: str, dtype: str, seed: int) -> None:
    """Compare the kernel with the naive form on a narrow vocabulary.

    Raises
    ------
    Disagreement
        With what differs.
    """
    size, batch, gamma = SMALL[DEVICE]
    if operation == "verify block":
        # A chain of one is the same token by token.
        batch, gamma = max(1, batch // 2), gamma + 1
    point = Point(operation, form, size, batch, gamma if operation.startswith("verify") else 1, dtype)
    kernel = make_kernel(form, size, point.kept, DEVICE, seed, rows=operation == "propose")
    inputs = make_inputs(point, kernel, DEVICE, seed, tries=2)
    found = fused(inputs)()
    if point.verifies:
        agree(kernel.columns, inputs.chains(), found, method=operation.removeprefix("verify "))
    else:
        rows(inputs, found, batch)


def own(inputs: Inputs, found: Any, slack: float = 1.0, *, tries: int | None = None) -> None:
    """Compare an outcome on the timed inputs with laws in float64, on `ROWS` rows from the first to the last.

    Raises
    ------
    Disagreement
        With what differs.
    """
    if not inputs.point.verifies:
        rows(inputs, found, ROWS)
        return
    assert isinstance(found, Verified)
    at = _some(inputs.point.batch, ROWS, inputs.draft.device)
    arguments = {name: x[at] for name, x in inputs.chains(tries).items()}
    wrong = unexplained(_chains(inputs, arguments), Verified(*(x[at] for x in found)), slack)
    require(not wrong, "; ".join(wrong[:2]))


def rows(inputs: Inputs, found: Any, count: int) -> None:
    """Compare what was drawn or formed for some rows of one operation that knows no chains."""
    at = _some(inputs.point.batch, count, inputs.draft.device)
    draft, kernel = inputs.draft[:, 0][at], inputs.kernel
    law = draft.double().softmax(dim=-1)
    operation, kept, size = inputs.point.operation, draft.shape[-1], inputs.point.size
    # Sums over the kept tokens run in float32, their rounding grows with the root of their number.
    precision = 4e-6 + 4 * torch.finfo(torch.float32).eps * kept**0.5
    if operation == "acceptance":
        one = torch.ones(len(at), dtype=torch.float64, device=draft.device)
        exact = acceptance_naive.from_logits(inputs.target[:, 0][at], draft, kernel.columns, one, one)
        close(found[at], exact, 0.0, tolerances.SAME_DTYPE["float32"], "rates")
    elif operation == "redistribute":
        q = draft.float().softmax(dim=-1)
        if kernel.factors is not None:
            exact, least = redistribute_naive.proposal(q, kernel.factors), 1 / size
        else:
            exact, least = whole_proposals(q.double()[:, None], kernel.columns)[:, 0], 1e-6 / size
        close(found[at], exact, precision, precision * least, "proposals")
    else:
        drafted = found if operation == "softmax_sample" else found.drafted
        ties = near_ties(law, inputs.uniforms["first"][at].double(), drafted.place[at])
        require(few(ties, len(at), kept), f"{ties} near-ties are too many")
        close(drafted.probability[at], law.gather(-1, drafted.place[at][:, None])[:, 0], 1e-5, 1e-12, "probabilities")
        if operation == "propose":
            assert kernel.rows is not None
            token = found.token[at]
            near_ties(propose_naive.law(kernel.rows, drafted.place[at]), inputs.uniforms["second"][at].double(), token)
            exact = (law * propose_naive.column(kernel.rows, token)).sum(dim=-1)
            close(found.probability[at], exact, 1e-5 + precision, 1e-12, "proposal probabilities")


def _some(batch: int, count: int, device: torch.device) -> torch.Tensor:
    """At most `count` rows, evenly from the first to the last."""
    return torch.linspace(0, batch - 1, min(batch, count), device=device).round().long()


def _chains(inputs: Inputs, arguments: dict[str, Any]) -> Chains:
    """The chains as `verify` sees them, of full length and at temperature 1."""
    batch, device = len(arguments["drafted"]), inputs.draft.device
    one = torch.ones(batch, dtype=torch.float64, device=device)
    return Chains(
        target_logits=arguments["target_logits"],
        draft=arguments["draft"],
        draft_logits=True,
        columns=inputs.kernel.columns,
        drafted=arguments["drafted"],
        accept=arguments["accept_uniforms"],
        last=arguments["last_uniform"],
        propose=arguments["propose_uniforms"],
        keep=arguments["keep_uniforms"],
        lengths=torch.full((batch,), inputs.point.gamma, device=device),
        temperature=one,
        draft_temperature=one,
        threshold=None,
        block=inputs.point.operation == "verify block",
    )
