"""Fused operations on a device: each in a folder, with a plain version in torch that says what it computes."""
