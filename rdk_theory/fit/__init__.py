"""Fit one kernel to a capture and keep it: a file that loads anywhere, and what it gains on other documents."""
