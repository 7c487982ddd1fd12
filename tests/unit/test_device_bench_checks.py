"""`rdk bench --device`: what is compared before it is timed, and that wrong operations and packages are found out."""

import types

import numpy as np
import pytest
import torch

from gpu.bench import attempts, checks, command, measure, others, traffic
from gpu.bench import grid as grids
from gpu.bench import rows as rows_module
from gpu.bench.grid import FORMS, OPERATIONS, Point, grid
from gpu.bench.implementations import as_outcome, by_package, fused, in_torch
from gpu.ops._agreement import Disagreement
from gpu.ops.verify import Verified, verify
from gpu.ops.verify.agreement import unexplained
from tests.unit.device_bench_cases import case, small_buffers  # noqa: F401
from tests.unit.verify_calls import quick  # noqa: F401

pytestmark = pytest.mark.usefixtures("small_buffers")


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


@pytest.mark.parametrize("operation", ["verify token", "verify block"])
@pytest.mark.parametrize("changed", ["accept", "keep", "propose", "last"])
def test_outcomes_of_other_uniforms_are_not_explained(operation, changed):
    """Small uniforms decide for what large ones decide against, and the other way round."""
    inputs = case(operation, "rank one", size=5000, batch=24, gamma=2, tries=0 if changed == "last" else 2)
    names = [name for name in inputs.chains() if name.startswith(changed)]
    for here, there in ((0.001, 0.99), (0.99, 0.001)):
        for name in names:
            inputs.uniforms[name][:] = here
        found = verify(kernel=inputs.kernel.columns, **inputs.chains(), method=operation[7:], implementation="naive")
        assert unexplained(checks._chains(inputs, inputs.chains()), found) == []
        for name in names:
            inputs.uniforms[name][:] = there
        told = unexplained(checks._chains(inputs, inputs.chains()), found)
        assert len(told) >= 3
        if changed == "keep":
            what = "was not to be kept" if here < there else "was to be kept"
            assert any(what in line for line in told)
        if changed == "accept":
            assert all("decide for another number" in line for line in told)


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
    many = case("verify token", form, batch=400)
    in_float32, exact = in_torch(many)(), fused(many, "naive")()
    assert int((in_float32.accepted != exact.accepted).sum()) <= 1
    assert int((in_float32.token != exact.token).sum()) <= 4


def test_a_call_that_does_not_compile_or_takes_too_long_is_a_row(monkeypatch):
    inputs = case("verify token", "none")
    run = rows_module.Run("cpu", 0, 0.0)

    def broken(call, **options):
        def compiled():
            raise RuntimeError("/home/someone/code.py does not compile\nmore")

        return compiled

    monkeypatch.setattr(torch.compiler, "reset", lambda: None)
    monkeypatch.setattr(torch, "compile", broken)
    attempts.compiled_row(run, inputs, "naive, compiled", fused(inputs, "naive"), 1.0)
    monkeypatch.setattr(attempts, "COMPILE_SECONDS", 1)
    monkeypatch.setattr(torch, "compile", lambda call, **options: _wait)
    attempts.compiled_row(run, inputs, "naive, compiled", lambda: None, 1.0)
    assert [row["why"] for row in run.rows] == ["torch.compile: … does not compile", "torch.compile took more than 1 s"]
    assert {row["status"] for row in run.rows} == {"failed"}


def _wait():
    raise TimeoutError


def test_a_limit_stops_what_takes_longer():
    with pytest.raises(TimeoutError):
        _spin(0.05)


def _spin(seconds):
    with attempts.limit(seconds):
        while True:
            pass


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
    assert attempts.package_verifier(first, "cpu", 0) == "flashinfer is not installed"
    assert attempts.package_verifier(first, "cuda", 0).startswith("not installed: ")
    module = types.SimpleNamespace(chain_speculative_sampling=changed)
    monkeypatch.setattr(others.importlib, "import_module", lambda name: module)
    assert "needs something_new" in attempts.package_verifier(first, "cuda", 0)
    monkeypatch.setattr(others.importlib, "import_module", lambda name: types.SimpleNamespace())
    assert "has no chain_speculative_sampling" in attempts.package_verifier(first, "cuda", 0)
