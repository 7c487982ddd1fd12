"""`softmax_sample`: the naive form against the generic code, the kernel against the naive form."""

import subprocess
import sys

import pytest
import torch

from gpu.ops import softmax_sample as softmax_sample_ops
from rdk_theory.distributions import softmax
from rdk_theory.sampling import inverse_cdf
from tests.unit.ops_agreement import SLACK, few, near_ties, on_device, poisoned, uniforms  # noqa: F401

softmax_sample = on_device(softmax_sample_ops.softmax_sample)

DTYPES = [torch.float32, torch.bfloat16, torch.float16]


def logits(seed, *shape, dtype=torch.float32, holes=0.2):
    """Logits of a spread as models have it; some are −inf, but not a whole row."""
    generator = torch.Generator().manual_seed(seed)
    z = 4 * torch.randn(shape, generator=generator)
    z = torch.where(torch.rand(shape, generator=generator) < holes, -torch.inf, z)
    z[..., shape[-1] // 2] = 1.0
    return z.to(dtype)


def agree(z, u, temperature, rows):
    """Kernel against naive form, both against the generic code in float64."""
    heat = temperature if not isinstance(temperature, torch.Tensor) else temperature[..., None]
    law = softmax(z.double() / heat)
    plain = softmax_sample(z, u, temperature, implementation="naive")
    fused = softmax_sample(z, u, temperature, implementation="kernel")
    assert torch.equal(plain.place, inverse_cdf(law, u.double()))
    ties = near_ties(law, u, fused.place)
    assert few(ties, rows, z.shape[-1])
    assert int((plain.place != fused.place).sum()) <= ties
    assert fused.place.dtype == torch.int64
    for drafted in (plain, fused):
        at = law.gather(-1, drafted.place[..., None])[..., 0]
        assert ((drafted.probability - at).abs() <= SLACK * (2e-6 * at + 1e-12)).all()
        rebuilt = torch.exp((z.double() - drafted.maximum[..., None]) / heat - drafted.log_sum[..., None])
        assert ((rebuilt - law).abs() <= SLACK * 1e-6).all()
        assert drafted.probability.dtype == drafted.maximum.dtype == drafted.log_sum.dtype == torch.float32
    return fused


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 7, 1001, 8195])
def test_every_dtype_and_size(dtype, size):
    agree(logits(size, 2, 3, size, dtype=dtype), uniforms(1, 2, 3), 0.7, 6)


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 0, 3), (1, 2, 2)])
def test_every_leading_shape(batch):
    assert agree(logits(0, *batch, 33), uniforms(2, *batch), 1.0, 4).place.shape == batch


def test_a_temperature_for_each_row():
    heat = torch.tensor([[0.05, 1.0, 30.0], [1e-30, 1e30, 0.6]])
    fused = agree(logits(4, 2, 3, 65), uniforms(3, 2, 3), heat, 6)
    assert fused.place[1, 0] == logits(4, 2, 3, 65)[1, 0].argmax()


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
def test_a_temperature_outside_float32_gives_no_nan(implementation):
    """A row of one finite logit, and rows where 0/0 or −inf/inf would appear."""
    z = torch.tensor([[-torch.inf, 2.0, 1.0], [-torch.inf, -torch.inf, 0.0]])
    for temperature, first in ((1e-300, 1.0), (1e300, 0.5)):
        drafted = softmax_sample(z, torch.tensor([0.25, 0.9]), temperature, implementation=implementation)
        assert drafted.place.tolist() == [1, 2]
        assert drafted.probability.tolist() == [first, 1.0]


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
def test_the_ends_of_the_unit_interval_meet_tokens_with_weight(implementation):
    """−inf first and last, and weights that underflow: none is drawn at 0 or just below 1."""
    z = torch.full((2, 5000), -torch.inf)
    z[:, 17], z[:, 4500], z[:, 4990] = 0.0, 0.0, -200.0
    u = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert softmax_sample(z, u, implementation=implementation).place.tolist() == [17, 4500]


@pytest.mark.parametrize("implementation", ["kernel", "naive"])
def test_ties_go_to_the_next_token(implementation):
    """Four equal weights: a uniform on a boundary is no longer below it."""
    u = torch.tensor([0.0, 0.25, 0.5, 0.75])
    assert softmax_sample(torch.zeros(4, 4), u, implementation=implementation).place.tolist() == [0, 1, 2, 3]


def test_rows_of_a_wider_table_are_read_without_their_neighbours():
    table = torch.full((4, 64), torch.nan)
    table[:, :37] = logits(6, 4, 37)
    agree(table[:, :37], uniforms(5, 4), 1.3, 4)


def test_the_comparison_finds_wrong_draws():
    """Controls: the next token, the law of another temperature, and kept ids in another order."""
    z, u = logits(7, 32, 50, holes=0.0), uniforms(8, 32)
    law, fused = softmax(z.double()), softmax_sample(z, u, implementation="kernel")
    near_ties(law, u, fused.place)
    permuted = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    for place in (
        (fused.place + 1) % 50,
        softmax_sample(z, u, 1.1, implementation="kernel").place,
        permuted[fused.place],
    ):
        with pytest.raises(AssertionError, match="uniform lies"):
            near_ties(law, u, place)
    assert not few(10, 32, 50)


def test_kernels_are_interpreted_also_where_another_library_imported_triton_first():
    code = (
        "import triton.language, torch; torch.cuda.is_available = lambda: False;"
        "from gpu.ops.softmax_sample import softmax_sample as s;"
        "print(s(torch.zeros(2, 3), torch.tensor([0.1, 0.9]), implementation='kernel').place.tolist())"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[0, 2]"
