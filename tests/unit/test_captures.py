"""Captures of all kinds, written here by hand, give the rows that they should; damaged ones are refused."""

import json

import numpy as np
import pytest

from rdk_theory import _tensors, tolerances
from rdk_theory.captures import CALIBRATION, TEST, base, open_capture
from rdk_theory.captures.header import HEADER, write_header
from rdk_theory.counts import KneserNey
from rdk_theory.distributions import softmax
from rdk_theory.runs import sha256

SIZES = (37, 23)
LENGTHS = (5, 1, 7)


def ids(rng, first, length):
    return {
        "token_ids": rng.integers(0, SIZES[0], length),
        "document_ids": np.arange(first, first + length) // 3,
        "positions": rng.integers(8, 100, length),
        "split": (np.arange(first, first + length) // 3 % 2).astype(np.int8),
    }


def finish(folder, kind, sizes=SIZES):
    shards = [{"name": p.name, "sha256": sha256(p)} for p in sorted(folder.glob("shard-*"))]
    header = {"kind": kind, "target_size": sizes[0], "draft_size": sizes[1], "shards": shards}
    write_header(folder, header, complete=True)
    return folder


@pytest.fixture
def states():
    """Hidden states and heads of both sides."""
    rng = np.random.default_rng(3)
    n, widths = sum(LENGTHS), (6, 4)
    hidden = [rng.normal(size=(n, d)).astype(np.float32) for d in widths]
    heads = [rng.normal(size=(size, d)).astype(np.float32) for size, d in zip(SIZES, widths, strict=True)]
    return hidden, heads


def write_shards(folder, arrays, narrow=None):
    rng = np.random.default_rng(4)
    first = 0
    for number, length in enumerate(LENGTHS):
        part = {name: array[first : first + length] for name, array in arrays.items()}
        _tensors.write(folder / f"shard-{number:05}.safetensors", {**part, **ids(rng, first, length)}, narrow)
        first += length


@pytest.fixture
def write(tmp_path, states):
    """Writes a capture of a kind and gives back its folder and the rows that it must answer with."""
    (target_hidden, hidden), heads = states

    def make(kind, dtype="float32", bias=False):
        folder = tmp_path / kind
        folder.mkdir()
        logits = [h @ w.T for h, w in zip((target_hidden, hidden), heads, strict=True)]
        stored = {"draft_head": heads[1]}
        if kind == "heads":
            stored["target_head"] = heads[0]
            if bias:
                stored["target_bias"] = np.linspace(-1, 1, SIZES[0], dtype=np.float32)
                logits[0] = logits[0] + stored["target_bias"]
            write_shards(folder, {"target_hidden": target_hidden, "hidden": hidden})
        else:
            arrays = {"target_logits": logits[0], "draft_logits": logits[1], "hidden": hidden}
            write_shards(folder, arrays, {"target_logits": dtype, "draft_logits": dtype})
        _tensors.write(folder / "heads.safetensors", stored)
        counts = {"target": np.arange(SIZES[0]), "draft": np.arange(SIZES[1])}
        _tensors.write(folder / "counts.safetensors", counts)
        kept = {"kept": np.array([3, 1, 8]), "draft_ids": np.array([0, 5, 2])}
        _tensors.write(folder / "vocabulary.safetensors", kept)
        return finish(folder, kind), [softmax(z) for z in logits]

    return make


@pytest.mark.parametrize("kind", ["rows", "heads"])
def test_rows_are_the_softmax_of_the_logits(write, states, kind):
    folder, expected = write(kind)
    capture = open_capture(folder)
    order = np.random.default_rng(0).permutation(len(capture))
    rows = capture.rows(order)
    for got, want in zip(rows, expected, strict=True):
        assert got.dtype == np.float32
        assert np.abs(got - want[order]).max() <= tolerances.SAME_DTYPE["float32"]
    assert capture.kind == kind
    assert capture.vocab_sizes == SIZES
    assert len(capture) == sum(LENGTHS)
    assert capture.hidden.tolist() == states[0][1].tolist()
    assert capture.draft_head.tolist() == states[1][1].tolist()
    assert capture.train_counts.tolist() == list(range(SIZES[0]))
    assert capture.draft_train_counts.tolist() == list(range(SIZES[1]))
    assert capture.vocabulary.kept.tolist() == [3, 1, 8]
    assert capture.vocabulary.draft_ids.tolist() == [0, 5, 2]
    assert capture.documents.tolist() == [i // 3 for i in range(len(capture))]
    assert set(capture.split.tolist()) == {CALIBRATION, TEST}


@pytest.mark.parametrize("kind", ["rows", "heads"])
def test_rows_are_made_in_blocks(write, kind, monkeypatch):
    folder, expected = write(kind)
    monkeypatch.setattr(base, "BLOCK_ENTRIES", 2 * SIZES[0] + 1)
    capture = open_capture(folder)
    made, sizes = capture._distributions, []

    def watched(shard, places):
        sizes.append(len(places))
        return made(shard, places)

    monkeypatch.setattr(capture, "_distributions", watched)
    rows = capture.rows(np.arange(len(capture)))
    assert sizes == [2, 2, 1, 1, 2, 2, 2, 1]  # shards of 5, 1 and 7
    for got, want in zip(rows, expected, strict=True):
        assert np.abs(got - want).max() <= tolerances.SAME_DTYPE["float32"]


def test_a_head_with_a_bias(write):
    folder, expected = write("heads", bias=True)
    target, draft = open_capture(folder).rows(np.arange(3))
    assert np.abs(target - expected[0][:3]).max() <= tolerances.SAME_DTYPE["float32"]
    assert np.abs(draft - expected[1][:3]).max() <= tolerances.SAME_DTYPE["float32"]


def test_a_bias_of_the_drafters_head_is_given_where_there_is_one(write):
    folder, _ = write("rows")
    assert open_capture(folder).draft_bias is None
    bias = np.linspace(-1, 1, SIZES[1], dtype=np.float32)
    head = open_capture(folder).draft_head
    _tensors.write(folder / "heads.safetensors", {"draft_head": head, "draft_bias": bias})
    assert open_capture(folder).draft_bias.tolist() == bias.tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_logits_move_rows_by_their_rounding(write, dtype):
    folder, expected = write("rows", dtype)
    target, _ = open_capture(folder).rows(np.arange(sum(LENGTHS)))
    spacing = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    # A logit of size z is off by z · spacing at the most, and log-probabilities by twice that.
    largest = np.abs(np.log(expected[0])).max() + 10
    assert np.abs(np.log(target) - np.log(expected[0])).max() <= 2 * spacing * largest
    assert np.abs(target - expected[0]).max() > 0
    assert np.abs(target.sum(axis=1) - 1).max() < 1e-6


def test_batches_cover_the_indices_in_order(write):
    capture = open_capture(write("rows")[0])
    chosen = np.array([11, 0, 5, 6, 2])
    batches = list(capture.batches(chosen, 2))
    assert [len(indices) for indices, _, _ in batches] == [2, 2, 1]
    assert np.concatenate([indices for indices, _, _ in batches]).tolist() == chosen.tolist()
    target, draft = capture.rows(chosen)
    assert np.concatenate([p for _, p, _ in batches]).tobytes() == target.tobytes()
    assert np.concatenate([q for _, _, q in batches]).tobytes() == draft.tobytes()


@pytest.fixture
def counted(tmp_path):
    """A capture of two count models."""
    folder = tmp_path / "counts"
    folder.mkdir()
    rng = np.random.default_rng(5)
    tokens = rng.integers(0, SIZES[0], 500)
    models = [KneserNey.fit(tokens, np.zeros(500, dtype=int), SIZES[0], order) for order in (3, 2)]
    for side, model in zip(("target", "draft"), models, strict=True):
        model.save(folder / f"{side}.safetensors")
    contexts = rng.integers(0, SIZES[0], (sum(LENGTHS), 2)).astype(np.int32)
    write_shards(folder, {"contexts": contexts})
    return finish(folder, "counts", (SIZES[0], SIZES[0])), models, contexts


def test_count_rows_are_those_of_the_models(counted):
    folder, models, contexts = counted
    capture = open_capture(folder)
    chosen = np.array([12, 4, 5])
    rows = capture.rows(chosen)
    for got, model in zip(rows, models, strict=True):
        assert got.tobytes() == model.rows(contexts[chosen]).tobytes()
    assert capture.hidden is None
    assert capture.draft_head is None
    assert capture.draft_bias is None
    assert capture.vocabulary.kept_size == SIZES[0]


def rewrite(folder, change, number=1):
    """Change a shard and note its new digest, so that only its content can be at fault."""
    path = folder / f"shard-{number:05}.safetensors"
    file = _tensors.TensorFile(path)
    arrays = {name: np.array(file.array(name)) for name in file.names}
    change(arrays)
    _tensors.write(path, arrays)
    header = json.loads((folder / HEADER).read_text())
    header["shards"][number]["sha256"] = sha256(path)
    (folder / HEADER).write_text(json.dumps(header))


def test_one_flipped_bit_is_noticed(write):
    folder, _ = write("rows")
    path = folder / "shard-00002.safetensors"
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    capture = open_capture(folder)
    assert len(capture.rows([0])[0]) == 1  # another shard
    with pytest.raises(ValueError, match=r"shard-00002\.safetensors is damaged"):
        capture.rows([8])


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_cut_shard_is_named(write, keep):
    folder, _ = write("rows")
    path = folder / "shard-00001.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"shard-00001\.safetensors is not a readable safetensors file"):
        open_capture(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("token_ids"), "has no tensor 'token_ids'"),
        (lambda a: a.update(token_ids=a["token_ids"] + 1_000), r"token_ids .* outside range\(37\)"),
        (lambda a: a.update(split=a["split"] + 2), r"split .* outside range\(2\)"),
        (lambda a: a.update(token_ids=a["token_ids"].astype(np.float32)), "'token_ids' must be integers"),
        (lambda a: a.update(document_ids=a["document_ids"].repeat(2)), "'document_ids' has shape"),
        (lambda a: a.update(target_logits=a["target_logits"][:, :-1]), "'target_logits' has shape"),
    ],
)
def test_wrong_content_is_refused(write, change, message):
    folder, _ = write("rows")
    rewrite(folder, change)
    with pytest.raises(ValueError, match=message):
        open_capture(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_none_are_refused(write, value):
    folder, _ = write("rows")
    rewrite(folder, lambda a: a["target_logits"].__setitem__((0, 0), value))
    with pytest.raises(ValueError, match=r"shard-00001\.safetensors holds a row of logits with NaN"):
        open_capture(folder).rows([5])


def test_minus_infinity_is_a_legal_logit(write):
    folder, _ = write("rows")
    rewrite(folder, lambda a: a["target_logits"].__setitem__((0, 0), -np.inf))
    target, _ = open_capture(folder).rows([5])
    assert target[0, 0] == 0
    assert abs(target.sum() - 1) < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(complete=False), "not a complete capture"),
        (lambda h: h.update(kind="other"), "kind must be one of"),
        (lambda h: h.update(format="rdk-capture-0"), "not the header of a capture"),
        (lambda h: h.update(target_size=0), "target_size must be a positive integer"),
        (lambda h: h.update(target_size="37"), "target_size must be a positive integer"),
        (lambda h: h.update(shards=[]), "shards must be a list"),
        (lambda h: h.update(shards=[{"name": "../x", "sha256": ""}]), "shards must be a list"),
        (lambda h: h.pop("shards"), "shards must be a list"),
    ],
)
def test_wrong_headers_are_refused(write, change, message):
    folder, _ = write("heads")
    header = json.loads((folder / HEADER).read_text())
    change(header)
    (folder / HEADER).write_text(json.dumps(header))
    with pytest.raises(ValueError, match=message):
        open_capture(folder)


