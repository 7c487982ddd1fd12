"""Torch code: model pairs and the capture of their logits, fused operations, generation."""
