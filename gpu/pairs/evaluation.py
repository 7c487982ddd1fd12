"""How good a pair is on documents that neither model has seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gpu.pairs.corpus import Corpus
from gpu.pairs.windows import Sampler, Window
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.runs import progress

CONTEXTS = 2_048

Rows = Callable[[Window], tuple[np.ndarray, np.ndarray]]
"""Target and draft distributions in the contexts of a window."""


def evaluate(corpus: Corpus, train_share: float, sampler: Sampler, rows: Rows) -> dict[str, float | int]:
    """Means over contexts of test documents, of a pair that shares a tokenizer.

    Returns
    -------
    ``target_cross_entropy`` and ``draft_cross_entropy`` (nats a token), ``acceptance`` (``Σ min(p, q)``,
    nothing pruned), and the numbers of contexts and documents.

    Raises
    ------
    ValueError
        If no test document is long enough for one context.
    """
    sums = np.zeros(3)
    contexts = documents = 0
    for number in progress(corpus.shuffled("test", train_share, sampler.seed), "evaluating"):
        window = sampler.window(corpus.documents[number], corpus.digests[number])
        if window is None:
            continue
        p, q = rows(window)
        true = [x[np.arange(len(x)), window.next_ids].astype(np.float64) for x in (p, q)]
        sums += [-np.log(true[0]).sum(), -np.log(true[1]).sum(), acceptance_rate(p, q).sum()]
        contexts, documents = contexts + len(p), documents + 1
        if contexts >= CONTEXTS:
            break
    if not contexts:
        raise ValueError(f"corpus {corpus.name} has no test document long enough for a context")
    names = ("target_cross_entropy", "draft_cross_entropy", "acceptance")
    return {**dict(zip(names, (sums / contexts).tolist(), strict=True)), "contexts": contexts, "documents": documents}
