"""Small programmes to the last digits: a primal-dual interior point method that uses what the programme is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.linalg

_ROOM = 0.995
"""Share of the way to the boundary that a step may take."""

_END = 1e-9
"""Gap at which no more digits are asked for."""

_REFINED = 2
"""Times that an equation is solved, for what is left of it: near the end one solution has no digit to spare."""

_PATIENCE = 4
"""Steps without progress after which rounding is taken to have the last word."""


@dataclass(frozen=True)
class Point:
    """A kernel and duals, both feasible, and the distance between their values."""

    matrix: np.ndarray
    duals: np.ndarray
    gap: float
    """Mean over contexts: value of the duals less acceptance; roundings apart, what `OptimalFit.gap` will be."""


def operations(contexts: int, kept: int, size: int) -> float:
    """Multiplications of one step of `central_path`, of which a programme takes 15 to 40."""
    return size * kept * (contexts * (kept + 1) / 2.0 + 1.5 * kept**2)


def central_path(p: np.ndarray, q: np.ndarray, kept: np.ndarray) -> Iterator[Point]:
    r"""Points of ever smaller gap, in float64; ends at `_END`, or when roundings allow no progress.

    Notes
    -----
    With :math:`u = (p - \tilde p)_+` and :math:`w = (\tilde p - p)_+` the programme is :math:`\min \sum u` under
    :math:`q'M + u - w = p`, :math:`M1 = 1` and :math:`M, u, w \ge 0`; its duals are `s` of the certificate, whose
    reduced costs are :math:`Z = \lambda_i - \sum_c q'_i s_j`, :math:`1 - s` and :math:`s`. Eliminating `u` and `w`
    from a Newton step leaves, for each token, :math:`K \times K` equations of the matrix :math:`H_j = q'^T T_j q' +
    \mathrm{diag}(Z_j / M_j)` with the diagonal :math:`T_j = (u/(1-s) + w/s)^{-1}`; the sums of the rows bind the
    tokens together, by the matrix :math:`\sum_j H_j^{-1}`. So a step costs :math:`N(CK^2 + K^3)` where a general
    solver meets `C·N` rows of `K` entries. All points are feasible on both sides: the gap is :math:`M \cdot Z +
    u \cdot (1-s) + w \cdot s`. Steps are Mehrotra's (1992), predictor and corrector.

    Where :math:`p = 0` there is nothing to accept, :math:`s = 0`, and the pair leaves the programme; so does a kept
    token that is never drafted, which stays home. Memory: about 12 arrays of ``C·N`` and 8 of ``K·N`` entries,
    ``C K²/2`` products of drafts, ``N K²`` for the matrices :math:`H_j`.
    """
    drafted = q.max(axis=0) > 0
    scale = float(p.shape[0])
    for matrix, duals, gap in _path(np.asarray(p, dtype=np.float64), np.asarray(q[:, drafted], dtype=np.float64)):
        whole = np.zeros((q.shape[1], p.shape[1]))
        whole[drafted] = matrix
        home = np.flatnonzero(~drafted)
        whole[home, kept[home]] = 1
        yield Point(whole, duals, gap / scale)


class _Newton:
    """The equations of one point, factored once for predictor and corrector."""

    def __init__(self, q: np.ndarray, pairs: np.ndarray, weight: np.ndarray, curvature: np.ndarray) -> None:
        count, size = curvature.shape
        self._q, self._weight, self._curvature = q, weight, curvature
        rows, columns = np.triu_indices(count)
        h = np.empty((size, count, count))
        h[:, rows, columns] = weight.T @ pairs
        h[:, columns, rows] = h[:, rows, columns]
        diagonal = np.arange(count)
        h[:, diagonal, diagonal] += curvature.T
        # Entries of the diagonal differ by twenty orders near the end: scaled to 1, they do not harm each other.
        self._scale = 1 / np.sqrt(h[:, diagonal, diagonal])
        h *= self._scale[:, :, None]
        h *= self._scale[:, None, :]
        h[:, diagonal, diagonal] += 1e-14
        self._inverse = np.linalg.inv(h)
        self._inverse *= self._scale[:, :, None]
        self._inverse *= self._scale[:, None, :]
        self._rows = scipy.linalg.cho_factor(_conditioned(self._inverse.sum(axis=0)))

    def priced(self, duals: np.ndarray) -> np.ndarray:
        """Change of the gradient with the duals."""
        return np.asarray(self._q.T @ duals)

    def solve(self, shift: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Changes of kernel, duals and row prices, for `e` and the right side of the complementarity of ``M``."""
        right = right - self._q.T @ (self._weight * shift)
        change, price = np.zeros_like(right), np.zeros(right.shape[0])
        for _ in range(_REFINED):
            moved = self._q @ change
            left = right + price[:, None] - self._q.T @ (self._weight * moved) - self._curvature * change
            free = np.einsum("jik,kj->ij", self._inverse, left)
            more = scipy.linalg.cho_solve(self._rows, -(free + change).sum(axis=1))
            change = change + free + np.einsum("jik,k->ij", self._inverse, more)
            price = price + more
        return change, -self._weight * (self._q @ change + shift), price


def _conditioned(matrix: np.ndarray) -> np.ndarray:
    """Symmetric, with a diagonal raised by a rounding."""
    matrix = (matrix + matrix.T) / 2
    matrix[np.diag_indices_from(matrix)] *= 1 + 1e-13
    return matrix


