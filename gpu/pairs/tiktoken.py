"""A ``.tiktoken`` file as a tokenizer of the `tokenizers` library.

The file has one line a token: its bytes in base64, a space, its rank, which is its id. Its rule: of all
neighbouring parts whose concatenation is a token, join the two whose token has the lowest rank. In a list
of merges that is: for each token, by rank, every way to cut it into two tokens. The file does not say how
text is cut into words first; that rule is known by the number of tokens for the four encodings in public
use, and for any other file GPT-2's is taken.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

END = "<|endoftext|>"
"""The token that stands before each document, in tokenizers made here."""


def _alphabet() -> dict[str, int]:
    """The letter that byte-level BPE writes for each byte: printable ones themselves, others from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(rest)}


ALPHABET = _alphabet()
"""Letter to byte, of GPT-2's byte-level BPE."""
_LETTERS = {byte: letter for letter, byte in ALPHABET.items()}

# How the encodings cut words, as published with them (openai/tiktoken, tiktoken_ext/openai_public.py; MIT).
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACE = r"\s*[\r\n]+|\s+(?!\S)|\s+"
_CL100K = rf"{_SUFFIX}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACE}"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_LEAD = r"[^\r\n\p{L}\p{N}]?"
_O200K = (
    rf"{_LEAD}{_UPPER}*{_LOWER}+{_SUFFIX}?|{_LEAD}{_UPPER}+{_LOWER}*{_SUFFIX}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACE}"
)
_WORDS = {100_256: _CL100K, 128_000: _CL100K, 199_998: _O200K}
_SPECIAL = {199_998: (199_999, 200_019)}
"""For an encoding with a gap after its ranked tokens: the published id of `END`, and how many ids there are."""


def read_tiktoken(path: Path) -> Tokenizer:
    """The tokenizer of a ``.tiktoken`` file, with `END` as one more token after the last.

    The encoding of 199,998 tokens is known to have 200,019 ids; there `END` has the one published for it, and the ids
    that the file leaves unused get names of their own.

    Raises
    ------
    ValueError
        Naming the file and line, if it is not a table of distinct tokens with the ranks ``0..n−1`` that
        holds all bytes.
    """
    ranks = _read_ranks(path)
    vocab = {"".join(map(_LETTERS.__getitem__, token)): rank for token, rank in ranks.items()}
    merges = []
    for token in vocab:  # by rank
        cuts = ((token[:k], token[k:]) for k in range(1, len(token)))
        merges += [(left, right) for left, right in cuts if left in vocab and right in vocab]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    words = _WORDS.get(len(vocab))
    if words is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(words), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    tokenizer.decoder = decoders.ByteLevel()
    end, size = _SPECIAL.get(len(vocab), (len(vocab), len(vocab) + 1))
    names = (END if i == end else f"<|reserved_{i}|>" for i in range(len(vocab), size))
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in names])
    return tokenizer


def _read_ranks(path: Path) -> dict[bytes, int]:
    """Tokens with their ranks, in the order of the ranks."""
    if not path.is_file():
        raise ValueError(f"tokenizer {path} is not a file")
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line:
            continue
        try:
            text, rank = line.split()
            token = base64.b64decode(text, validate=True)
            value = int(rank)
        except (ValueError, binascii.Error):
            raise ValueError(f"tokenizer {path} line {number} is not a base64 token and a rank") from None
        if token in ranks or not token:
            raise ValueError(f"tokenizer {path} line {number} repeats a token, or is empty")
        ranks[token] = value
    ordered = dict(sorted(ranks.items(), key=lambda item: item[1]))
    if not ordered or list(ordered.values()) != list(range(len(ordered))):
        raise ValueError(f"tokenizer {path} must rank its {len(ordered)} tokens from 0 without a gap")
    missing = [byte for byte in range(256) if bytes([byte]) not in ordered]
    if missing:
        raise ValueError(f"tokenizer {path} lacks the single byte 0x{missing[0]:02X}, so it cannot write every text")
    return ordered