def test_what_is_no_capture_is_named(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a capture"):
        open_capture(tmp_path / "nowhere")
    (tmp_path / HEADER).write_bytes(b"\x80\x04.")
    with pytest.raises(ValueError, match=r"capture\.json is not the header of a capture"):
        open_capture(tmp_path)
    (tmp_path / HEADER).write_text("[1]")
    with pytest.raises(ValueError, match=r"capture\.json is not the header of a capture"):
        open_capture(tmp_path)


def test_a_head_of_another_size_is_refused(write):
    folder, _ = write("heads")
    heads = {"target_head": np.zeros((3, 6), np.float32), "draft_head": np.zeros((SIZES[1], 4), np.float32)}
    _tensors.write(folder / "heads.safetensors", heads)
    with pytest.raises(ValueError, match=r"heads\.safetensors: tensor 'target_head' has shape"):
        open_capture(folder)


def test_count_models_of_another_size_are_refused(counted):
    folder, _, _ = counted
    KneserNey.fit(np.arange(20) % 5, np.zeros(20, dtype=int), 5, 2).save(folder / "draft.safetensors")
    with pytest.raises(ValueError, match=r"draft\.safetensors counts 5 tokens"):
        open_capture(folder)


@pytest.mark.parametrize(
    ("indices", "message"),
    [([13], r"outside range\(13\)"), ([-1], r"outside range\(13\)"), ([0.5], "must be integers"), ([[0]], "has shape")],
)
def test_wrong_indices_are_named(write, indices, message):
    capture = open_capture(write("rows")[0])
    with pytest.raises(ValueError, match=message):
        capture.rows(indices)


def test_batches_need_a_size(write):
    with pytest.raises(ValueError, match="size must be at least 1"):
        list(open_capture(write("rows")[0]).batches([0], 0))
