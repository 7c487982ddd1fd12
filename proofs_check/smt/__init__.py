"""Rung R3: the registry's own statements, run on unknown reals; z3 and cvc5 both prove every case."""
