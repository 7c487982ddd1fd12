"""Which tokens a pruned drafter keeps: the highest scores, or a list in a file.

Scores in use: how often a token occurs in text (VocabTrim 2506.22694, FR-Spec 2502.14856), the mean over contexts of
the target's probability of it, or the variance of that probability (the authors' later experiments with RDK).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import Array, is_array, to_numpy
from rdk_theory._types import Ids, Real


def kept_size(fraction: float, size: int) -> int:
    """``K`` for a kept share of a vocabulary of `size` tokens: the nearest integer, at least 1."""
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction <= 1:
        raise ValueError(f"fraction must be in (0, 1], not {fraction!r}")
    return max(1, round(fraction * size))


def highest(scores: Any, count: int, candidates: Any = None, ties: Any = None) -> Ids[np.ndarray, "K"]:
    """The `count` tokens with the highest scores, ascending.

    Parameters
    ----------
    scores
        One finite number for each token, shape ``(N,)``: counts, mean probabilities, variances.
    count
        ``K``, from 1 to the number of candidates.
    candidates
        Ids among which to choose, for a drafter that shares only these with the target. Default: all.
    ties
        Decides between tokens of equal score, as scores do; what is equal there too goes by id, the lower first.

    Raises
    ------
    ValueError
        If a score is not finite, the shapes differ, or `count` leaves its range.
    """
    table = _scores("scores", scores)
    second = np.zeros_like(table) if ties is None else _scores("ties", ties)
    validation.same_shape("ties", second, table.shape)
    ids = np.arange(table.size) if candidates is None else to_numpy(candidates)
    validation.token_ids("candidates", ids, table.size)
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 1 <= count <= ids.size:
        raise ValueError(f"count must be an integer in 1..{ids.size}, not {count!r}")
    order = np.lexsort((ids, -second[ids], -table[ids]))
    return np.sort(ids[order[:count]])


def mean_probability(targets: Real[Array, "C N"]) -> Real[np.ndarray, "N"]:
    r"""Mean over contexts of the target's probability of each token, :math:`\mathrm E\,p_t`."""
    validation.distribution("targets", targets)
    return to_numpy(targets).mean(axis=0, dtype=np.float64)


def variance(targets: Real[Array, "C N"]) -> Real[np.ndarray, "N"]:
    r"""Variance over contexts of the target's probability of each token, :math:`\mathrm{Var}\,p_t`."""
    validation.distribution("targets", targets)
    rows = to_numpy(targets)
    mean = rows.mean(axis=0, dtype=np.float64)
    total = np.zeros(mean.shape)
    for row in rows:  # one row at a time: the centred array is never held
        total += (row - mean) ** 2
    return total / rows.shape[0]


def read_ids(path: str | Path, size: int) -> Ids[np.ndarray, "K"]:
    """Token ids from a file, in the order in which they stand there.

    Parameters
    ----------
    path
        ``.npy`` (a row of integers; nothing is unpickled), ``.json`` (a list), or ``.txt`` (one id a line).
    size
        ``N``.

    Raises
    ------
    ValueError
        Naming the file, if it is missing, of another form or empty, or holds an id twice or outside ``range(size)``.
    """
    file = Path(path)
    readers = {".npy": _npy, ".json": _json, ".txt": _txt}
    if file.suffix not in readers:
        raise ValueError(f"{file} must be a .npy, .json or .txt file of token ids")
    try:
        ids = readers[file.suffix](file)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror or error}") from None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{file} is not a list of token ids: {error}") from None
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or not ids.size:
        raise ValueError(f"{file} must hold one row of integers, not {ids.dtype} of shape {ids.shape}")
    outside = np.flatnonzero((ids < 0) | (ids >= size))
    if outside.size:
        raise ValueError(f"{file} has id {ids[outside[0]]} outside range({size}) at index ({outside[0]},)")
    if np.unique(ids).size != ids.size:
        values, counts = np.unique(ids, return_counts=True)
        raise ValueError(f"{file} repeats id {values[counts > 1][0]}")
    return ids.astype(np.int64)


def _npy(file: Path) -> np.ndarray:
    try:
        array = np.load(file, allow_pickle=False)
    except EOFError as error:
        raise ValueError(str(error)) from None
    if not isinstance(array, np.ndarray):
        raise ValueError("it holds several arrays")
    return array


def _json(file: Path) -> np.ndarray:
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, list) or not all(isinstance(i, int) and not isinstance(i, bool) for i in content):
        raise ValueError("it is no JSON list of integers")
    return np.asarray(content, dtype=np.int64)


def _txt(file: Path) -> np.ndarray:
    lines = file.read_text(encoding="utf-8").split()
    return np.asarray([int(line) for line in lines], dtype=np.int64)


def _scores(name: str, scores: Any) -> np.ndarray:
    """One finite number a token, as float64 or int64."""
    array = to_numpy(scores) if is_array(scores) else np.asarray(scores)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be one row of numbers, not {array.dtype} of shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(f"{name} of shape {array.shape} is not finite at index ({bad[0]},): {array[bad[0]]}")
    return array
