"""Corpora, their splits, tokenizers, and the windows that contexts are taken from."""

import base64
import gzip
import lzma
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers.models import BPE

from gpu.pairs import corpus as corpora
from gpu.pairs import tokenizers
from gpu.pairs.corpus import SPLITS, read_corpus
from gpu.pairs.tokenizers import (
    END,
    document_end,
    encode_documents,
    load_tokenizer,
    same_tokenizer,
    shared_vocabulary,
    token_texts,
    train_tokenizer,
)
from gpu.pairs.windows import LEAST_LEFT, Sampler

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
TEXT = "the quick brown fox jumps over a lazy dog while two naïve cats (α, β) count 12345 clouds — 雲 🙂"
WORDS = TEXT.split()


def prose(seed: int, words: int = 400) -> str:
    rng = np.random.default_rng(seed)
    picked = rng.choice(WORDS, words)
    return "".join(word + ("\n" if rng.random() < 0.1 else " ") for word in picked)


# Corpora


def test_a_file_with_separators_holds_documents(tmp_path):
    text = "one\n\0\ntwo\nlines\n\0\n \n\0\none"
    for name, content in (
        ("a.txt", text.encode()),
        ("a.txt.gz", gzip.compress(text.encode())),
        ("a.txt.xz", lzma.compress(text.encode())),
    ):
        (tmp_path / name).write_bytes(content)
        corpus = read_corpus(tmp_path / name)
        assert corpus.documents == ["one", "two\nlines"]  # empty ones and repetitions are dropped
        assert corpus.unit == "document"
        assert corpus.name == name


def test_a_folder_holds_a_document_in_each_text_file(tmp_path):
    for name, content in (("b.txt", b"bee"), ("a/c.md", b"sea"), ("x.bin", b"\xff\xfe\x00"), ("n.txt", b"a\0b")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert read_corpus(tmp_path).documents == ["sea", "bee"]


def test_one_long_text_is_cut_into_sections_at_line_ends(tmp_path):
    path = tmp_path / "book.txt"
    text = "".join(prose(seed, 2_000) + "\n" for seed in range(6)) + "x" * 20_000
    path.write_text(text)
    corpus = read_corpus(path)
    assert corpus.unit == "section"
    assert "".join(corpus.documents) == text
    assert all(part.endswith("\n") for part in corpus.documents[:-2])
    assert max(map(len, corpus.documents)) <= 2 * corpora.SECTION


def test_the_default_is_the_standard_library():
    corpus = read_corpus(None)
    assert corpus.name.startswith("python-3.")
    assert len(corpus.documents) > 500
    assert any("def namedtuple(" in text for text in corpus.documents)
    parts = [set(corpus.split(name, 0.8)) for name in SPLITS]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(corpus.documents)
    shares = [len(part) / len(corpus.documents) for part in parts]
    # Shares of independent hashes: five standard deviations of the largest.
    assert np.abs(np.subtract(shares, [0.8, 0.1, 0.1])).max() < 5 * np.sqrt(0.8 * 0.2 / len(corpus.documents))


def many(count: int) -> str:
    return corpora.SEPARATOR.join(prose(seed, 60) for seed in range(count))


def test_a_document_stands_in_one_split_whatever_the_corpus(tmp_path):
    (tmp_path / "all.txt").write_text(many(60))
    (tmp_path / "part.txt").write_text(corpora.SEPARATOR.join(many(60).split(corpora.SEPARATOR)[40:5:-1]))
    whole, part = read_corpus(tmp_path / "all.txt"), read_corpus(tmp_path / "part.txt")
    assert whole.digest != part.digest
    for name in SPLITS:
        texts = {whole.documents[i] for i in whole.split(name, 0.5)}
        assert {part.documents[i] for i in part.split(name, 0.5)} == texts & set(part.documents)


def test_the_seed_orders_a_split(tmp_path):
    (tmp_path / "all.txt").write_text(many(60))
    corpus = read_corpus(tmp_path / "all.txt")
    first, again, other = (corpus.shuffled("train", 0.8, seed) for seed in (0, 0, 1))
    assert first == again != other
    assert sorted(first) == sorted(other) == corpus.split("train", 0.8)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "empty.txt holds no text"),
        ("blank.txt", b" \n\0\n\n", "blank.txt holds no text"),
        ("latin.txt", b"na\xefve", "latin.txt is not UTF-8 text"),
        ("cut.xz", lzma.compress(b"x" * 999)[:-9], "cut.xz is not a complete .xz file"),
        ("cut.gz", gzip.compress(b"x" * 999)[:-9], "cut.gz is not a complete .gz file"),
        ("not.gz", b"plain", "not.gz is not a complete .gz file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_text_that_cannot_be_read_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_corpus(tmp_path / name)


def test_a_corpus_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        read_corpus(tmp_path / "nowhere")


def test_a_corpus_too_small_to_split_says_so(tmp_path):
    (tmp_path / "one.txt").write_text("only this")
    corpus = read_corpus(tmp_path / "one.txt")
    empty = [name for name in SPLITS if not _splits(corpus, name)]
    assert len(empty) == 2
    with pytest.raises(ValueError, match=f"none of which falls in the {empty[0]} split"):
        corpus.split(empty[0], 0.8)


def _splits(corpus, name):
    try:
        return corpus.split(name, 0.8)
    except ValueError:
        return []


# Tokenizers


def test_a_trained_tokenizer_writes_every_text_and_is_the_same_each_time():
    texts = [prose(seed) for seed in range(5)]
    tokenizer = train_tokenizer(texts, 300)
    assert tokenizer.get_vocab_size() == 300
    assert same_tokenizer(tokenizer, train_tokenizer(texts, 300))
    for text in (*texts, "unseen \x00 \u200b 漢字\r\n\t🙃"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    ids = encode_documents(tokenizer, texts)
    assert all(one[0] == document_end(tokenizer) for one in ids)


@pytest.mark.parametrize("size", [0, 256])
def test_a_vocabulary_below_the_bytes_is_refused(size):
    with pytest.raises(ValueError, match="vocab_size must be at least 257"):
        train_tokenizer(["text"], size)


def write_ranks(path: Path, tokens: list[bytes]) -> Path:
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens)))
    return path


