"""Kernels fitted to contexts, and bounds on what any kernel can reach."""

from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.cold_weight import ColdWeight, cold_share, fit_cold_weight
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.kept_by_acceptance import highest_acceptance
from rdk_theory.fitting.optimal import OptimalFit, fit_optimal
from rdk_theory.fitting.prior import ColdMassRankOne, MixedFit, cold_prior, exact_cold_mass_weight, fit_rank_one
from rdk_theory.fitting.safety import Certifiable, Safe, reach, safe
from rdk_theory.fitting.validated import ValidatedFit, fit_validated

__all__ = [
    "Certifiable",
    "ColdMassRankOne",
    "ColdWeight",
    "MixedFit",
    "OptimalFit",
    "Safe",
    "ValidatedFit",
    "cold_prior",
    "cold_share",
    "exact_cold_mass_weight",
    "fit_cold_weight",
    "fit_cooccurrence",
    "fit_optimal",
    "fit_rank_one",
    "fit_validated",
    "highest_acceptance",
    "reach",
    "safe",
    "upper_bound",
]
