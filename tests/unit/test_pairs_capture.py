"""`rdk pair capture` against what transformers says when it is asked directly."""

import getpass
import hashlib
import json
import platform

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel

from gpu.pairs import models
from gpu.pairs import plan as plans
from gpu.pairs.corpus import read_corpus
from gpu.pairs.neural_pair import NeuralPair
from gpu.pairs.plan import BASE, make_plan
from gpu.pairs.tokenizers import load_tokenizer, token_texts
from rdk_theory import tolerances
from rdk_theory.captures import CALIBRATION, TEST, open_capture
from rdk_theory.cli import UsageError
from rdk_theory.counts import KneserNey
from tests.unit.pairs import document, rdk_pair, save_tokenizer, tokenizer, write_corpus, write_model

SAME = tolerances.SAME_DTYPE["float32"]


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.name != "manifest.json"}


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "text.txt", 30)


@pytest.fixture
def pair(tmp_path):
    """Two random models that share a tokenizer."""
    words = tokenizer()
    return [
        write_model(tmp_path / side, seed, words, width) for side, seed, width in (("big", 0, 32), ("small", 1, 16))
    ]


def capture(capsys, pair, corpus, out, *options):
    base = ("capture", *pair, "--corpus", corpus, "--out", out, "--contexts", 60, "--context-length", 48)
    return rdk_pair(capsys, *base, "--per-document", 7, *options)


