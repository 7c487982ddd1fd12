"""An implementation of the zoo, and what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rdk_theory.audit.adapters import Adapter, Kind


@dataclass(frozen=True)
class Entry:
    """A sampler whose verdict is known."""

    about: str
    """What is wrong with it; of a correct one, how it works."""
    adapter: Adapter


def entry(kind: Kind, name: str, about: str, function: Callable[..., Any], **options: Any) -> Entry:
    """With an adapter of the same name."""
    return Entry(about, Adapter(name, kind, function, **options))
