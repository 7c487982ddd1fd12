"""The main job: check the claims, run the simulations, measure a pair, and write one page about it."""
