"""Kernels, logits and chains of a point, made on its device with the sizes of real ones and random entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from gpu.bench.grid import Point
from gpu.bench.plain import PART
from gpu.ops.propose import Rows, prepare_rows
from gpu.ops.redistribute import Factors, prepare_first_order
from gpu.ops.verify import Columns, prepare
from rdk_theory.kernels import Embedding, LowRank, RankOne, SoftmaxCovariance, Sparse
from rdk_theory.vocabulary import Vocabulary

TOPICS, NEIGHBOURS, FACTORS = 16, 8, 64
"""Rank of a low-rank kernel, stored entries in a row of a sparse one, rank of a covariance."""
SPREAD = 0.1
"""Mass of a row that does not stay with its own token."""
TRIES = 256
"""Candidates for a residual: so many that a fall-back, which reads a dense kernel whole, is rare at any rate."""
STEP = 1 << 24
"""Entries of a dense matrix that are made at a time."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Kernel(NamedTuple):
    """A kernel on a device."""

    columns: Columns
    draw: Callable[[Tensor, torch.Generator], Tensor]
    """A token from the row of each of these kept tokens."""
    rows: Rows | None = None
    """Laid out for `propose`, where it was asked for."""
    factors: Factors | None = None
    """Of the first-order form."""


class Inputs(NamedTuple):
    """What the operation of a point is called with."""

    point: Point
    kernel: Kernel
    target: Tensor
    """Target logits ``(B, γ + 1, N)``; empty for operations without a target."""
    draft: Tensor
    """Kept draft logits ``(B, γ, K)``."""
    drafted: Tensor
    uniforms: dict[str, Tensor]

    def chains(self, tries: int | None = None) -> dict[str, Any]:
        """Arguments of `verify`, but for the kernel; by default with all the tries that there are uniforms for."""
        found: dict[str, Any] = {"target_logits": self.target, "draft": self.draft, "drafted": self.drafted}
        names = ("accept_uniforms", "last_uniform", "propose_uniforms", "keep_uniforms")
        found |= {name: self.uniforms[name] for name in names}
        if tries is not None:
            found |= {name: self.uniforms[name][:, :tries] for name in names[2:]}
        return found


def bytes_needed(point: Point) -> int:
    """Memory that the kernel and the inputs of a point take, roughly, with what the comparison writes out."""
    size, kept, positions = point.size, point.kept, point.batch * (point.gamma + 1)
    copies = 0 if point.form != "dense half" else 2 if point.operation == "propose" else 1
    parameters = 2 * copies * size * kept + 4 * FACTORS * (size + kept)
    compared = 8 * 6 * min(positions, 8 * (point.gamma + 1)) * size
    return parameters + DTYPES[point.dtype].itemsize * positions * (size + kept) + compared


def bytes_of_plain(point: Point, width: int = 8) -> int:
    """What the plain forms write out, roughly, in numbers of so many bytes: laws, proposals and running sums.

    In float64 a dense matrix is widened whole, in float32 by parts.
    """
    whole = width * point.size * point.kept if point.form == "dense half" else 0
    widened = whole if width == 8 else min(whole, width * PART)
    return width * 6 * point.batch * (point.gamma + 1) * point.size + widened