def probabilities(folder, ids):
    """The model's own answer after `ids`, by an ordinary forward pass over the whole text."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        return model(input_ids=torch.as_tensor(ids)[None]).logits[0, -1].float().softmax(-1).numpy()


def windows(monkeypatch):
    """Notes each window that is read, in order."""
    seen = []
    arrays = NeuralPair.arrays

    def noted(self, window):
        seen.append(window)
        return arrays(self, window)

    monkeypatch.setattr(NeuralPair, "arrays", noted)
    return seen


def check_rows(made, seen, pair, tolerance):
    """Every fifth row is what the two models say after the text of its window."""
    texts = [
        (window.target_ids[: i + 1], window.draft_ids[: j + 1], following)
        for window in seen
        for i, j, following in zip(window.target_places, window.draft_places, window.next_ids, strict=True)
    ]
    assert len(texts) == len(made)
    rows = made.rows(np.arange(len(made)))
    for number in range(0, len(made), 5):
        target_ids, draft_ids, following = texts[number]
        assert made.token_ids[number] == following
        assert made.positions[number] == len(target_ids)
        for row, folder, ids in zip(rows, pair, (target_ids, draft_ids), strict=True):
            assert np.abs(row[number] - probabilities(folder, ids)).max() <= tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float16", 2e-3), ("bfloat16", 2e-2)])
def test_captured_rows_are_what_the_models_say(tmp_path, pair, corpus, capsys, monkeypatch, dtype, tolerance):
    seen = windows(monkeypatch)
    row = capture(capsys, pair, corpus, tmp_path / "out", "--dtype", dtype)
    made = open_capture(tmp_path / "out")
    assert (row["kind"], row["contexts"]) == (made.kind, len(made)) == ("rows", 60)
    assert made.vocab_sizes == (300, 300)
    assert made.vocabulary.kept_size == 300
    check_rows(made, seen, pair, tolerance)
    model = AutoModelForCausalLM.from_pretrained(pair[1])
    assert np.abs(made.draft_head - model.lm_head.weight.detach().numpy()).max() == 0
    rebuilt = made.hidden @ made.draft_head.T
    rebuilt = np.exp(rebuilt - rebuilt.max(-1, keepdims=True))
    assert np.abs(rebuilt / rebuilt.sum(-1, keepdims=True) - made.rows(np.arange(60))[1]).max() <= tolerance


def test_rebuilt_rows_are_the_captured_ones(tmp_path, pair, corpus, capsys):
    full = capture(capsys, pair, corpus, tmp_path / "rows", "--dtype", "float32")
    heads = capture(capsys, pair, corpus, tmp_path / "heads", "--max-disk", 0.00008)
    assert (full["kind"], heads["kind"]) == ("rows", "heads")
    first, second = open_capture(tmp_path / "rows"), open_capture(tmp_path / "heads")
    for name in ("token_ids", "documents", "positions", "split", "hidden", "draft_head"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()
    for captured, rebuilt in zip(first.rows(np.arange(60)), second.rows(np.arange(60)), strict=True):
        assert np.abs(captured - rebuilt).max() <= SAME


def test_models_in_bfloat16_keep_their_heads_exactly(tmp_path, corpus, capsys, monkeypatch):
    words = tokenizer()
    pair = [
        write_model(tmp_path / side, seed, words, dtype=torch.bfloat16) for side, seed in (("big", 0), ("small", 1))
    ]
    seen = windows(monkeypatch)
    assert capture(capsys, pair, corpus, tmp_path / "out", "--max-disk", 0.00008)["kind"] == "heads"
    made = open_capture(tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(pair[1], dtype="auto")
    assert model.dtype == torch.bfloat16
    assert made.draft_head.tolist() == model.lm_head.weight.float().tolist()
    check_rows(made, seen, pair, 0.05)


def test_a_pair_of_two_tokenizers(tmp_path, corpus, capsys, monkeypatch):
    words = tokenizer(320), tokenizer(280, seeds=[3])
    # The target has rows of padding beyond its tokenizer, as published models do.
    pair = [write_model(tmp_path / "big", 0, words[0], 32, rows=328), write_model(tmp_path / "small", 1, words[1])]
    seen = windows(monkeypatch)
    row = capture(capsys, pair, corpus, tmp_path / "out", "--dtype", "float32")
    made = open_capture(tmp_path / "out")
    assert made.vocab_sizes == (328, 280)
    check_rows(made, seen, pair, 1e-5)
    texts = token_texts(words[0], 328), token_texts(words[1], 280)
    shared = made.vocabulary
    assert row["shared_tokens"] == shared.kept_size < 280
    assert [texts[0][i] for i in shared.kept] == [texts[1][i] for i in shared.draft_ids]
    assert any(len(window.target_ids) != len(window.draft_ids) for window in seen)
    for window in seen:
        for i, j in zip(window.target_places, window.draft_places, strict=True):
            first = words[0].decode(window.target_ids[: i + 1].tolist())
            assert first == words[1].decode(window.draft_ids[: j + 1].tolist())
    assert made.train_counts.shape == (328,)
    assert made.draft_train_counts.shape == (280,)


def test_splits_are_of_documents(tmp_path, pair, corpus, capsys):
    capture(capsys, pair, corpus, tmp_path / "all")
    made, text = open_capture(tmp_path / "all"), read_corpus(corpus)
    assert np.bincount(made.split).tolist() == [30, 30]
    assert np.bincount(made.documents).max() <= 7
    for code, name in ((CALIBRATION, "calibration"), (TEST, "test")):
        found = set(made.documents[made.split == code].tolist())
        assert found <= set(text.split(name, 0.0))
        capture(capsys, pair, corpus, tmp_path / name, "--split", name)
        assert set(open_capture(tmp_path / name).split.tolist()) == {code}
    counts = np.zeros(300, dtype=int)
    for number in text.split("calibration", 0.0):
        np.add.at(counts, tokenizer().encode(text.documents[number]).ids, 1)
    assert made.train_counts[1:].tolist() == counts[1:].tolist()  # token 0 ends a document


class Stopped(KeyboardInterrupt):
    """The user's interrupt."""


