"""Speculative decoding by the fused operations, and with kernels that depend on the context."""

import copy

import numpy as np
import pytest
import torch

from gpu.generation import Contextual, FromColdMass, PrunedDrafter, Streams, contextual, fused, generate, rdk
from gpu.generation.target_law import Temperature, laws
from rdk_theory import Vocabulary
from rdk_theory.cold_mass import ColdHead
from rdk_theory.fitting import cold_share, fit_cold_weight
from rdk_theory.kernels import Dense, Embedding, GatedPriors, RankOne
from tests.kernel_cases import SIZE, cases
from tests.kernel_cases import laws as random_laws
from tests.unit.ops_agreement import DEVICE
from tests.unit.test_generate import DRAFTER, NEW, PROMPTS, TARGET, lists, run, wanted
from tests.unit.verify_calls import quick  # noqa: F401

VOCAB = Vocabulary(SIZE, np.random.default_rng(2).permutation(SIZE)[:7])
PRIOR = random_laws(np.random.default_rng(3), SIZE)


class ByState:
    """A rank-one kernel whose weight, and prior where asked for, follow from the hidden state and the kept logits."""

    def __init__(self, form="weight"):
        self.vocab, self.form = VOCAB, form
        self.seen = []

    def at(self, hidden, kept_logits):
        """As `Contextual.at`."""
        assert hidden.shape == (kept_logits.shape[0], 16)
        assert kept_logits.shape[1] == VOCAB.kept_size
        self.seen.append(hidden)
        weight = torch.sigmoid(hidden.sum(dim=-1) + kept_logits[:, 0])
        if self.form == "weight":
            return RankOne(VOCAB, weight, PRIOR)
        priors = torch.softmax(hidden[:, :SIZE], dim=-1)
        if self.form == "prior":
            return RankOne(VOCAB, weight, priors)
        if self.form == "gates":
            two = torch.stack([torch.from_numpy(PRIOR), torch.full((SIZE,), 1 / SIZE, dtype=torch.float64)])
            return GatedPriors(VOCAB, torch.softmax(hidden[:, :3], dim=-1), two)
        return Dense(VOCAB, priors[:, None, :].expand(-1, VOCAB.kept_size, -1).contiguous())


@pytest.mark.parametrize(("at", "case"), list(enumerate(cases())), ids=repr)
def test_greedy_text_is_the_target_s_own(at, case):
    verification = ("token", "block")[at % 2]
    out = run(case.kernel, verification=verification, temperature=0, implementation="naive")
    assert lists(out) == [wanted(index) for index in range(len(PROMPTS))]


def test_the_route_takes_the_reference_s_tokens_from_the_same_uniforms(monkeypatch):
    """Drafts and tests use the same streams for the same purpose; what follows them is forced to, here."""
    plain = {
        name: run(case.kernel, implementation=name, length=2)
        for name in ("reference", "naive")
        for case in cases()[1:2]
    }
    first = {name: [row[0] for row in out.accepted] for name, out in plain.items()}
    assert first["naive"] == first["reference"]
    assert lists(plain["naive"]) == lists(run(cases()[1].kernel, implementation="naive", length=2))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("verification", "temperature"), [("token", 0), ("block", 1.0), ("lazy", 1.0)])
