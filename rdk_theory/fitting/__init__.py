"""Kernels fitted to contexts, and bounds on what any kernel can reach."""
