"""Rungs R1 and R2: rationals; linear programmes with duals that are re-checked exactly."""
