"""`rdk bench --device`: what it counts, what it compares before it times, and what it says where it cannot."""

import argparse
import json
import types

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gpu.bench import __main__ as with_tests
from gpu.bench import checks, command, figure, goals, measure, others, timing, traffic
from gpu.bench import grid as grids
from gpu.bench.grid import FORMS, OPERATIONS, Point, grid
from gpu.bench.implementations import as_outcome, by_package, fused, in_torch
from gpu.bench.inputs import TRIES, bytes_needed, make_inputs, make_kernel
from gpu.ops._agreement import DEVICE, Disagreement
from gpu.ops.verify import Verified, launch, prepare, verify
from gpu.ops.verify.agreement import unexplained, whole_proposals
from rdk_theory import cli, tables
from rdk_theory.kernels import Dense
from tests.unit.verify_calls import quick  # noqa: F401


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch):
    """What is copied and overwritten is small here: how fast this machine is, is not the question."""
    monkeypatch.setattr(timing, "FLUSHED", 1 << 12)
    monkeypatch.setitem(timing.COPIED, "cpu", 1 << 16)


def case(operation, form, size=203, batch=3, gamma=2, dtype="float32", tries=TRIES, device="cpu"):
    point = Point(operation, form, size, batch, gamma if operation.startswith("verify") else 1, dtype)
    kernel = make_kernel(form, size, point.kept, device, 1, rows=operation == "propose")
    return make_inputs(point, kernel, device, 2, tries)


# What is timed.


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


# Bytes.


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


# Times.


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


# Comparisons before anything is timed.


@pytest.mark.parametrize("operation", ["verify token", "verify block"])
def test_what_the_uniforms_explain_and_what_they_do_not(operation):
    """At a width where nearly every uniform has a boundary within the margin: right outcomes pass, others not."""
    inputs = case(operation, "rank one", size=20_000, batch=24, gamma=3)
    chains = checks._chains(inputs, inputs.chains(tries=0))
    right = verify(kernel=inputs.kernel.columns, **inputs.chains(tries=0), method=operation[7:], implementation="naive")
    assert unexplained(chains, right) == []
    assert 0 < int((right.accepted < 3).sum()) < 24
    with_tries = verify(
        kernel=inputs.kernel.columns, **inputs.chains(tries=4), method=operation[7:], implementation="naive"
    )
    tried = checks._chains(inputs, inputs.chains(tries=4))
    assert int(with_tries.tried.sum()) > 0
    assert unexplained(tried, with_tries) == []
    wrong = {
        "token": right._replace(token=(right.token + 40) % 20_000),
        "count": right._replace(accepted=(right.accepted - 1) % 4),
        "ratio": right._replace(acceptance=right.acceptance * 1.001),
        "fell back": right._replace(fell_back=~right.fell_back),
        "not a number": right._replace(acceptance=right.acceptance * torch.nan),
    }
    for name, outcome in wrong.items():
        assert len(unexplained(chains, outcome)) >= 20 if name != "ratio" else unexplained(chains, outcome), name
    rejected = with_tries.tried > 0
    assert unexplained(tried, with_tries._replace(token=torch.where(rejected, with_tries.token + 40, with_tries.token)))
    assert unexplained(tried, with_tries._replace(tried=with_tries.tried + rejected))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("operation", "form"), [(o, forms[-1]) for o, forms in OPERATIONS.items()])
