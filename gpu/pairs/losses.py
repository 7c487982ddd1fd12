r"""Losses of a model over a whole vocabulary, and their gradients, in memory that does not grow with the batch.

The logits of ``n`` tokens over ``V`` words are ``n V`` numbers: 400 MB in float32 for 512 tokens and 200,000 words, and
more than once in an ordinary backward pass. Here a few tokens' logits are made in a buffer, turned into the gradient
with respect to themselves in place, multiplied out into the gradients of hidden states and head, and overwritten by
those of the next tokens. Nothing is computed twice, since the loss is a mean and its gradient known up to a factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

MEMORY = {"cpu": 1 << 28, "cuda": 1 << 30}
"""Bytes of the buffers by kind of device: enough that the passes over the head's gradient, one a chunk, are few."""

GOALS = ("cross-entropy", "kl", "tv")
IGNORED = -100
"""The answer of a token that does not count."""


@dataclass(frozen=True)
class Words:
    """What turns hidden states into logits.

    Attributes
    ----------
    head
        Rows of the head, ``(V, d)``.
    shift
        Added to the logits, ``(V,)``: log weights, where the rows are a sample of the head's. `None` for zero.
    """

    head: torch.Tensor
    shift: torch.Tensor | None = None


@dataclass(frozen=True)
class Lesson:
    """The model to learn from: its hidden states ``(n, d')`` and the rows of its head for the same words."""

    hidden: torch.Tensor
    head: torch.Tensor


