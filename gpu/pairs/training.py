"""`rdk pair train`: from text to two model folders and a table of how good they are."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from gpu.pairs import counts
from gpu.pairs.corpus import Corpus, read_corpus
from gpu.pairs.evaluation import Rows, evaluate
from gpu.pairs.pair import Note
from gpu.pairs.tokenizers import encode_documents, load_tokenizer, train_tokenizer
from gpu.pairs.windows import Sampler
from rdk_theory import _tensors, tables
from rdk_theory.runs import Run, atomic_path, sha256

TRAIN_SHARE = 0.8
TABLE = "pair.csv"
VOCAB_SIZE = {"counts": 32_000, "neural": 8_192}
SIDES = ("target", "drafter")
LESSONS = ("kl", "tv", "none")
"""What a neural drafter learns: the target's law by KL, then by the rejection rate, or the text alone."""


@dataclass(frozen=True)
class Options:
    """What `rdk pair train` was asked for; `None` for the default of the kind."""

    kind: str = "neural"
    corpus: Path | None = None
    tokenizer: str | None = None
    vocab_size: int | None = None
    minutes: float = 5.0
    steps: int | None = None
    target_shape: str | None = None
    drafter_shape: str | None = None
    drafter_share: float = 0.5
    distill: str = "kl"
    softmax_words: int | None = None
    batch_tokens: int = 512
    max_text: float = 32.0
    device: str = "auto"
    seed: int = 0

    def check(self) -> None:
        """Raise `ValueError` for what cannot be done."""
        if self.kind not in VOCAB_SIZE:
            raise ValueError(f"kind must be one of {sorted(VOCAB_SIZE)}, not {self.kind!r}")
        if self.tokenizer is not None and self.vocab_size is not None:
            raise ValueError("vocab-size is for a tokenizer trained on the corpus; the one given has its own size")
        for name, value in (("minutes", self.minutes), ("max-text", self.max_text)):
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be positive and finite, not {value}")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")
        if self.batch_tokens < 1:
            raise ValueError(f"batch-tokens must be at least 1, not {self.batch_tokens}")
        if self.distill not in LESSONS:
            raise ValueError(f"distill must be one of {', '.join(LESSONS)}, not {self.distill!r}")
        if not 0 < self.drafter_share <= 1:
            raise ValueError(f"drafter-share must be in (0, 1], not {self.drafter_share}")


def train_pair(options: Options, out: Path, *, resume: bool = True) -> dict[str, Any]:
    """Make a pair in the folder `out`, or go on with it; the row of its table.

    The folder holds ``target/``, ``drafter/``, ``pair.csv`` and ``manifest.json``. What is complete there from
    the same options is kept; a training that was interrupted goes on from its last checkpoint.
    """
    options.check()
    arguments = {name: value for name, value in asdict(options).items() if name != "seed"}
    with Run(out, "pair train", arguments, options.seed, resume=resume) as run:
        work = Work(options, out, run)
        if not resume:
            shutil.rmtree(work.partial, ignore_errors=True)
        work.partial.mkdir(exist_ok=True)
        work.make_tokenizer()
        if options.kind == "counts":
            work.make_counts()
        else:
            from gpu.pairs.neural_training import make_neural

            make_neural(work)
        shutil.rmtree(work.partial, ignore_errors=True)
    return tables.read(out / TABLE)[0]


