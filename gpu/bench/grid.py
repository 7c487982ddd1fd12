"""Which operations are timed, on which kernels, and at which sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

SIZES = (32_000, 128_256, 151_936, 200_019, 262_144)
"""Vocabularies of models in use."""
REFERENCE = 128_256
"""The size at which batch, chain length and dtype are varied."""
NARROW = 8_192
"""The size at which dense kernels are timed on the CPU: widened to float64, larger ones take seconds a call."""
SHARE = 4
"""``N / K``: one token in four is kept."""

FORMS = ("none", "rank one", "sparse", "low rank", "dense half")
"""Kernels of a verification; ``none`` is the embedding, the same verification without redistribution."""
OPERATIONS: dict[str, tuple[str, ...]] = {
    "softmax_sample": ("none",),
    "propose": ("rank one", "sparse", "low rank", "dense half"),
    "redistribute": ("rank one", "first order", "low rank", "dense half"),
    "acceptance": ("none", "rank one"),
    "verify token": FORMS,
    "verify block": FORMS,
}


class Point(NamedTuple):
    """One operation on one kernel at one size."""

    operation: str
    form: str
    size: int
    batch: int
    gamma: int
    """Length of a chain; 1 for operations that know no chains."""
    dtype: str

    @property
    def kept(self) -> int:
        """Tokens of the drafter."""
        return max(1, self.size // SHARE)

    @property
    def verifies(self) -> bool:
        """Whether chains are verified."""
        return self.operation.startswith("verify")

    def __str__(self) -> str:
        """For a message."""
        return f"{self.operation}, {self.form}, N = {self.size}, batch {self.batch}, γ = {self.gamma}, {self.dtype}"


class Grid(NamedTuple):
    """The points of a run, and those at which `torch.compile` is tried."""

    points: tuple[Point, ...]
    compiled: frozenset[Point]


def grid(
    device: str,
    *,
    quick: bool = False,
    sizes: Sequence[int] | None = None,
    batches: Sequence[int] | None = None,
    gammas: Sequence[int] | None = None,
) -> Grid:
    """The points of a run: three lines through the space of sizes, batches and chain lengths, not the whole of it.

    On a GPU in bfloat16: every operation on every kernel at every size with batch 64 and chains of 4; verification by
    tokens at 128,256 with batches of 1, 8 and 256, with chains of 1 and 8, and in float32. On the CPU in float32: the
    same with batch 2, and 1 for 1 and 8; dense kernels at 8,192 tokens alone.

    Parameters
    ----------
    device
        ``"cpu"`` or ``"cuda"``.
    quick
        Two sizes, the larger one for verification by tokens alone.
    sizes, batches, gammas
        Where one is given: every operation at the whole product of these, instead.

    Raises
    ------
    ValueError
        For another device, or a number below 1 (sizes: below 16).
    """
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device must be 'cpu' or 'cuda', not {device!r}")
    for name, values, least in (("sizes", sizes, 16), ("batches", batches, 1), ("gammas", gammas, 1)):
        if values is not None and (not values or min(values) < least):
            raise ValueError(f"{name} must be integers of at least {least}, not {list(values)}")
    cuda = device == "cuda"
    dtype = "bfloat16" if cuda else "float32"
    batch, gamma = (64, 4) if cuda else (2, 2) if quick else (2, 4)
    if sizes or batches or gammas:
        points = [
            point
            for size in sizes or (REFERENCE,)
            for many in batches or (batch,)
            for length in gammas or (gamma,)
            for point in _all(OPERATIONS, size, many, length, dtype)
        ]
    elif quick:
        tokens = {"verify token": FORMS}
        first, second = (SIZES[0], REFERENCE) if cuda else (NARROW, SIZES[0])
        points = [*_all(OPERATIONS, first, batch, gamma, dtype), *_all(tokens, second, batch, gamma, dtype)]
    else:
        sizes_of_all = SIZES if cuda else (NARROW, *SIZES)
        points = [point for size in sizes_of_all for point in _all(OPERATIONS, size, batch, gamma, dtype)]
        tokens = {"verify token": FORMS}
        for many in (1, 8, 256) if cuda else (1,):
            points += _all(tokens, REFERENCE, many, gamma, dtype)
        for length in (1, 8) if cuda else (1,):
            points += _all(tokens, REFERENCE, batch, length, dtype)
        if cuda:
            points += _all({"verify token": ("none", "rank one", "sparse")}, REFERENCE, batch, gamma, "float32")
    if not cuda and sizes is None:
        points = [point for point in points if point.form != "dense half" or point.size == NARROW]
    unique = tuple(dict.fromkeys(points))
    verifications = [point for point in unique if point.operation == "verify token"]
    at = REFERENCE if cuda and not quick and sizes is None else min(point.size for point in unique)
    tried = [p for p in verifications if (p.size, p.batch, p.gamma, p.dtype) == (at, batch, gamma, dtype)]
    return Grid(unique, frozenset(tried if cuda else () if quick or sizes else tried[:1]))


def _all(operations: Mapping[str, tuple[str, ...]], size: int, batch: int, gamma: int, dtype: str) -> list[Point]:
    """Every form of these operations; those that know no chains once, whatever `gamma`."""
    return [
        Point(operation, form, size, batch, gamma if operation.startswith("verify") else 1, dtype)
        for operation, forms in operations.items()
        for form in forms
    ]