def _path(p: np.ndarray, q: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    some = p > 0
    used = None if some.all() else some
    left, right = np.triu_indices(q.shape[1])
    pairs = q[:, left] * q[:, right]
    m, z, u, w, s, t = _centre(p, q, 1.0 / p.shape[1])
    terms = m.size + 2 * int(some.sum())
    best, worse = np.inf, 0
    while best > _END * p.shape[0]:
        gap = float(np.vdot(m, z) + _masked(u * t + w * s, used).sum())
        if gap < best:
            best, worse = gap, 0
            yield m, _masked(s, used), gap
        else:
            worse += 1
        if worse == _PATIENCE or not np.isfinite(gap):
            return
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            weight = _masked(1 / (u / t + w / s), used)
            try:
                newton = _Newton(q, pairs, weight, z / m)
                # The predictor aims at the boundary; how far it gets says how much of the way the corrector can aim at.
                dm, du, dw, ds, dz = _direction(newton, (m, z, u, w, s, t), (-m * z, -u * t, -w * s), used)
                primal, dual = _lengths((m, u, w), (dm, du, dw)), _lengths((z, t, s), (dz, -ds, ds))
                after = float(np.vdot(m + primal * dm, z + dual * dz))
                pairs_after = (u + primal * du) * (t - dual * ds) + (w + primal * dw) * (s + dual * ds)
                after += float(_masked(pairs_after, used).sum())
                aim = min(1.0, max(after / gap, 0.0)) ** 3 * gap / terms
                sides = (aim - m * z - dm * dz, aim - u * t + du * ds, aim - w * s - dw * ds)
                dm, du, dw, ds, dz = _direction(newton, (m, z, u, w, s, t), sides, used)
            except (np.linalg.LinAlgError, ValueError):  # rounding has eaten the definiteness: the end of the road
                return
        primal, dual = _lengths((m, u, w), (dm, du, dw)), _lengths((z, t, s), (dz, -ds, ds))
        m, u, w = _feasible(p, q, m + primal * dm, u + primal * du, w + primal * dw)
        z, s, t = z + dual * dz, s + dual * ds, t - dual * ds


def _feasible(p: np.ndarray, q: np.ndarray, m: np.ndarray, u: np.ndarray, w: np.ndarray) -> tuple:
    """What roundings took from the equations is put back: to the rows by scaling, to `u` or `w` by raising it."""
    m = m / m.sum(axis=1, keepdims=True)
    missing = p - q @ m - u + w
    return m, u + np.maximum(missing, 0), w + np.maximum(-missing, 0)


def _direction(newton: _Newton, at: tuple, sides: tuple, used: np.ndarray | None) -> tuple:
    """Changes of kernel, lack, surplus, duals and reduced costs; pairs that have left the programme stay."""
    m, _, u, w, s, t = at
    rm, ru, rw = sides
    dm, ds, dp = newton.solve(_masked(ru / t - rw / s, used), rm / m)
    du, dw = _masked((ru + u * ds) / t, used), _masked((rw - w * ds) / s, used)
    return dm, du, dw, ds, -newton.priced(ds) - dp[:, None]


def _centre(p: np.ndarray, q: np.ndarray, aim: float) -> tuple:
    """A feasible point whose products of complements are nearly all `aim`, by turns for duals and kernel."""
    s = np.full(p.shape, 0.5)
    for _ in range(3):
        gradient = q.T @ np.where(p > 0, s, 0.0)
        z = _prices(gradient, aim)[:, None] - gradient
        m = aim / z
        m /= m.sum(axis=1, keepdims=True)
        lack = p - q @ m
        half = 0.25 * lack / (aim + np.sqrt(aim**2 + 0.25 * lack**2))
        s = 0.5 + half
    gradient = q.T @ np.where(p > 0, s, 0.0)
    z = _prices(gradient, aim)[:, None] - gradient
    t = 0.5 - half
    u = aim / t
    return m, z, u, np.where(p > 0, u - lack, 1.0), s, t


def _prices(gradient: np.ndarray, aim: float) -> np.ndarray:
    """Row prices for which ``Σ_j aim / (price − gradient_j) = 1``: Newton's steps on a convex function from below."""
    price = gradient.max(axis=1) + aim
    for _ in range(60):
        shares = aim / (price[:, None] - gradient)
        step = (shares.sum(axis=1) - 1) / ((shares**2).sum(axis=1) / aim)
        price += step
        if step.max() <= 1e-9 * aim:
            break
    return np.asarray(price)


def _lengths(at: tuple, change: tuple) -> float:
    """The longest step, at most 1, that stays `_ROOM` of the way inside."""
    return min(1.0, _ROOM * min(_reach(x, dx) for x, dx in zip(at, change, strict=True)))


def _reach(x: np.ndarray, change: np.ndarray) -> float:
    """How far `x > 0` can follow `change` before an entry falls to 0."""
    steepest = float((change / x).min())
    return -1 / steepest if steepest < 0 else np.inf


def _masked(x: np.ndarray, used: np.ndarray | None) -> np.ndarray:
    """0 for pairs that have left the programme, if there are any."""
    return x if used is None else np.where(used, x, 0.0)
