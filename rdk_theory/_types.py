"""Shape annotations shared by the package.

`Real[Array, "*batch N"]` is an array of real numbers (any float width, or rationals) whose last axis is
a vocabulary; `Ids[Array, "..."]` one of integers. The test suite enforces them; at run time they are inert.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Annotated as Flags
    from typing import Annotated as Ids
    from typing import Annotated as Real
else:
    from jaxtyping import AbstractDtype
    from jaxtyping import Bool as Flags
    from jaxtyping import Integer as Ids

    class _Real(AbstractDtype):
        """Floats of any width, or exact rationals; numpy's scalar type of `object` is named ``object_``."""

        dtypes = ["float16", "bfloat16", "float32", "float64", "object_"]

    class Real:
        """An array of real numbers, or the bare `Fraction` that numpy gives for a rational array of no axes."""

        def __class_getitem__(cls, item: Any) -> Any:
            """``Real[Array, "*batch N"]``: the array type, then the shape."""
            return _Real[item] | Fraction


__all__ = ["Flags", "Ids", "Real"]
