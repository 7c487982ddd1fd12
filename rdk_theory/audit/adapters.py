"""What an implementation must look like to be audited: one function of a few lines, of one of four kinds."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, NamedTuple, Protocol, cast, get_args, runtime_checkable

import numpy as np

Kind = Literal["token", "chain", "sampler", "generate", "experiments"]

GROUP = "rdk.audit"
"""Entry points of built-in targets: ``name = "module:ADAPTER"``."""

PARAMETERS: dict[str, tuple[str, ...]] = {
    "token": ("target", "proposal", "drafted", "rng"),
    "chain": ("targets", "proposals", "drafted", "rng"),
    "sampler": ("target_logits", "draft_logits", "kept", "rng"),
    "generate": ("target", "drafter", "prompt", "length", "count", "rng"),
}
"""Positional parameters of each kind whose functions are told apart by their names."""


class Sampled(NamedTuple):
    """What a ``sampler`` may return in place of the tokens alone, for more to be audited."""

    tokens: np.ndarray
    """Emitted tokens, ``(B,)``."""
    drafted: np.ndarray | None = None
    """Drafted target ids, ``(B,)``."""
    reported: np.ndarray | None = None
    """The law over target ids from which each is said to have been drawn, ``(B, N)``."""


@runtime_checkable
class ToyModel(Protocol):
    """A language model of the audit: a row of logits after each text."""

    kept: np.ndarray
    """``(K,)``: the target id of each logit."""

    def __call__(self, texts: np.ndarray) -> np.ndarray:
        """Logits ``(B, K)`` of the tokens ``kept`` after texts ``(B, length)`` of target ids, two at least."""
        ...


@dataclass(frozen=True)
class Adapter:
    """An implementation under audit.

    Attributes
    ----------
    name
        How it is called in the verdict.
    kind
        ``"token"``
            ``f(target (B, N), proposal (B, N), drafted (B,), rng) -> (token (B,), accepted (B,))``: verify one token
            that was drawn from ``proposal``.
        ``"chain"``
            ``f(targets (B, γ+1, N), proposals (B, γ, N), drafted (B, γ), rng) -> (tokens (B, γ+1), accepted (B,))``:
            verify a chain, token by token or as a block. ``tokens`` beyond the emitted ones are −1; a row may hold
            the accepted tokens alone, without one more from the target.
        ``"sampler"``
            ``f(target_logits (B, N), draft_logits (B, K), kept (K,), rng) -> tokens (B,)`` or `Sampled`: draft from a
            pruned head whose entry ``k`` is the logit of target token ``kept[k]``, verify, emit one token.
        ``"generate"``
            ``f(target, drafter, prompt (L,), length, count, rng) -> tokens (count, length)``: whole generation with
            two models (`ToyModel`); ``drafter.kept`` maps its ids to the target's.
        ``"experiments"``
            ``f() -> iterable of rdk_theory.audit.experiments.Experiment``: draws of any origin, whose law is known.
    function
        It takes and returns numpy arrays; −inf is a legal logit; `rng` is a ``numpy.random.Generator`` that must be
        the only source of randomness, for instance by seeding another generator from it.
    dtypes
        Widths of the laws that are handed over.
    batch
        Most rows in one call.
    smallest
        Least total variation that is looked for, where the implementation is too slow for the audit's own.
    """

    name: str
    kind: Kind
    function: Callable[..., Any]
    dtypes: tuple[str, ...] = ("float64",)
    batch: int = 1 << 15
    smallest: float | None = None


def resolve(target: str) -> Adapter:
    """The adapter that ``module:function`` or a built-in name stands for.

    A function may carry the attributes ``kind``, ``dtypes``, ``batch`` and ``smallest``; without a kind it is told by
    the names of its parameters (`PARAMETERS`).

    Raises
    ------
    ValueError
        If there is no such name, module or function, or its kind cannot be told.
    """
    if ":" not in target:
        names = built_in()
        if target not in names:
            raise ValueError(f"no built-in target {target!r}; there are {', '.join(names)}, or give module:function")
        (entry,) = metadata.entry_points(group=GROUP, name=target)
        loaded = entry.load()
        return loaded if isinstance(loaded, Adapter) else as_adapter(loaded, target)
    module, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            raise  # the module is there; something that it imports is not
        raise ValueError(f"there is no module {module!r} on the path: {error}") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ValueError(f"module {module!r} has no {attribute!r}")
        found = getattr(found, part)
    return found if isinstance(found, Adapter) else as_adapter(found, target)


def built_in() -> list[str]:
    """Names of built-in targets."""
    return sorted({entry.name for entry in metadata.entry_points(group=GROUP)})


def as_adapter(function: Any, name: str) -> Adapter:
    """An adapter of a plain function."""
    if not callable(function):
        raise ValueError(f"{name} is no function, but {type(function).__name__}")
    kind = getattr(function, "kind", None)
    if kind is None:
        given = tuple(inspect.signature(function).parameters)
        fitting = [each for each, wanted in PARAMETERS.items() if given[: len(wanted)] == wanted]
        if not fitting:
            wanted = "; ".join(f"{each}({', '.join(names)})" for each, names in PARAMETERS.items())
            raise ValueError(f"{name} has parameters ({', '.join(given)}); expected those of one kind: {wanted}")
        kind = fitting[0]
    if kind not in get_args(Kind):
        raise ValueError(f"{name} has kind {kind!r}, not one of {', '.join(get_args(Kind))}")
    options = {key: getattr(function, key) for key in ("dtypes", "batch", "smallest") if hasattr(function, key)}
    return Adapter(name, cast(Kind, kind), function, **options)
