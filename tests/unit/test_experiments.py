"""The closed forms that experiments use, and the file of statistics that one of them reads."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from rdk_theory import Vocabulary, cli, restrict, tables, tolerances
from rdk_theory.kernels import SoftmaxCovariance
from simulations import _runner, _trees, flat_kernel_limit, losslessness
from simulations._experiment import Options


@pytest.mark.parametrize("temperature", [1e-3, 0.1, 3.0])
def test_the_closed_form_of_a_diagonal_softmax_kernel_is_the_kernel(temperature):
    rng = np.random.default_rng(0)
    target, variance = rng.dirichlet(np.ones(20), size=3), rng.random(20)
    vocab = Vocabulary(20, rng.permutation(20)[:7])
    kernel = SoftmaxCovariance.from_diagonal(vocab, variance, temperature)
    found = flat_kernel_limit.proposal(target, variance, vocab, temperature)
    np.testing.assert_allclose(found, kernel.redistribute(restrict(target, vocab)), atol=tolerances.EXACT)


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