def test_a_right_kernel_passes_and_a_wrong_one_is_reported(operation, form, monkeypatch, tmp_path):
    """Controls: each operation's outcome, changed a little, is found out before it is timed, and gives status 1."""
    checks.small(operation, form, "float32", 0)
    plain = checks.fused

    def wrong(inputs, implementation="kernel"):
        call = plain(inputs, implementation)

        def changed():
            out = call()
            if operation.startswith("verify"):
                return out._replace(acceptance=out.acceptance * 1.0001)
            if operation == "softmax_sample":
                return out._replace(place=(out.place + 1) % inputs.point.kept)
            return out._replace(token=(out.token + 1) % inputs.point.size) if operation == "propose" else out * 1.001

        return changed

    monkeypatch.setattr(checks, "fused", wrong)
    point = Point(operation, form, 203, 2, 1, "float32")
    rows = measure.measure(grids.Grid((point,), frozenset()), "cpu", 0, 0.0)
    own = [row for row in rows if row["operation"] is not None]
    assert {(row["implementation"], row["status"]) for row in own} == {("kernel", "incorrect"), ("naive", "incorrect")}
    assert len(command.incorrect(rows)) == 2
    assert command.incorrect([row for row in rows if row["operation"] is None]) == []


@pytest.mark.parametrize(("operation", "form"), [("verify token", "sparse"), ("propose", "low rank")])
def test_rows_of_the_timed_inputs_are_compared_too(operation, form, monkeypatch):
    monkeypatch.setattr(checks, "small", lambda *arguments: None)
    plain = measure.fused

    def wrong(inputs, implementation="kernel"):
        call = plain(inputs, implementation)
        return lambda: (out := call())._replace(token=(out.token + 30) % inputs.point.size)

    monkeypatch.setattr(measure, "fused", wrong)
    points = grid("cpu", sizes=[512], batches=[4], gammas=[2]).points
    points = tuple(p for p in points if (p.operation, p.form) == (operation, form))
    rows = {
        row["implementation"]: row["status"] for row in measure.measure(grids.Grid(points, frozenset()), "cpu", 0, 0.0)
    }
    assert rows["naive"] == "incorrect"
    assert rows.get("torch", "measured") == "measured"


@pytest.mark.parametrize("form", FORMS)
def test_verification_in_a_few_operations_of_torch_is_right(form):
    inputs = case("verify token", form, size=4096, batch=8, gamma=3)
    checks.own(inputs, in_torch(inputs)(), checks.FLOAT32, tries=0)
    assert in_torch(case("verify block", form)) is None


def test_a_call_that_does_not_compile_or_takes_too_long_is_a_row(monkeypatch):
    inputs = case("verify token", "none")
    run = measure.Run("cpu", 0, 0.0)

    def broken(call, **options):
        def compiled():
            raise RuntimeError("/home/someone/code.py does not compile\nmore")

        return compiled

    monkeypatch.setattr(torch, "compile", broken)
    measure._compiled(run, inputs, "naive, compiled", fused(inputs, "naive"), 1.0)
    monkeypatch.setattr(measure, "COMPILE_SECONDS", 1)
    monkeypatch.setattr(torch, "compile", lambda call, **options: _wait)
    measure._compiled(run, inputs, "naive, compiled", lambda: None, 1.0)
    assert [row["why"] for row in run.rows] == ["torch.compile: … does not compile", "torch.compile took more than 1 s"]
    assert {row["status"] for row in run.rows} == {"failed"}


def _wait():
    raise TimeoutError


def test_a_limit_stops_what_takes_longer():
    with pytest.raises(TimeoutError):
        _spin(1)


def _spin(seconds):
    with measure.limit(seconds):
        while True:
            pass


# Other packages.


def emit(target, proposal, drafted, *, residual=True):
    """A right verifier in torch, with random numbers of its own; without `residual`, one that is wrong."""
    row, gamma = torch.arange(len(drafted)), drafted.shape[1]
    ids = drafted[..., None]
    ratio = target[:, :-1].gather(-1, ids)[..., 0] / proposal.gather(-1, ids)[..., 0]
    accepted = (torch.rand(ratio.shape) < ratio).long().cumprod(-1).sum(-1)
    law = target[row, accepted]
    minus = torch.where((accepted < gamma)[:, None], proposal[row, accepted.clip(max=gamma - 1)], 0.0)
    law = (law - minus).clip(min=0) if residual else law
    return accepted, torch.multinomial(law, 1)[:, 0]


