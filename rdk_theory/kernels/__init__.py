"""Redistribution kernels, one a file."""

from rdk_theory.kernels.base import Kernel, Operations
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.kernels.rank_one import RankOne

__all__ = ["Embedding", "Kernel", "Operations", "RankOne"]
