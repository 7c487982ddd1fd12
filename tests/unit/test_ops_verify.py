"""`gpu.ops.verify`: the naive form against the generic code, the compiled form against the naive one.

Compiled code is interpreted where there is no CUDA device. Near-ties are found by moving every uniform by a margin
either way: where the naive form then decides otherwise, rounding may, too.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpu.ops import verify as verify_ops
from gpu.ops.verify import agreement, launch, naive, prepare
from gpu.ops.verify.columns import KINDS as FORMS
from rdk_theory import acceptance_rate, verify_block, verify_chain
from rdk_theory.distributions import softmax
from rdk_theory.kernels import RankOne
from rdk_theory.sampling import inverse_cdf
from rdk_theory.verification import verify_lazy_chain
from tests.unit.ops_agreement import DEVICE, moved, on_device, poisoned  # noqa: F401
from tests.unit.verify_calls import GAMMA, KINDS, SIZE, call, draft_law, kernel, quick  # noqa: F401

verify = on_device(verify_ops.verify)


@pytest.fixture
def small_blocks(monkeypatch):
    """Rows of several blocks, shared by several programs, on narrow vocabularies."""
    for name, value in {"BLOCK": 64, "SPLITS": 2, "TILE": 32, "BLOCK_TILE": 16}.items():
        monkeypatch.setattr(launch, name, value)


def generic(matrix, arguments, method, length=None):
    """Count and next token of each chain by the generic code, in float64."""
    heat = arguments["temperature"]
    cut = slice(None) if length is None else slice(length)
    p = softmax(arguments["target_logits"].double(), heat)[:, : None if length is None else length + 1]
    q = draft_law(arguments["draft"], heat)[:, cut]
    x, accept, last = arguments["drafted"][:, cut], arguments["accept_uniforms"][:, cut], arguments["last_uniform"]
    if method == "block":
        out = verify_block(p, matrix.redistribute(q), x, accept, last, last)
    elif arguments["propose_uniforms"].shape[1]:
        tries = arguments["propose_uniforms"], arguments["keep_uniforms"]
        out = verify_lazy_chain(p, q, matrix, x, accept, *tries, last, last)
    else:
        out = verify_chain(p, matrix.redistribute(q), x, accept, last, last)
    return out.accepted, out.tokens.gather(-1, out.accepted[:, None])[:, 0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "tries"), [("token", 0), ("token", 2), ("block", 0)])
def test_the_naive_form_is_the_generic_code(kind, method, tries):
    matrix, arguments = call(kind, batch=200, tries=tries)
    out = verify(kernel=prepare(matrix), **arguments, method=method)
    accepted, token = generic(matrix, arguments, method)
    assert torch.equal(out.accepted.long(), accepted)
    assert torch.equal(out.token, token)
    assert set(accepted.tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("method", ["token", "block"])
def test_chains_of_unequal_length_are_each_as_if_alone(method):
    matrix, arguments = call("rank one", batch=60)
    lengths = torch.arange(60) % (GAMMA + 1)
    ragged = {name: x.clone() if isinstance(x, torch.Tensor) else x for name, x in arguments.items()}
    beyond = torch.arange(GAMMA + 1) > lengths[:, None]
    ragged["target_logits"][beyond] = torch.nan
    ragged["draft"][beyond[:, 1:]] = torch.nan
    ragged["drafted"][beyond[:, 1:]] = -5
    out = verify(kernel=prepare(matrix), **ragged, lengths=lengths, method=method)
    assert (out.acceptance[beyond[:, 1:]] == 0).all()
    for length in range(GAMMA + 1):
        here = lengths == length
        alone = {name: x[here] if isinstance(x, torch.Tensor) else x for name, x in arguments.items()}
        if length:
            accepted, token = generic(matrix, alone, method, length)
        else:
            accepted = torch.zeros(int(here.sum()), dtype=torch.int64)
            token = inverse_cdf(softmax(alone["target_logits"].double(), 0.8)[:, 0], alone["last_uniform"])
        assert torch.equal(out.accepted[here].long(), accepted)
        assert torch.equal(out.token[here], token)


def agree(matrix, arguments, **options):
    """The compiled form gives what the naive one gives, but for near-ties, of which there are few."""
    columns = prepare(matrix)
    fused = verify(kernel=columns, **arguments, **options, implementation="kernel")
    agreement.agree(columns, arguments, fused, **options)
    return fused


@pytest.mark.usefixtures("small_blocks", "poisoned", "quick")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dense"])
@pytest.mark.parametrize(("method", "tries"), [("token", 1), ("block", 1)])
def test_the_compiled_form_is_the_naive_one(kind, method, tries):
    matrix, arguments = call(kind, batch=6, tries=tries, seed=1)
    arguments["lengths"] = torch.tensor([3, 2, 0, 3, 1, 3])
    out = agree(matrix, arguments, method=method)
    assert out.accepted.unique().numel() > 1
    assert (out.accepted < arguments["lengths"]).any()


@pytest.mark.usefixtures("small_blocks", "poisoned", "quick")
@pytest.mark.parametrize(("dtype", "kind"), [(torch.bfloat16, "rank one"), (torch.float16, "dense float16")])
def test_narrow_logits(dtype, kind):
    matrix, arguments = call(kind, batch=6, tries=1, dtype=dtype, seed=2)
    agree(matrix, arguments)


@pytest.mark.usefixtures("poisoned", "quick")
@pytest.mark.parametrize(("size", "kept"), [(1, 1), (2, 1), (7, 7), (1025, 1), (2049, 1027)])
def test_sizes_around_those_of_blocks(size, kept, monkeypatch):
    monkeypatch.setattr(launch, "SPLITS", 1)
    matrix, arguments = call("rank one", batch=2, gamma=1, size=size, kept=kept, seed=4)
    agree(matrix, arguments)


@pytest.mark.usefixtures("small_blocks", "quick")
def test_edges_of_input():
    """Cold rows, uniforms at both ends, a temperature a chain, rows apart in memory, ids of 32 bits, probabilities."""
    matrix, arguments = call("rank one", batch=6, tries=1, seed=5)
    kept = torch.from_numpy(matrix.vocab.kept.copy())
    target = torch.full((6, 2 * (GAMMA + 1), SIZE), torch.nan)[:, ::2]
    target[:] = arguments["target_logits"]
    target[0, :, kept] = -torch.inf
    # One token has all the mass; a block of 64 holds no finite logit.
    target[1, 0] = -torch.inf
    target[1, 0, 100] = 3.0
    draft = softmax(arguments["draft"], 0.8)
    arguments |= {"target_logits": target, "draft": draft, "drafted": arguments["drafted"].int()}
    arguments["temperature"] = torch.tensor([0.8, 0.3, 1.0, 2.0, 1e-30, 1e30])
    for name in ("accept_uniforms", "last_uniform", "propose_uniforms", "keep_uniforms"):
        arguments[name][2], arguments[name][3] = 0.0, 1 - 2**-53
    out = agree(matrix, arguments, draft_logits=False)
    assert int(out.token[1]) == 100 or out.accepted[1] > 0
    assert torch.isfinite(target[torch.arange(6), out.accepted.long(), out.token]).all()
    only_cold = verify(kernel=prepare(kernel("embedding")), **_within(arguments, kept), draft_logits=False)
    assert only_cold.accepted[0] == 0
    assert int(only_cold.token[0]) not in matrix.vocab.kept


@pytest.mark.usefixtures("small_blocks", "quick")
def test_the_largest_uniform_draws_the_last_token_with_weight():
    """Sums of a block in float32 and of its entries in float64 differ either way; neither leads past the last token."""
    matrix, arguments = call("embedding", batch=16, gamma=1, seed=7)
    target = arguments["target_logits"]
    target[..., 2 * SIZE // 3 :] = -torch.inf
    arguments["last_uniform"][:] = 1 - 2**-53
    none = torch.zeros(16, dtype=torch.int64)
    out = verify(kernel=prepare(matrix), **arguments, lengths=none, implementation="kernel")
    assert torch.isfinite(target[torch.arange(16), 0, out.token]).all()
    assert (out.token == torch.isfinite(target[0, 0]).nonzero().max()).all()


def _within(arguments, kept):
    """The same, with drafted tokens that an embedding can draw."""
    return arguments | {"drafted": kept[arguments["draft"].argmax(-1)]}


def test_the_two_forms_disagree_where_one_is_given_another_kernel():
    """The comparison is not empty: a weight of 0.4 for one of 0.3 is seen."""
    _, arguments = call("rank one", batch=200)
    vocab, prior = kernel("rank one").vocab, kernel("rank one").prior
    sure, plain = agreement.decided(prepare(RankOne(vocab, 0.3, prior)), arguments)
    other = verify(kernel=prepare(RankOne(vocab, 0.4, prior)), **arguments)
    assert int((other.token != plain.token)[sure].sum()) > 2


@pytest.mark.parametrize(("top_k", "top_p"), [(5, None), (None, 0.6), (20, 0.9), (SIZE + 9, 1.0)])
def test_cut_targets_are_targets_without_what_is_cut(top_k, top_p):
    matrix, arguments = call("rank one", batch=40, tries=1, dtype=torch.bfloat16)
    cut = verify(kernel=prepare(matrix), **arguments, top_k=top_k, top_p=top_p)
    logits = arguments["target_logits"].clone()
    for row in logits.view(-1, SIZE):
        values = sorted({float(z) for z in row}, reverse=True)
        law = softmax(row.double(), 0.8)
        reached, mass = [], 0.0
        most = float(row.double().sort(descending=True).values[min(top_k or SIZE, SIZE) - 1])
        among = float(law[row >= most].sum())
        for value in values:
            if value < most or mass >= (1 if top_p is None else top_p) * among - 1e-12:
                break
            reached.append(value)
            # Equal logits are added one by one until enough is reached; then all of them stay.
            mass += float(law[row == value].sum())
        row[row < reached[-1]] = -torch.inf
    plain = verify(kernel=prepare(matrix), **(arguments | {"target_logits": logits}))
    for mine, its in zip(cut, plain, strict=True):
        assert torch.equal(mine, its)


@pytest.mark.usefixtures("small_blocks", "quick")
def test_cut_targets_compiled():
    matrix, arguments = call("rank one", batch=4, tries=1, dtype=torch.bfloat16, seed=6)
    agree(matrix, arguments, top_k=20, top_p=0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_ratios_have_the_acceptance_rate_as_their_mean(kind):
    """Every token that can be drafted, once, with the weight that the proposal gives it."""
    matrix, arguments = call(kind, batch=1, gamma=1)
    proposal = naive.proposals(draft_law(arguments["draft"], 0.8), prepare(matrix))[0, 0]
    possible = torch.nonzero(proposal > 0)[:, 0]
    every = {name: x.expand(len(possible), *x.shape[1:]) for name, x in arguments.items() if name != "temperature"}
    every["drafted"] = possible[:, None]
    out = verify(kernel=prepare(matrix), **every, temperature=0.8)
    target = softmax(arguments["target_logits"].double(), 0.8)[0, 0]
    mean = float((proposal[possible] * out.acceptance[:, 0]).sum())
    assert mean == pytest.approx(float(acceptance_rate(target, proposal / proposal.sum())), abs=1e-6)
    # Control: averaged over the target instead, it is another number.
    assert float((target[possible] * out.acceptance[:, 0]).sum()) != pytest.approx(mean, abs=1e-2)


@pytest.mark.usefixtures("quick")
def test_one_launch_and_no_row_of_the_vocabulary_in_memory(monkeypatch):
    size, entries, launches = 20_000, [], []
    matrix, arguments = call("rank one", batch=1, gamma=1, tries=1, size=size)
    columns, run = prepare(matrix), launch.launch
    plain = {name: getattr(torch, name) for name in ("empty", "zeros")}

    def counted(name):
        def make(*shape, **options):
            out = plain[name](*shape, **options)
            entries.append(out.numel())
            return out

        return make

    for name in plain:
        monkeypatch.setattr(torch, name, counted(name))
    monkeypatch.setattr(launch, "launch", lambda *a, **k: launches.append(a[0]) or run(*a, **k))
    verify(kernel=columns, **arguments, implementation="kernel", check=False)
    assert len(launches) == 1
    assert 0 < sum(entries) < size / 50


def test_a_second_call_does_nothing_on_the_device_but_launch(monkeypatch):
    """No fill, no copy, no conversion: operations that allocate or make views are all that torch is asked for."""
    matrix, arguments = call("dense float16", batch=2, tries=1)
    columns, arguments, seen = prepare(matrix, DEVICE), moved(arguments, DEVICE), []
    plain = {"implementation": "kernel", "check": False}

    class Seen(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(function.overloadpacket._qualified_op_name)
            return function(*args, **(kwargs or {}))

    monkeypatch.setattr(launch, "launch", lambda *a, **k: seen.append("launch"))
    for options in ({}, {"lengths": torch.tensor([1, 2], device=DEVICE)}):
        verify_ops.verify(kernel=columns, **arguments, **options, **plain)
        with Seen():
            verify_ops.verify(kernel=columns, **arguments, **options, **plain)
        assert seen.count("launch") == 2
        assert set(seen) <= {"launch", "aten::empty", "aten::unbind"}
        seen.clear()
    # Control: a cut is seen.
    with Seen():
        verify_ops.verify(kernel=columns, **arguments, **plain, top_k=3)
    assert "aten::sort" in seen


def test_counters_are_zero_again_after_an_interruption(monkeypatch):
    """What was counted before a launch broke off is not there in the next."""
    matrix, arguments = call("embedding", batch=2, gamma=1)
    columns = prepare(matrix)
    device = prepare(matrix, DEVICE).device

    def broken(*_arguments, **_constants):
        launch._counters(2, device, 0).fill_(1)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(launch, "launch", broken)
        with pytest.raises(KeyboardInterrupt):
            verify(kernel=columns, **arguments, implementation="kernel")
    assert launch._counters(2, device, 0).tolist() == [0, 0]
    agree(matrix, arguments)
    assert launch._counters(2, device, 0).tolist() == [0, 0]


COMPILE = """
import sys
import torch
torch.cuda.is_available = lambda: True  # compile, do not interpret
from gpu.ops._triton import triton
from gpu.ops.verify import launch
from gpu.ops.verify.kernel import verify_chains
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

