"""Redistribution kernels, one a file."""

from rdk_theory.kernels._column_file import store_columns
from rdk_theory.kernels.backed_off import BackedOff
from rdk_theory.kernels.base import Kernel, Operations
from rdk_theory.kernels.dense import Dense
from rdk_theory.kernels.diffusion import Diffusion
from rdk_theory.kernels.embedding import Embedding
from rdk_theory.kernels.files import load_kernel, save_kernel
from rdk_theory.kernels.first_order import FirstOrderSoftmax, softmax_first_order_bound
from rdk_theory.kernels.first_order_diffusion import FirstOrderDiffusion
from rdk_theory.kernels.gated_priors import GatedPriors
from rdk_theory.kernels.low_rank import LowRank
from rdk_theory.kernels.rank_one import RankOne
from rdk_theory.kernels.softmax_covariance import SoftmaxCovariance
from rdk_theory.kernels.sparse import Sparse
from rdk_theory.kernels.stored_columns import StoredColumns

__all__ = [
    "BackedOff",
    "Dense",
    "Diffusion",
    "Embedding",
    "FirstOrderDiffusion",
    "FirstOrderSoftmax",
    "GatedPriors",
    "Kernel",
    "LowRank",
    "Operations",
    "RankOne",
    "SoftmaxCovariance",
    "Sparse",
    "StoredColumns",
    "load_kernel",
    "save_kernel",
    "softmax_first_order_bound",
    "store_columns",
]
