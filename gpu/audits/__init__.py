"""Targets of `rdk audit` that need torch, transformers or an engine."""