def reference_encode(ranks: dict[bytes, int], word: bytes) -> list[int]:
    """The rule of the format, by its definition: join the neighbours whose token ranks lowest."""
    parts = [word[i : i + 1] for i in range(len(word))]
    while True:
        joins = [(ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks]
        if not joins:
            return [ranks[part] for part in parts]
        _, i = min(joins)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


def test_documents_are_encoded_some_at_a_time(monkeypatch):
    """Groups of any size give the ids of each document alone."""
    words = train_tokenizer([prose(0)], 280)
    texts = [prose(seed, 10 + 40 * (seed % 3)) for seed in range(7)]
    whole = encode_documents(words, texts)
    assert [x.tolist() for x in whole] == [[document_end(words), *words.encode(text).ids] for text in texts]
    for batch in (1, 300, 600):
        monkeypatch.setattr(tokenizers, "BATCH", batch)
        assert [x.tolist() for x in encode_documents(words, texts)] == [x.tolist() for x in whole]
    assert encode_documents(words, []) == []


def test_a_tiktoken_file_is_read_by_its_rule(tmp_path):
    joined = [b"ab", b"bc", b"cd", b"abc", b"bcd", b" a", b"abcd", b"de", b" ab", b"cde", b"\xe9\x9b", b"\xe9\x9b\xb2"]
    tokens = [bytes([byte]) for byte in range(256)] + joined
    tokenizer = load_tokenizer(write_ranks(tmp_path / "tiny.tiktoken", tokens))
    assert tokenizer.get_vocab_size() == len(tokens) + 1
    assert tokenizer.token_to_id(END) == len(tokens)
    ranks = {token: rank for rank, token in enumerate(tokens)}
    rng = np.random.default_rng(0)
    for _ in range(300):
        word = "".join(rng.choice(list("abcde雲"), rng.integers(1, 12)))
        ids = tokenizer.encode(word, add_special_tokens=False).ids
        words = [piece for piece, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(word)]
        assert len(words) == 1
        assert ids == reference_encode(ranks, word.encode())
        assert tokenizer.decode(ids) == word
    assert token_texts(tokenizer, len(tokens) + 1) == [*tokens, None]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must rank its 0 tokens"),
        (b"IQ== zero\n", "line 1 is not a base64 token and a rank"),
        (b"IQ== 0\n!!! 1\n", "line 2 is not a base64 token and a rank"),
        (b"IQ== 0\nIQ== 1\n", "line 2 repeats a token"),
        (b"IQ== 0\nIg== 2\n", "from 0 without a gap"),
        (b"IQ== 0\nIg== 1\n", "lacks the single byte 0x00"),
    ],
)
def test_a_tiktoken_file_that_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.tiktoken"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_tokenizer(path)


@pytest.mark.parametrize("name", ["r50k_base_gpt2", "o200k_base"])
def test_public_tiktoken_files_come_back_as_text(name):
    path = SHARED / f"{name}.tiktoken"
    if not path.exists():
        pytest.skip("needs ../shared: tokenizers in public use")
    tokenizer = load_tokenizer(path)
    for seed in range(3):
        text = prose(seed)
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    end, size = {"r50k_base_gpt2": (50_256, 50_257), "o200k_base": (199_999, 200_019)}[name]  # as published
    assert (document_end(tokenizer), tokenizer.get_vocab_size()) == (end, size)
    # From the table of the encoding: these words are one token each.
    for word in (" the", " quick", "Hello"):
        assert len(tokenizer.encode(word).ids) == 1


def test_a_tokenizer_is_loaded_from_a_file_or_its_folder(tmp_path):
    tokenizer = train_tokenizer([prose(0)], 280)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    for place in (tmp_path, tmp_path / "tokenizer.json"):
        assert same_tokenizer(load_tokenizer(place), tokenizer)


