"""A dense kernel in half precision at N = 131,072, whole, in a file of 8.9 GB: what it costs against linear kernels."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rdk_theory.bench import _tasks
from rdk_theory.bench._kernels import COVARIANCE_RANK, TILE, first_order, half_weights, laws
from rdk_theory.bench._timing import memory_pass, peak, seconds
from rdk_theory.bench.targets import MEMORY, SLOWER, Target
from rdk_theory.cli import UsageError
from rdk_theory.kernels import Embedding, Kernel, StoredColumns
from rdk_theory.kernels._column_file import create, strip_sums, strips, widened
from rdk_theory.runs import progress
from rdk_theory.tables import Row
from rdk_theory.vocabulary import Vocabulary

SIZE, KEPT = 131_072, 32_768
FASTER, PASSES = 200.0, 2.0
"""How much faster than the dense kernel first order should be, and how near to its pass over memory."""

MORE = 6
"""Times as often as a point of a curve are the short calls timed: what is asked for is a ratio of two of them."""


class Large(NamedTuple):
    """What was measured, and the targets that it decides."""

    rows: list[Row]
    targets: list[Target]


def bytes_needed(size: int, kept: int) -> int:
    """Of the file."""
    return 2 * size * kept + 8 * kept * (strips(size) + 1)


def room(scratch: Path | None, needed: int) -> Path:
    """The folder for a file of `needed` bytes; `UsageError` if it is none or has too little room."""
    place = Path(tempfile.gettempdir()) if scratch is None else scratch
    if not place.is_dir():
        raise UsageError(f"--scratch {place} is no folder")
    if shutil.disk_usage(place).free < needed * 1.05:
        raise UsageError(f"the file takes {needed / 1e9:.1f} GB, more than is free in {place}: choose with --scratch")
    return place


def measure(seed: int, scratch: Path | None, repeats: int, *, size: int = SIZE, kept: int = KEPT) -> Large:
    """Write the file into a temporary folder, time everything in turns, and remove it.

    Parameters
    ----------
    seed
        Of kernels, rows and uniforms.
    scratch
        Where the temporary folder is made. Default: the system's.
    repeats
        How often each call is timed; the dense product, which takes seconds, thrice at most.

    Raises
    ------
    UsageError
        If the file does not fit.
    """
    place = room(scratch, bytes_needed(size, kept))
    rng = np.random.default_rng([seed, 2])
    vocab = Vocabulary(size, rng.permutation(size)[:kept])
    with tempfile.TemporaryDirectory(prefix="rdk-bench-", dir=place) as folder:
        path = Path(folder) / "columns.safetensors"
        write(path, vocab, rng)
        return _measured(StoredColumns(path, vocab), rng, repeats)


def write(path: Path, vocab: Vocabulary, rng: np.random.Generator) -> None:
    """A file of columns of which `TILE` are random and the others copies of them."""
    columns, sums = create(path, vocab, "float16")
    tile = half_weights((TILE, vocab.kept_size), rng)
    for start in progress(range(0, vocab.size, TILE), "file"):
        columns[start : start + TILE] = tile[: vocab.size - start]
    found = strip_sums(widened(tile, np.empty(tile.shape)).T)
    sums[:] = np.tile(found, (1, -(-vocab.size // TILE)))[:, : strips(vocab.size)]
    columns.flush()
    sums.flush()


def _measured(dense: StoredColumns, rng: np.random.Generator, repeats: int) -> Large:
    vocab = dense.vocab
    linear = first_order(vocab, rng)
    draft = laws((1, vocab.kept_size), rng)
    verifications = {
        "TLI, verify_token": _tasks.plain(Embedding(vocab), rng),
        "TLI, verify_lazy": _tasks.lazy(Embedding(vocab), rng),
        "dense float16, verify_lazy": _tasks.lazy(dense, rng),
    }
    names = list(verifications)
    passes = memory_pass(_bytes(linear))
    columns = np.empty((max(1, (1 << 22) // vocab.kept_size), vocab.kept_size), dtype=np.float16)

    def read() -> None:
        """Copy the file block by block into cache: the least that a dense product does; afterwards it is in memory."""
        step = columns.shape[0]
        for start in range(0, vocab.size, step):
            block = dense._file.columns[start : start + step]
            np.copyto(columns[: block.shape[0]], block)

    read()
    calls = [lambda: linear.redistribute(draft), passes, *(task.call for task in verifications.values())]
    times = seconds(calls, MORE * repeats)
    slow = seconds([lambda: dense.redistribute(draft), read], min(repeats, 3))
    per = np.array([1, 1, *(task.rows for task in verifications.values())])
    low, middle = (times.min(axis=0) / per).tolist(), (np.median(times, axis=0) / per).tolist()
    whole, copied = slow.min(axis=0).tolist()

    def row(name: str, at: int, floor: float, memory: int) -> Row:
        return {"name": name, "seconds": low[at], "median": middle[at], "floor": floor, "peak_bytes": memory}

    found = [
        row(f"redistribute, first order of rank {COVARIANCE_RANK}", 0, low[1], peak(calls[0])),
        {
            "name": "redistribute, dense float16",
            "seconds": whole,
            "median": float(np.median(slow[:, 0])),
            "floor": copied,
            "peak_bytes": peak(lambda: dense.redistribute(draft)),
        },
    ]
    floors = (
        seconds([memory_pass(task.bytes * _tasks.ROWS) for task in verifications.values()], repeats)
        .min(axis=0)
        .tolist()
    )
    for at, name in enumerate(names):
        task = verifications[name]
        found.append(row(name, 2 + at, floors[at] / _tasks.ROWS, peak(task.call) // _tasks.ROWS))
    lazy = low[2 + names.index("dense float16, verify_lazy")]
    memory = found[-1]["peak_bytes"]
    assert isinstance(memory, int)
    ratios = [lazy / low[2 + at] for at in range(2)]
    label = f"N = {vocab.size}, K = {vocab.kept_size}"
    return Large(
        found,
        [
            *(
                Target(
                    f"lazy dense float16 over {name}, {label}", r, None, None, f"at most {SLOWER}", r <= SLOWER, True
                )
                for name, r in zip(names, ratios, strict=False)
            ),
            Target(f"peak bytes a row, {label}", memory, None, None, f"below {MEMORY:.0f}", memory < MEMORY, False),
            _at_least(f"dense over first order, {label}", whole / low[0], FASTER),
            _at_most(f"first order over its pass, {label}", low[0] / low[1], PASSES),
        ],
    )


def _at_least(name: str, value: float, bound: float) -> Target:
    return Target(name, value, None, None, f"at least {bound:g}", value >= bound, True)


def _at_most(name: str, value: float, bound: float) -> Target:
    return Target(name, value, None, None, f"at most {bound:g}", value <= bound, True)


def _bytes(kernel: Kernel) -> int:
    """Bytes that `redistribute` must move for one row in float32."""
    return int(kernel.operations.bytes(4))
