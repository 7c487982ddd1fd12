"""Random numbers of generation: one stream for each purpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Streams:
    """Independent torch generators, whose states advance as numbers are drawn.

    Attributes
    ----------
    draft
        Chooses drafted tokens, in two stages.
    accept
        Decides acceptance.
    residual
        Chooses what replaces a rejected token.
    bonus
        Chooses the token after a chain that was accepted whole.
    """

    draft: torch.Generator
    accept: torch.Generator
    residual: torch.Generator
    bonus: torch.Generator

    @classmethod
    def from_seed(cls, seed: int, device: torch.device | str = "cpu") -> Streams:
        """Four streams from one seed; the same seed gives the same numbers on one kind of device.

        Raises
        ------
        ValueError
            Unless `seed` is an integer of at least 0.
        """
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed must be an integer of at least 0, not {seed!r}")
        states = np.random.SeedSequence(seed).generate_state(4, np.uint64)
        return cls(*(torch.Generator(device).manual_seed(int(state >> np.uint64(1))) for state in states))


def uniforms(stream: torch.Generator, shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Uniforms in [0, 1), float64, drawn where the stream lives and brought to `device`."""
    return torch.rand(shape, generator=stream, dtype=torch.float64, device=stream.device).to(device)