def rows_of(accepted, token, drafted):
    """Emitted tokens, −1 after the last."""
    out = torch.cat([drafted, drafted[:, :1]], dim=1)
    out[torch.arange(len(out)), accepted] = token
    return torch.where(torch.arange(out.shape[1]) > accepted[:, None], -1, out).int()


def like_flashinfer(
    draft_probs, draft_token_ids, target_probs, maybe_output_accepted_token_num=None, deterministic=True
):
    assert draft_token_ids.dtype == torch.int32
    out = emit(target_probs, draft_probs, draft_token_ids.long())
    return rows_of(*out, draft_token_ids.long()), out[0], out[0]


def like_vllm(
    draft_token_ids, num_draft_tokens, max_spec_len, cu_num_draft_tokens, draft_probs, target_probs, bonus_token_ids,
    sampling_metadata,
):  # fmt: skip
    batch, gamma = len(num_draft_tokens), max_spec_len
    assert cu_num_draft_tokens.tolist() == np.cumsum(num_draft_tokens).tolist()
    assert sampling_metadata.all_random
    drafted = draft_token_ids.reshape(batch, gamma).long()
    # The last law is not given; its token is.
    target = torch.cat([target_probs.reshape(batch, gamma, -1), torch.ones(batch, 1, target_probs.shape[-1])], dim=1)
    accepted, token = emit(target, draft_probs.reshape(batch, gamma, -1), drafted)
    return rows_of(accepted, torch.where(accepted == gamma, bonus_token_ids[:, 0].long(), token), drafted)


def like_sglang(
    predicts, accept_index, accept_token_num, candidates, retrive_index, retrive_next_token, retrive_next_sibling,
    uniform_samples, uniform_samples_for_final_sampling, target_probs, draft_probs, threshold_single=1.0,
    threshold_acc=1.0, deterministic=True,
):  # fmt: skip
    """A chain as a tree: node ``i + 1`` is accepted with ``p_x`` at node ``i``; else ``x`` is left out of the law."""
    batch, nodes = candidates.shape
    row, drafted = torch.arange(batch), candidates[:, 1:]
    assert retrive_next_token[0].tolist() == [*range(1, nodes), -1]
    passed = uniform_samples[:, :-1] < target_probs[:, :-1].gather(-1, drafted[..., None])[..., 0]
    accepted = passed.long().cumprod(-1).sum(-1)
    law = target_probs[row, accepted].clone()
    rejected = accepted < nodes - 1
    law[row[rejected], drafted[row, accepted.clip(max=nodes - 2)][rejected]] = 0
    token = torch.multinomial(law, 1)[:, 0]
    step = torch.arange(nodes)
    accept_index[:] = torch.where(step <= accepted[:, None], retrive_index, -1).int()
    predicts[:] = torch.where(step == accepted[:, None], token[:, None], 0).flatten().int()
    accept_token_num[:] = accepted.int()


FAKES = dict(zip(others.PACKAGES, (like_flashinfer, like_vllm, like_sglang), strict=True))


@pytest.mark.parametrize("package", FAKES, ids=lambda p: p.name)
def test_adapters_emit_the_targets_law_and_are_counted(package, monkeypatch):
    """Stand-ins with the documented signatures: the adapters lay out their arguments and read their results."""
    torch.manual_seed(0)
    module = types.SimpleNamespace(**{package.function: FAKES[package]})
    monkeypatch.setattr(others.importlib, "import_module", lambda name: module)
    verifier = others.find(package)
    others.compare_law(verifier, "cpu", 0)
    inputs = case("verify token", "rank one")
    for given in (False, True):
        outcome = as_outcome(*by_package(inputs, verifier, given=given)(), 2)
        assert isinstance(outcome, Verified)
        assert sum(traffic.moved_bytes(inputs, outcome).values()) > 0


