"""Wrong input of `gpu.ops.verify`: a `ValueError` that names the argument."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from gpu.ops.verify import forms, prepare, verify
from rdk_theory import Vocabulary
from rdk_theory.kernels import Dense, Diffusion, Embedding, RankOne, SoftmaxCovariance
from rdk_theory.kernels.base import Kernel
from tests.unit.ops_agreement import on_device

VOCAB = Vocabulary(5, [3, 0, 4])
PRIOR = np.array([0.0, 0.5, 0.5, 0.0, 0.0])
COLUMNS = prepare(RankOne(VOCAB, 0.5, PRIOR))
CONTEXTUAL = prepare(RankOne(VOCAB, np.full((3, 2), 0.5), PRIOR))
FIFTHS = np.array([Fraction(1, 5)] * 5, dtype=object)


class Unknown(Kernel):
    """A kernel of a class that the operations do not know."""

    context_free = True
    operations = None

    def __init__(self, vocab):
        self.vocab = vocab

    def redistribute(self, draft):
        """Not used."""

    def column(self, token):
        """Not used."""

    def row(self, draft_id):
        """Not used."""


def given(**changed):
    half = torch.full((2, 2), 0.5)
    arguments = {
        "target_logits": torch.zeros(2, 3, 5),
        "draft": torch.zeros(2, 2, 3),
        "kernel": COLUMNS,
        "drafted": torch.tensor([[0, 3], [1, 2]]),
        "accept_uniforms": half,
        "last_uniform": half[0],
        "propose_uniforms": half,
        "keep_uniforms": half,
    }
    return arguments | changed


def call(**changed):
    return verify(**given(**changed))


def with_entry(shape, value, index=(0, 0, 0)):
    out = torch.zeros(shape)
    out[index] = value
    return out


def test_the_call_that_is_corrupted_below_is_right():
    assert call().accepted.shape == (2,)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target_logits": np.zeros((2, 3, 5), dtype=np.float32)}, "target_logits must be a torch tensor"),
        ({"target_logits": torch.zeros(2, 3, 5, dtype=torch.float64)}, "target_logits.*must be float32, bfloat16"),
        ({"target_logits": torch.zeros(2, 3, 5, dtype=torch.int64)}, "target_logits"),
        ({"target_logits": torch.zeros(3, 5)}, r"target_logits has shape \(3, 5\), expected \(B, gamma"),
        ({"target_logits": torch.zeros(2, 1, 5)}, "target_logits has shape.*gamma ≥ 1"),
        ({"target_logits": torch.zeros(0, 3, 5)}, "target_logits has shape"),
        ({"target_logits": torch.zeros(2, 3, 6)}, r"target_logits has shape \(2, 3, 6\), expected \(2, 3, 5\)"),
        ({"target_logits": with_entry((2, 3, 5), torch.nan)}, r"target_logits.*NaN or \+inf at index \(0, 0, 0\)"),
        ({"target_logits": with_entry((2, 3, 5), torch.inf)}, r"target_logits.*NaN or \+inf"),
        ({"target_logits": torch.full((2, 3, 5), -torch.inf)}, "target_logits.*no finite logit"),
        ({"draft": torch.zeros(2, 3, 3)}, r"draft has shape \(2, 3, 3\), expected \(2, 2, 3\)"),
        ({"draft": torch.zeros(2, 2, 4)}, "draft has shape"),
        ({"draft": with_entry((2, 2, 3), torch.nan)}, "draft.*NaN"),
        ({"draft": torch.full((2, 2, 3), 0.3), "draft_logits": False}, "draft.*must sum to 1"),
        ({"draft": torch.full((2, 2, 3), torch.nan), "draft_logits": False}, "draft.*not finite"),
        ({"kernel": RankOne(VOCAB, 0.5, PRIOR)}, "kernel must be what `prepare` gives, not RankOne"),
        ({"drafted": torch.tensor([[0, 3], [1, 5]])}, r"drafted.*outside range\(5\) at index \(1, 1\): 5"),
        ({"drafted": torch.tensor([[0, 3], [1, -1]])}, "drafted.*outside range"),
        ({"drafted": torch.zeros(2, 2)}, "drafted.*must be int32 or int64"),
        ({"drafted": torch.zeros(2, 3, dtype=torch.int64)}, "drafted has shape"),
        ({"drafted": [[0, 3], [1, 2]]}, "drafted must be a torch tensor"),
        ({"accept_uniforms": torch.ones(2, 2)}, r"accept_uniforms.*outside \[0, 1\)"),
        ({"accept_uniforms": torch.zeros(2, 3)}, "accept_uniforms has shape"),
        ({"accept_uniforms": torch.zeros(2, 2).half()}, "accept_uniforms.*must be float32 or float64"),
        ({"last_uniform": torch.tensor([0.1, -0.1])}, r"last_uniform.*outside \[0, 1\)"),
        ({"last_uniform": torch.zeros(2, 1)}, "last_uniform has shape"),
        ({"keep_uniforms": torch.zeros(2, 3)}, r"keep_uniforms has shape \(2, 3\), expected \(2, 2\)"),
        ({"keep_uniforms": torch.full((2, 2), torch.nan)}, "keep_uniforms.*outside"),
        ({"keep_uniforms": None}, "propose_uniforms and keep_uniforms must be given together"),
        ({"propose_uniforms": torch.tensor(0.5)}, "propose_uniforms has shape"),
        ({"lengths": torch.tensor([0, 3])}, r"lengths.*outside range\(3\) at index \(1,\): 3"),
        ({"lengths": torch.tensor([0.0, 1.0])}, "lengths.*must be int32 or int64"),
        ({"lengths": torch.tensor([1])}, "lengths has shape"),
        ({"temperature": -1.0}, "temperature must be positive and finite"),
        ({"temperature": False}, "temperature must be positive and finite"),
        ({"temperature": torch.tensor([1.0, -1.0])}, "temperature.*not finite and at least 0 at index"),
        ({"draft_temperature": 0}, "temperature must be positive and finite, not 0"),
        ({"draft_temperature": torch.tensor([1.0, 0.0])}, "draft_temperature.*not positive and finite"),
        ({"draft": None}, "draft must be a torch tensor, not NoneType"),
        ({"kernel": CONTEXTUAL}, r"kernel has weights of shape \(3, 2\), expected \(2, 2\): one for each draft row"),
        ({"draft_temperature": torch.tensor([1.0])}, "draft_temperature has shape"),
        ({"top_k": 0}, "top_k must be an integer of at least 1"),
        ({"top_k": 2.0}, "top_k"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\]"),
        ({"top_p": 1.5}, "top_p"),
        ({"method": "tree"}, "method must be 'token' or 'block', not 'tree'"),
        ({"implementation": "fast"}, "implementation must be"),
        ({"draft": torch.zeros(2, 2, 3, device="meta")}, "arguments must be on one device, not on cpu and meta"),
    ],
)
def test_one_argument_is_wrong(changed, message):
    with pytest.raises(ValueError, match=message):
        call(**changed)


@pytest.mark.parametrize("implementation", ["naive", "kernel"])
def test_a_token_that_cannot_have_been_drawn(implementation):
    columns = prepare(Embedding(VOCAB))
    with pytest.raises(ValueError, match=r"drafted.*probability 0 under the kernel.*in row \(1, 0\)"):
        on_device(verify)(**given(kernel=columns, implementation=implementation))
    # Unchecked, it is rejected and reported.
    out = on_device(verify)(**given(kernel=columns, implementation=implementation, check=False))
    assert out.accepted.tolist()[1] == 0
    assert out.acceptance[1, 0] == -1


def test_what_lies_beyond_a_chain_is_not_checked():
    target, draft = torch.zeros(2, 3, 5), torch.zeros(2, 2, 3)
    target[1, 1:], draft[1] = torch.nan, torch.nan
    drafted = torch.tensor([[0, 3], [99, -7]])
    out = call(target_logits=target, draft=draft, drafted=drafted, lengths=torch.tensor([2, 0]))
    assert out.accepted[1] == 0


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ("embedding", "kernel must be one with a single matrix for all contexts, or rank one, not str"),
        (Dense(VOCAB, np.full((2, 3, 5), 0.2)), "single matrix for all contexts, or rank one, not Dense"),
        (Unknown(VOCAB), "kernel must be a kernel of rdk_theory.kernels, such as .*, not Unknown"),
        (RankOne(VOCAB, Fraction(1, 2), FIFTHS), "floating point"),
        (SoftmaxCovariance.from_factor(VOCAB, FIFTHS[:, None], 99).first_order(), "floating point: no device holds"),
        (SoftmaxCovariance.from_diagonal(VOCAB, FIFTHS, 99).first_order(), "floating point: no device holds"),
        (Diffusion(VOCAB, np.full((5, 5), Fraction(1, 5)), Fraction(1, 2)).first_order(), "floating point: no device"),
    ],
)
def test_kernels_that_have_no_columns_on_a_device(kernel, message):
    with pytest.raises(ValueError, match=message):
        prepare(kernel)


def test_a_kernel_that_would_have_to_be_computed_whole_and_is_too_large(monkeypatch):
    monkeypatch.setattr(forms, "LARGEST", 14)
    with pytest.raises(
        ValueError, match=r"SoftmaxCovariance has 3 rows of 5 entries.*more than 14: store it by columns"
    ):
        prepare(SoftmaxCovariance(VOCAB, np.eye(5), 1.0))


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        (prepare(Embedding(VOCAB)), [torch.tensor([0.5])], "kernel of kind 'embedding' has no weight"),
        (COLUMNS, [torch.tensor([0.5, 1.5])], r"weight.*\[0, 1\]"),
        (COLUMNS, [torch.tensor([0.5]), torch.full((1, 4), 0.25)], "prior of shape"),
        (COLUMNS, [torch.tensor([0.5]), torch.full((2, 5), 0.2)], r"weight has shape \(1,\), expected \(2,\)"),
    ],
)
def test_weights_for_each_context(columns, arguments, message):
    with pytest.raises(ValueError, match=message):
        columns.at(*arguments)
