"""Machine proofs of the claims of `rdk_theory.theorems`."""
