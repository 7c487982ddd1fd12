"""`rdk pair capture`: what two models say in contexts of real text, written shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tokenizers import Tokenizer

from gpu.pairs.capture_options import SPLITS, CaptureOptions
from gpu.pairs.corpus import Corpus, read_corpus
from gpu.pairs.counts import CountPair
from gpu.pairs.pair import read_note, read_token_counts
from gpu.pairs.plan import Plan
from gpu.pairs.shards import ShardWriter, complete_shards
from gpu.pairs.tokenizers import encode_documents, same_tokenizer, shared_vocabulary
from gpu.pairs.windows import Sampler, Window
from rdk_theory import _tensors
from rdk_theory.acceptance import union_acceptance
from rdk_theory.captures import open_capture
from rdk_theory.captures.header import HEADER, read_header, write_header
from rdk_theory.runs import Run, progress, sha256

COUNTED = 32e6
"""Characters of text in which tokens are counted, for models that bring no counts."""
SUMMARY = 1_024
"""Contexts from which the acceptance that is printed is computed."""


class Pair(Protocol):
    """What a capture needs from two models."""

    names: list[str]
    fingerprints: list[str]
    sizes: tuple[int, int]
    tokenizers: tuple[Tokenizer, Tokenizer]

    @property
    def widths(self) -> dict[str, int]:
        """Length of a row of each array of a shard."""

    def plan(self, options: CaptureOptions) -> Plan:
        """What is stored, and in shards of which size."""

    def arrays(self, window: Window) -> dict[str, np.ndarray]:
        """What a shard holds of the contexts of a window."""

    def write_models(self, folder: Path) -> None:
        """Write what of the models the rows are rebuilt from."""


def capture(options: CaptureOptions, out: Path, *, resume: bool = True) -> dict[str, Any]:
    """Capture a pair into the folder `out`, or go on with it; a row that sums it up.

    Complete shards are kept, and a capture that is complete is left as it is.

    Raises
    ------
    ValueError
        For models, tokenizers or text that cannot be read, limits that leave no room, or a folder that
        holds a capture of something else.
    """
    options.check()
    corpus = read_corpus(options.corpus)
    share = _train_share(options.target, options.drafter)
    pair = _open_pair(options)
    sampler = Sampler(*pair.tokenizers, options.context_length, options.per_document, options.seed)
    plan = pair.plan(options)
    header = _header(options, corpus, share, pair, plan.kind)
    found = _found(out, header, resume)
    arguments = {name: value for name, value in asdict(options).items() if name != "seed"}
    if not (found and found["complete"]):
        with Run(out, "pair capture", arguments, options.seed) as run:
            write_header(out, header, complete=False)
            _write_shards(options, corpus, share, pair, sampler, plan.shard_rows, out)
            _write_tokens(options, corpus, share, pair, out)
            pair.write_models(out)
            shards = [{"name": shard.path.name, "sha256": sha256(shard.path)} for shard in complete_shards(out)]
            write_header(out, {**header, "shards": shards}, complete=True)
            run.record(*sorted(out.glob("*.safetensors")), out / HEADER)
    return _summary(out)


def _train_share(target: str, drafter: str) -> float:
    """The share of documents that either model was trained on here."""
    notes = [read_note(Path(place)) for place in (target, drafter)]
    return max((note.train_share for note in notes if note), default=0.0)


def _open_pair(options: CaptureOptions) -> Pair:
    kinds = [note.kind if (note := read_note(Path(place))) else None for place in (options.target, options.drafter)]
    if kinds.count("counts") == 1:
        raise ValueError("one of target and drafter is a count model and the other is not")
    if "counts" in kinds:
        return CountPair(Path(options.target), Path(options.drafter))
    from gpu.pairs.neural_pair import NeuralPair

    return NeuralPair(options.target, options.drafter, options.device)


def _header(options: CaptureOptions, corpus: Corpus, share: float, pair: Pair, kind: str) -> dict[str, Any]:
    """All that the rows depend on."""
    chosen = ("contexts", "split", "context_length", "per_document", "dtype", "seed")
    return {
        "kind": kind,
        "target_size": pair.sizes[0],
        "draft_size": pair.sizes[1],
        "target": pair.names[0],
        "drafter": pair.names[1],
        "fingerprints": pair.fingerprints,
        "corpus": corpus.name,
        "corpus_digest": corpus.digest,
        "unit": corpus.unit,
        "train_share": share,
        **{name: getattr(options, name) for name in chosen},
    }


def _found(out: Path, header: dict[str, Any], resume: bool) -> dict[str, Any] | None:
    """The header of a capture that this command began; without `resume` what it left is removed."""
    found = read_header(out)
    if not resume:
        for path in (out / HEADER, *out.glob("shard-*.safetensors")):
            path.unlink(missing_ok=True)
        return None
    shards = complete_shards(out)
    if found is None and shards:
        raise ValueError(f"{out} holds shards of a capture but no {HEADER}; choose another folder")
    if found is None or not shards:
        return None
    other = [name for name, value in header.items() if found.get(name) != value]
    if other:
        raise ValueError(f"{out} holds another capture (it differs in {', '.join(other)}); choose another folder")
    return found


def _write_shards(
    options: CaptureOptions, corpus: Corpus, share: float, pair: Pair, sampler: Sampler, rows: int, out: Path
) -> None:
    """Write the shards that are missing."""
    done = complete_shards(out)
    codes = [shard.integers("split", (None,)) for shard in done]
    taken = {name: sum(int((code == SPLITS[name]).sum()) for code in codes) for name in SPLITS}
    cursor = int(done[-1].integers("cursor", (1,))[0]) if done else 0
    dtypes = {name: _dtype(name, options.dtype) for name in pair.widths}
    writer = ShardWriter(out, len(done), pair.widths, dtypes, rows, options.per_document)
    missing = sum(options.quotas().values()) - sum(taken.values())
    chosen = _windows(options, corpus, share, sampler, taken, cursor)
    for place, split, number, window in progress(chosen, "capturing", -(-missing // options.per_document)):
        ids: dict[str, np.ndarray | int] = {
            "token_ids": window.next_ids,
            "document_ids": number,
            "positions": window.target_places + 1,
            "split": SPLITS[split],
        }
        writer.add(pair.arrays(window), ids, place + 1)
    writer.flush()
    if not any(taken.values()):
        raise ValueError(f"corpus {corpus.name} has no document long enough for a context")


def _windows(
    options: CaptureOptions, corpus: Corpus, share: float, sampler: Sampler, taken: dict[str, int], cursor: int
) -> Iterator[tuple[int, str, int, Window]]:
    """Windows from place `cursor` on until each split has its contexts: place, split, document, window.

    `taken` counts the contexts of each split.
    """
    quotas = options.quotas()
    order = [(split, number) for split in quotas for number in corpus.shuffled(split, share, options.seed)]
    for place in range(cursor, len(order)):
        split, number = order[place]
        if taken[split] >= quotas[split]:
            continue
        window = sampler.window(corpus.documents[number], corpus.digests[number])
        if window is None:
            continue
        window = window.first(quotas[split] - taken[split])
        taken[split] += len(window.next_ids)
        yield place, split, number, window


def _dtype(name: str, logits: str) -> str:
    """How an array of a shard is stored."""
    if name == "contexts":
        return "int32"
    return logits if name.endswith("_logits") else "float32"


def _write_tokens(options: CaptureOptions, corpus: Corpus, share: float, pair: Pair, out: Path) -> None:
    """Write how often each token occurs, and which tokens the models share if not all."""
    same = same_tokenizer(*pair.tokenizers)
    if not same or pair.sizes[0] != pair.sizes[1]:
        shared = shared_vocabulary(*pair.tokenizers, pair.sizes)
        _tensors.write(out / "vocabulary.safetensors", {"kept": shared.kept, "draft_ids": shared.draft_ids})
    counts: dict[str, np.ndarray] = {}
    for side, place, tokenizer, size in zip(
        ("target", "draft"), (options.target, options.drafter), pair.tokenizers, pair.sizes, strict=True
    ):
        known = read_token_counts(Path(place))
        if known is None and side == "draft" and same:
            known = counts["target"]
        if known is None:
            known = _count_tokens(corpus, share, tokenizer, options.seed)
        counts[side] = np.pad(known[:size], (0, max(0, size - len(known))))
    _tensors.write(out / "counts.safetensors", counts)


def _count_tokens(corpus: Corpus, share: float, tokenizer: Tokenizer, seed: int) -> np.ndarray:
    """Token counts of training documents, or of calibration documents where there are none for training."""
    total = np.zeros(0, dtype=np.int64)
    left = COUNTED
    for number in progress(corpus.shuffled("train" if share else "calibration", share, seed), "counting tokens"):
        ids = encode_documents(tokenizer, [corpus.documents[number]])[0]
        counts = np.bincount(ids, minlength=len(total))
        counts[: len(total)] += total
        total, left = counts, left - len(corpus.documents[number])
        if left <= 0:
            break
    return total


def _summary(out: Path) -> dict[str, Any]:
    """What the command prints about a complete capture."""
    made = open_capture(out)
    chosen = np.unique(np.linspace(0, len(made) - 1, min(SUMMARY, len(made))).astype(np.int64))
    rates = [union_acceptance(p, q, made.vocabulary) for _, p, q in made.batches(chosen, 64)]
    return {
        "kind": made.kind,
        "contexts": len(made),
        "documents": len(np.unique(made.documents)),
        "target_size": made.vocab_sizes[0],
        "draft_size": made.vocab_sizes[1],
        "shared_tokens": made.vocabulary.kept_size,
        "acceptance": float(np.concatenate(rates).mean()),
        "megabytes": round(sum(f.stat().st_size for f in out.glob("*.safetensors")) / 1e6, 1),
    }
