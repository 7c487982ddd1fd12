"""`rdk bench --device`: the grid, the kernels that it makes, the bytes that it counts, and quantiles."""

import types

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpu.bench import grid as grids
from gpu.bench import timing, traffic
from gpu.bench.grid import FORMS, OPERATIONS, Point, grid
from gpu.bench.implementations import fused
from gpu.bench.inputs import make_kernel
from gpu.ops._agreement import DEVICE
from gpu.ops.verify import launch, prepare, verify
from gpu.ops.verify.agreement import whole_proposals
from rdk_theory.kernels import Dense
from tests.unit.device_bench_cases import case, small_buffers  # noqa: F401
from tests.unit.verify_calls import quick  # noqa: F401

pytestmark = pytest.mark.usefixtures("small_buffers")


def test_grids_are_bounded_and_hold_what_they_should():
    whole, small, cpu = grid("cuda"), grid("cuda", quick=True), grid("cpu")
    assert len(whole.points) == 21 * 5 + 5 * 5 + 3
    assert {p.size for p in whole.points} == set(grids.SIZES)
    assert {p.batch for p in whole.points} == {1, 8, 64, 256}
    assert {p.gamma for p in whole.points if p.verifies} == {1, 4, 8}
    assert {(p.operation, p.form) for p in whole.points} == {(o, f) for o, forms in OPERATIONS.items() for f in forms}
    assert whole.compiled == {Point("verify token", form, grids.REFERENCE, 64, 4, "bfloat16") for form in FORMS}
    assert set(small.points) < set(whole.points)
    assert {p.size for p in cpu.points if p.form == "dense half"} == {grids.NARROW}
    chosen = grid("cpu", sizes=[64], batches=[1, 2], gammas=[1, 3]).points
    assert len(chosen) == len(set(chosen)) == 2 * (11 + 2 * 10)


@pytest.mark.parametrize("form", FORMS)
def test_kernels_have_rows_that_sum_to_one_and_chains_are_drawn_from_them(form):
    inputs = case("verify token", form, size=64, batch=4000, gamma=1)
    columns = inputs.kernel.columns
    rows = whole_proposals(torch.eye(16, dtype=torch.float64)[None], columns)[0]
    assert (rows.sum(-1) - 1).abs().max() < 1e-5
    mean = (inputs.draft[:, 0].double().softmax(-1) @ rows).mean(0)
    counts = torch.bincount(inputs.drafted[:, 0], minlength=64)
    # Five standard errors of each count; the law of another kernel is further away.
    error = 5 * (mean * (1 - mean) * 4000).sqrt() + 5
    assert ((counts - 4000 * mean).abs() <= error).all()
    assert not ((counts - 4000 * mean.roll(1)).abs() <= error).all()


def test_the_dense_matrix_is_the_kernel_that_prepare_would_lay_out():
    columns = make_kernel("dense half", 96, 24, "cpu", 1).columns
    other = prepare(Dense(columns.vocab, columns.matrix.T.float() * columns.scale[:, None]))
    q = torch.rand(1, 3, 24, dtype=torch.float64)
    assert (whole_proposals(q, columns) - whole_proposals(q, other)).abs().max() < 1e-5


class Touched(TorchDispatchMode):
    """The tensors, of some that are watched, that operations are given; views count as what they are views of."""

    def __init__(self, watched):
        self.storages = {x.untyped_storage().data_ptr(): name for name, x in watched.items() if x.numel()}
        self.seen = set()
        super().__init__()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        for x in torch.utils._pytree.tree_leaves((args, kwargs or {})):
            if isinstance(x, torch.Tensor):
                self.seen.add(self.storages.get(x.untyped_storage().data_ptr()))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["token", "block"])
def test_whole_tensors_count_as_many_bytes_as_the_naive_form_reads(form, method):
    """The naive form reads what it is given, all of it; the formula counts those tensors, at their sizes, once."""
    inputs = case(f"verify {method}", form, dtype="bfloat16", tries=0)
    inputs.uniforms["accept_uniforms"][:] = 0.999
    columns = inputs.kernel.columns
    parameters = {name: x for name, x in vars(columns).items() if isinstance(x, torch.Tensor) and x.numel()}
    names = ("target", "draft", "drafted")
    watched = {name: getattr(inputs, name) for name in names} | inputs.uniforms | parameters
    with Touched(watched) as touched:
        outcome = fused(inputs, "naive")()
    assert bool(outcome.fell_back.any())
    found = traffic.moved_bytes(inputs, outcome)
    read = {name: x.numel() * x.element_size() for name, x in watched.items() if name in touched.seen}
    # The naive form knows the kept tokens from the vocabulary, and goes to the places of the kernel for none else.
    kernel = sum(read.get(name, 0) for name in parameters if name != "position")
    kernel += 4 * inputs.point.size if form in ("none", "rank one") else 0
    if form == "sparse":
        assert touched.seen >= {"starts", "places", "entries"}
    assert found["kernel"] == kernel
    for name, part in (("target", "target_logits"), ("draft", "draft"), ("drafted", "drafted")):
        assert found[part] == read[name]
    for name in ("accept_uniforms", "last_uniform"):
        assert found[name] == read[name]
    assert found["propose_uniforms"] == found["keep_uniforms"] == 0
    written = sum(x.numel() * x.element_size() for x in outcome)
    assert found["out"] == written


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("form", ["sparse", "dense half"])
def test_single_columns_are_all_that_is_read_of_a_kernel(form, monkeypatch):
    """What the formula leaves out holds NaN and changes nothing; what it counts, changed, changes the outcome."""
    for name in ("BLOCK", "TILE"):
        monkeypatch.setattr(launch, name, 64)
    monkeypatch.setattr(launch, "SPLITS", 1)
    inputs = case("verify token", form, batch=2, gamma=1, device=DEVICE)
    inputs.uniforms["accept_uniforms"][:] = 1e-6  # everything is accepted: no candidate is tried
    plain = fused(inputs)()
    assert plain.tried.sum() == 0
    columns, tokens = inputs.kernel.columns, inputs.drafted[:, 0]
    stored = columns.entries if form == "sparse" else columns.matrix
    owner = torch.arange(203, device=DEVICE)
    owner = torch.repeat_interleave(owner, columns.starts.diff()) if form == "sparse" else owner
    inside = torch.isin(owner, tokens)
    kept = stored.clone()
    stored[~inside] = torch.nan
    assert torch.equal(fused(inputs)().acceptance, plain.acceptance)
    stored[:] = kept
    stored[inside] *= 0.5
    assert (fused(inputs)().acceptance != plain.acceptance).any()
    stored[:] = kept
    found = traffic.moved_bytes(inputs, plain)["kernel"]
    if form == "sparse":
        assert found == 2 * 16 + 8 * sum(int((owner == x).sum()) for x in tokens)
    else:
        assert found == 2 * 50 * 2 + 4 * 50


