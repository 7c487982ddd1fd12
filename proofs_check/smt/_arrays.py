"""Arrays of symbols, on which minima and selections stay undecided; and the setting in which the claims' roads run."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from proofs_check.smt._symbols import Guard, Symbol, choose, compare, equal, extreme, greater, guard, lesser, negation
from rdk_theory import validation

_CHOICES: dict[Any, Callable[..., Any]] = {
    np.minimum: lesser,
    np.maximum: greater,
    np.less: lambda a, b: compare(a, b, "<"),
    np.greater: lambda a, b: compare(b, a, "<"),
    np.less_equal: lambda a, b: compare(a, b, "<="),
    np.greater_equal: lambda a, b: compare(b, a, "<="),
    np.equal: equal,
    np.not_equal: lambda a, b: negation(equal(a, b)),
    np.bitwise_and: lambda a, b: guard(a) & guard(b),
    np.bitwise_or: lambda a, b: guard(a) | guard(b),
    np.invert: negation,
    np.logical_not: negation,
}


class Symbols(np.ndarray):
    """An object array; made with `symbols`."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [x.view(np.ndarray) if isinstance(x, Symbols) else x for x in inputs]
        if "out" in options:
            options["out"] = tuple(x.view(np.ndarray) for x in options["out"])
        choice = _CHOICES.get(ufunc)
        if choice is None or not any(_undecided(x) for x in plain):
            return symbols(getattr(ufunc, method)(*plain, **options))
        if method == "__call__":
            return _settled(np.frompyfunc(choice, ufunc.nin, 1)(*plain))
        if method == "reduce" and choice in (lesser, greater):
            return _reduced(plain[0], choice, options.get("axis", 0), bool(options.get("keepdims")))
        return NotImplemented

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is np.where and len(arguments) == 3:
            return symbols(np.frompyfunc(choose, 3, 1)(*(np.asarray(x) for x in arguments)))
        return symbols(super().__array_function__(function, types, arguments, options))

    def __getitem__(self, key: Any) -> Any:
        return symbols(self.view(np.ndarray)[_decided(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.view(np.ndarray)[_decided(key)] = value

    def all(self, *arguments: Any, **options: Any) -> Any:
        """One condition, for arrays of conditions."""
        if arguments or options or not _holds_guards(self):
            return super().all(*arguments, **options)
        return reduce(lambda a, b: a & b, map(guard, self.view(np.ndarray).ravel()), Guard("true"))

    def any(self, *arguments: Any, **options: Any) -> Any:
        """One condition, for arrays of conditions."""
        if arguments or options or not _holds_guards(self):
            return super().any(*arguments, **options)
        return reduce(lambda a, b: a | b, map(guard, self.view(np.ndarray).ravel()), Guard("false"))


def symbols(values: Any) -> Any:
    """Object arrays as `Symbols`, anything else as it is."""
    if isinstance(values, np.ndarray) and values.dtype == object:
        return values.view(Symbols)
    return values


def _undecided(values: Any) -> bool:
    entries = values.ravel() if isinstance(values, np.ndarray) else [values]
    return any(isinstance(x, Symbol | Guard) for x in entries)


def _settled(values: Any) -> Any:
    """Truth values that are all known as numpy has them."""
    if isinstance(values, np.ndarray) and values.size and all(isinstance(x, bool) for x in values.ravel()):
        return values.astype(bool)
    return symbols(values)


def _reduced(values: np.ndarray, choice: Any, axis: Any, keepdims: bool) -> Any:
    """Smallest or largest along an axis, or of all."""
    if axis is None:
        out: Any = _extreme(None, choice, (list(values.ravel()),), None, {})
        return np.array([[out]] * 1, dtype=object).reshape((1,) * values.ndim) if keepdims else out
    found = np.apply_along_axis(lambda row: _boxed(_extreme(None, choice, (list(row),), None, {})), axis, values)
    return symbols(found if keepdims else found.reshape(found.shape[:-1] if axis in (-1, values.ndim - 1) else -1))


def _boxed(value: Any) -> np.ndarray:
    out = np.empty(1, dtype=object)
    out[0] = value
    return out


def _holds_guards(values: np.ndarray) -> bool:
    return any(isinstance(x, Guard) for x in values.view(np.ndarray).ravel())


def _decided(key: Any) -> Any:
    """An index in which conditions are decided: what is selected has a known size."""
    if isinstance(key, tuple):
        return tuple(_decided(part) for part in key)
    if isinstance(key, np.ndarray) and key.dtype == object:
        return key.view(np.ndarray).astype(bool)
    return key


def _least(*arguments: Any, key: Any = None, **options: Any) -> Any:
    return _extreme(builtins.min, lesser, arguments, key, options)


def _largest(*arguments: Any, key: Any = None, **options: Any) -> Any:
    return _extreme(builtins.max, greater, arguments, key, options)


def _extreme(original: Any, choice: Any, arguments: tuple[Any, ...], key: Any, options: dict[str, Any]) -> Any:
    values = list(arguments[0]) if len(arguments) == 1 else list(arguments)
    if key is None and any(isinstance(x, Symbol) for x in values):
        return choice(*values) if len(values) == 2 else extreme(values, "<=" if choice is lesser else ">=")
    return (original or (builtins.min if choice is lesser else builtins.max))(values, key=key, **options)


def _distribution(original: Callable[..., None]) -> Callable[..., None]:
    """Check an array of unknowns entry by entry: their least entry would order them first."""

    def check(name: str, x: Any, *arguments: Any, **options: Any) -> None:
        if not (isinstance(x, np.ndarray) and x.dtype == object and _undecided(x)):
            return original(name, x, *arguments, **options)
        validation.real(name, x)
        validation.vocabulary_axis(name, x, *arguments, **options)
        validation.unit_sums(name, x, validation.row_sums(x))
        if any(bool(compare(value, 0, "<")) for value in x.ravel()):
            raise ValueError(f"{name} has a negative entry")

    return check


MODULES = ("rdk_theory.theorems.", "proofs_check.smt.")


@contextmanager
def instrumented() -> Iterator[None]:
    """Let ``min`` and ``max`` of the claims' modules, and the check of distributions, know symbols."""
    modules = [m for name, m in list(sys.modules.items()) if name.startswith(MODULES)]
    names = {"min": _least, "max": _largest}
    before, plain = validation.distribution, Fraction.__new__

    def number(cls: type, numerator: Any = 0, denominator: Any = None, **options: Any) -> Any:
        """An unknown is a fraction already."""
        known = denominator is not None or not isinstance(numerator, Symbol)
        return plain(cls, numerator, denominator, **options) if known else numerator

    Fraction.__new__ = number  # type: ignore[method-assign]
    for module in modules:
        vars(module).update({k: v for k, v in names.items() if k not in vars(module)})
    validation.distribution = _distribution(before)
    try:
        yield
    finally:
        validation.distribution = before
        Fraction.__new__ = plain  # type: ignore[method-assign]
        for module in modules:
            for name, function in names.items():
                if vars(module).get(name) is function:
                    delattr(module, name)