@pytest.mark.parametrize("limit", [8.0, 0.00008])
def test_an_interrupted_capture_goes_on_to_the_same_bytes(tmp_path, pair, corpus, capsys, monkeypatch, limit):
    monkeypatch.setattr(plans, "SHARD", 20 * (600 * 2 + 64))
    options = ("--max-disk", limit)
    whole = capture(capsys, pair, corpus, tmp_path / "whole", *options)
    names = sorted(p.name for p in (tmp_path / "whole").glob("shard-*"))
    if limit == 8.0:
        assert len(names) == 3
    else:
        monkeypatch.setattr(plans, "SHARD", 20 * 4 * 48)
        whole = capture(capsys, pair, corpus, tmp_path / "whole", *options, "--no-resume")
    arrays = NeuralPair.arrays
    seen = []

    def stopping(self, window):
        seen.append(window)
        if len(seen) in (5, 7):
            raise Stopped
        return arrays(self, window)

    monkeypatch.setattr(NeuralPair, "arrays", stopping)
    parts = tmp_path / "parts"
    for _ in range(2):
        with pytest.raises(Stopped):
            capture(capsys, pair, corpus, parts, *options)
        with pytest.raises(ValueError, match="not a complete capture"):
            open_capture(parts)
    kept = {path: path.stat().st_mtime_ns for path in parts.glob("shard-*")}
    assert kept
    assert capture(capsys, pair, corpus, parts, *options) == whole
    assert digests(parts) == digests(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(seen) < 3 * 10
    # Complete: nothing is read again, whatever the memory.
    before = len(seen)
    assert capture(capsys, pair, corpus, parts, *options, "--max-memory", 6) == whole
    assert len(seen) == before


def test_a_folder_of_another_capture_is_left_alone(tmp_path, pair, corpus, capsys):
    capture(capsys, pair, corpus, tmp_path / "out")
    before = digests(tmp_path / "out")
    with pytest.raises(UsageError, match=r"holds another capture \(it differs in seed\)"):
        capture(capsys, pair, corpus, tmp_path / "out", "--seed", 1)
    write_model(pair[0], 9, tokenizer(), 32)
    with pytest.raises(UsageError, match=r"it differs in fingerprints"):
        capture(capsys, pair, corpus, tmp_path / "out")
    assert digests(tmp_path / "out") == before
    capture(capsys, pair, corpus, tmp_path / "out", "--no-resume")
    assert digests(tmp_path / "out") != before


def test_a_manifest_names_no_folder_host_or_user(tmp_path, pair, corpus, capsys):
    capture(capsys, pair, corpus, tmp_path / "out")
    text = (tmp_path / "out" / "manifest.json").read_text() + (tmp_path / "out" / "capture.json").read_text()
    assert str(tmp_path) not in text
    assert platform.node() not in text
    assert f'"{getpass.getuser()}"' not in text
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["arguments"]["target"] == "big"
    assert "shard-00000.safetensors" in manifest["outputs"]


def gpt2(folder, words):
    config = GPT2Config(vocab_size=300, n_embd=32, n_layer=1, n_head=2, n_positions=64, initializer_range=0.3)
    GPT2LMHeadModel(config).save_pretrained(folder)
    save_tokenizer(folder, words)
    return folder


def gemma(folder, words):
    config = Gemma2Config(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        initializer_range=0.5,
        final_logit_softcapping=3.0,
    )
    Gemma2ForCausalLM(config).save_pretrained(folder)
    save_tokenizer(folder, words)
    return folder


def test_other_architectures(tmp_path, corpus, capsys, monkeypatch):
    words = tokenizer()
    pair = [gemma(tmp_path / "gemma", words), gpt2(tmp_path / "gpt2", words)]
    seen = windows(monkeypatch)
    capture(capsys, pair, corpus, tmp_path / "out", "--dtype", "float32")
    check_rows(open_capture(tmp_path / "out"), seen, pair, 1e-5)


def test_logits_that_a_head_does_not_give_are_not_rebuilt(tmp_path, corpus, capsys):
    """A soft cap after the head: full rows hold it, hidden states and heads would not."""
    words = tokenizer()
    pair = [gemma(tmp_path / "gemma", words), gpt2(tmp_path / "gpt2", words)]
    with pytest.raises(UsageError, match=r"target: its logits are not its head times its hidden .* use --store rows"):
        capture(capsys, pair, corpus, tmp_path / "out", "--store", "heads")
    assert capture(capsys, pair, corpus, tmp_path / "rows", "--store", "rows")["kind"] == "rows"


def test_wide_rows_are_rebuilt_if_that_is_smaller(tmp_path, pair, corpus, capsys, monkeypatch):
    monkeypatch.setattr(plans, "WIDE", 300)
    # 30 rows are smaller than two heads.
    assert capture(capsys, pair, corpus, tmp_path / "few", "--contexts", 30)["kind"] == "rows"
    assert capture(capsys, pair, corpus, tmp_path / "many", "--contexts", 200)["kind"] == "heads"


def test_a_head_is_checked_by_blocks_of_its_rows(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(models, "BLOCK", 7)  # does not divide the 300 rows
    reader = models.Source.find(str(pair[0])).load(torch.device("cpu"))
    hidden, logits = reader.read(np.arange(20), np.array([3, 9]))
    assert reader.departure(hidden, logits) < 1e-5
    logits[1, 299] += 0.5  # control: one logit of the last block
    assert abs(reader.departure(hidden, logits) - 0.5) < 1e-5


def test_a_count_pair_is_captured(tmp_path, capsys):
    corpus = write_corpus(tmp_path / "text.txt", 80)
    rdk_pair(capsys, "train", "--kind", "counts", "--corpus", corpus, "--vocab-size", 300, "--out", tmp_path / "pair")
    pair = [tmp_path / "pair" / side for side in ("target", "drafter")]
    row = capture(capsys, pair, corpus, tmp_path / "out", "--contexts", 40)
    made, text = open_capture(tmp_path / "out"), read_corpus(corpus)
    assert (row["kind"], made.kind, len(made)) == ("counts", "counts", 40)
    rows = made.rows(np.arange(40))
    assert all(np.abs(x.sum(1) - 1).max() < 1e-6 for x in rows)
    trained = set(text.split("train", 0.8))
    assert not trained & set(made.documents.tolist())
    models = [KneserNey.load(folder / "model.safetensors") for folder in pair]
    words = load_tokenizer(pair[0])
    for number in range(0, 40, 3):
        # A row is the models' answer after two tokens that stand in its document before the one that followed.
        ids = words.encode(text.documents[made.documents[number]]).ids
        contexts = np.array([ids[i : i + 2] for i in range(len(ids) - 2) if ids[i + 2] == made.token_ids[number]])
        for row_found, model in zip(rows, models, strict=True):
            assert (model.rows(contexts) == row_found[number]).all(axis=1).any()
    assert abs(row["acceptance"] - np.minimum(*rows).sum(1).mean()) < 1e-6
    # A copy: the capture answers when the pair is gone.
    for folder in pair:
        (folder / "model.safetensors").unlink()
    assert open_capture(tmp_path / "out").rows([3])[0].tobytes() == rows[0][3:4].tobytes()


def test_fewer_contexts_than_asked_for_are_reported(tmp_path, pair, corpus, capsys):
    assert capture(capsys, pair, corpus, tmp_path / "out", "--contexts", 5_000)["contexts"] < 5_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--contexts", 0), "contexts must be at least 1"),
        (("--context-length", 10), "context_length must be at least 16"),
        (("--context-length", 200), "context-length of 200 is more than the 128 tokens that big takes"),
        (("--per-document", 0), "per_document must be at least 1"),
        (("--max-memory", 0), "max-memory must be positive"),
        (("--max-memory", 0.5), "max-memory of 0.5 GB is too little"),
        (("--max-disk", 0.00001), "max-disk of 1e-05 GB is too little"),
        (("--store", "rows", "--max-disk", 0.00005), "too little: full rows take"),
        (("--corpus", "nowhere"), "neither a file nor a folder"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, pair, corpus, capsys, options, message):
    with pytest.raises(UsageError, match=message):
        capture(capsys, pair, corpus, tmp_path / "out", *options)


def test_models_that_cannot_be_loaded_are_named(tmp_path, pair, corpus, capsys):
    def attempt(target, message):
        with pytest.raises(UsageError, match=message):
            capture(capsys, [target, pair[1]], corpus, tmp_path / "out")

    attempt(tmp_path / "nowhere", "nowhere is not a folder")
    (tmp_path / "empty").mkdir()
    attempt(tmp_path / "empty", "empty cannot be loaded")
    weights = pair[0] / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:200])
    attempt(pair[0], "big cannot be loaded")
    # Pickled weights are never read, whatever they hold.
    weights.unlink()
    torch.save({}, pair[0] / "pytorch_model.bin")
    attempt(pair[0], "big cannot be loaded")


