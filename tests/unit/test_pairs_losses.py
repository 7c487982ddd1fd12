"""The losses of a whole vocabulary by chunks, the words of a softmax by sampling, and the optimizer of a few rows."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from gpu.pairs.losses import GOALS, IGNORED, Lesson, Words, chunk_tokens, chunked_loss
from gpu.pairs.row_adam import RowAdamW
from gpu.pairs.shortlist import Shortlist
from gpu.pairs.trainer import clip

TOKENS, WIDTH, SIZE = 11, 5, 23


def parts(seed=0, tokens=TOKENS, width=WIDTH, size=SIZE, dtype=torch.float64):
    """Hidden states, head, shift, answers and a lesson of another width."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=rng, dtype=dtype)

    answers = torch.randint(0, size, (tokens,), generator=rng)
    answers[[1, tokens - 1]] = IGNORED
    lesson = Lesson(2 * draw(tokens, width + 2), draw(size, width + 2))
    return draw(tokens, width), draw(size, width), draw(size), answers, lesson


def plain(goal, hidden, head, shift, answers, lesson):
    """The same loss of all logits at once, by torch's own functions."""
    logits = hidden @ head.T + shift
    if goal == "cross-entropy":
        return functional.cross_entropy(logits, answers, ignore_index=IGNORED)
    log_p, log_q = (lesson.hidden @ lesson.head.T + shift).log_softmax(-1), logits.log_softmax(-1)
    if goal == "kl":
        return functional.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return (1 - torch.minimum(log_p.exp(), log_q.exp()).sum(-1)).mean()


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("chunk", [1, 3, 7, TOKENS, 10 * TOKENS])
def test_values_and_gradients_are_those_of_all_logits_at_once(goal, chunk):
    hidden, head, shift, answers, lesson = parts()
    memory = chunk * SIZE * 8 * (1 if goal == "cross-entropy" else 3)
    assert chunk_tokens(SIZE, goal, memory, 8) == chunk
    results = []
    for chunked in (True, False):
        leaves = hidden.clone().requires_grad_(), head.clone().requires_grad_()
        if chunked:
            words = Words(leaves[1], shift)
            loss = chunked_loss(leaves[0], words, goal, answers=answers, lesson=lesson, memory=memory)
        else:
            loss = plain(goal, *leaves, shift, answers, lesson)
        (3 * loss).backward()
        results.append((loss.detach(), *(leaf.grad for leaf in leaves)))
    for found, wanted in zip(*results, strict=True):
        assert wanted.abs().max() > 1e-3
        assert (found - wanted).abs().max() < 1e-13


@pytest.mark.parametrize("goal", GOALS)
def test_gradients_are_those_of_finite_differences(goal):
    hidden, head, shift, answers, lesson = parts(1)

    def loss(hidden, head):
        return chunked_loss(hidden, Words(head, shift), goal, answers=answers, lesson=lesson, memory=1_000)

    assert torch.autograd.gradcheck(loss, (hidden.requires_grad_(), head.requires_grad_()))


def test_logits_of_any_size_give_finite_losses():
    hidden, head, _, answers, lesson = parts()
    for goal in GOALS:
        far = Lesson(1e4 * lesson.hidden, lesson.head)
        leaf = (1e4 * hidden).requires_grad_()
        loss = chunked_loss(leaf, Words(head), goal, answers=answers, lesson=far)
        loss.backward()
        assert loss.detach().isfinite()
        assert leaf.grad.isfinite().all()


def test_narrow_products_are_near_the_wide_ones():
    hidden, head, shift, answers, lesson = parts(2, 40, 32, 500, torch.float32)
    for goal in GOALS:
        grads = []
        for narrow in (False, True):
            leaf = head.clone().requires_grad_()
            words = Words(leaf, shift)
            loss = chunked_loss(hidden, words, goal, answers=answers, lesson=lesson, narrow=narrow, memory=30_000)
            loss.backward()
            grads.append((loss.detach(), leaf.grad))
        (wide, to_wide), (near, to_near) = grads
        assert 0 < abs(wide - near) < 0.02 * wide
        assert 0 < (to_wide - to_near).norm() < 0.05 * to_wide.norm()


class Watched(TorchDispatchMode):
    """Notes the most bytes that new tensors hold at once."""

    def __init__(self):
        super().__init__()
        self.alive, self.most = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self.alive[storage._cdata] = (
                    torch.multiprocessing.reductions.StorageWeakRef(storage),
                    storage.nbytes(),
                )
        self.alive = {key: (ref, size) for key, (ref, size) in self.alive.items() if not ref.expired()}
        self.most = max(self.most, sum(size for _, size in self.alive.values()))
        return out


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("narrow", [False, True])
def test_memory_does_not_grow_with_the_batch(goal, narrow):
    """New tensors: the buffers, the gradients, with narrow products copies of both, and little for each token."""
    memory, width, size = 1 << 17, 8, 2_000
    found = {}
    for tokens in (64, 512):
        hidden, head, shift, answers, lesson = parts(0, tokens, width, size, torch.float32)
        leaf = head.requires_grad_()
        with Watched() as watched:
            words = Words(leaf, shift)
            loss = chunked_loss(hidden, words, goal, answers=answers, lesson=lesson, memory=memory, narrow=narrow)
        loss.backward()
        found[tokens] = watched.most
        assert watched.most < memory + 4 * size * (6 * width) + 100 * tokens * width
        with Watched() as control:
            plain(goal, hidden, leaf, shift, answers, lesson).backward()
        assert control.most > 4 * tokens * size
    assert found[512] - found[64] < 100 * 448 * width


