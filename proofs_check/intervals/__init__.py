"""Rung R5: exponentials and logarithms over whole ranges, in interval arithmetic (Arb)."""
