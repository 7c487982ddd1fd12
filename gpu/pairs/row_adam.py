"""AdamW for parameters whose gradient has few rows: the others are neither read nor written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class RowAdamW(torch.optim.Optimizer):
    """AdamW on the rows of sparse gradients.

    The moments of a row wait until it has a gradient again; where every row has one in every step, this is AdamW. A
    row that comes first after many steps moves by less than the rate, since its moments are corrected by the number of
    all steps.

    Parameters
    ----------
    params
        Parameters or groups of them, as for any optimizer.
    lr, betas, eps, weight_decay
        As in `torch.optim.AdamW`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Step the rows that have a gradient.

        Raises
        ------
        ValueError
            If a gradient is not a sparse tensor of whole rows.
        """
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, group)

    def _step(self, parameter: torch.nn.Parameter, group: dict[str, Any]) -> None:
        grad = parameter.grad
        if grad is None or not grad.is_sparse or grad.sparse_dim() != 1:
            raise ValueError(f"grad of a parameter of shape {tuple(parameter.shape)} is not a sparse tensor of rows")
        grad = grad.coalesce()
        rows, values = grad.indices()[0], grad.values()
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        (first, second), count = group["betas"], state["step"]
        mean = state["exp_avg"].index_select(0, rows).lerp_(values, 1 - first)
        square = state["exp_avg_sq"].index_select(0, rows).mul_(second).addcmul_(values, values, value=1 - second)
        state["exp_avg"].index_copy_(0, rows, mean)
        state["exp_avg_sq"].index_copy_(0, rows, square)
        root = square.div_(1 - second**count).sqrt_().add_(group["eps"])
        moved = parameter.index_select(0, rows).mul_(1 - group["lr"] * group["weight_decay"])
        parameter.index_copy_(0, rows, moved.sub_(mean.div_(root).mul_(group["lr"] / (1 - first**count))))