def test_compiled_operations_give_the_text_of_plain_ones(verification, temperature):
    """Greedy and sampled, from the same random numbers; interpreted where there is no GPU."""
    kernel = cases()[1].kernel
    target, model = (copy.deepcopy(model).to(DEVICE) for model in (TARGET, DRAFTER))
    drafter = PrunedDrafter(model, kernel.vocab)
    how = {"max_new_tokens": 5, "length": 3, "verification": verification}
    texts = [
        lists(
            generate(
                target,
                drafter,
                kernel,
                PROMPTS[:2],
                streams=Streams.from_seed(0),
                temperature=temperature,
                implementation=implementation,
                **how,
            )
        )
        for implementation in ("naive", "kernel")
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("implementation", ["reference", "naive"])
@pytest.mark.parametrize("form", ["weight", "prior", "gates", "dense"])
def test_greedy_text_with_a_kernel_for_each_context(form, implementation):
    kernel = ByState(form)
    if (form, implementation) == ("dense", "naive"):
        with pytest.raises(
            ValueError, match="kernel of type Dense that depends on the context needs the implementation 'ref"
        ):
            run(kernel, temperature=0, implementation=implementation)
        return
    for verification in ("token", "block"):
        out = run(kernel, verification=verification, temperature=0, implementation=implementation)
        assert lists(out) == [wanted(index) for index in range(len(PROMPTS))]
    assert len({float(hidden[0, 0]) for hidden in kernel.seen}) > 5
    assert isinstance(kernel, Contextual)


@pytest.mark.parametrize("implementation", ["reference", "naive"])
def test_hidden_states_are_what_the_head_reads(implementation):
    """The kept logits are the pruned head times the hidden states; a hook is not left behind."""
    head = DRAFTER.lm_head.weight[torch.as_tensor(VOCAB.kept.copy())].double()

    class Checked(ByState):
        def at(self, hidden, kept_logits):
            torch.testing.assert_close(kept_logits, hidden @ head.T)
            return super().at(hidden, kept_logits)

    for keeps in (True, False):
        drafter, kernel = PrunedDrafter(DRAFTER, VOCAB), Checked()
        # A model that cannot leave out logits gives them for every token that it reads.
        drafter.model._supports_logits_to_keep = lambda keeps=keeps: keeps
        streams, how = Streams.from_seed(0), {"implementation": implementation}
        generate(TARGET, drafter, kernel, PROMPTS, max_new_tokens=4, streams=streams, **how)
        assert len(kernel.seen) > 2
        assert not drafter.model.get_output_embeddings()._forward_pre_hooks


def test_a_weight_that_follows_the_cold_mass():
    """What `rdk_theory.fitting` fits to hidden states is used in generation as it was fitted."""
    rng = np.random.default_rng(0)
    whole, width = DRAFTER.lm_head.weight.detach().numpy(), 16
    hidden = rng.normal(size=(60, width))
    kept = hidden @ whole[VOCAB.kept].T
    head = ColdHead.from_head(whole, VOCAB)
    drafts = np.exp(kept) / np.exp(kept).sum(-1, keepdims=True)
    fit = fit_cold_weight(random_laws(rng, 60, SIZE), drafts, VOCAB, cold_share(head.log_mass(hidden), kept), bins=4)
    kernel = FromColdMass(fit, head)
    # Other states: those of the fit lie on edges, where rounding decides.
    hidden = rng.normal(size=(60, width))
    kept = hidden @ whole[VOCAB.kept].T
    found = kernel.at(torch.from_numpy(hidden), torch.from_numpy(kept)).weight.numpy()
    assert np.array_equal(found, fit.weight(cold_share(head.log_mass(hidden), kept)))
    assert np.unique(found).size > 1
    for implementation in ("reference", "naive"):
        out = run(kernel, temperature=0, implementation=implementation)
        assert lists(out) == [wanted(index) for index in range(len(PROMPTS))]
        assert all(
            len(tokens) == NEW for tokens in run(kernel, verification="lazy", implementation=implementation).tokens
        )


def test_the_prior_of_all_contexts_is_laid_out_once(monkeypatch):
    counted = []
    plain = fused.prepare_rows
    monkeypatch.setattr(fused, "prepare_rows", lambda *a: counted.append(1) or plain(*a))
    run(ByState(), implementation="naive")
    assert len(counted) == 1


@pytest.mark.parametrize("temperature", [0, 0.7])
@pytest.mark.parametrize("implementation", ["reference", "naive"])
def test_cuts_leave_the_likeliest_tokens(implementation, temperature):
    kernel = RankOne(VOCAB, 0.4, np.full(SIZE, 1 / SIZE))
    for top_k, top_p in ((1, None), (None, 1e-9)):
        out = run(kernel, temperature=temperature, top_k=top_k, top_p=top_p, implementation=implementation)
        assert lists(out) == [wanted(index) for index in range(len(PROMPTS))]
    free = run(kernel, temperature=2.0, implementation=implementation)
    assert lists(free) != [wanted(index) for index in range(len(PROMPTS))]


def test_cuts_are_those_of_transformers():
    """Of logits without ties, the warpers of `model.generate` leave the same."""
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(5, 1, 40, generator=torch.Generator().manual_seed(0))
    for top_k, top_p in ((7, None), (None, 0.6), (20, 0.7)):
        scores = TemperatureLogitsWarper(0.8)(None, logits[:, 0])
        if top_k:
            scores = TopKLogitsWarper(top_k)(None, scores)
        if top_p:
            scores = TopPLogitsWarper(top_p)(None, scores)
        own = laws(Temperature(0.8, top_k, top_p)(logits, [], []))[:, 0]
        torch.testing.assert_close(own.float(), scores.softmax(dim=-1), rtol=1e-5, atol=1e-7)


def test_generate_of_transformers_by_the_fused_operations():
    """Greedy texts are the model's own, and a warper's cut is obeyed in samples."""
    ids = torch.tensor([[1, 2, 3], [5, 6, 7]])
    arguments = {"attention_mask": torch.ones_like(ids), "max_new_tokens": NEW, "pad_token_id": 10}
    for kernel in (Embedding(VOCAB), ByState()):
        method = rdk(DRAFTER, kernel, implementation="naive", verification="block")
        own = TARGET.generate(ids, do_sample=False, **arguments)
        assert torch.equal(TARGET.generate(ids, do_sample=False, custom_generate=method, **arguments), own)
        only = TARGET.generate(ids, do_sample=True, top_k=1, custom_generate=method, **arguments)
        assert torch.equal(only, own)


def test_what_the_kernel_must_be():
    class Other(ByState):
        def at(self, hidden, kept_logits):
            return RankOne(Vocabulary(SIZE, VOCAB.kept[::-1].copy()), 0.5, PRIOR)

    class Number(ByState):
        def at(self, hidden, kept_logits):
            return 0.5

    class NoVocabulary(ByState):
        def __init__(self):
            super().__init__()
            self.vocab = None

    fixed = RankOne(VOCAB, np.array([0.1, 0.2]), PRIOR)
    for kernel, message in (
        (Other(), "kernel of type Other is over .* but gave one over"),
        (Number(), "kernel of type Number gave a float, which is no Kernel"),
    ):
        with pytest.raises(ValueError, match=message):
            run(kernel)
    drafter = PrunedDrafter(DRAFTER, VOCAB)
    for kernel, message in (
        (NoVocabulary(), "kernel must be a Kernel, or have a vocab and give one at a hidden state, not NoVocabulary"),
        (fixed, "kernel of type RankOne depends on the context, and is of fixed contexts"),
    ):
        with pytest.raises(ValueError, match=message):
            generate(TARGET, drafter, kernel, PROMPTS, max_new_tokens=2, streams=Streams.from_seed(0))
    with pytest.raises(ValueError, match="implementation must be one of auto, kernel, naive, reference, not 'fast'"):
        run(Embedding(VOCAB), implementation="fast")
    with pytest.raises(ValueError, match="implementation must be one of"):
        rdk(DRAFTER, Embedding(VOCAB), implementation="fast")
    with pytest.raises(ValueError, match="top_k must be an integer of at least 1"):
        run(Embedding(VOCAB), top_k=0)


def test_kernels_of_steps_are_one():
    """A batch of chains under kernels of two steps: whole proposals, single probabilities, rows, columns."""
    hidden, kept = torch.randn(2, 3, 16, dtype=torch.float64), torch.randn(2, 3, VOCAB.kept_size, dtype=torch.float64)
    kernels = [ByState("prior").at(*pair) for pair in zip(hidden, kept, strict=True)]
    steps, q = contextual.Steps(kernels), torch.softmax(kept.movedim(0, 1), dim=-1)
    whole = steps.redistribute(q)
    for i, kernel in enumerate(kernels):
        assert torch.equal(whole[:, i], kernel.redistribute(q[:, i]))
    token = torch.tensor([[0, 3], [5, 1], [SIZE - 1, 2]])
    torch.testing.assert_close(steps.probability(q, token), whole.gather(-1, token[..., None])[..., 0])
    torch.testing.assert_close((q * steps.column(token)).sum(-1), steps.probability(q, token))
    place = torch.tensor([[0, 3], [5, 1], [6, 2]])
    assert torch.equal(steps.row(place)[1, 0], kernels[0].row(place[:, 0])[1])
    assert not steps.context_free
