"""Language models made of n-gram counts: exact rows over a full vocabulary, in seconds, on any machine."""

from rdk_theory.counts.kneser_ney import KneserNey
from rdk_theory.counts.ngrams import MAX_SIZE, NGramTable

__all__ = ["MAX_SIZE", "KneserNey", "NGramTable"]
