"""`rdk pair train`: count pairs and neural pairs, interrupted and not."""

import hashlib
import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from gpu.pairs import losses, neural, trainer, training
from gpu.pairs.corpus import read_corpus
from gpu.pairs.neural import Objective, Shape, Stream, Teaching, build
from gpu.pairs.neural_training import softmax_words
from gpu.pairs.pair import read_note, read_token_counts
from gpu.pairs.shortlist import Shortlist
from gpu.pairs.tokenizers import encode_documents, load_tokenizer
from gpu.pairs.trainer import Budget, Training, schedule
from gpu.pairs.training import Options
from rdk_theory import tables
from rdk_theory.cli import UsageError
from rdk_theory.counts import KneserNey
from tests.unit.pairs import rdk_pair, tokenizer, write_corpus

CPU = torch.device("cpu")


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "training.csv", "pair.csv")
    }


def timeless(row):
    """A row without what the clock decides."""
    return {name: value for name, value in row.items() if not name.endswith("_minutes")}


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "text.txt")


def test_a_count_pair_is_counted_on_training_documents_alone(tmp_path, corpus, capsys):
    out = tmp_path / "pair"
    options = (
        "train",
        "--kind",
        "counts",
        "--corpus",
        corpus,
        "--vocab-size",
        300,
        "--drafter-share",
        0.5,
        "--out",
        out,
    )
    row = rdk_pair(capsys, *options)
    assert row["kind"] == "counts"
    assert row["vocab_size"] == 300
    assert 0 < row["acceptance"] < 1
    assert 0 < row["target_cross_entropy"] < row["draft_cross_entropy"] < math.log(300)
    text = read_corpus(corpus)
    documents = [text.documents[number] for number in text.shuffled("train", 0.8, 0)]
    assert len(documents) < len(text.documents)
    ids = encode_documents(load_tokenizer(out / "target"), documents)
    owner = np.repeat(np.arange(len(ids)), [len(one) for one in ids])
    half = owner < round(len(ids) / 2)
    every = np.concatenate(ids)
    contexts = np.random.default_rng(0).integers(0, 300, (50, 2))
    for side, order, part in (("target", 3, owner >= 0), ("drafter", 2, half)):
        model = KneserNey.load(out / side / "model.safetensors")
        again = KneserNey.fit(every[part], owner[part], 300, order)
        assert model.rows(contexts).tobytes() == again.rows(contexts).tobytes()
        assert read_token_counts(out / side).tolist() == np.bincount(every, minlength=300).tolist()
        assert read_note(out / side).train_share == 0.8
    before = digests(out)
    assert rdk_pair(capsys, *options) == row
    assert digests(out) == before


def test_another_seed_or_vocabulary_makes_another_pair(tmp_path, corpus, capsys):
    options = ("train", "--kind", "counts", "--corpus", corpus, "--out", tmp_path / "pair", "--vocab-size")
    first = rdk_pair(capsys, *options, 300)
    other = rdk_pair(capsys, *options, 320)
    assert (first["vocab_size"], other["vocab_size"]) == (300, 320)
    assert rdk_pair(capsys, *options, 300) == first
    assert rdk_pair(capsys, *options, 300, "--seed", 1) != first


def test_a_pair_of_another_kind_takes_the_folder_over(tmp_path, corpus, capsys):
    options = ("train", "--corpus", corpus, "--vocab-size", 300, "--out", tmp_path / "pair")
    rdk_pair(capsys, *options, *TINY, "--steps", 2)
    rdk_pair(capsys, *options, "--kind", "counts")
    rdk_pair(capsys, *options[:-1], tmp_path / "fresh", "--kind", "counts")
    assert digests(tmp_path / "pair") == digests(tmp_path / "fresh")


def test_a_given_tokenizer_is_used(tmp_path, corpus, capsys):
    tokenizer(275).save(str(tmp_path / "tokenizer.json"))
    options = ("train", "--kind", "counts", "--corpus", corpus, "--out", tmp_path / "pair", "--tokenizer", tmp_path)
    assert rdk_pair(capsys, *options)["vocab_size"] == 275
    tokenizer(285).save(str(tmp_path / "tokenizer.json"))  # the same path, another tokenizer
    assert rdk_pair(capsys, *options)["vocab_size"] == 285


TINY = ("--kind", "neural", "--vocab-size", 300, "--target-shape", "32x2", "--drafter-shape", "32x1")


