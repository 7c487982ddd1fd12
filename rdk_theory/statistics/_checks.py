"""Arguments that the functions of this folder share."""

from __future__ import annotations

from typing import Any

import numpy as np

from rdk_theory import validation
from rdk_theory._array import is_exact, is_integer, is_numpy


def level(name: str, value: Any) -> None:
    """`value` is a number strictly between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value < 1:
        raise ValueError(f"{name} must be a number strictly between 0 and 1, not {value!r}")


def count(name: str, value: Any, least: int) -> None:
    """`value` is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, not {value!r}")


def host_values(name: str, values: Any) -> np.ndarray:
    """Finite numpy floats, as float64."""
    validation.finite(name, values)
    if not is_numpy(values) or is_exact(values):
        raise ValueError(f"{name} must be a numpy array of floats: what was measured is on the host by now")
    return np.asarray(values, dtype=np.float64)


def host_counts(name: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Numpy integers of this shape, none negative, as int64."""
    if not isinstance(values, np.ndarray) or not is_integer(values):
        raise ValueError(f"{name} must be a numpy array of integers")
    validation.same_shape(name, values, shape)
    if bool((values < 0).any()):
        at = tuple(int(i) for i in np.argwhere(values < 0)[0])
        raise ValueError(f"{name} of shape {values.shape} is negative at index {at}: {values[at]}")
    return values.astype(np.int64)


def by_document(documents: Any, contexts: int) -> tuple[np.ndarray, np.ndarray]:
    """For each context the place of its document, and for each of at least two documents its number of contexts."""
    if not isinstance(documents, np.ndarray) or not is_integer(documents):
        raise ValueError("documents must be a numpy array of integers, one id for each context")
    validation.same_shape("documents", documents, (contexts,))
    _, place, sizes = np.unique(documents, return_inverse=True, return_counts=True)
    if sizes.size < 2:
        raise ValueError(
            f"documents of shape {documents.shape} holds {sizes.size} document(s): contexts of one document are not "
            "independent, so at least two are needed"
        )
    return place, sizes


def document_sums(values: np.ndarray, place: np.ndarray, documents: int) -> np.ndarray:
    """Sum of `values` ``(contexts, columns)`` over each document: ``(documents, columns)``."""
    return np.stack([np.bincount(place, weights=column, minlength=documents) for column in values.T], axis=-1)
