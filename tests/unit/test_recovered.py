"""Share of the lost acceptance that is recovered: known cases, the paired ratio, the bound that no kernel crosses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rdk_theory import Vocabulary, cli, restrict, tables
from rdk_theory.acceptance import acceptance_rate
from rdk_theory.captures import Capture, open_capture
from rdk_theory.fitting import fit_optimal
from rdk_theory.measure import command, measurement
from rdk_theory.measure.measurement import OPTIMUM, Measurement
from rdk_theory.measure.recovered import recovered_share
from rdk_theory.measure.samplers import GAP, MENDED, NAMES, Contexts, Fitted, Sampler, samplers
from rdk_theory.statistics import bootstrap_means
from tests.capture_folder import write_capture

SIZE = 48


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    folder = tmp_path_factory.mktemp("capture")
    return open_capture(write_capture(folder, size=SIZE, documents=60, per_document=6, seed=0))


def blend(share: float) -> Sampler:
    """TLI in a share of the way to the unpruned drafter, context by context: it recovers that share by construction."""

    def judge(c: Contexts) -> np.ndarray:
        tli, whole = (acceptance_rate(c.targets, r) for r in (c_embedded(c), c.full_drafts))
        return (1 - share) * tli + share * whole

    return Sampler(f"blend {share}", lambda _: Fitted(judge))


def c_embedded(c: Contexts) -> np.ndarray:
    out = np.zeros_like(c.targets)
    out[:, c.vocab.kept] = c.drafts
    return out


def test_what_recovers_a_known_share_is_said_to_with_no_spread(capture: Capture) -> None:
    """Gain and loss move together from document to document: paired, the interval of their ratio is a point."""
    chosen = (*samplers(0.0, ["tli", "rank-one", "unpruned"]), blend(0.3), blend(-0.5), blend(1.2))
    rows = Measurement(capture, 1e9).measure("count", Vocabulary(SIZE, np.arange(8)), chosen)
    by = {row["sampler"]: row for row in rows}
    assert by["tli"]["recovered"] == by["tli"]["recovered_low"] == by["tli"]["recovered_high"] == 0
    for name, share in (("unpruned", 1), ("blend 0.3", 0.3), ("blend -0.5", -0.5), ("blend 1.2", 1.2)):
        for column in ("recovered", "recovered_low", "recovered_high"):
            assert by[name][column] == pytest.approx(share, abs=1e-6)
        assert by[name]["gain_high"] - by[name]["gain_low"] > 1e-3 or share == 0  # the gain alone does spread
    one = by["rank-one"]
    assert one["recovered_low"] < one["recovered"] < one["recovered_high"]
    assert one["recovered"] == pytest.approx(one["gain"] / by["unpruned"]["gain"])


def test_the_ratio_does_not_depend_on_units_and_needs_a_loss() -> None:
    rng = np.random.default_rng(0)
    documents = np.arange(200) // 4
    loss = 0.1 + 0.05 * rng.normal(size=200)
    gains = np.stack([0.5 * loss + 0.02 * rng.normal(size=200), 0 * loss], axis=1)

    def share(scale: float, shift: float = 0.0):
        columns = np.column_stack([scale * gains, scale * (loss + shift)])
        means = bootstrap_means(columns, documents, 500, np.random.default_rng(1))
        mean = columns.mean(axis=0)
        return recovered_share(mean[:2], float(mean[2]), means[:, :2], means[:, 2], 0.95)

    one, ten = share(1.0), share(10.0)
    assert one is not None
    for a, b in zip(one, ten, strict=True):
        assert np.abs(a - b).max() < 1e-12
    assert one.low[0] < one.estimate[0] < one.high[0]
    assert one.low[1] == one.high[1] == 0
    # Nothing lost, a gain by pruning, and a loss that could be none.
    assert share(1.0, -loss.mean()) is None
    assert share(1.0, -0.2) is None
    assert share(1.0, -0.098) is None


def test_resamples_that_lost_nothing_widen_the_interval() -> None:
    """Up to 24 of 1000 such resamples are beyond the ends of a 95 % interval; one more, and it is not bounded."""
    means = np.full(1000, 0.1)
    means[500:524] = -0.01
    gains = np.linspace(0.02, 0.08, 1000)[:, None]
    share = recovered_share(np.array([0.05]), 0.1, gains, means, 0.95)
    assert share is not None
    assert np.isfinite([share.low, share.high]).all()
    plain = recovered_share(np.array([0.05]), 0.1, gains, np.full(1000, 0.1), 0.95)
    assert share.low < plain.low
    assert plain.high < share.high
    mirrored = recovered_share(np.array([-0.05]), 0.1, -gains, means, 0.95)
    assert mirrored is not None
    assert (mirrored.low, mirrored.high) == (-share.high, -share.low)
    means[524] = 0.0
    assert recovered_share(np.array([0.05]), 0.1, gains, means, 0.95) is None


def test_the_interval_covers_the_true_ratio() -> None:
    """300 samples of 60 documents, true ratio 0.5, level 0.9: P[fewer than 240 cover | 0.87 each] < 1e-3.

    A half as wide interval covers about 0.59: P[240 or more | 0.68] < 1e-5. The unpaired interval, from two bootstraps,
    covers too often: its width shows that pairing is at work.
    """
    rng, covered, half, width, unpaired = np.random.default_rng(5), 0, 0, 0.0, 0.0
    documents = np.arange(180) // 3
    for _ in range(300):
        loss = np.repeat(rng.gamma(2.0, 0.05, 60), 3) + 0.02 * rng.normal(size=180)
        gain = 0.5 * loss + 0.02 * rng.normal(size=180)
        columns = np.column_stack([gain, loss])
        means = bootstrap_means(columns, documents, 200, rng)
        found = recovered_share(columns[:, 0].mean(keepdims=True), loss.mean(), means[:, :1], means[:, 1], 0.9)
        other = recovered_share(
            columns[:, 0].mean(keepdims=True), loss.mean(), means[:, :1], rng.permutation(means[:, 1]), 0.9
        )
        assert found is not None
        assert other is not None
        low, high, centre = (float(x[0]) for x in (found.low, found.high, found.estimate))
        covered += low <= 0.5 <= high
        half += abs(centre - 0.5) <= (high - low) / 4
        width += high - low
        unpaired += float(other.high[0] - other.low[0])
    assert covered >= 240
    assert half < 240
    assert width < unpaired / 2


def test_no_context_free_kernel_crosses_the_bound_in_the_same_contexts(capture: Capture) -> None:
    """Not even one fitted in those contexts; what knows its context does cross it, so the line is not out of all reach.

    Controls: the oracle weight, which knows its context, is above; a kernel fitted in the test contexts is nearer.
    """
    free = ("tli", "rank-one", "cooccurrence", "optimal", "softmax-covariance")
    judged = Measurement(capture, 1e9)
    vocab = Vocabulary(SIZE, np.arange(5))
    rows = judged.measure("count", vocab, samplers(1e9, [*free, "oracle-weight"]), optimum=1e9)
    by = {row["sampler"]: row for row in rows}
    bound = by[OPTIMUM]
    assert rows[-1] is bound
    assert bound["low"] is bound["gain_high"] is bound["recovered_low"] is bound["dominance_bound"] is None
    for name in free:
        assert by[name]["acceptance"] <= bound["acceptance"] + 1e-6
        assert by[name]["recovered"] <= bound["recovered"] + 1e-5
    assert by["optimal"]["acceptance"] < bound["fitted"] <= bound["upper_bound"] == bound["acceptance"]
    assert bound["upper_bound"] - bound["fitted"] < 0.01
    target, draft = capture.rows(judged.test)
    assert bound["upper_bound"] == fit_optimal(target, restrict(draft, vocab), vocab, tolerance=GAP).upper_bound
    assert by["oracle-weight"]["acceptance"] > bound["acceptance"] + 1e-3
    leaky = Measurement(capture, 1e9)
    leaky._calibration = judged.test
    (_, fitted) = leaky.measure("count", vocab, samplers(1e9, ["optimal"]))
    assert by["optimal"]["acceptance"] < fitted["acceptance"] <= bound["acceptance"] + 1e-6


def test_the_bound_is_not_made_beyond_the_work_or_memory(capture: Capture) -> None:
    vocab = Vocabulary(SIZE, np.arange(5))
    contexts = Measurement(capture, 1e9).test.size
    assert Measurement(capture, 1e9).optimum(vocab, contexts * 5.0 * SIZE - 1) is None
    assert Measurement(capture, 8.0 * SIZE * (contexts - 1)).optimum(vocab, 1e9) is None
    assert Measurement(capture, 8.0 * SIZE * contexts).optimum(vocab, contexts * 5.0 * SIZE) is not None


def test_repair_is_what_the_fit_gains_where_nothing_was_pruned(capture: Capture) -> None:
    vocab, chosen = Vocabulary(SIZE, np.arange(8)), samplers(1e9, ["optimal", "unpruned", MENDED])
    judged = Measurement(capture, 1e9)
    by = {row["sampler"]: row for row in judged.measure("count", vocab, chosen)}
    mended = by[MENDED]["acceptance"] - by["unpruned"]["acceptance"]
    optimal = by["optimal"]
    assert optimal["repair"] == pytest.approx(mended)
    assert optimal["restoration"] == pytest.approx(optimal["gain"] - mended)
    assert optimal["restoration_low"] < optimal["restoration"] < optimal["restoration_high"]
    assert all(by[name]["restoration"] is None for name in by if name != "optimal")
    # With every token kept the two fits are one: all is repair, and nothing is restored in any resample.
    whole = {row["sampler"]: row for row in judged.measure("count", Vocabulary.full(SIZE), chosen)}["optimal"]
    assert whole["recovered"] is None
    assert max(abs(whole[f"restoration{end}"]) for end in ("", "_low", "_high")) < 1e-6
    # A kernel that repairs as much as the fit to the unpruned drafter, and restores all that was lost, in each context.

    def repaired(c: Contexts) -> np.ndarray:
        return acceptance_rate(c.targets, c.full_drafts) + 0.1 * c.targets.max(axis=1)

    both = (Sampler(name, lambda _: Fitted(repaired)) for name in ("optimal", MENDED))
    known = {r["sampler"]: r for r in judged.measure("count", vocab, (*samplers(0.0, ["unpruned"]), *both))}
    assert known["optimal"]["repair"] > 0.01
    for end in ("", "_low", "_high"):
        assert known["optimal"][f"restoration{end}"] == pytest.approx(known["unpruned"][f"gain{end}"], abs=1e-6)
    # Control: without the fit to the unpruned drafter nothing is said.
    bare = judged.measure("count", vocab, samplers(1e9, ["optimal"]))
    assert all(row["repair"] is None for row in bare)


def test_kernels_of_another_domain(capture: Capture, tmp_path: Path) -> None:
    """The kernel is the other capture's, the test contexts are not; fitted on itself it is the usual measurement."""
    other = open_capture(write_capture(tmp_path / "other", size=SIZE, documents=20, per_document=6, seed=9))
    vocab, chosen = Vocabulary(SIZE, np.arange(8)), samplers(0.0, ["rank-one", "rank-one-jensen"])
    home, abroad = Measurement(capture, 1e9), Measurement(capture, 1e9, fit_on=other)
    assert np.array_equal(abroad.targets(), Measurement(other, 1e9).targets())
    by = {row["sampler"]: row for row in abroad.measure("count", vocab, chosen)}
    own = {row["sampler"]: row for row in home.measure("count", vocab, chosen)}
    foreign = {row["sampler"]: row for row in Measurement(other, 1e9).measure("count", vocab, chosen)}
    assert by["tli"]["acceptance"] == own["tli"]["acceptance"] != foreign["tli"]["acceptance"]
    assert by["rank-one"]["weight"] == foreign["rank-one"]["weight"] != own["rank-one"]["weight"]
    assert "rank-one-jensen" in by  # the heads are equal
    again = Measurement(capture, 1e9, fit_on=open_capture(capture.path)).measure("count", vocab, chosen)
    assert again == list(own.values())


