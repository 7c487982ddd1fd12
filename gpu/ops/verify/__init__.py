"""Fused verification of drafted chains against a redistribution kernel: one launch, no proposal in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from gpu.ops._common import Implementation, narrow, temperatures, use_kernel
from gpu.ops.verify import naive
from gpu.ops.verify.chains import Chains, Verified, check_shapes, check_values
from gpu.ops.verify.columns import Columns, prepare
from gpu.ops.verify.cuts import check_cuts, least_kept
from rdk_theory import validation

__all__ = ["Chains", "Columns", "Verified", "prepare", "verify"]

METHODS = ("token", "block")


def verify(
    target_logits: torch.Tensor,
    draft: torch.Tensor | None,
    kernel: Columns,
    drafted: torch.Tensor,
    accept_uniforms: torch.Tensor,
    last_uniform: torch.Tensor,
    *,
    propose_uniforms: torch.Tensor | None = None,
    keep_uniforms: torch.Tensor | None = None,
    lengths: torch.Tensor | None = None,
    temperature: Any = 1.0,
    draft_temperature: Any = None,
    draft_logits: bool = True,
    certain: bool = False,
    top_k: int | None = None,
    top_p: float | None = None,
    method: str = "token",
    implementation: Implementation = "auto",
    check: bool = True,
) -> Verified:
    r"""Verify ``B`` drafted chains, each drawn from :math:`\tilde p_i = q'_i M`; the emitted law is the target's.

    Parameters
    ----------
    target_logits
        ``(B, γ + 1, N)`` in float32, bfloat16 or float16; −inf is legal. Row ``i`` is the target after ``i`` drafted
        tokens.
    draft
        ``(B, γ, K)`` in one of these widths: kept logits of the drafter in the order of ``vocab.kept``, or, with
        ``draft_logits=False``, the probabilities :math:`q'`, which are taken relative to their sum. Not looked at, and
        perhaps `None`, where the chains are `certain`.
    kernel
        :math:`M` as `prepare` lays it out on the device of the logits; one that depends on the context has weights of
        shape ``(B, γ)``.
    drafted
        The chains, ``(B, γ)`` integers.
    accept_uniforms, last_uniform
        ``(B, γ)`` and ``(B,)``, independent, in [0, 1), float32 or float64: for the tests, and for the token after the
        accepted ones where it is drawn by inverse CDF.
    propose_uniforms, keep_uniforms
        ``(B, m)``, independent of these and of each other: after a rejection up to ``m`` candidates
        :math:`y \sim p` are proposed and kept with :math:`(1 - \tilde p_y/p_y)_+`. Without them the whole residual is
        formed, block by block, after each rejection.
    lengths
        ``(B,)`` integers from 0 to ``γ``: how much of each chain was drafted. What `drafted`, `draft` and
        `target_logits` hold beyond it is not looked at. Default ``γ``.
    temperature, draft_temperature
        Numbers, or one for each chain, ``(B,)``. Where the target's is 0 its greatest logit has all mass, of several
        equal ones that of the lowest id. The drafter's is positive; its default is the target's, and 1 where that is 0.
        It is not used for probabilities.
    certain
        Whether each drafted token is a function of its context, as in greedy decoding, and no draw from the kernel's
        proposal: its law is then all mass on it.
    top_k, top_p
        What is left of the target: its ``top_k`` largest logits, and of these, at its temperature, the most likely
        that reach ``top_p``; ties with the last stay. The rows are sorted for it, in launches of their own. The
        drafter's law is what it really drew from, and is not cut here.
    method
        ``"token"``: one after the other, as `rdk_theory.verify_chain`; ``"block"``: as `rdk_theory.verify_block`.
    implementation
        ``"kernel"``: one launch of compiled code, interpreted where there is no CUDA device; ``"naive"``: plain torch
        in float64, the specification; ``"auto"``: the kernel on a CUDA device, else the naive version.
    check
        Whether values are checked as well as shapes, which reads the logits once more and waits for the device.

    Returns
    -------
    Verified
        Accepted count, next token, and the ratio at each drafted token.

    Raises
    ------
    ValueError
        For a wrong shape, dtype or device. With `check`, also for NaN, +inf, a row without a finite logit, a uniform
        outside [0, 1), an id outside its vocabulary, and a drafted token that has probability 0 under the kernel: it
        cannot have been drawn from it. Without `check` such a token is rejected, and reported with a ratio of −1.
    """
    narrow("target_logits", target_logits)
    if target_logits.ndim != 3:
        raise ValueError(f"target_logits has shape {tuple(target_logits.shape)}, expected (B, gamma + 1, N)")
    batch, device = int(target_logits.shape[0]), target_logits.device
    if method not in METHODS:
        raise ValueError(f"method must be 'token' or 'block', not {method!r}")
    if (propose_uniforms is None) != (keep_uniforms is None):
        raise ValueError("propose_uniforms and keep_uniforms must be given together")
    check_cuts(top_k, top_p)
    none = torch.empty((batch, 0), device=device)
    heat = _temperatures("temperature", temperature, batch, device, zero=True)
    # Of a tensor it would have to be looked up, for which the device is waited for.
    greedy = isinstance(temperature, torch.Tensor) or temperature == 0
    if draft_temperature is None:
        draft_heat = torch.where(heat == 0, 1.0, heat) if greedy else heat
    else:
        draft_heat = _temperatures("draft_temperature", draft_temperature, batch, device)
    chains = Chains(
        target_logits=target_logits,
        draft=draft,
        draft_logits=draft_logits,
        columns=kernel,
        drafted=drafted,
        accept=accept_uniforms,
        last=last_uniform,
        propose=none if propose_uniforms is None else propose_uniforms,
        keep=none if keep_uniforms is None else keep_uniforms,
        lengths=_whole(batch, target_logits.shape[1] - 1, device) if lengths is None else lengths,
        temperature=heat,
        draft_temperature=draft_heat,
        threshold=least_kept(target_logits, heat, top_k, top_p),
        block=method == "block",
        certain=certain,
        greedy=greedy,
    )
    check_shapes(chains)
    tensors = (x for x in chains if isinstance(x, torch.Tensor))
    fused = use_kernel(implementation, kernel.position, *tensors)
    if check:
        check_values(chains)
    if fused:
        # Imported where it is used: it imports triton.
        from gpu.ops.verify import launch

        out = launch.verify(chains)
    else:
        out = naive.verify(chains)
    if check and bool((out.acceptance < 0).any()):
        what = "has probability 0 under the kernel: it was not drawn from that law"
        raise validation.row_offence("drafted", drafted, out.acceptance < 0, what)
    return out


def _temperatures(name: str, value: Any, batch: int, device: torch.device, zero: bool = False) -> torch.Tensor:
    """One temperature a chain; those from one number are kept, so that the next call fills nothing."""
    if isinstance(value, int | float):
        return _same_temperatures(name, value, batch, device, zero)
    return temperatures(name, value, (batch,), device, zero)


@lru_cache(maxsize=64, typed=True)
def _same_temperatures(name: str, value: float, batch: int, device: torch.device, zero: bool) -> torch.Tensor:
    return temperatures(name, value, (batch,), device, zero)


@lru_cache(maxsize=64)
def _whole(batch: int, gamma: int, device: torch.device) -> torch.Tensor:
    """The lengths of chains that are as long as can be."""
    return torch.full((batch,), gamma, dtype=torch.int64, device=device)
