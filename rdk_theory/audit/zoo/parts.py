"""Token-wise verification of a chain in exchangeable parts, so that a mutant is the right verifier but for one part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rows = np.ndarray


def right_ratio(p: np.ndarray, r: np.ndarray) -> np.ndarray:
    """``min(1, p_x / r_x)``, of a token that can have been drafted."""
    return np.asarray(np.minimum(1, p / np.where(r > 0, r, 1)))


def right_residual(p: Rows, r: Rows, drafted: np.ndarray) -> Rows:
    """``(p − r)_+``."""
    return np.maximum(p - r, 0)


def right_uniforms(rng: np.random.Generator, rows: int, gamma: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of the tests and that of the last token."""
    tests, last = rng.spawn(2)
    return tests.random((rows, gamma)), last.random(rows)


def right_count(passed: np.ndarray) -> np.ndarray:
    """How many tokens passed before the first that did not."""
    return np.asarray(np.cumprod(passed, axis=1).sum(axis=1))


def right_draw(weights: Rows, u: np.ndarray) -> np.ndarray:
    """By inverse CDF; a row without weight, which rounding alone makes, gives its last token."""
    cumulative = np.cumsum(weights, axis=1)
    return np.minimum((cumulative <= (u * cumulative[:, -1])[:, None]).sum(axis=1), weights.shape[1] - 1)


def right_row(accepted: np.ndarray, gamma: int) -> np.ndarray:
    """Which row of the target the last token is drawn with."""
    return accepted


@dataclass(frozen=True)
class Parts:
    """A verifier of chains."""

    ratio: Callable[[np.ndarray, np.ndarray], np.ndarray] = right_ratio
    residual: Callable[[Rows, Rows, np.ndarray], Rows] = right_residual
    uniforms: Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]] = right_uniforms
    count: Callable[[np.ndarray], np.ndarray] = right_count
    draw: Callable[[Rows, np.ndarray], np.ndarray] = right_draw
    row: Callable[[np.ndarray, int], np.ndarray] = right_row
    bonus: Callable[[Rows, np.ndarray], np.ndarray] = right_draw

    def __call__(
        self, targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and accepted counts, as an adapter of kind ``chain`` gives them."""
        p, r = targets.astype(np.float64), proposals.astype(np.float64)
        rows, gamma = drafted.shape
        at = np.arange(rows)
        accept, last = self.uniforms(rng, rows, gamma)
        p_x, r_x = (np.take_along_axis(x[:, :gamma], drafted[..., None], axis=2)[..., 0] for x in (p, r))
        accepted = self.count(accept < self.ratio(p_x, r_x))
        step = np.minimum(accepted, gamma - 1)
        here = self.row(accepted, gamma)
        weights = self.residual(p[at, np.minimum(here, gamma)], r[at, step], drafted[at, step])
        finished = accepted == gamma
        extra = np.where(finished, self.bonus(p[at, here], last), self.draw(weights, last))
        tokens = np.concatenate([drafted, np.zeros((rows, 1), dtype=np.int64)], axis=1)
        tokens[at, accepted] = extra
        tokens[np.arange(gamma + 1) > accepted[:, None]] = -1
        return tokens, accepted
