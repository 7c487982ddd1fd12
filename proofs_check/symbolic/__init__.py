"""Rung R4: identities, derivatives and counts with symbolic sizes and parameters (SymPy)."""
