"""Verification by other packages, through the functions that they document; each is compared before it is timed.

They take whole laws, so what they are given is formed in the timed call: softmax of the target, and the proposal
``q' M`` in float32. They draw their own random numbers, so their outcome is compared in law and not token for token.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from gpu.ops._agreement import Disagreement
from rdk_theory.statistics import law_test, law_test_plan

Verifier: TypeAlias = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Target laws ``(B, γ + 1, N)``, proposals ``(B, γ, N)`` and drafted tokens to accepted counts and next tokens."""

FALSE_FAIL, FALSE_PASS, SMALLEST = 1e-9, 1e-6, 0.06
"""Of the comparison in law: the right law fails, and one at least `SMALLEST` away passes, with at most these."""
TOKENS, CHAINS = 4, 30
"""Tokens of the comparison in law, and chains for each sample that a test needs: few of them have a third token."""


class Package(NamedTuple):
    """An implementation that may be installed, and how it is called."""

    name: str
    module: str
    function: str
    adapt: Callable[[Callable[..., Any]], Verifier]


def find(package: Package) -> Verifier:
    """The verifier of a package.

    Raises
    ------
    ImportError
        Where it is not installed, or lacks the function.
    ValueError
        Where the function takes arguments that the adapter does not know.
    """
    module = importlib.import_module(package.module)
    if not hasattr(module, package.function):
        raise ImportError(f"{package.module} has no {package.function}")
    return package.adapt(getattr(module, package.function))


def compare_law(verify: Verifier, device: str, seed: int) -> None:
    """Check by samples that a verifier emits the target's law: first, second and third token of chains that have them.

    Raises
    ------
    Disagreement
        With the token whose law is another one.
    """
    rng = np.random.default_rng(seed)
    p, r = rng.dirichlet(np.full(TOKENS, 3.0), size=3), rng.dirichlet(np.ones(TOKENS), size=2)
    # A token that is never proposed, as a cold one under the embedding; and one that is proposed too often.
    r[:, 0] = 0
    r /= r.sum(axis=-1, keepdims=True)
    tests = [law_test_plan(p[i], SMALLEST, FALSE_FAIL, FALSE_PASS) for i in range(3)]
    count = CHAINS * max(test.samples for test in tests)
    drafted = torch.from_numpy(np.stack([rng.choice(TOKENS, count, p=r[i]) for i in range(2)], axis=-1))
    target, proposal = (torch.from_numpy(x).float().to(device).expand(count, -1, -1).contiguous() for x in (p, r))
    accepted, token = (x.cpu().long() for x in verify(target, proposal, drafted.to(device)))
    if bool(((accepted < 0) | (accepted > 2) | (token < 0) | (token >= TOKENS)).any()):
        raise Disagreement("a count or a token is none of the chain's")
    row = torch.arange(count)
    emitted = torch.cat([drafted, drafted[:, :1]], dim=1)
    emitted[row, accepted] = token
    for i, (name, test) in enumerate(zip(("first", "second", "third"), tests, strict=True)):
        here = emitted[accepted >= i, i][: test.samples]
        if len(here) < test.samples:
            raise Disagreement(f"only {len(here)} chains have a {name} token, of {count}")
        if not law_test(np.bincount(here.numpy(), minlength=TOKENS), test).passed:
            raise Disagreement(f"the {name} token does not have the target's law")


