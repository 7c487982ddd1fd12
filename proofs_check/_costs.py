"""The package's own functions of what each kind of kernel costs, by the names of ``linear-cost``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rdk_theory.kernels import (
    Dense,
    Embedding,
    FirstOrderDiffusion,
    FirstOrderSoftmax,
    LowRank,
    Operations,
    RankOne,
    Sparse,
)

COSTS: dict[str, Callable[[Any, Any, Any, Any], Operations]] = {
    "embedding": lambda N, K, R, e: Embedding.cost(N, K),
    "rank-one": lambda N, K, R, e: RankOne.cost(N, K),
    "dense": lambda N, K, R, e: Dense.cost(N, K),
    "sparse": lambda N, K, R, e: Sparse.cost(N, K, K * e),
    "low rank": lambda N, K, R, e: LowRank.cost(N, K, R),
    "first-order softmax": lambda N, K, R, e: FirstOrderSoftmax.cost(N, K),
    "first-order softmax, factor": lambda N, K, R, e: FirstOrderSoftmax.cost(N, K, R),
    "first-order softmax, diagonal": lambda N, K, R, e: FirstOrderSoftmax.cost(N, K, diagonal=True),
    "first-order diffusion": lambda N, K, R, e: FirstOrderDiffusion.cost(N, K),
    "first-order diffusion, sparse": lambda N, K, R, e: FirstOrderDiffusion.cost(N, K, K * e),
}
"""Of the sizes ``N``, ``K``, ``R`` and `e`, the entries stored in a row."""