def test_wrong_losses_are_named():
    hidden, head, _, answers, lesson = parts()
    for message, changes in (
        ("goal must be one of", {"goal": "mse"}),
        (r"shapes \(11, 4\) and \(23, 5\)", {"hidden": hidden[:, :4]}),
        ("answers must be a place for each of 11 tokens", {"answers": answers[:3]}),
        ("'tv' needs a lesson", {"goal": "tv", "lesson": None}),
        (r"'kl' needs a lesson of \(11, 23\)", {"goal": "kl", "lesson": Lesson(lesson.hidden, lesson.head[:3])}),
    ):
        base = {"hidden": hidden, "goal": "cross-entropy", "answers": answers, "lesson": lesson}
        asked = {**base, **changes}
        with pytest.raises(ValueError, match=message):
            chunked_loss(asked.pop("hidden"), Words(head), asked.pop("goal"), **asked)


def test_a_shortlist_estimates_every_sum_without_bias():
    """Mean over steps of ``Σ e^shift f`` against ``Σ f``; with six standard errors the test fails once in 1e8."""
    rng = np.random.default_rng(0)
    counts, values = rng.integers(0, 50, 300), rng.exponential(size=300)
    following = torch.as_tensor(rng.integers(0, 300, 20))
    shortlist = Shortlist(counts, 60, 7)
    sums, unweighted = [], []
    for step in range(2_000):
        drawn = shortlist.draw(step, following)
        words = drawn.words.numpy()
        assert len(np.unique(words)) == len(words)
        assert drawn.words[drawn.answers].tolist() == following.tolist()
        sums.append((drawn.shift.double().exp().numpy() * values[words]).sum())
        unweighted.append(values[words].sum())
    error = np.std(sums) / np.sqrt(len(sums))
    assert abs(np.mean(sums) - values.sum()) < 6 * error
    assert abs(np.mean(unweighted) - values.sum()) > 60 * error  # control: without the shifts
    assert {*np.argsort(-counts, kind="stable")[:30].tolist()} <= {*words.tolist()}
    again = Shortlist(counts, 60, 7).draw(3, following)
    assert torch.equal(again.words, shortlist.draw(3, following).words)
    assert not np.array_equal(again.words, shortlist.draw(4, following).words)


def test_a_shortlist_whose_sample_follows_takes_the_rest():
    drawn = Shortlist(np.array([9, 8, 7, 1]), 3, 0).draw(0, torch.tensor([1, 2, 1]))
    assert sorted(drawn.words.tolist()) == [0, 1, 2, 3]
    assert drawn.shift.abs().max() == 0
    for words in (1, 4):
        with pytest.raises(ValueError, match="words must be from 2 to 3"):
            Shortlist(np.ones(4), words, 0)


def rows_of(parameter, rows, values):
    return torch.sparse_coo_tensor(rows[None], values, parameter.shape, is_coalesced=True, check_invariants=False)


def test_adam_of_all_rows_is_adam_and_of_few_leaves_the_others():
    rng = torch.Generator().manual_seed(0)
    start = torch.randn(6, 3, generator=rng)
    settings = {"lr": 0.1, "betas": (0.9, 0.95), "weight_decay": 0.1}
    dense, sparse = start.clone().requires_grad_(), start.clone().requires_grad_()
    optimizers = torch.optim.AdamW([dense], **settings), RowAdamW([sparse], **settings)
    for _ in range(5):
        grad = torch.randn(6, 3, generator=rng)
        dense.grad, sparse.grad = grad, rows_of(sparse, torch.arange(6), grad)
        for optimizer in optimizers:
            optimizer.step()
    assert (dense - sparse).abs().max() < 1e-6
    assert (sparse - start).abs().mean() > 0.1
    before = sparse.detach().clone()
    sparse.grad = rows_of(sparse, torch.tensor([1, 4]), torch.ones(2, 3))
    optimizers[1].step()
    moved = (sparse - before).abs().amax(1) > 0
    assert moved.tolist() == [False, True, False, False, True, False]
    sparse.grad = torch.ones(6, 3)
    with pytest.raises(ValueError, match=r"grad of a parameter of shape \(6, 3\) is not a sparse tensor"):
        optimizers[1].step()


def test_clipping_counts_sparse_gradients_too():
    dense, sparse = torch.zeros(2, requires_grad=True), torch.zeros(9, 1, requires_grad=True)
    dense.grad = torch.tensor([3.0, 0.0])
    sparse.grad = rows_of(sparse, torch.tensor([2, 5]), torch.tensor([[0.0], [4.0]]))
    clip([dense, sparse], 10.0)
    assert dense.grad.tolist() == [3, 0]
    clip([dense, sparse], 1.0)
    assert (dense.grad - torch.tensor([0.6, 0])).abs().max() < 1e-6
    assert abs(float(sparse.grad.to_dense()[5, 0]) - 0.8) < 1e-6