def chunk_tokens(words: int, goal: str, memory: int, item: int = 4, narrow: bool = False) -> int:
    """Tokens whose logits are held at once: their buffers take `memory` bytes at the most, or it is one token.

    Parameters
    ----------
    words
        ``V``.
    goal
        One of `GOALS`: learning from another model needs three buffers, cross-entropy one.
    item
        Bytes of a number.
    narrow
        Whether products are taken in bfloat16, through a buffer of their own.
    """
    entry = item * (1 if goal == "cross-entropy" else 3) + (2 if narrow else 0)
    return max(1, memory // (entry * words))


def chunked_loss(
    hidden: torch.Tensor,
    words: Words,
    goal: str,
    *,
    answers: torch.Tensor | None = None,
    lesson: Lesson | None = None,
    memory: int | None = None,
    narrow: bool = False,
) -> torch.Tensor:
    r"""Mean loss over tokens, of ``q = softmax(hidden @ head.T + shift)``; differentiable in `hidden` and ``head``.

    Parameters
    ----------
    hidden
        Shape ``(n, d)``, float32 or float64.
    goal
        ``"cross-entropy"`` with `answers`: :math:`-\log q_y`; with a lesson of law ``p``, ``"kl"``:
        :math:`\mathrm{KL}(p \| q)`, and ``"tv"``: :math:`1 - \sum_j \min(p_j, q_j)`, the rejection rate.
    answers
        Places ``y`` in ``range(V)``, shape ``(n,)``, or `IGNORED`; the mean is over the others.
    lesson
        For ``"kl"`` and ``"tv"``; no gradient goes to it, and its logits are shifted as the model's.
    memory
        Bytes of the buffers. Default: `MEMORY` of the device.
    narrow
        Take products in bfloat16; the rest stays as wide as `hidden`.

    Raises
    ------
    ValueError
        If `goal` is none of `GOALS`, lacks what it learns from, or the shapes disagree.
    """
    count, size = len(hidden), len(words.head)
    if goal not in GOALS:
        raise ValueError(f"goal must be one of {', '.join(GOALS)}, not {goal!r}")
    if hidden.ndim != 2 or words.head.ndim != 2 or hidden.shape[1] != words.head.shape[1] or not count:
        shapes = f"{tuple(hidden.shape)} and {tuple(words.head.shape)}"
        raise ValueError(f"hidden and head have shapes {shapes}, expected (n, d) and (V, d) with n ≥ 1")
    if goal == "cross-entropy":
        if answers is None or answers.shape != (count,):
            raise ValueError(f"answers must be a place for each of {count} tokens, not {_shape(answers)}")
    elif lesson is None or len(lesson.hidden) != count or len(lesson.head) != size:
        have = None if lesson is None else (len(lesson.hidden), len(lesson.head))
        raise ValueError(f"goal {goal!r} needs a lesson of {(count, size)} tokens and words, not {have}")
    if memory is None:
        memory = MEMORY.get(hidden.device.type, MEMORY["cpu"])
    chunk = min(chunk_tokens(size, goal, memory, hidden.element_size(), narrow), count)
    work = _Work(goal, words.shift, answers, lesson, chunk, narrow)
    loss: torch.Tensor = _ChunkedLoss.apply(hidden, words.head, work)
    return loss


def _shape(tensor: torch.Tensor | None) -> tuple[int, ...] | None:
    return None if tensor is None else tuple(tensor.shape)


@dataclass(frozen=True)
class _Work:
    goal: str
    shift: torch.Tensor | None
    answers: torch.Tensor | None
    lesson: Lesson | None
    chunk: int
    narrow: bool


class _ChunkedLoss(torch.autograd.Function):
    """The loss; its gradients are made on the way forward and scaled on the way back."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, head: torch.Tensor, work: _Work) -> torch.Tensor:
        narrow = torch.bfloat16 if work.narrow else hidden.dtype
        wanted = any(ctx.needs_input_grad[:2])
        states, rows = hidden.to(narrow), head.to(narrow)
        # Both sides are cast once, so that a chunk costs its products and nothing that grows with the vocabulary.
        taught = None if work.lesson is None else (work.lesson.hidden.to(narrow), work.lesson.head.to(narrow))
        shape = (work.chunk, len(head))
        learn = work.goal != "cross-entropy"
        buffers = [torch.empty(shape, dtype=hidden.dtype, device=hidden.device) for _ in range(3 if learn else 1)]
        staging = torch.empty(shape, dtype=narrow, device=hidden.device) if work.narrow else None
        to_hidden, to_head = (torch.zeros_like(x) if wanted else None for x in (hidden, head))
        total = hidden.new_zeros(())
        counted = hidden.new_tensor(float(len(hidden)))
        if work.answers is not None and not learn:
            counted = (work.answers != IGNORED).sum().to(hidden.dtype)
        for begin in range(0, len(hidden), work.chunk):
            part = slice(begin, min(begin + work.chunk, len(hidden)))
            size = part.stop - begin
            here = [buffer[:size] for buffer in buffers]
            through = None if staging is None else staging[:size]
            _logits(here[0], states[part], rows, work.shift, through)
            if learn:
                assert taught is not None
                _logits(here[1], taught[0][part], taught[1], work.shift, through)
                total += (_divergence if work.goal == "kl" else _rejection)(*here)
            else:
                assert work.answers is not None
                total += _surprise(here[0], work.answers[part])
            if to_hidden is not None and to_head is not None:
                if through is None:
                    torch.mm(here[0], rows, out=to_hidden[part])
                    to_head.addmm_(here[0].T, states[part])
                else:
                    through.copy_(here[0])
                    to_hidden[part] = through @ rows
                    to_head += through.T @ states[part]
        if to_hidden is not None and to_head is not None:
            ctx.save_for_backward(to_hidden.div_(counted), to_head.div_(counted))
        return total / counted

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        to_hidden, to_head = ctx.saved_tensors
        return to_hidden * slope, to_head * slope, None


def _logits(
    out: torch.Tensor,
    states: torch.Tensor,
    rows: torch.Tensor,
    shift: torch.Tensor | None,
    through: torch.Tensor | None,
) -> None:
    """Logits into `out`, through a narrow buffer where there is one."""
    if through is None:
        torch.mm(states, rows.T, out=out)
    else:
        out.copy_(torch.mm(states, rows.T, out=through))
    if shift is not None:
        out += shift


# Each of the following gives the sum of the losses of a few tokens and leaves in its first buffer the gradient of that
# sum with respect to the logits that were in it; `z` holds the model's logits, `t` those of the lesson.


def _surprise(z: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    r"""Cross-entropy; its gradient is :math:`q - e_y`."""
    ignored = answers == IGNORED
    places = answers.masked_fill(ignored, 0)[:, None]
    z -= z.amax(dim=-1, keepdim=True)
    told = z.gather(-1, places)
    mass = z.exp_().sum(dim=-1, keepdim=True)
    losses = (mass.log() - told).masked_fill_(ignored[:, None], 0)
    z /= mass.masked_fill_(ignored[:, None], torch.inf)  # to 0: what is ignored has no gradient
    z.scatter_add_(-1, places, (ignored.to(z.dtype) - 1)[:, None])
    return losses.sum()


def _divergence(z: torch.Tensor, t: torch.Tensor, spare: torch.Tensor) -> torch.Tensor:
    r"""KL(p ‖ q); its gradient is :math:`q - p`."""
    for x in (z, t):
        x -= x.amax(dim=-1, keepdim=True)
        x -= torch.exp(x, out=spare).sum(dim=-1, keepdim=True).log_()
    p = spare  # it holds the exponentials of the lesson's logits no longer wanted
    torch.exp(t, out=p)
    loss = t.sub_(z).mul_(p).sum()
    z.exp_().sub_(p)
    return loss


def _rejection(z: torch.Tensor, t: torch.Tensor, spare: torch.Tensor) -> torch.Tensor:
    r"""``1 − Σ min(p, q)``; its gradient is :math:`q_j (\sum_{i : q_i < p_i} q_i - 1[q_j < p_j])`."""
    for x in (z, t):
        x -= x.amax(dim=-1, keepdim=True)
        x /= x.exp_().sum(dim=-1, keepdim=True)
    loss = len(z) - torch.minimum(z, t, out=spare).sum()
    # Where q ≥ p more of q is of no use; what is left in `spare` is the part of q that a little more would serve.
    torch.sub(t, z, out=t).sign_().clamp_(min=0)
    torch.mul(z, t, out=spare)
    z.mul_(spare.sum(dim=-1, keepdim=True)).sub_(spare)
    return loss
