"""Compile every kernel of the operations for a Hopper GPU, without one: run as a script, prints what was compiled.

It must be run in a process where torch was made to say that there is a CUDA device. The operations are called as users
call them; each launch is answered by compiling the kernel for the types of its arguments, up to machine code, and
nothing is run.
"""

import numpy as np
import scipy.sparse
import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gpu.ops import _triton
from gpu.ops.acceptance import acceptance, acceptance_rate
from gpu.ops.acceptance import kernel as acceptance_code
from gpu.ops.propose import kernel as propose_code
from gpu.ops.propose import prepare_rows, propose
from gpu.ops.redistribute import kernel as redistribute_code
from gpu.ops.redistribute import prepare_first_order, redistribute
from gpu.ops.softmax_sample import kernel as sample_code
from gpu.ops.softmax_sample import softmax_sample
from gpu.ops.verify.columns import prepare
from rdk_theory import Vocabulary
from rdk_theory.kernels import BackedOff, Dense, Embedding, LowRank, RankOne, SoftmaxCovariance, Sparse

HOPPER = GPUTarget("cuda", 90, 32)
NAMES = {
    torch.float16: "fp16", torch.bfloat16: "bf16", torch.float32: "fp32", torch.float64: "fp64", torch.int32: "i32",
    torch.int64: "i64", torch.bool: "i1",
}  # fmt: skip
N, K, R = 5000, 301, 6


def compiled(kernel, grid, *arguments, **constants):
    """In place of a launch."""
    names = kernel.arg_names
    values = dict(zip(names, arguments, strict=False)) | constants
    fixed = {name: value for name, value in values.items() if value is None or name in constants}
    types = {
        name: "constexpr" if name in fixed else f"*{NAMES[x.dtype]}" if isinstance(x, torch.Tensor) else "i32"
        for name, x in values.items()
    }
    source = ASTSource(kernel, types, constexprs={(names.index(name),): value for name, value in fixed.items()})
    binary = triton.compile(source, target=HOPPER, options={"enable_fp_fusion": False})
    used = " ".join(types[name] for name in names if types[name] not in ("constexpr", "i32"))
    print(kernel.__name__, len(binary.asm["cubin"]) > 0, used)


def everything():
    """Each kernel, with logits and matrices of each width."""
    rng = np.random.default_rng(0)
    vocab = Vocabulary(N, rng.permutation(N)[:K])
    dense = torch.full((K, N), 1 / N)
    factors = np.full((K, R), 1 / R), np.full((R, N), 1 / N)
    mixed, low = RankOne(vocab, 0.5, np.full(N, 1 / N)), LowRank(vocab, *factors)
    sparse = Sparse(vocab, scipy.sparse.csr_array((np.ones(K), (np.arange(K), vocab.kept)), shape=(K, N)))
    backed = BackedOff(
        vocab, scipy.sparse.csr_array((np.full(K, 0.5), (np.arange(K), vocab.kept)), shape=(K, N)), mixed.prior
    )
    half = Dense(vocab, (1024 * dense / 1024).half())
    first = SoftmaxCovariance.from_factor(vocab, rng.normal(size=(N, R)), 99.0).first_order()
    u, options = torch.full((2,), 0.5), {"implementation": "kernel", "check": False}
    for width in (torch.float32, torch.bfloat16, torch.float16):
        z, y = torch.zeros(2, N).to(width), torch.zeros(2, K).to(width)
        softmax_sample(y, u, **options)
        acceptance(z, y, prepare(mixed), **options)
        acceptance_rate(z, z, **options)
        redistribute(y, prepare(mixed), **options)
    acceptance(z, y, prepare(Embedding(vocab)), **options)
    for kernel in (mixed, sparse, backed, low, half):
        propose(y, prepare_rows(kernel), u, u, **options)
    for kernel in (low, half, Dense(vocab, dense), Dense(vocab, dense.bfloat16())):
        redistribute(y, prepare(kernel), **options)
    redistribute(y, prepare_first_order(first), **options)


def refused():
    """Control: a tile that is not a power of two is no code for a GPU, though the interpreter might run it."""
    redistribute_code.DEPTH = 3
    columns = prepare(Dense(Vocabulary.full(20), torch.full((20, 20), 1 / 20)))
    try:
        redistribute(torch.zeros(2, 20), columns, implementation="kernel", check=False)
    except triton.CompilationError:
        print("refused")


if __name__ == "__main__":
    assert not _triton.INTERPRETED
    _triton.INTERPRETED = True  # lets tensors of the CPU through to the launch
    for module in (acceptance_code, propose_code, redistribute_code, sample_code):
        module.launch = compiled
    everything()
    refused()
