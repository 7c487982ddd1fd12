"""The claims of the package, one a file, and the registry that everything else reads."""

from rdk_theory.theorems._check import Outcome, Status, check_exhaustive, check_random
from rdk_theory.theorems._claim import Claim, Clause, Control, Hypothesis, Kind

__all__ = [
    "Claim",
    "Clause",
    "Control",
    "Hypothesis",
    "Kind",
    "Outcome",
    "Status",
    "check_exhaustive",
    "check_random",
]