def test_a_head_that_differs_is_not_read(capture: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = open_capture(write_capture(tmp_path / "other", size=SIZE, documents=20, per_document=6, seed=9))
    heads = {capture.path: np.eye(SIZE, dtype=np.float32), other.path: 2 * np.eye(SIZE, dtype=np.float32)}
    monkeypatch.setattr(type(capture), "draft_head", property(lambda self: heads[self.path]))
    rows = Measurement(capture, 1e9, fit_on=other).measure(
        "count", Vocabulary(SIZE, np.arange(8)), samplers(0.0, ["rank-one", "rank-one-jensen"])
    )
    assert [row["sampler"] for row in rows] == ["tli", "rank-one"]


def test_another_vocabulary_is_refused(capture: Capture, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_capture(tmp_path / "other", size=SIZE + 1, documents=20, per_document=6, seed=9)
    given = ["--out", str(tmp_path / "out"), "--fit-on", str(other)]
    assert cli.main(["measure", str(capture.path), *given]) == 2
    assert "no kernel fits both" in capsys.readouterr().err
    assert cli.main(["measure", str(capture.path), "--out", str(tmp_path / "out"), "--fit-on", str(tmp_path)]) == 2
    same = open_capture(write_capture(tmp_path / "same", size=SIZE, documents=20, per_document=6, seed=9))
    same.__dict__["vocabulary"] = Vocabulary(SIZE, np.arange(SIZE)[::-1].copy())
    with pytest.raises(ValueError, match="share other tokens"):
        Measurement(capture, 1e9, fit_on=same)


def test_a_measurement_on_another_domain_is_another_measurement(capture: Capture, tmp_path: Path) -> None:
    """Control of resumption."""
    other = write_capture(tmp_path / "other", size=SIZE, documents=20, per_document=6, seed=9)
    given = {"kept": None, "max_memory": 1e9, "work": 0.0, "seed": 0, "resume": True, "names": ["rank-one"]}
    first = command.measure(capture.path, tmp_path / "out", [("count", 0.25)], **given)
    second = command.measure(capture.path, tmp_path / "out", [("count", 0.25)], **given, fit_on=other)
    assert first[1]["weight"] != second[1]["weight"]


def test_the_figure_is_written_and_needs_the_table_alone(capture: Capture, tmp_path: Path) -> None:
    from rdk_theory.report import charts

    given = ["--fractions", "0.1", "--samplers", f"rank-one,oracle-weight,{OPTIMUM}"]
    assert cli.main(["measure", str(capture.path), "--out", str(tmp_path / "out"), *given]) == 0
    rows = tables.read(tmp_path / "out" / "measure.csv")
    assert [r["sampler"] for r in rows[:4]] == ["tli", "rank-one", "oracle-weight", OPTIMUM]
    charts.save_recovered(rows, tmp_path)
    for suffix in (".svg", ".png"):
        assert (tmp_path / "out" / f"recovered{suffix}").read_bytes() == (tmp_path / f"recovered{suffix}").read_bytes()
    # Control: another table is another figure; and where nothing was lost there is nothing to draw.
    rows[1]["recovered"] = rows[1]["recovered_low"] = 0.5
    charts.save_recovered(rows, tmp_path)
    assert (tmp_path / "out" / "recovered.svg").read_bytes() != (tmp_path / "recovered.svg").read_bytes()
    twice = [row | {"recovered": None} for row in rows] + [row | {"selection": "mean"} for row in rows]
    assert len(charts.recovered(twice).axes) == 2


def test_all_names_are_samplers(capture: Capture) -> None:
    assert {s.name for s in samplers(0.0)} == set(NAMES)
    assert measurement.OPTIMUM not in NAMES