def _arguments(function: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Those of the known arguments that the function takes; an error if it needs another."""
    parameters = inspect.signature(function).parameters
    single = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    needed = [name for name, x in parameters.items() if x.default is x.empty and x.kind in single]
    unknown = [name for name in needed if name not in known]
    if unknown:
        raise ValueError(f"{function.__name__} needs {', '.join(unknown)}, which the adapter does not know")
    return {name: value for name, value in known.items() if name in parameters}


def _from_rows(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Count and next token from rows of emitted tokens, −1 after the last."""
    accepted = (rows >= 0).sum(dim=-1) - 1
    return accepted, rows.gather(-1, accepted[:, None].clip(min=0))[:, 0]


def flashinfer(function: Callable[..., Any]) -> Verifier:
    """`flashinfer.sampling.chain_speculative_sampling`, which draws its own uniforms."""
    _arguments(function, dict.fromkeys(("draft_probs", "draft_token_ids", "target_probs")))

    def verify(target: Tensor, proposal: Tensor, drafted: Tensor) -> tuple[Tensor, Tensor]:
        found = function(draft_probs=proposal, draft_token_ids=drafted.int(), target_probs=target)
        return _from_rows(found[0] if isinstance(found, tuple) else found)

    return verify


def vllm(function: Callable[..., Any]) -> Verifier:
    """`vllm.v1.sample.rejection_sampler.rejection_sample`; the token after a whole chain is drawn outside of it."""
    names = (
        "draft_token_ids", "num_draft_tokens", "max_spec_len", "cu_num_draft_tokens", "draft_probs", "target_probs",
        "target_logits", "bonus_token_ids", "sampling_metadata",
    )  # fmt: skip
    _arguments(function, dict.fromkeys(names))
    takes_logits = "target_logits" in inspect.signature(function).parameters
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}

    def fixed(batch: int, gamma: int, device: torch.device) -> dict[str, Any]:
        """What the engine has at hand, the same at each call."""
        if (batch, gamma, device) not in kept:
            kept[batch, gamma, device] = {
                "num_draft_tokens": [gamma] * batch,
                "max_spec_len": gamma,
                "cu_num_draft_tokens": gamma * torch.arange(1, batch + 1, dtype=torch.int32, device=device),
                "sampling_metadata": SimpleNamespace(
                    all_greedy=False, all_random=True, temperature=torch.ones(batch, device=device), generators={},
                    top_k=None, top_p=None,
                ),
            }  # fmt: skip
        return kept[batch, gamma, device]

    def verify(target: Tensor, proposal: Tensor, drafted: Tensor) -> tuple[Tensor, Tensor]:
        batch, gamma = drafted.shape
        whole = target[:, -1]
        bonus = (whole / torch.empty_like(whole).exponential_()).argmax(dim=-1, keepdim=True)
        rows = target[:, :-1].flatten(0, 1)
        given = {
            "draft_token_ids": drafted.int().flatten(),
            "draft_probs": proposal.flatten(0, 1),
            "bonus_token_ids": bonus.int(),
            **fixed(batch, gamma, drafted.device),
            **({"target_logits": rows.log()} if takes_logits else {"target_probs": rows}),
        }
        return _from_rows(function(**given))

    return verify


def sglang(function: Callable[..., Any]) -> Verifier:
    """`sgl_kernel.tree_speculative_sampling_target_only` on a tree that is one chain.

    It emits the target's law, but accepts a drafted token with ``p_x``, not ``min(1, p_x / p̃_x)``: it is given no
    proposal, and accepts fewer.
    """
    names = (
        "predicts", "accept_index", "accept_token_num", "candidates", "retrive_index", "retrive_next_token",
        "retrive_next_sibling", "uniform_samples", "uniform_samples_for_final_sampling", "target_probs", "draft_probs",
    )  # fmt: skip
    _arguments(function, dict.fromkeys(names))

    def verify(target: Tensor, proposal: Tensor, drafted: Tensor) -> tuple[Tensor, Tensor]:
        batch, gamma = drafted.shape
        options: dict[str, Any] = {"device": drafted.device}
        nodes = torch.arange(gamma + 1, **options)
        following = torch.where(nodes < gamma, nodes + 1, -1)
        predicts = torch.full((batch * (gamma + 1),), -1, dtype=torch.int32, **options)
        index = torch.full((batch, gamma + 1), -1, dtype=torch.int32, **options)
        accepted = torch.zeros(batch, dtype=torch.int32, **options)
        function(
            predicts=predicts,
            accept_index=index,
            accept_token_num=accepted,
            # The root is the token before the chain, whose place in the vocabulary is not looked at.
            candidates=torch.cat([drafted[:, :1], drafted], dim=1),
            retrive_index=torch.arange(batch * (gamma + 1), **options).reshape(batch, gamma + 1),
            retrive_next_token=following.expand(batch, -1).contiguous(),
            retrive_next_sibling=torch.full((batch, gamma + 1), -1, **options),
            uniform_samples=torch.rand((batch, gamma + 1), **options),
            uniform_samples_for_final_sampling=torch.rand(batch, **options),
            target_probs=target,
            # Written to: what was rejected is left out of the residual.
            draft_probs=torch.zeros_like(target),
        )
        last = index.gather(-1, accepted.long()[:, None])
        return accepted, predicts[last[:, 0].long()].long()

    return verify


PACKAGES = (
    Package("flashinfer", "flashinfer.sampling", "chain_speculative_sampling", flashinfer),
    Package("vllm", "vllm.v1.sample.rejection_sampler", "rejection_sample", vllm),
    Package("sglang", "sgl_kernel", "tree_speculative_sampling_target_only", sglang),
)
