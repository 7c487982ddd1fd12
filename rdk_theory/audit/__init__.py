"""Audit: is a speculative sampler lossless? For implementations of any engine, behind an adapter of a few lines."""

from rdk_theory.audit.adapters import Adapter, Sampled, ToyModel, resolve
from rdk_theory.audit.engine import Check
from rdk_theory.audit.verdict import Audit, audit

__all__ = ["Adapter", "Audit", "Check", "Sampled", "ToyModel", "audit", "resolve"]
