"""The one file that knows about array libraries.

Everything else asks for a namespace and writes array-API code. Three kinds of array go through it:
numpy arrays, torch tensors on any device, and numpy object arrays of `fractions.Fraction`. The last
kind makes the same code exact: a claim checked on rationals checks the functions that users call.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias

import array_api_compat
import numpy as np

Array: TypeAlias = Any


def is_array(x: object) -> bool:
    """Tell whether `x` is an array of a supported library."""
    return bool(array_api_compat.is_array_api_obj(x))


def namespace(*arrays: Array) -> Any:
    """Array-API namespace shared by `arrays`; `TypeError` if the libraries differ.

    A sum over the only axis of a rational array is a bare `Fraction`; it counts as numpy.
    """
    return array_api_compat.array_namespace(
        *(np.asarray(a, dtype=object) if isinstance(a, Fraction) else a for a in arrays)
    )


def is_numpy(x: Array) -> bool:
    """Tell whether `x` is a numpy array."""
    return bool(array_api_compat.is_numpy_array(x))


def is_exact(x: Array) -> bool:
    """Tell whether `x` holds rationals, or is one, so that arithmetic on it has no rounding."""
    return isinstance(x, Fraction) or (is_numpy(x) and x.dtype == object)


def is_floating(x: Array) -> bool:
    """Tell whether `x` holds real floating-point numbers of any width."""
    return not is_exact(x) and bool(namespace(x).isdtype(x.dtype, "real floating"))


def is_integer(x: Array) -> bool:
    """Tell whether `x` holds integers (booleans are not integers)."""
    return not is_exact(x) and bool(namespace(x).isdtype(x.dtype, "integral"))


def dtype_name(x: Array) -> str:
    """Name of the dtype without the library: ``"float32"``, ``"bfloat16"``, ``"object"``."""
    return str(x.dtype).removeprefix("torch.")


def widen(x: Array) -> Array:
    """Lift 16-bit floats to float32, where sums over a vocabulary keep their digits."""
    if is_floating(x) and dtype_name(x) in ("float16", "bfloat16"):
        xp = namespace(x)
        return xp.astype(x, xp.float32)
    return x


def double(x: Array) -> Array:
    """Lift floats to float64; rationals stay as they are."""
    if is_exact(x):
        return x
    xp = namespace(x)
    return xp.astype(x, xp.float64, copy=False)


def cast_like(x: Array, like: Array) -> Array:
    """Bring `x` back to the dtype of `like`."""
    if is_exact(like) or x.dtype == like.dtype:
        return x
    return namespace(x).astype(x, like.dtype)


def zeros(shape: tuple[int, ...], like: Array) -> Array:
    """Zeros with the library, dtype and device of `like`."""
    if is_exact(like):
        return np.full(shape, Fraction(0), dtype=object)
    return namespace(like).zeros(shape, dtype=like.dtype, device=array_api_compat.device(like))


def constant(value: Any, like: Array) -> Array:
    """A scalar array with the library, dtype and device of `like`."""
    if is_exact(like):
        return np.asarray(Fraction(value), dtype=object)
    return namespace(like).asarray(value, dtype=like.dtype, device=array_api_compat.device(like))


def index_like(ids: Array, like: Array) -> Array:
    """Integer ids of any library as an index array beside `like`."""
    if is_numpy(like):
        return to_numpy(ids)
    if is_numpy(ids) and not ids.flags.writeable:
        ids = ids.copy()  # torch shares memory and refuses what it may not write
    return namespace(like).asarray(ids, device=array_api_compat.device(like))


def floats_like(values: np.ndarray, like: Array) -> Array:
    """Numbers kept by numpy, as an array with the library, dtype and device of `like`."""
    if is_exact(like):
        return values if values.dtype == object else to_fractions(values)
    if values.dtype == object:
        values = values.astype(np.float64)
    if is_numpy(like):
        return values.astype(like.dtype, copy=False)
    return namespace(like).asarray(values, dtype=like.dtype, device=array_api_compat.device(like))


def to_fractions(values: np.ndarray) -> np.ndarray:
    """Every float as the rational that it is exactly."""
    flat = [Fraction(v) if not isinstance(v, Fraction) else v for v in values.ravel().tolist()]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(values.shape)


def to_numpy(x: Array) -> np.ndarray:
    """`x` on the host as numpy; bfloat16, which numpy lacks, becomes float32."""
    if isinstance(x, bool | Fraction) or is_numpy(x):
        return np.asarray(x)
    if dtype_name(x) == "bfloat16":
        x = widen(x)
    return np.asarray(x.detach().cpu())


def gather_last(x: Array, index: Array) -> Array:
    """`x[..., index]` with one index per batch entry: shapes ``(..., N)``, ``(...)`` to ``(...)``."""
    return namespace(x).take_along_axis(x, index[..., None], axis=-1)[..., 0]


def gather_axis(x: Array, index: Array, axis: int) -> Array:
    """`take_along_axis`, which the array API and both libraries share under this name."""
    return namespace(x).take_along_axis(x, index, axis=axis)


def add_at(out: Array, index: Array, values: Array) -> None:
    """Add `values` to ``out[..., index]`` in place; an index that occurs more than once adds each of its values."""
    if is_numpy(out):
        np.add.at(out, (..., index), values)  # type: ignore[arg-type]
    else:
        out.index_add_(-1, index, values)


def broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    """`x` broadcast to `shape`."""
    return namespace(x).broadcast_to(x, shape)


def convert(x: Array, like: Array) -> Array:
    """`x` with the library, dtype and device of `like`; no copy where it has them."""
    if is_exact(x) != is_exact(like):
        raise ValueError("rationals and floats are mixed; convert one side first")
    if is_numpy(x):
        return floats_like(np.asarray(x), like)
    if is_numpy(like):
        return to_numpy(x).astype(like.dtype, copy=False)
    return x.to(device=like.device, dtype=like.dtype)


def look_up(table: np.ndarray, index: Array) -> Array:
    """``table[index]`` for an integer table kept by numpy and ids of any shape and library."""
    return index_like(table, index)[index]


def add_axis(x: Array) -> Array:
    """``x[..., None]``, also for the bare `Fraction` that numpy gives for a rational array without axes."""
    return (np.asarray(x, dtype=object) if isinstance(x, Fraction) else x)[..., None]
