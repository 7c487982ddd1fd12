"""Kernels fitted to contexts, and bounds on what any kernel can reach."""

from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.cold_weight import ColdWeight, cold_share, fit_cold_weight
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.optimal import OptimalFit, fit_optimal
from rdk_theory.fitting.prior import ColdMassRankOne, MixedFit, cold_prior, exact_cold_mass_weight, fit_rank_one
from rdk_theory.fitting.safety import Safe, reach, safe

__all__ = [
    "ColdMassRankOne",
    "ColdWeight",
    "MixedFit",
    "OptimalFit",
    "Safe",
    "cold_prior",
    "cold_share",
    "exact_cold_mass_weight",
    "fit_cold_weight",
    "fit_cooccurrence",
    "fit_optimal",
    "fit_rank_one",
    "reach",
    "safe",
    "upper_bound",
]
