"""Kernels fitted to contexts, and bounds on what any kernel can reach."""

from rdk_theory.fitting.certificate import upper_bound
from rdk_theory.fitting.cold_head import CalibratedHead, ContextualHead, calibrate_head
from rdk_theory.fitting.cold_head_cost import HeadCost
from rdk_theory.fitting.cold_head_low_rank import LowRankHead
from rdk_theory.fitting.cold_head_refined import refine_head
from rdk_theory.fitting.cold_weight import ColdWeight, cold_share, fit_cold_weight
from rdk_theory.fitting.cooccurrence import fit_cooccurrence
from rdk_theory.fitting.gated_priors import Gated, fit_gated_priors
from rdk_theory.fitting.kept_by_acceptance import highest_acceptance
from rdk_theory.fitting.mass_weight import MassWeight, fit_mass_weight
from rdk_theory.fitting.optimal import OptimalFit, fit_optimal
from rdk_theory.fitting.optimal_streamed import FromCapture, InMemory, StreamedFit, fit_streamed
from rdk_theory.fitting.prior import ColdMassRankOne, MixedFit, cold_prior, exact_cold_mass_weight, fit_rank_one
from rdk_theory.fitting.safety import Certifiable, Safe, reach, safe
from rdk_theory.fitting.shortlist import ShortlistHead
from rdk_theory.fitting.validated import ValidatedFit, fit_validated

__all__ = [
    "CalibratedHead",
    "Certifiable",
    "ColdMassRankOne",
    "ColdWeight",
    "ContextualHead",
    "FromCapture",
    "Gated",
    "HeadCost",
    "InMemory",
    "LowRankHead",
    "MassWeight",
    "MixedFit",
    "OptimalFit",
    "Safe",
    "ShortlistHead",
    "StreamedFit",
    "ValidatedFit",
    "calibrate_head",
    "cold_prior",
    "cold_share",
    "exact_cold_mass_weight",
    "fit_cold_weight",
    "fit_cooccurrence",
    "fit_gated_priors",
    "fit_mass_weight",
    "fit_optimal",
    "fit_rank_one",
    "fit_streamed",
    "fit_validated",
    "highest_acceptance",
    "reach",
    "refine_head",
    "safe",
    "upper_bound",
]
