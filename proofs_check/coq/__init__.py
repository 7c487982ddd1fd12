"""Rung R6: theorems for every vocabulary size, checked by the kernel of Coq."""