def test_candidates_count_with_their_uniforms_and_columns():
    inputs = case("verify token", "rank one", batch=40)
    outcome = verify(kernel=inputs.kernel.columns, **inputs.chains(), implementation="naive")
    tried = int(outcome.tried.sum())
    assert tried > 0
    assert not outcome.fell_back.any()
    found = traffic.moved_bytes(inputs, outcome)
    assert found["kernel"] == 8 * (40 * 2 + tried) + 8
    assert found["propose_uniforms"] == found["keep_uniforms"] == 4 * tried
    # As a block the masses take the whole kernel, whether or not anything is rejected; a chain of one has none.
    for gamma, kernel in ((2, 8 * 203 + 8), (1, 8 * 3 + 8)):
        block = case("verify block", "rank one", gamma=gamma)
        block.uniforms["accept_uniforms"][:] = 0.0
        whole = fused(block, "naive")()
        assert not whole.fell_back.any()
        assert traffic.moved_bytes(block, whole)["kernel"] == kernel


def test_bytes_of_the_other_operations():
    """By hand, at N = 200 with 50 kept, three rows in float32."""

    def parts(operation, form):
        inputs = case(operation, form, size=200)
        return traffic.moved_bytes(inputs, fused(inputs, "naive")())

    assert parts("softmax_sample", "none") == {"draft": 600, "temperature": 24, "first": 12, "out": 60}
    assert parts("acceptance", "rank one")["kernel"] == 4 * 200 + 8 + 4 * 200
    assert parts("acceptance", "none") | {"kernel": 0} == {
        "draft": 600, "temperature": 24, "target": 2400, "draft temperature": 24, "kernel": 0, "out": 12,
    }  # fmt: skip
    assert parts("redistribute", "dense half") == {"draft": 600, "kernel": 2 * 200 * 50 + 4 * 50, "out": 2400}
    assert parts("redistribute", "first order")["kernel"] == 4 * 64 * 250
    assert parts("propose", "rank one")["kernel"] == 8 * 3 + 8 + 3 * 8 * (2 + 8)
    assert parts("propose", "low rank")["kernel"] == 4 * 16 * 50 + 3 * 4 * 16 + 3 * 8 * 16 * 9


def test_milliseconds_of_a_gpu_are_seconds_by_graph_or_by_events(monkeypatch):
    """With stand-ins: nothing of it has run on a GPU."""
    replayed = types.SimpleNamespace(replay=lambda: "replayed")
    runs = []

    def do_bench(call, warmup, rep, quantiles):
        assert quantiles == [0.2, 0.5, 0.8]
        runs.append(call())
        return [1.0, 2.0, 4.0]

    monkeypatch.setattr("triton.testing.do_bench", do_bench)
    for graph, how in ((replayed, "graph"), (None, "events")):
        monkeypatch.setattr(timing, "_captured", lambda call, graph=graph: graph)
        assert timing.timed(lambda: "called", "cuda") == timing.Timing(1e-3, 2e-3, 4e-3, how)
    assert runs == ["replayed", "called"]


def test_quantiles_and_a_call_that_is_repeated_at_least_three_times():
    found = timing.spread([5.0, 1.0, 2.0, 4.0, 3.0, 6.0], "wall clock")
    assert found == timing.Timing(2.0, 3.5, 5.0, "wall clock")
    with pytest.raises(ValueError, match="durations of length 0"):
        timing.spread([], "wall clock")
    calls = []
    one = timing.timed(lambda: calls.append(0), "cpu", 0.0)
    assert len(calls) == 1 + timing.REPEATS[0]
    assert 0 < one.low <= one.median <= one.high < 1
    assert timing.copy_bandwidth("cpu", 1 << 20) > 1e6
    assert timing.launches(lambda: None, "cpu") is None