def make_kernel(form: str, size: int, kept: int, device: str, seed: int, *, rows: bool = False) -> Kernel:
    """A random kernel of a form; every row of all but the low-rank one keeps ``1 − SPREAD`` for its own token.

    Parameters
    ----------
    form, size, kept, device, seed
        As in a `Point`; the same seed gives the same kernel.
    rows
        Whether it is laid out for `propose` too.
    """
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    own = torch.from_numpy(vocab.kept.copy()).to(device)
    laid_out = (lambda kernel: prepare_rows(kernel, device)) if rows else (lambda kernel: None)
    if form == "dense half":
        return _dense(vocab, own, device, seed, rows=rows)
    if form == "none":
        embedding = Embedding(vocab)
        return Kernel(prepare(embedding, device), lambda i, g: own[i], laid_out(embedding))
    if form == "first order":
        factor = rng.uniform(-1, 1, (size, FACTORS)).astype(np.float32)
        first = SoftmaxCovariance.from_factor(vocab, factor, 2.0 * FACTORS).first_order()
        return Kernel(prepare(Embedding(vocab), device), lambda i, g: own[i], None, prepare_first_order(first, device))
    if form == "rank one":
        prior = _laws(rng, size)
        one = RankOne(vocab, SPREAD, prior)
        weights = torch.from_numpy(prior).to(device)
        return Kernel(prepare(one, device), lambda i, g: _own_or(own[i], weights, g), laid_out(one))
    if form == "sparse":
        places = (vocab.kept[:, None] + np.arange(NEIGHBOURS) * (size // NEIGHBOURS)) % size
        entries = SPREAD * np.insert(_laws(rng, kept, NEIGHBOURS - 1), 0, (1 - SPREAD) / SPREAD, axis=1)
        starts = np.arange(kept + 1) * NEIGHBOURS
        few = Sparse(vocab, scipy.sparse.csr_array((entries.ravel(), places.ravel(), starts), shape=(kept, size)))
        where, share = (torch.from_numpy(x).to(device) for x in (places, entries))
        return Kernel(
            prepare(few, device),
            lambda i, g: where[i].gather(-1, torch.multinomial(share[i], 1, generator=g))[:, 0],
            laid_out(few),
        )
    if form != "low rank":
        raise ValueError(f"form must be one of the grid, not {form!r}")
    left, right = _laws(rng, kept, TOPICS), _laws(rng, TOPICS, size)
    low = LowRank(vocab, left, right)
    of_topics, of_tokens = (torch.from_numpy(x).to(device) for x in (left, right))

    def draw(i: Tensor, generator: torch.Generator) -> Tensor:
        topic = torch.multinomial(of_topics[i], 1, generator=generator)[:, 0]
        each = torch.multinomial(of_tokens, len(i), replacement=True, generator=generator)
        return each[topic, torch.arange(len(i), device=i.device)]

    return Kernel(prepare(low, device), draw, laid_out(low))


def make_inputs(point: Point, kernel: Kernel, device: str, seed: int, tries: int = TRIES) -> Inputs:
    """Logits, chains drawn from the proposal, and uniforms in float32.

    The target at kept tokens is the draft with noise, so that some drafted tokens are accepted and some are not.
    """
    generator = torch.Generator(device).manual_seed(seed)
    dtype, (batch, gamma, kept) = DTYPES[point.dtype], (point.batch, point.gamma, point.kept)
    options: dict[str, Any] = {"generator": generator, "device": device}
    draft = (2 * torch.randn(batch, gamma, kept, **options)).to(dtype)
    own = torch.from_numpy(kernel.columns.vocab.kept.copy()).to(device)
    with_target = point.verifies or point.operation == "acceptance"
    target = torch.empty((batch, gamma + 1, point.size) if with_target else (0,), dtype=dtype, device=device)
    for i in range(gamma + 1 if with_target else 0):
        row = torch.randn(batch, point.size, **options) - 2
        row[:, own] = draft[:, min(i, gamma - 1)].float() + 0.7 * torch.randn(batch, kept, **options)
        target[:, i] = row
    place = torch.multinomial(draft.float().softmax(-1).flatten(0, 1), 1, generator=generator)[:, 0]
    drafted = kernel.draw(place, generator).reshape(batch, gamma) if point.verifies else torch.empty(0, device=device)
    shapes = {
        "accept_uniforms": (batch, gamma), "last_uniform": (batch,), "propose_uniforms": (batch, tries),
        "keep_uniforms": (batch, tries), "first": (batch,), "second": (batch,),
    }  # fmt: skip
    uniforms = {name: torch.rand(shape, **options) for name, shape in shapes.items()}
    return Inputs(point, kernel, target, draft, drafted, uniforms)


def _dense(vocab: Vocabulary, own: Tensor, device: str, seed: int, *, rows: bool) -> Kernel:
    """A matrix of weights in float16, made by columns where it will be read: it may fill most of the memory."""
    generator = torch.Generator(device).manual_seed(seed)
    size, kept = vocab.size, vocab.kept_size
    matrix = torch.empty((size, kept), dtype=torch.float16, device=device)
    total = torch.zeros(kept, dtype=torch.float64, device=device)
    # Weights below 1/64: sums of 262,144 and 9 times that are within what float16 holds.
    for part in matrix.split(max(1, STEP // kept)):
        part.copy_(torch.rand(part.shape, generator=generator, device=device) / 64)
        total += part.sum(dim=0, dtype=torch.float64)
    place = torch.arange(kept, device=device)
    large = (total * (1 - SPREAD) / SPREAD).half()
    total += large.double() - matrix[own, place].double()
    matrix[own, place] = large
    scale = (1 / total).float()
    columns = replace(prepare(Embedding(vocab), device), kind="dense", matrix=matrix, scale=scale)

    def draw(i: Tensor, generator: torch.Generator) -> Tensor:
        drawn = [torch.multinomial(matrix[:, part].float().T, 1, generator=generator)[:, 0] for part in i.split(16)]
        return torch.cat(drawn)

    if not rows:
        return Kernel(columns, draw)
    by_rows = replace(prepare_rows(Embedding(vocab), device), columns=columns, sums=total, matrix=matrix.T.contiguous())
    return Kernel(columns, draw, by_rows)


def _own_or(own: Tensor, weights: Tensor, generator: torch.Generator) -> Tensor:
    """The own token, or with probability `SPREAD` one drawn from weights."""
    other = torch.multinomial(weights, len(own), replacement=True, generator=generator)
    stays = torch.rand(len(own), generator=generator, device=own.device) >= SPREAD
    return torch.where(stays, own, other)


def _laws(rng: np.random.Generator, *shape: int) -> np.ndarray:
    weights = rng.standard_exponential(shape)
    return np.asarray(weights / weights.sum(-1, keepdims=True))
