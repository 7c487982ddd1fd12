"""Checks at the public boundary.

Each raises `ValueError` naming the argument, its shape and the first offending index. None repairs
anything: a distribution that does not sum to 1 is an error of the caller, not a rounding to be hidden.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rdk_theory import _rows, tolerances
from rdk_theory._array import (
    Array,
    dtype_name,
    is_array,
    is_exact,
    is_floating,
    is_integer,
    is_numpy,
    namespace,
    to_numpy,
    widen,
)


def real(name: str, x: Any) -> None:
    """`x` is an array of floats, or of rationals."""
    if not is_array(x):
        raise ValueError(f"{name} must be a numpy array or a torch tensor, not {type(x).__name__}")
    if is_exact(x):
        for index, value in np.ndenumerate(x):
            if not isinstance(value, Fraction):
                raise ValueError(
                    f"{name} of shape {x.shape} has dtype object but holds {type(value).__name__} at {index}"
                )
    elif not is_floating(x):
        raise ValueError(f"{name} of shape {tuple(x.shape)} must be floating point, not {dtype_name(x)}")


def _offence(name: str, x: Array, bad: Array, what: str) -> ValueError:
    """The error for the first true entry of `bad`, an array of the shape of `x`."""
    index = tuple(int(i) for i in np.argwhere(to_numpy(bad))[0])
    return ValueError(f"{name} of shape {tuple(x.shape)} {what} at index {index}: {to_numpy(x)[index]}")


def finite(name: str, x: Any) -> None:
    """`x` is real and has neither NaN nor infinity."""
    real(name, x)
    if is_exact(x):
        return
    ok = namespace(x).isfinite(x)
    if not bool(namespace(x).all(ok)):
        raise _offence(name, x, ~ok, "is not finite")


def non_negative(name: str, x: Any) -> None:
    """`x` is finite, and no entry is negative."""
    finite(name, x)
    negative = x < 0
    if bool(negative.any()):
        raise _offence(name, x, negative, "is negative")


def logits(name: str, x: Any) -> None:
    """`x` is real, without NaN or +inf, and every row has a finite entry (−inf is a legal logit)."""
    real(name, x)
    if is_exact(x):
        raise ValueError(f"{name} must be floating point: logits have no rational form")
    vocabulary_axis(name, x)
    xp = namespace(x)
    bad = xp.isnan(x) | (x == float("inf"))
    if bool(xp.any(bad)):
        raise _offence(name, x, bad, "is NaN or +inf")
    empty = xp.max(x, axis=-1) == -float("inf")
    if bool(xp.any(empty)):
        raise row_offence(name, x, empty, "has no finite logit")


def row_offence(name: str, x: Array, bad: Array, what: str) -> ValueError:
    """The error for the first true entry of `bad`, one flag for each row of `x`."""
    index = tuple(int(i) for i in np.argwhere(to_numpy(bad))[0])
    return ValueError(f"{name} of shape {tuple(x.shape)} {what} in row {index}")


def vocabulary_axis(name: str, x: Array, size: int | None = None, what: str = "the vocabulary") -> None:
    """`x` has a last axis, not empty, of length `size` where one is given."""
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{name} of shape {tuple(x.shape)} must have a last axis over {what}")
    if size is not None and x.shape[-1] != size:
        raise ValueError(f"{name} of shape {tuple(x.shape)} must have a last axis of length {size}, the size of {what}")


def row_sums(x: Array) -> Array:
    """Sum over the last axis, in float32 or wider."""
    if is_numpy(x) and x.dtype in (np.float32, np.float64) and x.flags.c_contiguous:
        return _rows.sums(x)
    return namespace(x).sum(widen(x), axis=-1)


def distribution(name: str, x: Any, size: int | None = None, what: str = "the vocabulary") -> None:
    """Each row of `x` is a probability vector: finite, non-negative, of sum 1 within its dtype's tolerance."""
    real(name, x)
    vocabulary_axis(name, x, size, what)
    sums = row_sums(x)
    unit_sums(name, x, sums)
    xp = namespace(x)
    if 0 not in x.shape and bool(xp.min(x) < 0):
        raise _offence(name, x, x < 0, "is negative")


def unit_sums(name: str, x: Array, sums: Array) -> None:
    """The row sums of `x`, already computed, are 1; if not, say which entry or row offends."""
    xp = namespace(sums)
    ok = xp.abs(sums - 1) <= tolerances.UNIT_SUM[dtype_name(x)]
    if bool(xp.all(ok)):
        return
    finite(name, x)
    negative = x < 0
    if bool(xp.any(negative)):
        raise _offence(name, x, negative, "is negative")
    index = tuple(int(i) for i in np.argwhere(~to_numpy(ok))[0])
    total = to_numpy(sums)[index]
    raise ValueError(f"{name} of shape {tuple(x.shape)} must sum to 1 over its last axis; row {index} sums to {total}")


def uniform(name: str, x: Any, shape: tuple[int, ...]) -> None:
    """`x` holds uniform variates in [0, 1), one for each entry of `shape`."""
    real(name, x)
    same_shape(name, x, shape)
    bad = ~((x >= 0) & (x < 1))
    if bool(namespace(x).any(bad) if not is_exact(x) else bad.any()):
        raise _offence(name, x, bad, "is outside [0, 1)")


def same_shape(name: str, x: Array, shape: tuple[int, ...]) -> None:
    """`x` has exactly this shape."""
    if tuple(x.shape) != tuple(shape):
        raise ValueError(f"{name} has shape {tuple(x.shape)}, expected {tuple(shape)}")


def token_ids(name: str, x: Any, size: int, shape: tuple[int, ...] | None = None) -> None:
    """`x` holds integers in ``range(size)``, of this shape where one is given."""
    if not is_array(x):
        raise ValueError(f"{name} must be an integer array, not {type(x).__name__}")
    if not is_integer(x):
        raise ValueError(f"{name} of shape {tuple(x.shape)} must be integers, not {dtype_name(x)}")
    if shape is not None:
        same_shape(name, x, shape)
    bad = (x < 0) | (x >= size)
    if bool(namespace(x).any(bad)):
        raise _offence(name, x, bad, f"is outside range({size})")


def probability(name: str, value: Any) -> None:
    """`value` is a number, or an array of numbers, in [0, 1]."""
    if is_array(value):
        real(name, value)
        bad = ~((value >= 0) & (value <= 1))
        if bool(bad.any()):
            raise _offence(name, value, bad, "is outside [0, 1]")
    elif isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise ValueError(f"{name} must be a number in [0, 1], not {type(value).__name__}")
    elif not 0 <= value <= 1:
        raise ValueError(f"{name} must be in [0, 1], not {value}")


def same_library(names: str, *arrays: Array) -> None:
    """The arrays come from one library and, for rationals, none is rounded."""
    try:
        namespace(*arrays)
    except TypeError as error:
        raise ValueError(f"{names} must come from one array library: {error}") from None
    exact = {is_exact(a) for a in arrays if not is_integer(a)}
    if len(exact) > 1:
        raise ValueError(f"{names} mix rationals and floats; convert one side first")