def test_a_tokenizer_without_an_end_gets_one(tmp_path):
    tokenizer = Tokenizer(BPE(vocab={"a": 0, "b": 1}, merges=[]))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = load_tokenizer(tmp_path)
    assert document_end(loaded) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", b"{}", "is not a tokenizer.json"),
        ("tokenizer.json", b"\x80\x04.", "is not a tokenizer.json"),
        ("other.json", None, "neither a file nor a folder"),
        ("none.tiktoken", None, "is not a file"),
    ],
)
def test_a_tokenizer_that_is_none_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_tokenizer(tmp_path / name)


def piece_tokenizer() -> Tokenizer:
    """In the manner of SentencePiece: ``▁`` for a space, ``<0x..>`` for bytes without a letter, and a BOS."""
    letters = sorted({letter for seed in range(4) for letter in prose(seed)} - {" "} - set("雲🙂"))
    words = ["▁the", "▁fox", "▁cats", "▁"]
    pieces = ["<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words, *letters]
    merges = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("▁", "f"), ("▁f", "o"), ("▁fo", "x")]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return tokenizer


def test_texts_of_two_kinds_of_vocabulary_meet():
    byte_level, piece = train_tokenizer([prose(seed) for seed in range(4)], 320), piece_tokenizer()
    sizes = byte_level.get_vocab_size() + 3, piece.get_vocab_size()  # three rows of padding
    shared = shared_vocabulary(byte_level, piece, sizes)
    texts = token_texts(byte_level, sizes[0]), token_texts(piece, sizes[1])
    kept = {texts[0][i] for i in shared.kept}
    assert kept >= {b" the", b"t", b"\n", b"(", b"\xc3"}
    for i, j in zip(shared.kept, shared.draft_ids, strict=True):
        assert texts[0][i] == texts[1][j] is not None
    assert shared.draft_size == sizes[1]
    assert END.encode() not in kept


def test_vocabularies_without_a_common_token_are_refused():
    first, second = (Tokenizer(BPE(vocab={letter: 0}, merges=[])) for letter in "ab")
    with pytest.raises(ValueError, match="share no token"):
        shared_vocabulary(first, second, (1, 1))


# Windows


def digest(seed: int) -> str:
    return f"{seed:064x}"


def test_windows_of_one_tokenizer():
    tokenizer = train_tokenizer([prose(seed) for seed in range(5)], 320)
    sampler = Sampler(tokenizer, tokenizer, length=64, per_document=7, seed=3)
    for seed in range(20):
        text = prose(seed, 500)
        window = sampler.window(text, digest(seed))
        assert len(window.target_places) == len(window.next_ids) == 7
        assert window.target_places.min() >= LEAST_LEFT - 1
        assert len(window.target_ids) == window.target_places[-1] + 1 <= 64
        assert window.target_ids.tolist() == window.draft_ids.tolist()
        for place, following in zip(window.target_places, window.next_ids, strict=True):
            seen = tokenizer.decode([*window.target_ids[: place + 1].tolist(), int(following)])
            assert seen.rstrip("\ufffd") in text
        same = sampler.window(text, digest(seed))
        assert same.target_ids.tolist() == window.target_ids.tolist()
        assert same.target_places.tolist() == window.target_places.tolist()
    assert sampler.window("too short", digest(0)) is None


def test_contexts_of_two_tokenizers_have_read_the_same_text():
    texts = [prose(seed) for seed in range(5)]
    piece = piece_tokenizer()
    for target, draft in (
        (train_tokenizer(texts, 320), train_tokenizer(texts[:1], 270)),
        (piece, train_tokenizer(texts, 320)),
    ):
        sampler = Sampler(target, draft, length=80, per_document=9, seed=1)
        assert not sampler.same
        different = 0
        for seed in range(20):
            window = sampler.window(prose(seed, 500), digest(seed))
            assert min(window.target_places.min(), window.draft_places.min()) >= LEAST_LEFT - 1
            for i, j in zip(window.target_places, window.draft_places, strict=True):
                first = target.decode(window.target_ids[: i + 1].tolist())
                second = draft.decode(window.draft_ids[: j + 1].tolist())
                assert first == second
                assert "\ufffd" not in first  # never inside a character
                different += i != j
        assert different > 100


def test_the_first_contexts_of_a_window():
    tokenizer = train_tokenizer([prose(0)], 280)
    window = Sampler(tokenizer, tokenizer, length=64, per_document=7, seed=3).window(prose(1), digest(1))
    assert window.first(2).next_ids.tolist() == window.next_ids[:2].tolist()
    assert window.first(9).target_places.tolist() == window.target_places.tolist()


@pytest.mark.parametrize(("length", "count", "message"), [(15, 1, "context_length"), (64, 0, "per_document")])
def test_windows_need_room(length, count, message):
    tokenizer = train_tokenizer([prose(0)], 280)
    with pytest.raises(ValueError, match=message):
        Sampler(tokenizer, tokenizer, length, count, 0)
