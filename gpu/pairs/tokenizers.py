"""Tokenizers from a folder, the hub, a ``.tiktoken`` file or the corpus; and what two of them share.

All are objects of the `tokenizers` library, so that count models need nothing heavier.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from gpu.pairs.tiktoken import ALPHABET, END, read_tiktoken
from rdk_theory.runs import progress
from rdk_theory.vocabulary import Vocabulary

_ENDS = (END, "</s>", "<|end_of_text|>", "<|im_end|>", "<eos>", "<end_of_turn>", "[SEP]")
SMALLEST = 257
"""Every byte and the end of a document: fewer tokens cannot write every text."""

BATCH = 2_000_000
"""Characters, about, that are encoded together."""

SAMPLE = 8_000_000
"""Characters on which a tokenizer is trained: enough for its merges to settle, and seconds of work."""


def load_tokenizer(source: str | Path) -> Tokenizer:
    """A tokenizer from elsewhere; `END` is added if it has no token for the end of a document.

    Parameters
    ----------
    source
        A ``.tiktoken`` file, a ``tokenizer.json``, a folder that holds one (or that transformers can
        convert), or a hub id.

    Raises
    ------
    ValueError
        Naming `source`, if it is none of these.
    """
    tokenizer = _load(str(source), Path(source))
    if document_end(tokenizer) is None:
        tokenizer.add_special_tokens([AddedToken(END, special=True)])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _load(source: str, path: Path) -> Tokenizer:
    if path.suffix == ".tiktoken":
        return read_tiktoken(path)
    file = path / "tokenizer.json" if path.is_dir() else path
    if file.is_file():
        try:
            return Tokenizer.from_file(str(file))
        # The library has one exception for all that is wrong with a file, and it is `Exception` itself.
        except BaseException as error:
            if type(error) is not Exception:
                raise
            raise ValueError(f"tokenizer {source} is not a tokenizer.json: {error}") from None
    if (path.suffix in (".json", ".model") or path.is_absolute() or source.startswith(".")) and not path.is_dir():
        raise ValueError(f"tokenizer {source} is neither a file nor a folder")
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"tokenizer {source} cannot be loaded: {str(error).splitlines()[0]}") from None
    if not loaded.is_fast:
        raise ValueError(f"tokenizer {source} has no fast form, which tells where in the text each token lies")
    return loaded.backend_tokenizer


def train_tokenizer(documents: Iterable[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE trained on the first `SAMPLE` characters of some documents.

    Raises
    ------
    ValueError
        For fewer than `SMALLEST` tokens.
    """
    if vocab_size < SMALLEST:
        raise ValueError(f"vocab_size must be at least {SMALLEST} (all bytes and {END}), not {vocab_size}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END], initial_alphabet=sorted(ALPHABET), show_progress=False
    )
    tokenizer.train_from_iterator(_sample(documents), trainer)
    return tokenizer


def _sample(documents: Iterable[str]) -> Iterable[str]:
    left = SAMPLE
    for text in documents:
        yield text[:left]
        left -= len(text)
        if left <= 0:
            return


def document_end(tokenizer: Tokenizer) -> int | None:
    """Id of the token that ends a document."""
    ids = (tokenizer.token_to_id(name) for name in _ENDS)
    return next((i for i in ids if i is not None), None)


def encode_documents(tokenizer: Tokenizer, texts: list[str]) -> list[np.ndarray]:
    """Ids of each text after the token that ends a document, if the tokenizer has one; int32.

    Texts are encoded some at a time, on every core: what the library keeps of a text is many times its ids.
    """
    end = document_end(tokenizer)
    before = [] if end is None else [end]
    places = np.cumsum([0, *map(len, texts)])[:-1] // BATCH
    encoded: list[np.ndarray] = []
    for group in progress(np.split(np.arange(len(texts)), np.flatnonzero(np.diff(places)) + 1), "encoding"):
        batch = tokenizer.encode_batch_fast([texts[i] for i in group], add_special_tokens=False)
        encoded += [np.array([*before, *one.ids], dtype=np.int32) for one in batch]
    return encoded


def same_tokenizer(first: Tokenizer, second: Tokenizer) -> bool:
    """Whether two tokenizers give every text the same ids."""
    return bool(first.to_str() == second.to_str())


def token_texts(tokenizer: Tokenizer, size: int) -> list[bytes | None]:
    """Bytes that each id in ``range(size)`` stands for; `None` where it stands for no text (or is unused).

    Byte-level vocabularies write a byte as one letter; SentencePiece ones write a space as ``▁`` and a
    byte without a letter as ``<0x0A>``; others (WordPiece) are compared as they are written.
    """
    form = json.loads(tokenizer.to_str())
    special = {entry["id"] for entry in form["added_tokens"] if entry["special"]}
    spelling = json.dumps([form["decoder"], form["pre_tokenizer"]], ensure_ascii=False)
    texts: list[bytes | None] = [None] * size
    for token, i in tokenizer.get_vocab(with_added_tokens=True).items():
        if i < size and i not in special:
            texts[i] = _token_bytes(token, "ByteLevel" in spelling, "▁" in spelling)
    return texts


def _token_bytes(token: str, byte_level: bool, piece: bool) -> bytes:
    if byte_level and all(letter in ALPHABET for letter in token):
        return bytes(ALPHABET[letter] for letter in token)
    if piece and len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes.fromhex(token[3:5])
    return (token.replace("▁", " ") if piece else token).encode()


def shared_vocabulary(target: Tokenizer, draft: Tokenizer, sizes: tuple[int, int]) -> Vocabulary:
    """Tokens of equal text in two vocabularies of ``sizes = (N, |D|)``; of several, the lowest id.

    Raises
    ------
    ValueError
        If they share none.
    """
    draft_id: dict[bytes, int] = {}
    for i, text in enumerate(token_texts(draft, sizes[1])):
        if text is not None:
            draft_id.setdefault(text, i)
    pairs: dict[int, int] = {}
    for i, text in enumerate(token_texts(target, sizes[0])):
        if text in draft_id:
            pairs[i] = draft_id.pop(text)
    if not pairs:
        raise ValueError("the tokenizers of target and drafter share no token")
    return Vocabulary(sizes[0], np.array(list(pairs)), draft_size=sizes[1], draft_ids=np.array(list(pairs.values())))
