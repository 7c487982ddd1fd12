"""Calls of `gpu.ops.verify` on chains that their kernel has drawn, and an interpreter that loses less time."""

import numpy as np
import pytest
import scipy.sparse
import torch

from gpu.ops.verify import naive, prepare
from rdk_theory import Vocabulary
from rdk_theory.distributions import softmax
from rdk_theory.kernels import Dense, Embedding, LowRank, RankOne, Sparse
from tests.kernel_cases import laws, sparse_laws

SIZE, KEPT, GAMMA = 203, 37, 3
KINDS = ["embedding", "rank one", "sparse", "low rank", "dense", "dense float16"]


def kernel(kind, size=SIZE, kept=KEPT, seed=3):
    rng = np.random.default_rng(seed)
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    makers = {
        "embedding": lambda: Embedding(vocab),
        "rank one": lambda: RankOne(vocab, 0.3, laws(rng, size)),
        "sparse": lambda: Sparse(vocab, scipy.sparse.csr_array(sparse_laws(rng, kept, size))),
        "low rank": lambda: LowRank(vocab, laws(rng, kept, 5), laws(rng, 5, size)),
        "dense": lambda: Dense(vocab, torch.from_numpy(laws(rng, kept, size))),
        "dense float16": lambda: Dense(vocab, torch.from_numpy(laws(rng, kept, size)).half()),
    }
    return makers[kind]()


def draft_law(draft, temperature, logits=True):
    if logits:
        return softmax(draft.double(), temperature)
    return draft.double() / draft.double().sum(-1, keepdim=True)


def call(kind, *, batch=6, gamma=GAMMA, tries=0, dtype=torch.float32, seed=0, size=SIZE, kept=KEPT, temperature=0.8):
    """Arguments of a call: chains drawn from the proposal, targets near it, a few logits of −inf; and the kernel."""
    generator = torch.Generator().manual_seed(seed)
    matrix = kernel(kind, size, kept)
    draft = (1.5 * torch.randn(batch, gamma, kept, generator=generator)).to(dtype)
    draft[..., 1::5] = -torch.inf
    proposal = naive.proposals(draft_law(draft, temperature), prepare(matrix))
    target = torch.log(torch.cat([proposal, proposal[:, :1]], dim=1) + 1e-4) * temperature
    target = target + torch.randn(target.shape, generator=generator)
    target[..., 2::7] = -torch.inf
    drafted = torch.multinomial(proposal.reshape(-1, size), 1, generator=generator).reshape(batch, gamma)

    def uniform(*shape):
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    arguments = {
        "target_logits": target.to(dtype),
        "draft": draft,
        "drafted": drafted,
        "accept_uniforms": uniform(batch, gamma),
        "last_uniform": uniform(batch),
        "propose_uniforms": uniform(batch, tries),
        "keep_uniforms": uniform(batch, tries),
        "temperature": temperature,
    }
    return matrix, arguments


@pytest.fixture
def quick():
    """The interpreter puts itself in place again at each call of a device function; once is enough."""
    from triton.runtime import interpreter

    seen, function = set(), interpreter.InterpretedFunction
    plain = function.__call__

    def run(self, *arguments, **constants):
        module = self.fn.__module__
        if module not in seen and "core" in self.fn.__globals__:
            interpreter._patch_lang(self.fn)
            seen.add(module)
        return self.rewrite()(*arguments, **constants)

    function.__call__ = run
    yield
    function.__call__ = plain
