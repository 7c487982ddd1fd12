"""Pairs of a target and a drafter: made from text, or loaded, and captured."""
