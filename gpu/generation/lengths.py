r"""How many tokens to draft in a call of the target, without touching the law of the text.

A rule is asked twice. Before a call it gives the most tokens to draft, :math:`\gamma`. After each drafted token it says
whether to draft another, so that the chain has a length :math:`\tau \le \gamma`.

**Why every rule of this form is lossless.** Let :math:`\mathcal F_i` be all that is known when :math:`i` tokens of a
call are drafted: earlier calls with all their random numbers, the context, and :math:`x_{\le i}`. The rule has to
decide :math:`\tau > i` from :math:`\mathcal F_i` alone: it does not see :math:`x_{i+1}`, nor an accept, residual or
bonus uniform of this call. Verification may then be read as that of a tree of contexts in which it is a property of the
node :math:`x_{\le i}` whether it is a leaf. Conditionally on earlier calls:

- *Token by token.* Given that the text has come to :math:`x_{<i}`, either :math:`\tau \ge i` and the next token is
  drawn from :math:`r`, tested and replaced, whose law is :math:`p(\cdot \mid x_{<i})` (claim ``lossless``), or
  :math:`\tau = i - 1` and it is drawn from :math:`p` itself.
- *As a block.* Call a node's *mass* the probability, given that drafting went through it, that some prefix at least as
  long passes. It is :math:`w_i`: at a leaf because :math:`h_\tau = w_\tau`; at an inner node because the children
  have mass :math:`w_{i+1}` by induction, together
  :math:`\sum_t r(t) \min(1, w_i p(t)/r(t)) = \sum_t \min(r, w_i p) = w_i - R_i`, and of the rest :math:`1 - w_i + R_i`
  the node's own test passes the share :math:`h_i = R_i/(R_i + 1 - w_i)`, which is :math:`R_i`. What follows has law
  :math:`p`, since :math:`\min(r, w_i p) + (w_i p - r)_+ = w_i p`. No step compares one leaf's depth with
  another's. At the root the mass is 1.

So the call's tokens followed by the target's continuation have the target's law, whatever was known before; the next
call gives that continuation by the same argument, and the claim follows by induction over calls. In a batch the rule
may look at all texts' drafts: a node is then a tuple of prefixes, the texts' tests are independent given the tuple, and
by the same induction so are their outcomes.

A rule that looks at :math:`x_{i+1}` and then leaves it out is not of this form, and changes the law: the tests hold it
up as a mutant that must fail.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from rdk_theory import validation
from rdk_theory.speed import best_draft_length


@runtime_checkable
class DraftLength(Protocol):
    """A rule for the length of drafted chains, as the module says."""

    def most(self) -> int:
        """The most tokens to draft in the next call, at least 1."""
        ...

    def goes_on(self, chain: torch.Tensor) -> bool:
        r"""Whether to draft another token; `chain` is :math:`\prod_{j \le i} \tilde p(x_j)` for each text."""
        ...

    def observe(self, accepted: int, tested: int) -> None:
        """Learn from a finished call how many tokens were accepted of those tested, over all texts."""
        ...


class FixedLength:
    r"""Always :math:`\gamma` tokens.

    Raises
    ------
    ValueError
        Unless `gamma` is an integer of at least 1.
    """

    def __init__(self, gamma: int) -> None:
        if isinstance(gamma, bool) or not isinstance(gamma, int) or gamma < 1:
            raise ValueError(f"gamma must be an integer of at least 1, not {gamma!r}")
        self.gamma = gamma

    def most(self) -> int:
        r""":math:`\gamma`."""
        return self.gamma

    def goes_on(self, chain: torch.Tensor) -> bool:
        """Yes."""
        return True

    def observe(self, accepted: int, tested: int) -> None:
        """Nothing to learn."""


class AdaptiveLength:
    r"""As many tokens as pay at the acceptance rate seen so far, fewer where the drafter is unsure.

    Before a call: the :math:`\gamma` with the largest `speedup` at the running estimate
    :math:`\hat\alpha = (A + 1)/(T + 2)`, where :math:`A` accepted and :math:`T` tested tokens of earlier calls are
    counted, each call's by `memory` less than the next one's; and 1 where no draft pays, so that the estimate can
    recover. Within a call: stop once the mean over texts of :math:`\prod_{j \le i} \tilde p(x_j)` is below
    `confidence`. Lossless, as the module shows: the first looks at earlier calls only, the second at tokens that are
    drafted and stay.

    Parameters
    ----------
    longest
        The largest :math:`\gamma`.
    draft_cost
        Time of one draft step over time of one target step, at least 0: a measured number of the user's.
    confidence
        In [0, 1]; 0 never stops early.
    memory
        In [0, 1]; 1 forgets nothing.

    Raises
    ------
    ValueError
        For a parameter outside its range.
    """

    def __init__(self, longest: int, draft_cost: float, confidence: float = 0.0, memory: float = 0.9) -> None:
        FixedLength(longest)
        best_draft_length(0.5, draft_cost, longest)  # raises for a cost that is none
        validation.probability("confidence", confidence)
        validation.probability("memory", memory)
        self.longest, self.draft_cost, self.confidence, self.memory = longest, draft_cost, confidence, memory
        self._accepted = self._tested = 0.0

    @property
    def acceptance(self) -> float:
        r""":math:`\hat\alpha`."""
        return (self._accepted + 1) / (self._tested + 2)

    def most(self) -> int:
        r"""The :math:`\gamma` that pays most at :math:`\hat\alpha`, at least 1."""
        return max(1, best_draft_length(self.acceptance, self.draft_cost, self.longest))

    def goes_on(self, chain: torch.Tensor) -> bool:
        """Whether the drafter is still confident enough of its chains."""
        return bool(chain.mean() >= self.confidence)

    def observe(self, accepted: int, tested: int) -> None:
        """Count a call, and earlier ones a little less."""
        self._accepted = self.memory * self._accepted + accepted
        self._tested = self.memory * self._tested + tested
