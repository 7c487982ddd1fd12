"""The audit's own controls: samplers with one realistic bug each, and correct ones that work in unusual ways."""

from rdk_theory.audit.zoo.correct import CORRECT
from rdk_theory.audit.zoo.entries import Entry
from rdk_theory.audit.zoo.generation import GENERATION_MUTANTS
from rdk_theory.audit.zoo.sampling import SAMPLER_MUTANTS
from rdk_theory.audit.zoo.verification import CHAIN_MUTANTS

MUTANTS: tuple[Entry, ...] = (*CHAIN_MUTANTS, *SAMPLER_MUTANTS, *GENERATION_MUTANTS)
"""Every wrong sampler."""

__all__ = ["CORRECT", "MUTANTS", "Entry"]