def test_a_verifier_with_another_law_is_found_out():
    torch.manual_seed(0)
    others.compare_law(emit, "cpu", 0)
    with pytest.raises(Disagreement, match="first token does not have the target's law"):
        others.compare_law(lambda *laws: emit(*laws, residual=False), "cpu", 0)
    with pytest.raises(Disagreement, match="a count or a token"):
        others.compare_law(lambda p, r, x: (x[:, 0] * 0 + 3, x[:, 0]), "cpu", 0)
    with pytest.raises(Disagreement, match="chains have a second token"):
        others.compare_law(lambda p, r, x: (x[:, 0] * 0, torch.multinomial(p[:, 0], 1)[:, 0]), "cpu", 0)


def test_packages_that_are_not_there_or_have_changed_are_rows(monkeypatch):
    def changed(draft_probs, draft_token_ids, target_probs, something_new):
        raise AssertionError("called with too little")

    first = others.PACKAGES[0]
    assert measure._package(first, "cpu", 0) == "flashinfer is not installed"
    assert measure._package(first, "cuda", 0).startswith("not installed: ")
    module = types.SimpleNamespace(chain_speculative_sampling=changed)
    monkeypatch.setattr(others.importlib, "import_module", lambda name: module)
    assert "needs something_new" in measure._package(first, "cuda", 0)
    monkeypatch.setattr(others.importlib, "import_module", lambda name: types.SimpleNamespace())
    assert "has no chain_speculative_sampling" in measure._package(first, "cuda", 0)


# Goals, the command, the figure.


def device_rows(**changed):
    """A table as a GPU might give it, all goals held; `changed` replaces numbers of the rank-one kernel."""
    points = [Point("verify token", form, size, 64, 4, "bfloat16") for form in FORMS for size in (32_000, 128_256)]
    run = measure.Run("cuda", 0, 0.0)
    for point in points:
        times = {"kernel": 1e-4, "torch": 1.6e-4, "flashinfer": 2e-4, "flashinfer, laws given": 1e-5}
        for name, median in times.items():
            numbers = {"low": median, "median": median, "high": median, "bytes": int(median * 0.9e12), "launches": 1}
            if name == "kernel" and point.form == "rank one" and point.size == 32_000:
                numbers |= changed
            run.add(point, name, measure.MEASURED, how="graph", **numbers)
    return measure.finished(run.rows, 1e12)


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, set()),
        ({"median": 1.06e-4, "bytes": int(1e8)}, {"verification with rank one, over none"}),
        ({"bytes": int(0.8e8)}, {"share of copy bandwidth, rank one, batch ≥ 64"}),
        ({"launches": 2}, {"launches a verification"}),
        (
            {"median": 1.1e-4, "bytes": int(1e8)},
            {"verification with rank one, over none", "time of the best other implementation, over the kernel's"},
        ),
    ],
)
def test_goals_are_missed_where_they_should_be(changed, missed):
    found = goals.goals(device_rows(**changed), "cuda")
    assert {goal.name for goal in found if goal.verdict == goals.MISSED} == missed
    assert {goal.verdict for goal in found if goal.name not in missed} == {goals.HELD}
    assert all(goal.at is not None and "rank one, N = 32000" in goal.at for goal in found if goal.name in missed)


def test_goals_are_open_where_no_gpu_decided_them():
    assert {goal.verdict for goal in goals.goals(device_rows(), "cpu")} == {goals.UNKNOWN}
    assert {goal.verdict for goal in goals.goals([], "cuda")} == {goals.UNKNOWN}


