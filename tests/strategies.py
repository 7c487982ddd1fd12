"""The strategies of the package, and edge cases by name."""

import numpy as np

from rdk_theory.audit.strategies import (
    EDGE_UNIFORMS,
    KERNELS,
    LARGEST_BELOW_ONE,
    batches,
    distributions,
    drafted_instances,
    kernels,
    pairs,
    rational_distributions,
    rational_pairs,
    sizes,
    uniforms,
    vocabularies,
)

__all__ = [
    "EDGE_PAIRS",
    "EDGE_UNIFORMS",
    "KERNELS",
    "LARGEST_BELOW_ONE",
    "batches",
    "distributions",
    "drafted_instances",
    "float32_sum_below_one",
    "kernels",
    "pairs",
    "rational_distributions",
    "rational_pairs",
    "sizes",
    "uniforms",
    "vocabularies",
]

# Edge cases by name


def _row(*values):
    return np.array(values, dtype=np.float64)


EDGE_PAIRS = {
    "one token": (_row(1), _row(1)),
    "target equals proposal": (_row(0.2, 0.3, 0.5), _row(0.2, 0.3, 0.5)),
    "disjoint supports": (_row(0.5, 0.5, 0, 0), _row(0, 0, 0.25, 0.75)),
    "ties at some tokens": (_row(0.25, 0.25, 0.5, 0), _row(0.25, 0.5, 0.25, 0)),
    "zero weight first and last": (_row(0, 0.4, 0.6, 0), _row(0, 0.7, 0.3, 0)),
    "same point mass": (_row(0, 1, 0), _row(0, 1, 0)),
    "other point mass": (_row(0, 1, 0), _row(1, 0, 0)),
    "target a point mass": (_row(0, 1, 0), _row(0.5, 0.25, 0.25)),
    "proposal a point mass": (_row(0.5, 0.25, 0.25), _row(0, 1, 0)),
    "last bit apart": (_row(0.5, 0.5), _row(np.nextafter(0.5, 1), np.nextafter(0.5, 0))),
    "subnormal tie": (_row(5e-324, 1), _row(5e-324, 1)),
    "subnormal proposal": (_row(0.5, 0.5), _row(5e-324, 1)),
    "subnormal target": (_row(5e-324, 1), _row(0.5, 0.5)),
}
"""Targets and proposals on which rounding, zeros or ties could go wrong."""


def float32_sum_below_one(size=5_000):
    """A float32 row whose running sum in float32 ends visibly below 1, though the row sums to 1."""
    row = np.full(size, 1 / size, dtype=np.float32)
    row[0] += np.float32(1 - row.astype(np.float64).sum())
    return row
