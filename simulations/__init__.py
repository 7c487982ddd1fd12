"""Experiments on synthetic ensembles, one a file: parameters to tidy table to figure."""