@pytest.mark.usefixtures("quick")
def test_a_run_on_the_cpu_from_the_command_line(monkeypatch, tmp_path, capsys):
    few = {"softmax_sample": ("none",), "verify token": ("none", "rank one")}
    monkeypatch.setattr(grids, "OPERATIONS", few)
    line = ["bench", "--device", "cpu", "--quick", "--out", str(tmp_path)]
    chosen = ["--sizes", "300", "--batches", "2", "--gammas", "1"]
    assert cli.main([*line, *chosen, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = tables.read(tmp_path / command.TABLE)
    assert result["rows"] == rows
    assert result["goals"] == tables.read(tmp_path / command.GOALS)
    measured = [row for row in rows if row["status"] == "measured"]
    assert len(measured) == 3 + 2
    for row in measured:
        assert row["low"] <= row["median"] <= row["high"]
        assert row["share"] == pytest.approx(row["bytes"] / row["median"] / row["copy_bandwidth"])
        assert row["how"] == "wall clock"
    assert {row["why"] for row in rows if row["implementation"] == "kernel"} == {measure.INTERPRETED}
    assert {row["implementation"] for row in rows if row["operation"] is None} == {"flashinfer", "vllm", "sglang"}
    ratios = [row["ratio_to_none"] for row in measured if row["form"] == "rank one"]
    assert len(ratios) == 2
    assert min(ratios) > 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert set(manifest["outputs"]) == {"device.csv", "goals.csv", "device.svg", "device.png"}
    # The figure is a function of the table.
    before = (tmp_path / "device.png").read_bytes()
    (tmp_path / "device.png").unlink()
    command.redraw(tmp_path)
    assert (tmp_path / "device.png").read_bytes() == before
    shown = command.text(result)
    assert "not measured (needs a GPU)" in shown
    assert "flashinfer is not installed" in shown


def test_a_figure_needs_a_measured_row(tmp_path):
    rows = device_rows()
    with pytest.raises(ValueError, match="hold none that was measured"):
        figure.draw([row | {"status": "failed"} for row in rows])
    tables.write(tmp_path / command.TABLE, [row | {"status": "failed"} for row in rows])
    assert command.redraw(tmp_path) == ()


def test_points_that_do_not_fit_are_rows(monkeypatch):
    monkeypatch.setattr(measure, "free_memory", lambda device: 10**9)
    rows = measure.measure(grid("cpu", sizes=[300], batches=[1], gammas=[1]), "cpu", 0, 0.0)
    own = [row for row in rows if row["operation"] is not None]
    assert {row["status"] for row in own} == {"does not fit"}
    assert "GB, more than 80% of what is free" in own[0]["why"]
    # 262,144 tokens, 65,536 kept: 34 GB in half precision, twice where rows are drawn from, too.
    one = Point("verify token", "dense half", 262_144, 64, 4, "bfloat16")
    assert 34e9 < bytes_needed(one) < 38e9
    assert bytes_needed(one._replace(operation="propose")) > 68e9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "cuda"], "needs a CUDA device"),
        (["--device", "cpu", "--sizes", "8"], "sizes must be integers of at least 16"),
        (["--device", "cpu", "--batches", "0"], "batches must be integers of at least 1"),
        (["--device", "cpu", "--large"], "--large and --scratch belong to the benchmark without --device"),
        (["--sizes", "64"], "--sizes, --batches and --gammas go with --device"),
        (["--device", "tpu"], "invalid choice: 'tpu'"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(options, message, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cli.main(["bench", "--out", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1 or "usage:" in error
    assert not (tmp_path / "out").exists()


def test_with_no_gpu_the_run_with_tests_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert with_tests.main([]) == 2
    assert "needs a CUDA device" in capsys.readouterr().err


def test_nothing_is_timed_after_a_failed_test(monkeypatch):
    commands = []

    def run(line, **options):
        commands.append(line)
        return argparse.Namespace(returncode=int("pytest" in line and failing))

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(with_tests.subprocess, "run", run)
    failing = True
    assert with_tests.main(["--quick"]) == 1
    assert len(commands) == 1
    assert sum("test_ops" in name for name in commands[0]) >= 6
    failing = False
    assert with_tests.main(["--quick"]) == 0
    assert commands[-1][2:] == ["rdk_theory", "bench", "--device", "cuda", "--quick"]