class Work:
    """The steps that both kinds of pair share, each done once."""

    def __init__(self, options: Options, out: Path, run: Run) -> None:
        self.options, self.out, self.run = options, out, run
        self.partial = out / ".partial"
        """Checkpoints: gone once the pair is complete."""
        self.corpus: Corpus = read_corpus(options.corpus)
        self.train_documents = self._train_documents()
        self.note = Note(options.kind, self.corpus.name, self.corpus.digest, TRAIN_SHARE)
        self.parameters: dict[str, Any] = {
            "corpus": self.corpus.digest,
            "max_text": options.max_text,
            "tokenizer": _mark(options.tokenizer),
            "vocab_size": options.vocab_size or VOCAB_SIZE[options.kind],
        }
        """What every step depends on, beside the seed."""

    def _train_documents(self) -> list[int]:
        """Training documents in the order of the seed, as many as `max_text` million characters hold."""
        order = self.corpus.shuffled("train", TRAIN_SHARE, self.options.seed)
        sizes = np.cumsum([len(self.corpus.documents[number]) for number in order])
        return order[: int(np.searchsorted(sizes, self.options.max_text * 1e6)) + 1]

    def make_tokenizer(self) -> None:
        """Load or train the tokenizer, unless it is there."""

        def make() -> None:
            if self.options.tokenizer is not None:
                tokenizer = load_tokenizer(self.options.tokenizer)
            else:
                documents = (self.corpus.documents[number] for number in self.train_documents)
                tokenizer = train_tokenizer(documents, self.parameters["vocab_size"])
            with atomic_path(self.out / "tokenizer.json") as temporary:
                tokenizer.save(str(temporary))

        self.run.step("tokenizer", ["tokenizer.json"], make, self.parameters, code=False)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The pair's tokenizer."""
        return load_tokenizer(self.out / "tokenizer.json")

    @property
    def size(self) -> int:
        """``N``."""
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def texts(self) -> list[np.ndarray]:
        """Training documents in tokens, kept beside the checkpoints until the pair is complete."""
        parts = [self.corpus.digest, *self.train_documents, sha256(self.out / "tokenizer.json")]
        key = hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:12]
        file = self.partial / f"tokens-{key}.safetensors"
        if not file.exists():
            texts = encode_documents(self.tokenizer, [self.corpus.documents[number] for number in self.train_documents])
            ends = np.cumsum([len(text) for text in texts])
            _tensors.write(file, {"ids": np.concatenate(texts), "ends": ends})
        kept = _tensors.TensorFile(file)
        return np.split(kept.array("ids", (None,)), kept.integers("ends", (None,))[:-1])

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each token occurs in the training documents; shape ``(N,)``."""
        return np.bincount(np.concatenate(self.texts), minlength=self.size)

    def annotate(self, side: str) -> None:
        """Put the tokenizer, the note and the token counts beside a model."""
        folder = self.out / side
        with atomic_path(folder / "tokenizer.json") as temporary:
            shutil.copyfile(self.out / "tokenizer.json", temporary)
        self.note.save(folder, self.counts)

    def make_counts(self) -> None:
        """Count the target on all training documents and the drafter on a share of them."""
        for side, order, share in zip(SIDES, (3, 2), (1.0, self.options.drafter_share), strict=True):

            def make(side: str = side, order: int = order, share: float = share) -> None:
                texts = self.texts[: max(1, round(share * len(self.texts)))]
                shutil.rmtree(self.out / side, ignore_errors=True)  # what another kind of pair left
                counts.fit(texts, self.size, order).save(self.out / side / counts.MODEL)
                self.annotate(side)

            self.run.step(side, [side], make, {**self.parameters, "share": share})
        self.make_table(lambda: counts.CountPair(*(self.out / side for side in SIDES)).rows, {}, dict)

    def make_table(
        self, reader: Callable[[], Rows], parameters: dict[str, Any], further: Callable[[], dict[str, Any]]
    ) -> None:
        """Evaluate the pair, unless that was done; `reader()` gives its rows and `further()` more columns."""

        def make() -> None:
            sampler = Sampler(self.tokenizer, self.tokenizer, length=128, per_document=16, seed=self.options.seed)
            result = evaluate(self.corpus, TRAIN_SHARE, sampler, reader())
            tokens = int(sum(map(len, self.texts)))
            row = {"kind": self.options.kind, "vocab_size": self.size, "train_tokens": tokens, **result, **further()}
            tables.write(self.out / TABLE, [row])

        counted = self.options.kind == "counts"  # those are made anew when the source changes, trained ones are not
        self.run.step("evaluation", [TABLE], make, {**self.parameters, **parameters}, code=counted)


def _mark(tokenizer: str | None) -> str | None:
    """What tells one tokenizer from another: the hash of its file, or its hub id."""
    if tokenizer is None:
        return None
    path = Path(tokenizer)
    file = path / "tokenizer.json" if path.is_dir() else path
    return sha256(file) if file.is_file() else tokenizer
