"""Shape annotations shared by the package.

`Real[Array, "*batch N"]` is an array of real numbers (any float width, or rationals) whose last axis is
a vocabulary; `Ids[Array, "..."]` one of integers. The test suite enforces them; at run time they are inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Annotated as Flags
    from typing import Annotated as Ids
    from typing import Annotated as Real
else:
    from jaxtyping import AbstractDtype
    from jaxtyping import Bool as Flags
    from jaxtyping import Int as Ids

    class Real(AbstractDtype):
        """Floats of any width, or exact rationals."""

        dtypes = ["float16", "bfloat16", "float32", "float64", "object"]


__all__ = ["Flags", "Ids", "Real"]
