"""The best context-free kernel: against HiGHS where HiGHS can, and at the scale of real vocabularies.

    python tests/bench/optimal_kernel.py highs [--seconds 200]
    python tests/bench/optimal_kernel.py capture FOLDER [--contexts 20000] [--bfloat16] [--test FOLDER]
    python tests/bench/optimal_kernel.py synthetic [--size 131072] [--kept 4096] [--contexts 4096] [--bfloat16]

Each row says what was asked, the certified gap, seconds (of the clock, and of processor in the whole process) and
peak memory. ``capture`` takes a folder that ``rdk pair capture`` wrote, and reads its calibration contexts; with
``--test``, TLI and the kernel in the test contexts of another. ``synthetic`` makes rows anew at each pass, of targets
and drafts that share a low-rank head.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from rdk_theory import Vocabulary, restrict
from rdk_theory.captures import CALIBRATION, TEST, open_capture
from rdk_theory.fitting._optimal_sparse import acceptances, shrunk
from rdk_theory.fitting.optimal import fit_optimal
from rdk_theory.fitting.optimal_streamed import FromCapture, fit_streamed

SIZES = ((100, 40, 8), (150, 60, 8), (200, 80, 10), (300, 100, 10), (400, 120, 12), (500, 150, 12))
"""Contexts, tokens and kept tokens of programmes for HiGHS."""


def programme(p: np.ndarray, q: np.ndarray) -> dict[str, object]:
    """Arguments of `linprog`: the kernel, and the overlap of every context and token."""
    (count, size), kept = p.shape, q.shape[1]
    overlap = sp.eye_array(count * size)
    sums = sp.kron(sp.eye_array(kept), np.ones((1, size)))
    most = np.concatenate([np.ones(kept * size), p.ravel()])
    return {
        "c": np.concatenate([np.zeros(kept * size), np.full(count * size, -1 / count)]),
        "A_ub": sp.hstack([-sp.kron(sp.csr_array(q), sp.eye_array(size)), overlap]).tocsr(),
        "b_ub": np.zeros(count * size),
        "A_eq": sp.hstack([sums, sp.csr_array((kept, count * size))]).tocsr(),
        "b_eq": np.ones(kept),
        "bounds": np.stack([np.zeros_like(most), most], axis=1),
    }


def against_highs(limit: float) -> None:
    for count, size, kept in SIZES:
        rng = np.random.default_rng(count)
        p = rng.dirichlet(np.full(size, 0.2), count)
        vocab = Vocabulary(size, np.argsort(-p.mean(axis=0))[:kept])
        q = restrict(0.6 * p + 0.4 * rng.dirichlet(np.full(size, 0.2), count), vocab)
        times = []
        for _ in range(3):
            began = time.perf_counter()
            fit = fit_optimal(p, q, vocab)
            times.append(time.perf_counter() - began)
        arguments = programme(p, q)
        for method in ("highs", "highs-ipm"):
            began = time.perf_counter()
            found = linprog(**arguments, method=method, options={"time_limit": limit})
            took = time.perf_counter() - began
            apart = abs(-found.fun - fit.acceptance) if found.status == 0 else float("nan")
            print(
                f"{count}x{size}x{kept} {method}: {took:.2f} s, fit {min(times):.4f} s, ratio {took / min(times):.0f}, "
                f"apart {apart:.1e}, certified gap {fit.gap:.1e}",
                flush=True,
            )


class Synthetic:
    """Zipf-like rows with a low-rank part, and a drafter that sees it through noise; the same at each pass."""

    def __init__(self, size: int, contexts: int, vocab: Vocabulary, width: int = 32) -> None:
        self._contexts, self._vocab = contexts, vocab
        rng = np.random.default_rng(0)
        self._head = rng.normal(size=(width, size)).astype(np.float32)
        self._bias = -np.log(np.arange(1, size + 1)).astype(np.float32)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, self._contexts, 128):
            rng = np.random.default_rng(start + 1)
            state = rng.normal(size=(min(128, self._contexts - start), self._head.shape[0])).astype(np.float32)
            noise = rng.normal(size=state.shape).astype(np.float32)
            p = self._law(0.5 * state)
            yield p, restrict(self._law(0.4 * state + 0.25 * noise), self._vocab)

    def _law(self, state: np.ndarray) -> np.ndarray:
        logits = state @ self._head + self._bias
        np.exp(logits - logits.max(axis=1, keepdims=True), out=logits)
        return logits / logits.sum(axis=1, keepdims=True)


def report(fit, began: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"contexts {fit.contexts} ({fit.distinct} distinct), acceptance {fit.acceptance:.5f}, bound "
        f"{fit.upper_bound:.5f}, gap {fit.gap:.5f}, steps {fit.steps}, entries {fit.kernel.nnz}, "
        f"{time.perf_counter() - began:.0f} s ({time.process_time():.0f} s of processor), {memory:.2f} GiB",
        flush=True,
    )


def at_scale(args: argparse.Namespace) -> None:
    began = time.perf_counter()
    if args.what == "synthetic":
        vocab = Vocabulary(args.size, np.arange(args.kept))
        source = Synthetic(args.size, args.contexts, vocab)
    else:
        capture = open_capture(args.folder)
        size = capture.vocab_sizes[0]
        vocab = Vocabulary(size, np.argsort(-capture.train_counts, kind="stable")[: size // 10])
        numbers = np.flatnonzero(capture.split == CALIBRATION)
        source = FromCapture(capture, vocab, np.random.default_rng(0).permutation(numbers)[: args.contexts])
    fit = fit_streamed(
        source,
        vocab,
        steps=args.steps,
        tolerance=args.tolerance,
        rare=args.rare,
        support=args.support,
        bfloat16=args.bfloat16,
    )
    report(fit, began)
    print(f"TLI {acceptances(source, shrunk(fit.kernel, 1.0), [0.0])[0]:.5f} in the contexts of the fit")
    if args.what == "capture" and args.test:
        other = open_capture(args.test)
        held = FromCapture(other, vocab, np.flatnonzero(other.split == TEST))
        values = acceptances(held, fit.kernel, [0.0, 0.25, 0.5, 1.0])
        print("held-out, with 0, 1/4, 1/2 and all of TLI:", " ".join(f"{value:.5f}" for value in values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="what", required=True)
    highs = kinds.add_parser("highs")
    highs.add_argument("--seconds", type=float, default=200.0, help="limit for HiGHS")
    for kind in ("capture", "synthetic"):
        scale = kinds.add_parser(kind)
        scale.add_argument("--steps", type=int, default=60)
        scale.add_argument("--tolerance", type=float, default=1e-2)
        scale.add_argument("--rare", type=float)
        scale.add_argument("--support", type=int, default=256, help="entries a row; what more would gain is in the gap")
        scale.add_argument("--bfloat16", action="store_true")
        scale.add_argument("--contexts", type=int, default=20_000 if kind == "capture" else 4096)
        if kind == "capture":
            scale.add_argument("folder")
            scale.add_argument("--test")
        else:
            scale.add_argument("--size", type=int, default=131_072)
            scale.add_argument("--kept", type=int, default=4096)
    args = parser.parse_args()
    if args.what == "highs":
        against_highs(args.seconds)
    else:
        at_scale(args)


if __name__ == "__main__":
    main()