wide = {"drafted": "i64", "lengths": "i64", "starts": "i64", "token_out": "i64", "temperatures": "fp64",
        "draft_temperatures": "fp64", "weight": "fp64", "target": "bf16", "draft": "bf16", "matrix": "fp16",
        "position": "i32", "places": "i32", "accepted_out": "i32", "tried_out": "i32", "arrived": "i32",
        "fell_back_out": "i1", "topics": "fp64"}
sizes = {"target_chain", "target_row", "draft_chain", "draft_row", "size", "kept", "gamma", "tries", "weight_step",
         "prior_step"}
names = verify_chains.arg_names
# Rank one as it is launched for 262,144 tokens; the other forms, as blocks, in small blocks, which compile sooner. The
# last form is that of certain drafts.
for kind in range(7):
    few = {"BLOCK": 128, "TILE": 64, "BLOCKS": 8}
    few = few | {"BLOCK": launch.BLOCK, "TILE": launch.TILE, "BLOCKS": 256} if kind == 1 else few
    constants = {"KIND": kind, "LOGITS": kind != 2, "CUT": kind == 4, "GREEDY": kind > 4, "AS_BLOCK": kind != 1,
                 "RANK": 5, "RANKS": 8, "DRAFT_BLOCKS": 8, "BLOCK_TILE": launch.BLOCK_TILE, "SPLITS": launch.SPLITS,
                 **few}
    signature = {name: "constexpr" if name in constants else "i32" if name in sizes else "*" + wide.get(name, "fp32")
                 for name in names}
    places = {(names.index(name),): value for name, value in constants.items()}
    done = triton.compile(ASTSource(verify_chains, signature, constexprs=places), target=GPUTarget("cuda", 90, 32))
    print(kind, len(done.asm["cubin"]) > 0)
"""


def test_it_compiles_for_a_gpu_that_is_not_at_hand(tmp_path):
    """Machine code for `sm_90` comes out of every form; whether it runs is not seen here."""
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "".join(f"{kind} True\n" for kind in range(len(FORMS) + 1)), done.stderr


def test_the_example_in_the_readme_runs():
    text = (Path(naive.__file__).parent / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    exec(compile(example, "README.md", "exec"), scope := {})
    assert scope["out"].token.shape == (2,)
