"""A training loop within a budget that can be interrupted: AdamW, a cosine schedule, checkpoints without pickles."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpu.pairs.row_adam import RowAdamW
from rdk_theory import _tensors
from rdk_theory.runs import progress

WARM_UP = 0.03
"""Share of the budget in which the learning rate rises."""
CHECKPOINT_SECONDS = 15.0
"""Time between checkpoints: what an interruption can lose."""
CHECKPOINT_SHARE = 0.05
"""Most of the time that goes into them; those of wide embeddings are gigabytes, and come less often."""
EMBEDDING_RATE = 5.0
BETAS = (0.9, 0.95)
_LAST_RATE = 0.02
_REPORT_EVERY = 20
"""Steps that one point of the loss curve is the mean of."""


@dataclass(frozen=True)
class Budget:
    """How long to train: seconds of wall clock, or an exact number of steps (which is reproducible)."""

    seconds: float | None = None
    steps: int | None = None

    def spent(self, step: int, seconds: float) -> float:
        """Share of the budget that is used up."""
        if self.steps is not None:
            return step / self.steps
        assert self.seconds is not None
        return seconds / self.seconds


@dataclass
class History:
    """Where a training stands: steps done, seconds used, and the loss curve as ``(step, seconds, mean loss)``."""

    step: int = 0
    seconds: float = 0.0
    curve: list[tuple[float, float, float]] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)
    """Losses since the last point of the curve."""

    def point(self) -> None:
        """Add a point to the curve."""
        self.curve.append((self.step, self.seconds, float(np.mean(self.recent))))
        self.recent = []


class Training:
    """One model in training.

    Parameters
    ----------
    model
        Trained in place.
    loss
        Called with the number of the step and the spent share of the budget; adds the gradients of a batch
        that depends on that number alone, and returns the loss.
    checkpoint
        A safetensors file: if it is there, training goes on from it; it is renewed now and then.
    rate
        Greatest learning rate; embeddings, whose rows see few gradients, get `EMBEDDING_RATE` times as much.
    by_rows
        Names of parameters whose gradients are sparse: of few rows, in which alone they are stepped.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss: Callable[[int, float], float],
        checkpoint: Path,
        budget: Budget,
        rate: float,
        by_rows: Collection[str] = (),
    ) -> None:
        self.parameters = dict(model.named_parameters())
        self.loss, self.checkpoint, self.budget = loss, checkpoint, budget
        groups: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
        for name, parameter in self.parameters.items():
            group = {
                "params": [parameter],
                "weight_decay": 0.1 if parameter.ndim > 1 else 0.0,
                "rate": rate * (EMBEDDING_RATE if "embed" in name else 1.0),
            }
            groups[name in by_rows].append(group)
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups[False], lr=rate, betas=BETAS, fused=True)
        ]
        if by_rows:
            self.optimizers.append(RowAdamW(groups[True], lr=rate, betas=BETAS))
        self.history = History()
        if checkpoint.exists():
            self._restore()

    def run(self, description: str) -> History:
        """Train until the budget is spent."""
        for _ in progress(self._steps(), description, self.budget.steps):
            pass
        return self.history

    def _steps(self) -> Iterator[int]:
        history = self.history
        saved = began = time.perf_counter()
        before, pause = history.seconds, 0.0
        while (spent := self.budget.spent(history.step, history.seconds)) < 1:
            for optimizer in self.optimizers:
                optimizer.zero_grad()
                for group in optimizer.param_groups:
                    group["lr"] = group["rate"] * schedule(spent)
            history.recent.append(self.loss(history.step, spent))
            clip(list(self.parameters.values()), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
            history.step += 1
            now = time.perf_counter()
            history.seconds = before + now - began
            if len(history.recent) == _REPORT_EVERY:
                history.point()
            if now - saved >= max(CHECKPOINT_SECONDS, pause):
                self._save()
                saved = time.perf_counter()
                pause = (saved - now) / CHECKPOINT_SHARE
            yield history.step
        if history.recent:
            history.point()

    def _save(self) -> None:
        arrays = {
            "history": np.array([self.history.step, self.history.seconds]),
            "curve": np.array(self.history.curve, dtype=np.float64).reshape(-1, 3),
            "recent": np.array(self.history.recent, dtype=np.float64),
        }
        for name, parameter in self.parameters.items():
            state = self._state(parameter)
            arrays[f"parameter.{name}"] = parameter.detach().cpu().numpy()
            for moment in ("exp_avg", "exp_avg_sq"):
                arrays[f"{moment}.{name}"] = state[moment].cpu().numpy()
        _tensors.write(self.checkpoint, arrays)

    def _restore(self) -> None:
        file = _tensors.TensorFile(self.checkpoint)
        step, seconds = file.array("history", (2,)).tolist()
        curve = [(step, seconds, loss) for step, seconds, loss in file.array("curve", (None, 3)).tolist()]
        self.history = History(int(step), seconds, curve, file.array("recent", (None,)).tolist())
        for name, parameter in self.parameters.items():
            shape = tuple(parameter.shape)
            with torch.no_grad():
                parameter.copy_(torch.tensor(file.array(f"parameter.{name}", shape)))
            self._state(parameter).update(
                step=torch.tensor(float(step), device=parameter.device),
                **{
                    moment: torch.tensor(file.array(f"{moment}.{name}", shape), device=parameter.device)
                    for moment in ("exp_avg", "exp_avg_sq")
                },
            )

    def _state(self, parameter: torch.nn.Parameter) -> dict[str, Any]:
        """What an optimizer remembers of a parameter."""
        owner = next(o for o in self.optimizers if any(parameter is p for g in o.param_groups for p in g["params"]))
        state: dict[str, Any] = owner.state[parameter]
        return state


@torch.no_grad()
def clip(parameters: list[torch.nn.Parameter], most: float) -> None:
    """Scale the gradients, sparse ones among them, down to a Euclidean norm of `most` together."""
    grads = [p.grad.coalesce().values() if p.grad.is_sparse else p.grad for p in parameters if p.grad is not None]
    scale = (most / (torch.nn.utils.get_total_norm(grads) + 1e-6)).clamp(max=1)
    for grad in grads:
        grad *= scale


def schedule(spent: float) -> float:
    """Learning rate as a share of the greatest one: a linear rise, then half a cosine."""
    rise = min(1.0, spent / WARM_UP + 1e-3)
    return rise * (_LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * spent)))
