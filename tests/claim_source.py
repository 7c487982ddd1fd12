"""Claims' instances chosen, and shrunk, by Hypothesis."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from rdk_theory.theorems._source import Source


class HypothesisSource(Source):
    """Choices drawn from Hypothesis's `data`: rationals of one small denominator, or floats next to finer ones.

    Laws are the gaps between cuts, so that zeros, ties and point masses are common and shrinking ends at numbers that a
    person can read. Small denominators, because some roads solve a programme and read its vertex off floats.
    """

    def __init__(self, data, exact):
        self.data = data
        self.exact = exact
        self.denominator = data.draw(st.integers(1, 6 if exact else 1000), label="denominator")

    def _numerators(self, count):
        return self.data.draw(st.lists(st.integers(0, self.denominator), min_size=count, max_size=count))

    def size(self, low, high):
        return self.data.draw(st.integers(low, high))

    def pick(self, options):
        return options[self.data.draw(st.integers(0, len(options) - 1))]

    def distribution(self, size):
        cuts = [0, *sorted(self._numerators(size - 1)), self.denominator]
        return self.array([Fraction(int(n), self.denominator) for n in np.diff(cuts)])

    def weight(self):
        return self.number(Fraction(*self._numerators(1), self.denominator))

    def kept(self, size, least=1, most=None):
        order = self.data.draw(st.permutations(range(size)))
        return np.array(order[: self.data.draw(st.integers(least, size if most is None else most))])
