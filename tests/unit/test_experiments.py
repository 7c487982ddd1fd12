"""The closed forms that experiments use, and the file of statistics that one of them reads."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from rdk_theory import Vocabulary, cli, restrict, tables, tolerances
from rdk_theory.kernels import SoftmaxCovariance
from simulations import _diagonal, _flatness, _runner, _trees, flat_kernel_limit, losslessness
from simulations._experiment import Options


class TestDiagonalSoftmax:
    """Closed forms of the softmax kernel of a diagonal covariance, against the kernel."""

    def made(self, temperature):
        rng = np.random.default_rng(0)
        target, variance = rng.dirichlet(np.ones(20), size=3), rng.random(20)
        vocab = Vocabulary(20, rng.permutation(20)[:7])
        return target, variance, vocab, SoftmaxCovariance.from_diagonal(vocab, variance, temperature)

    @pytest.mark.parametrize("temperature", [1e-3, 0.1, 3.0])
    def test_its_proposal(self, temperature):
        target, variance, vocab, kernel = self.made(temperature)
        found = _diagonal.proposal(target, variance, vocab, temperature)
        np.testing.assert_allclose(found, kernel.redistribute(restrict(target, vocab)), atol=tolerances.EXACT)

    @pytest.mark.parametrize("temperature", [1.0, 3.0])
    def test_its_first_order_proposal(self, temperature):
        target, variance, vocab, kernel = self.made(temperature)
        found = _diagonal.first_order_proposal(target, variance, vocab, temperature)
        expected = kernel.first_order().redistribute(restrict(target, vocab))
        np.testing.assert_allclose(found, expected, atol=tolerances.EXACT)

    @pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
    def test_its_distances_are_largest_in_the_worst_row(self, temperature):
        _, variance, vocab, kernel = self.made(temperature)
        rows, own = kernel.row(np.arange(7)), variance[vocab.kept] / temperature
        x = own[:, None] * ((vocab.kept[:, None] == np.arange(20)) - 1 / 20)
        uniform, formula = (np.abs(rows - law).sum(-1) / 2 for law in (1 / 20, (1 + x) / 20))
        place, _ = _flatness.worst(variance, vocab)
        assert _diagonal.from_uniform(own[place], 20) == pytest.approx(uniform.max(), abs=tolerances.EXACT)
        assert _diagonal.from_first_order(own[place], 20) == pytest.approx(formula[place], abs=tolerances.EXACT)
        if own[place] <= 1:
            assert formula[place] == formula.max()

    def test_the_deviation_at_which_a_row_leaves_uniformity(self):
        for size in (4, 20, 128_256):
            assert _diagonal.from_uniform(_diagonal.leaving(0.01, size), size) == pytest.approx(0.01, rel=1e-9)

    def test_bisection_finds_where_a_distance_falls_below_a_level(self):
        assert _diagonal.crossing(lambda t: 1 / t, 0.1, 1e-3, 1e3) == pytest.approx(10)
        for level in (1e4, 1e-4):
            with pytest.raises(ValueError, match="does not pass"):
                _diagonal.crossing(lambda t: 1 / t, level, 1e-3, 1e3)


@pytest.fixture(scope="module")
def flat():
    """The table of flat_kernel_limit for the stand-in."""
    (setting,) = flat_kernel_limit.parameters(Options(quick=True))
    return tables.plain(flat_kernel_limit.run(setting, np.random.default_rng(0)))


class TestFlatKernelLimit:
    def test_its_bound_stands_where_the_package_makes_a_first_order_kernel(self, flat):
        assert {row["bound"] is not None for row in flat} == {True, False}
        assert flat_kernel_limit.check(flat) == []

    @pytest.mark.parametrize(
        ("mutant", "message"),
        [
            (lambda row: {"bound": row["bound"] and row["bound"] * 1e-3}, "further away than its bound"),
            (lambda row: {"bound": 0.1}, "where the expansion is not allowed"),
            (lambda row: {"row_from_uniform_theory": 0.9 * row["row_from_uniform"]}, "row_from_uniform is not its"),
            (lambda row: {"row_error_theory": 0.9 * row["row_error"]}, "row_error is not its"),
            (lambda row: {"row_leaves_theory": 1.001 * row["row_leaves"]}, "leaves uniformity at"),
            (lambda row: {"ceiling": 0.9 * row["in_mean_law"]}, "exceeds the ceiling"),
            (lambda row: {"deviation": 1e-3 * row["deviation"]}, r"than tanh\(s/2\)"),
        ],
    )
    def test_a_wrong_theory_is_flagged(self, flat, mutant, message):
        lines = flat_kernel_limit.check([{**row, **mutant(row)} for row in flat])
        assert any(re.search(message, line) for line in lines)

    def test_variances_on_cold_tokens_alone_are_refused(self, tmp_path):
        variance = np.zeros(64)
        variance[63] = 1e-3
        np.savez(tmp_path / "a.npz", mean=np.full(64, 1 / 64), variance=variance)
        setting = flat_kernel_limit.parameters(Options(statistics=tmp_path / "a.npz"))[1]
        with pytest.raises(ValueError, match="is 0 on all kept tokens, the 16 likeliest"):
            flat_kernel_limit.run(setting, np.random.default_rng(0))


@pytest.mark.parametrize("law", [np.array([0.2, 0.5, 0.3]), np.array([0.999, 0.0005, 0.0005])])
@pytest.mark.parametrize("count", [1, 7, 50])
def test_the_expected_noise_is_that_of_every_sample(law, count):
    found = sum(
        stats.multinomial.pmf([a, b, count - a - b], count, law)
        * np.abs(np.array([a, b, count - a - b]) / count - law).sum()
        / 2
        for a in range(count + 1)
        for b in range(count + 1 - a)
    )
    assert losslessness.expected_noise(law, count) == pytest.approx(found, abs=tolerances.EXACT)


def test_trees_number_their_prefixes():
    levels = _trees.random_levels(3, 3, 1.0, np.random.default_rng(0))
    law = _trees.sequence_law(levels).reshape(3, 3, 3)
    first, second, third = _trees.by_prefix(levels)
    np.testing.assert_allclose(law, first[:, None, None] * second[:, :, None] * third, atol=tolerances.EXACT)
    assert law.sum() == pytest.approx(1)


class TestStatistics:
    """A file of a real target's statistics."""

    def write(self, path, **arrays):
        mean = np.full(64, 1 / 64, dtype=np.float32)
        variance = np.linspace(0, 1e-4, 64, dtype=np.float32)
        np.savez(path, **{"mean": mean, "variance": variance} | arrays)
        return path

    def test_it_gets_a_panel_of_its_own_and_its_folder_is_not_recorded(self, tmp_path, capsys):
        path = self.write(tmp_path / "measured_somewhere.npz")
        out = tmp_path / "out"
        line = ["simulate", "flat_kernel_limit", "--quick", "--statistics", str(path), "--out", str(out)]
        assert cli.main(line) == 0
        rows = tables.read(out / "flat_kernel_limit" / _runner.TABLE)
        assert {row["statistics"] for row in rows} == {flat_kernel_limit.STAND_IN, "measured_somewhere"}
        for file in (out / "flat_kernel_limit").rglob("*.*"):
            assert str(tmp_path).encode() not in file.read_bytes(), file

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"mean": np.full(64, 1 / 32, dtype=np.float32)}, "mean .* must sum to 1"),
            ({"mean": np.full(64, np.nan, dtype=np.float32)}, "mean .* is not finite"),
            ({"variance": np.full(64, -1.0)}, "variance .* negative"),
            ({"variance": np.zeros(64)}, "which varies"),
            ({"variance": np.ones(63)}, r"variance has shape \(63,\), expected \(64,\)"),
            ({"mean": np.array([object()] * 64)}, "not an npz archive with mean and variance"),
        ],
    )
    def test_a_bad_one_is_refused(self, tmp_path, arrays, message):
        with pytest.raises(ValueError, match=message):
            flat_kernel_limit.read_statistics(self.write(tmp_path / "a.npz", **arrays))

    @pytest.mark.parametrize("content", [b"", b"PK", b"not an archive"])
    def test_a_foreign_file_is_bad_usage(self, tmp_path, capsys, content):
        (tmp_path / "a.npz").write_bytes(content)
        line = ["simulate", "flat_kernel_limit", "--quick", "--statistics", str(tmp_path / "a.npz")]
        assert cli.main([*line, "--out", str(tmp_path / "out")]) == 2
        assert "a.npz is not an npz archive" in capsys.readouterr().err

    def test_a_missing_file_is_bad_usage(self, tmp_path, capsys):
        line = ["simulate", "flat_kernel_limit", "--statistics", str(tmp_path / "none.npz"), "--out", str(tmp_path)]
        assert cli.main(line) == 2
        assert "none.npz: No such file" in capsys.readouterr().err

    def test_those_of_a_large_model(self):
        path = Path(__file__).parents[3] / "shared" / "data" / "llama31_8b_wikitext103_target_stats.npz"
        if not path.exists():
            pytest.skip("needs ../shared: statistics of a large model")
        setting = flat_kernel_limit.parameters(Options(quick=True, statistics=path))[1]
        rows = flat_kernel_limit.run(setting, np.random.default_rng(0))
        assert flat_kernel_limit.check(rows) == []
        at_largest_variance = next(row for row in rows if row["over_largest_variance"] == 1.0)
        assert at_largest_variance["ceiling"] < 0.3 < at_largest_variance["tli_perfect_drafter"]
        # Where the expansion ends, rows are uniform; where the worst is not, the formula misses the difference.
        assert rows[0]["row_at_expansion_end"] < 1e-4
        assert rows[0]["row_leaves_error"] > 0.99 * rows[0]["level"]
        assert rows[0]["expansion_ends"] > 7 * rows[0]["row_leaves"]