def test_a_count_model_and_another_are_no_pair(tmp_path, pair, capsys):
    corpus = write_corpus(tmp_path / "text.txt", 60)
    rdk_pair(capsys, "train", "--kind", "counts", "--corpus", corpus, "--vocab-size", 300, "--out", tmp_path / "pair")
    with pytest.raises(UsageError, match="one of target and drafter is a count model and the other is not"):
        capture(capsys, [tmp_path / "pair" / "target", pair[1]], corpus, tmp_path / "out")


def test_documents_too_short_for_a_context(tmp_path, pair, capsys):
    (tmp_path / "short.txt").write_text("\n\0\n".join(document(seed, 2) for seed in range(30)))
    with pytest.raises(UsageError, match="no document long enough for a context"):
        capture(capsys, pair, tmp_path / "short.txt", tmp_path / "out")


def plan_or_none(**parts):
    """The plan, or `None` where a limit is too small."""
    try:
        return make_plan(contexts=10_000, dtype="float16", model_bytes=10**8, **parts)
    except ValueError:
        return None


def test_ample_limits_give_rows_and_tight_ones_none():
    parts = {"sizes": (128_000, 128_000), "widths": (4_096, 1_024), "per_document": 16}
    assert plan_or_none(**parts, max_memory=4e9, max_disk=8e9).kind == "heads"  # wide: what is smaller
    assert plan_or_none(**parts, max_memory=4e9, max_disk=8e9, store="rows").kind == "rows"
    assert plan_or_none(**{**parts, "widths": (16_384, 1_024)}, max_memory=4e9, max_disk=8e9).kind == "rows"
    assert plan_or_none(**{**parts, "sizes": (60_000, 60_000)}, max_memory=4e9, max_disk=8e9).kind == "rows"
    assert plan_or_none(**parts, max_memory=8e9, max_disk=4e9).kind == "heads"
    assert plan_or_none(**parts, max_memory=8e9, max_disk=4e9, store="rows") is None
    assert plan_or_none(**parts, max_memory=4e9, max_disk=2e9) is None
    assert plan_or_none(**parts, max_memory=1.1e9, max_disk=8e9) is None


sizes = st.integers(10, 300_000)


@given(sizes, sizes, st.integers(8, 8_192), st.integers(1, 64), st.floats(1.2e9, 64e9), st.floats(1e6, 1e12))
def test_a_plan_keeps_within_both_limits(target, draft, width, per_document, memory, disk):
    limits = {"max_memory": memory, "max_disk": disk}
    plan = plan_or_none(sizes=(target, draft), widths=(2 * width, width), per_document=per_document, **limits)
    if plan is None:
        return
    row = 2 * (target + draft) + 4 * width if plan.kind == "rows" else 4 * 3 * width
    buffers = (plan.shard_rows + per_document) * row
    assert BASE + 10**8 + buffers + 12 * per_document * (target + draft) <= memory
    assert 10_000 * row <= disk
    assert plan.shard_rows >= 1
    assert plan.shard_rows * row <= plans.SHARD or plan.shard_rows == 1
    if plan.kind == "heads":
        rows = 10_000 * (2 * (target + draft) + 4 * width) + 4 * draft * width
        smaller = 10_000 * 12 * width + 4 * (2 * target + draft) * width
        assert rows > disk or (max(target, draft) >= plans.WIDE and smaller < rows)
