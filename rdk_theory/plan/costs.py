"""What a draft step costs, in units of one step of the target: the drafter's body, its head, the kernel."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rdk_theory.fitting.cooccurrence import STORED, WHOLE
from rdk_theory.plan.chains import VERIFICATIONS

ITEMSIZE = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
"""Bytes of a number of the head."""

_NUMBERS = ("draft", "head", "position")
_KEYS = (*_NUMBERS, "width", "kernels")


@dataclass(frozen=True)
class CostModel:
    r"""The cost :math:`c(K) = c_0 + h K / |D| + k` of a draft step, over the time of one target step.

    Attributes
    ----------
    draft
        :math:`c_0`: the drafter without its head.
    head
        :math:`h`: its whole head of :math:`|D|` rows; a pruned head costs in proportion to its rows.
    position
        What each drafted token adds to the target's call that verifies it. 0 where the call is bound by memory.
    width
        Numbers in a row of the head, from which the cost of a kernel's own numbers follows. `None`: not counted.
    kernels
        Costs of a kernel for each drafted token, by verification, which take the place of what follows from `width`.
    """

    draft: float
    head: float
    position: float = 0.0
    width: int | None = None
    kernels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            _cost(name, getattr(self, name))
        if self.width is not None:
            _natural("width", self.width)
        for kernel, by in self.kernels.items():
            for verification, value in by.items():
                if verification not in VERIFICATIONS:
                    raise ValueError(f"kernels[{kernel!r}] names {verification!r}, not one of {VERIFICATIONS}")
                _cost(f"kernels[{kernel!r}][{verification!r}]", value)

    @classmethod
    def from_bytes(
        cls, target: float, drafter: float, width: int, draft_size: int, dtype: str, position: float = 0.0
    ) -> CostModel:
        """Every step takes as long as reading its weights once.

        Parameters
        ----------
        target, drafter
            Bytes that a step of the target reads, and one of the drafter without its head.
        width, draft_size
            Shape of the drafter's whole head, transposed: ``d`` and ``|D|``.
        dtype
            Of the head; one of `ITEMSIZE`.
        position
            As in `CostModel`.
        """
        _natural("width", width)
        _natural("draft_size", draft_size)
        _cost("target", target)
        _cost("drafter", drafter)
        if target == 0:
            raise ValueError("target must be positive: every other cost is measured by it")
        if dtype not in ITEMSIZE:
            raise ValueError(f"dtype must be one of {', '.join(ITEMSIZE)}, not {dtype!r}")
        return cls(drafter / target, draft_size * width * ITEMSIZE[dtype] / target, position, width)

    @classmethod
    def from_file(cls, path: Path) -> CostModel:
        """From a JSON object with numbers ``draft`` and ``head``, and any of ``position``, ``width``, ``kernels``.

        ``kernels`` maps a kernel to its costs, by verification: ``{"optimal": {"token": 0.001, "block": 0.02}}``.

        Raises
        ------
        ValueError
            Naming the file, where it is no such object, or a cost is negative, infinite or no number.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise ValueError(f"{path} must hold an object with the keys draft and head, not {type(found).__name__}")
        for key in found:
            if key not in _KEYS:
                raise ValueError(f"{path} has the key {key!r}, which is not one of {', '.join(_KEYS)}")
        for key in ("draft", "head"):
            if key not in found:
                raise ValueError(f"{path} lacks the key {key!r}")
        kernels = found.get("kernels", {})
        if not isinstance(kernels, dict) or not all(isinstance(by, dict) for by in kernels.values()):
            raise ValueError(f"{path}: kernels must map each kernel to an object of costs")
        whole = {key: float(value) for key, value in found.items() if key in _NUMBERS and type(value) is int}
        try:
            return cls(**{**found, **whole})
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def step(self, kernel: str, verification: str, kept: int, sizes: tuple[int, int], rank: int = 0) -> float:
        """The cost of one draft step.

        Parameters
        ----------
        kernel, verification
            Which; the verification of `VERIFICATIONS`.
        kept
            Rows of the pruned head, ``K``.
        sizes
            ``(N, |D|)``.
        rank
            Directions that ``rank-one-cumulant`` reads besides the mean cold row.
        """
        if verification not in VERIFICATIONS:
            raise ValueError(f"verification must be one of {', '.join(VERIFICATIONS)}, not {verification!r}")
        if not 1 <= kept <= sizes[1]:
            raise ValueError(f"kept must be from 1 to |D| = {sizes[1]}, not {kept}")
        return self.draft + self.head * kept / sizes[1] + self._kernel(kernel, verification, kept, sizes, rank)

    def _kernel(self, kernel: str, verification: str, kept: int, sizes: tuple[int, int], rank: int) -> float:
        given = self.kernels.get(kernel, {})
        if verification in given:
            return float(given[verification])
        if self.width is None:
            return 0.0
        numbers = reads(kernel, verification, kept, sizes[0], self.width, rank)
        return numbers * self.head / (sizes[1] * self.width)


def reads(kernel: str, verification: str, kept: int, size: int, width: int, rank: int = 0) -> int:
    r"""At most how many of its own numbers a kernel reads for a drafted token, in expectation.

    Parameters
    ----------
    kernel, verification
        Which.
    kept, size, width
        ``K``, ``N``, ``d``.
    rank
        As in `CostModel.step`.

    Notes
    -----
    Token by token, no proposal is formed (claim ``exact-linear-time``): a row is searched,
    :math:`\lceil \log_2 N \rceil` numbers, and two columns are read at most, in expectation: `K` numbers each, one for
    rank one. A block needs the proposals whole. A weight that follows the context reads the mean cold row and its
    directions: ``(1 + R) d``.
    """
    if kernel in ("tli", "unpruned", "union"):
        return 0
    search = math.ceil(math.log2(size)) if size > 1 else 0
    if kernel.startswith("rank-one"):
        weight = {"rank-one-cumulant": (1 + rank) * width, "rank-one-jensen": width}.get(kernel, 0)
        return weight + (size if verification == "block" else search + 2)
    if verification == "token":
        return search + 2 * kept
    if kernel == "cooccurrence" and kept * size > WHOLE:
        return max(STORED, kept) + size
    return kept * size


def _cost(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, not {value!r}")


def _natural(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}")
