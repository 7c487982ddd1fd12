"""The verifiers of `rdk_theory` on torch tensors, and the fused operation as plain torch and under Triton."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from rdk_theory.audit import Adapter
from rdk_theory.kernels import Embedding
from rdk_theory.verification import verify_block, verify_chain
from rdk_theory.vocabulary import Vocabulary

Verify = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def _reference(verify: Callable[..., tuple[torch.Tensor, torch.Tensor]]) -> Verify:
    def function(
        targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = len(drafted)
        accept, residual, bonus = rng.spawn(3)
        uniforms = (accept.random(drafted.shape), residual.random(rows), bonus.random(rows))
        tokens, accepted = verify(*(torch.from_numpy(x) for x in (targets, proposals, drafted, *uniforms)))
        return tokens.numpy(), accepted.numpy()

    return function


def _fused(method: str, implementation: str) -> Verify:
    """With all tokens kept, so that the proposal is the draft."""

    def function(
        targets: np.ndarray, proposals: np.ndarray, drafted: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        from gpu.ops.verify import prepare, verify

        rows, gamma, size = proposals.shape
        tests, end = rng.spawn(2)
        accept, last = tests.random(drafted.shape), end.random(rows)
        with np.errstate(divide="ignore"):
            target, draft = (
                torch.from_numpy(np.log(x)) for x in (targets.astype(np.float32), proposals.astype(np.float32))
            )
        out = verify(
            target,
            draft,
            prepare(Embedding(Vocabulary.full(size)), torch.device("cpu")),
            torch.from_numpy(drafted),
            torch.from_numpy(accept),
            torch.from_numpy(last),
            method=method,
            implementation=implementation,  # type: ignore[arg-type]
        )
        tokens = np.full((rows, gamma + 1), -1, dtype=np.int64)
        accepted = out.accepted.numpy().astype(np.int64)
        tokens[:, :gamma] = np.where(np.arange(gamma) < accepted[:, None], drafted, -1)
        tokens[np.arange(rows), accepted] = out.token.numpy()
        return tokens, accepted

    return function


CHAIN = Adapter("torch-chain", "chain", _reference(verify_chain), dtypes=("float64", "float32"))
BLOCK = Adapter("torch-block", "chain", _reference(verify_block), dtypes=("float64", "float32"))
FUSED_CHAIN = Adapter("fused-chain", "chain", _fused("token", "naive"), dtypes=("float32",))
FUSED_BLOCK = Adapter("fused-block", "chain", _fused("block", "naive"), dtypes=("float32",))
INTERPRETED = Adapter("triton-chain", "chain", _fused("token", "kernel"), dtypes=("float32",), batch=256, smallest=0.25)