def test_a_neural_pair_is_saved_as_ordinary_folders(tmp_path, corpus, capsys):
    out = tmp_path / "pair"
    row = rdk_pair(capsys, "train", *TINY, "--corpus", corpus, "--steps", 25, "--out", out)
    assert 0 < row["target_cross_entropy"] < 0.95 * math.log(300)
    assert 0 < row["acceptance"] < 1
    assert (row["target_steps"], row["drafter_steps"]) == (25, 25)
    for side, layers in (("target", 2), ("drafter", 1)):
        model = AutoModelForCausalLM.from_pretrained(out / side, use_safetensors=True)
        assert model.config.num_hidden_layers == layers
        assert model.config.vocab_size == 300
        words = AutoTokenizer.from_pretrained(out / side)
        assert words.decode(words("alpha beta").input_ids) == "alpha beta"
        curve = tables.read(out / side / "training.csv")
        assert [point["step"] for point in curve] == [20, 25]
        assert row[f"{side}_loss"] == curve[-1]["loss"] < curve[0]["loss"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["seed"] == 0
    assert manifest["arguments"]["steps"] == 25
    assert str(tmp_path) not in json.dumps(manifest)
    assert not list(out.glob(".*"))


class Stopped(KeyboardInterrupt):
    """The user's interrupt."""


def after_each_step(monkeypatch):
    """Checkpoints as often as can be."""
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(trainer, "CHECKPOINT_SHARE", math.inf)


SAMPLED = ("--softmax-words", 40, "--batch-tokens", 64, "--distill", "tv")


@pytest.mark.parametrize(("stop_at", "further"), [(4, ()), (9, ()), (11, SAMPLED)])
def test_an_interrupted_training_goes_on_to_the_same_pair(tmp_path, corpus, capsys, monkeypatch, stop_at, further):
    options = ("train", *TINY, *further, "--corpus", corpus, "--steps", 6, "--out")
    whole = rdk_pair(capsys, *options, tmp_path / "whole")
    after_each_step(monkeypatch)
    batch = Stream.batch
    seen = []

    def watched(self, step):
        seen.append(step)
        if len(seen) == stop_at:
            raise Stopped
        return batch(self, step)

    monkeypatch.setattr(Stream, "batch", watched)
    with pytest.raises(Stopped):
        rdk_pair(capsys, *options, tmp_path / "parts")
    monkeypatch.delattr(training, "encode_documents")  # the ids of the text are kept
    assert timeless(rdk_pair(capsys, *options, tmp_path / "parts")) == timeless(whole)
    # Both models take steps 0..5 once, but for the one during which the interrupt came.
    assert sorted(seen) == sorted([*range(6), *range(6), seen[stop_at - 1]])
    assert digests(tmp_path / "parts") == digests(tmp_path / "whole")


def test_a_checkpoint_of_other_options_is_not_continued(tmp_path, corpus, capsys, monkeypatch):
    after_each_step(monkeypatch)
    batch = Stream.batch

    def stopping(self, step):
        if step == 3:
            raise Stopped
        return batch(self, step)

    options = ("train", *TINY, "--corpus", corpus, "--out", tmp_path / "pair")
    monkeypatch.setattr(Stream, "batch", stopping)
    with pytest.raises(Stopped):
        rdk_pair(capsys, *options, "--steps", 6)
    monkeypatch.setattr(Stream, "batch", batch)
    other = rdk_pair(capsys, *options, "--steps", 5)
    assert timeless(other) == timeless(rdk_pair(capsys, *options[:-1], tmp_path / "fresh", "--steps", 5))


def test_a_sample_of_the_words_is_the_default_of_wide_vocabularies_on_a_cpu(monkeypatch):
    monkeypatch.setattr(neural, "ALL_WORDS", 299)
    assert softmax_words(None, 299, CPU) == 299
    assert softmax_words(None, 300, CPU) == neural.SAMPLED_WORDS
    assert softmax_words(None, 300, torch.device("cuda")) == 300
    assert softmax_words(80, 300, CPU) == 80


def test_a_drafter_of_another_lesson_keeps_the_target(tmp_path, corpus, capsys):
    options = ("train", *TINY, "--corpus", corpus, "--steps", 4, "--out", tmp_path / "pair", "--distill")
    made = {}
    for lesson in ("kl", "tv", "none"):
        rdk_pair(capsys, *options, lesson)
        made[lesson] = digests(tmp_path / "pair")
    names = [{made[lesson][f"{side}/model.safetensors"] for lesson in made} for side in ("target", "drafter")]
    assert [len(found) for found in names] == [1, 3]
    for further in (("--softmax-words", 40), ("--batch-tokens", 64)):  # on these both models depend
        rdk_pair(capsys, *options, "kl", *further)
        assert digests(tmp_path / "pair")["target/model.safetensors"] not in names[0]


def test_too_little_memory_on_the_device_is_one_line(tmp_path, corpus, capsys, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    monkeypatch.setattr(Objective, "__call__", full)
    with pytest.raises(UsageError, match="the device has too little memory; make --batch-tokens smaller"):
        rdk_pair(capsys, "train", *TINY, "--corpus", corpus, "--steps", 1, "--out", tmp_path / "pair")


def test_minutes_end_a_training(tmp_path, corpus, capsys):
    out = tmp_path / "pair"
    rdk_pair(capsys, "train", *TINY, "--corpus", corpus, "--minutes", 0.02, "--out", out)
    for side, share in (("target", 0.7), ("drafter", 0.3)):
        last = tables.read(out / side / "training.csv")[-1]
        assert last["seconds"] >= 60 * 0.02 * share
        assert last["step"] >= 1


@pytest.fixture
def stream():
    return Stream(torch.randint(0, 90, (3_000,), generator=torch.Generator().manual_seed(0)), seed=5)


def objective(stream, lesson, spent, shortlist=None):
    """The loss of batch 3 and its gradients, of a model that is the same each time."""
    model = build(Shape(32, 1), 90, 0, CPU)
    value = Objective(model, stream, lesson, False, shortlist)(3, spent)
    return model, value, {name: p.grad.to_dense() for name, p in model.named_parameters()}


@pytest.mark.parametrize(("loss", "spent"), [(None, 0.0), ("kl", 0.9), ("tv", 0.4), ("tv", 0.5)])
def test_gradients_of_a_batch_are_those_of_the_plain_loss(stream, monkeypatch, loss, spent):
    monkeypatch.setitem(losses.MEMORY, "cpu", 100 * 90 * 12)  # chunks of 100 do not divide the 512 tokens
    teacher = build(Shape(64, 1), 90, 1, CPU)
    model, value, found = objective(stream, None if loss is None else Teaching(teacher, loss), spent)
    model.zero_grad()
    inputs, following = stream.batch(3)
    logits = model(input_ids=inputs).logits.log_softmax(-1)
    wanted = teacher(input_ids=inputs).logits.detach().log_softmax(-1)
    if loss is None:
        expected = -logits.gather(-1, following[..., None]).mean()
    elif loss == "tv" and spent >= 0.5:
        expected = (1 - torch.minimum(wanted.exp(), logits.exp()).sum(-1)).mean()
    else:
        expected = (wanted.exp() * (wanted - logits)).sum(-1).mean()
    expected.backward()
    assert abs(value - float(expected.detach())) < 1e-5
    for name, parameter in model.named_parameters():
        assert (found[name] - parameter.grad).abs().max() < 1e-5 * max(1, float(parameter.grad.abs().max()))
        assert parameter.grad.abs().max() > 0


@pytest.mark.parametrize("loss", [None, "kl"])
def test_a_sampled_softmax_gives_the_gradients_of_the_whole_one_on_average(stream, loss):
    """The mean over samples comes near; with one sample, as with the frequent words alone, it is far."""
    stream = Stream(stream.tokens, 5, 64)  # few tokens: most words do not follow in the batch
    lesson = None if loss is None else Teaching(build(Shape(64, 1), 90, 1, CPU), loss)
    _, value, whole = objective(stream, lesson, 0.0)
    counts = np.bincount(stream.tokens, minlength=90)
    drawn = [objective(stream, lesson, 0.0, Shortlist(counts, 30, seed)) for seed in range(24)]
    mean = sum(grads[neural.EMBEDDING] for _, _, grads in drawn) / len(drawn)
    one, wanted = drawn[0][2][neural.EMBEDDING], whole[neural.EMBEDDING]
    assert abs(np.mean([v for _, v, _ in drawn]) - value) < 0.01
    assert (mean - wanted).norm() < 0.4 * (one - wanted).norm()
    assert (mean - wanted).norm() < 0.25 * wanted.norm()


def test_batches_are_pieces_of_the_text_decided_by_seed_and_step(stream):
    inputs, following = stream.batch(7)
    text = stream.tokens.tolist()
    for row, after in zip(inputs.tolist(), following.tolist(), strict=True):
        assert row[1:] == after[:-1]
        assert any(text[i : i + len(row)] == row for i in range(len(text) - len(row)))
    assert torch.equal(stream.batch(7)[0], inputs)
    assert not torch.equal(stream.batch(8)[0], inputs)
    assert not torch.equal(Stream(stream.tokens, 6).batch(7)[0], inputs)


def test_checkpoints_take_a_small_share_of_the_time(stream, tmp_path, monkeypatch):
    """By a clock that tells a second more each time it is asked, and ten where one is written."""
    clock = [0.0]

    def tick(seconds=1.0):
        clock[0] += seconds
        return clock[0]

    saves = []
    monkeypatch.setattr(trainer.time, "perf_counter", tick)
    monkeypatch.setattr(Training, "_save", lambda self: saves.append(tick(9.0)))
    model = build(Shape(32, 1), 90, 0, CPU)
    training = Training(model, lambda step, spent: 0.0, tmp_path / "c.safetensors", Budget(seconds=900), 1e-3)
    training.run("")
    assert saves[0] < 2 * trainer.CHECKPOINT_SECONDS
    assert 190 < saves[1] - saves[0] < 220
    assert 4 <= len(saves) <= 5


def test_training_learns_what_there_is_to_learn(tmp_path):
    """A text in which each token decides the next: the loss falls far below that of guessing."""
    stream = Stream(torch.arange(5_000) % 40, seed=0)
    model = build(Shape(32, 1), 40, 0, CPU)
    training = Training(
        model, Objective(model, stream, None, False), tmp_path / "c.safetensors", Budget(steps=60), 3e-3
    )
    history = training.run("")
    assert history.step == 60
    assert history.curve[0][2] > 0.5 * math.log(40)  # control: it was not known from the start
    assert history.curve[-1][2] < 0.2 * math.log(40)


def test_the_schedule_rises_and_falls():
    rates = [schedule(x) for x in np.linspace(0, 1, 201)]
    top = int(np.argmax(rates))
    assert 0 < rates[0] < 0.01
    assert rates[top] > 0.99
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert 0 < rates[-1] < 0.03


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--vocab-size", 200), "vocab_size must be at least 257"),
        (("--tokenizer", "x.tiktoken", "--vocab-size", 300), "vocab-size is for a tokenizer trained on the corpus"),
        (("--tokenizer", "x.tiktoken"), "x.tiktoken is not a file"),
        (("--minutes", 0), "minutes must be positive"),
        (("--minutes", "nan"), "minutes must be positive"),
        (("--max-text", -1), "max-text must be positive"),
        (("--steps", 0), "steps must be at least 1"),
        (("--drafter-share", 0), "drafter-share must be in"),
        (("--batch-tokens", 0), "batch-tokens must be at least 1"),
        (("--kind", "neural", "--softmax-words", 1), "softmax-words must be from 2 to the [0-9]+ tokens"),
        (("--kind", "neural", "--softmax-words", 9_000), "softmax-words must be from 2"),
        (("--corpus", "nowhere.txt"), "nowhere.txt is neither a file nor a folder"),
        (("--kind", "neural", "--target-shape", "32"), "a shape is WIDTHxLAYERS"),
        (("--kind", "neural", "--target-shape", "33x1"), "width must be a multiple of 32"),
        (("--kind", "neural", "--drafter-shape", "0x1"), "width must be a multiple of 32"),
        (("--kind", "neural", "--drafter-shape", "32x0"), "a shape is WIDTHxLAYERS"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, corpus, capsys, options, message):
    base = ("train", "--kind", "counts", "--corpus", corpus, "--out", tmp_path / "pair")
    with pytest.raises(UsageError, match=message):
        rdk_pair(capsys, *base, *options)


def test_a_device_that_is_not_there_is_named(tmp_path, corpus, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="device cuda is not available"):
        rdk_pair(capsys, "train", *TINY, "--corpus", corpus, "--device", "cuda", "--out", tmp_path / "pair")


def test_a_kind_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="kind must be one of"):
        Options(kind="other").check()
    with pytest.raises(ValueError, match="distill must be one of kl, tv, none, not 'all'"):
        Options(distill="all").check()


def test_a_damaged_note_is_named(tmp_path):
    (tmp_path / "pair.json").write_text('{"format": "rdk-pair-1", "kind": "counts"}')
    with pytest.raises(ValueError, match=r"pair\.json is not the note of a trained pair"):
        read_note(tmp_path)


def test_the_command_is_imported_without_heavy_libraries():
    code = "import sys, gpu.pairs.command; print({'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
