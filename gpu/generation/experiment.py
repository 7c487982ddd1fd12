"""What `rdk generate` does: load a pair, kernels and prompts, compare, and write the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from gpu.generation.command import ADAPTIVE, COLUMNS, TABLE
from gpu.generation.comparison import PLAIN, compare, step_cost
from gpu.generation.contextual import same_tokens
from gpu.generation.lengths import AdaptiveLength, DraftLength, FixedLength
from gpu.generation.target_law import Temperature
from gpu.generation.verify import Verification
from gpu.pairs.corpus import read_corpus
from gpu.pairs.models import Source, quiet, torch_device
from gpu.pairs.pair import read_note
from gpu.pairs.tokenizers import same_tokenizer
from rdk_theory import runs, tables
from rdk_theory.fitting.kept_sets import read_ids
from rdk_theory.kernels import Embedding, StoredColumns, load_kernel
from rdk_theory.kernels.base import Kernel
from rdk_theory.vocabulary import Vocabulary

TLI = "TLI"
"""The name of the embedding, which is compared with the kernels over the same tokens."""


@dataclass(frozen=True)
class Options:
    """Arguments of the command, as their help says."""

    target: str
    drafter: str
    kernel: list[Path]
    kept: Path | None
    prompts: Path | None
    corpus: Path | None
    count: int
    prompt_tokens: int
    max_new_tokens: int
    temperature: float
    top_k: int | None
    top_p: float | None
    verification: Verification
    length: int | str
    longest: int
    draft_cost: float | None
    repeats: int
    implementation: Any
    device: str
    seed: int


def run(options: Options, out: Path) -> tuple[list[tables.Row], list[str]]:
    """Compare, and write ``generate.csv`` and the manifest into `out`; the table, and what else was found.

    Raises
    ------
    ValueError
        For a pair, kernels or prompts that cannot be read or do not belong together, and for numbers out of range.
    """
    Temperature(options.temperature, options.top_k, options.top_p)
    sources = [Source.find(place) for place in (options.target, options.drafter)]
    kernels = _kernels(options, sources[0].size)
    tokenizer, other = (source.tokenizer() for source in sources)
    if not same_tokenizer(tokenizer, other) or sources[0].size != sources[1].size:
        raise ValueError("target and drafter have different tokenizers, and are compared with one")
    prompts = _prompts(options, tokenizer, sources[0].size)
    for source in sources:
        wanted = max(map(len, prompts)) + options.max_new_tokens
        if source.longest is not None and wanted > source.longest:
            raise ValueError(f"prompts and new tokens are up to {wanted}, and {source.name} takes {source.longest}")
    device = torch_device(options.device)
    target, drafter = (_load(source, device) for source in sources)
    length, notes = _rule(options, target, drafter, prompts[0])
    arguments = {name: value for name, value in asdict(options).items() if name != "seed"}
    with runs.Run(out, "generate", arguments, options.seed) as record, _silence():
        rows = compare(
            target,
            drafter,
            kernels,
            prompts,
            max_new_tokens=options.max_new_tokens,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            length=length,
            verification=options.verification,
            repeats=options.repeats,
            seed=options.seed,
            implementation=options.implementation,
        )
        plain = next(row["tokens_per_second"] for row in rows if row["method"] == PLAIN)
        whole = [{**row, "speedup": row["tokens_per_second"] / plain} for row in rows]
        tables.write(out / TABLE, [{name: row[name] for name in COLUMNS} for row in whole])
        record.record(out / TABLE)
    return tables.read(out / TABLE), notes


@contextmanager
def _silence() -> Iterator[None]:
    """No advice of transformers on how its own assisted generation calls itself."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _kernels(options: Options, size: int) -> dict[str, Kernel]:
    """The kernels under the names of their files, and the embedding over their kept tokens."""
    out: dict[str, Kernel] = {}
    for path in options.kernel:
        if options.kept is None:
            kernel = load_kernel(path)
        else:
            kernel = StoredColumns(path, Vocabulary(size, read_ids(options.kept, size)), check=True)
        if kernel.vocab.size != size:
            raise ValueError(f"{path} is over {kernel.vocab.size} tokens, and the target has {size}")
        if kernel.vocab.draft_size != size:
            raise ValueError(f"{path} is for a drafter of {kernel.vocab.draft_size} tokens, and this one has {size}")
        first = next(iter(out.values()), kernel)
        if not same_tokens(first.vocab, kernel.vocab):
            raise ValueError(f"{path} keeps other tokens than {options.kernel[0]}: compare them in two runs")
        name = path.stem if path.stem not in out and path.stem != "kernel" else f"{path.parent.name}/{path.stem}"
        if name in out or name == TLI:
            raise ValueError(f"two kernels would be called {name}: give their files other names")
        out[name] = kernel
    return {TLI: Embedding(kernel.vocab), **out}


def _prompts(options: Options, tokenizer: Tokenizer, size: int) -> list[list[int]]:
    """Ids of each prompt, at most as many of both as the options say."""
    found: list[Any]
    if options.prompts is not None:
        found = _read_prompts(options.prompts)
    else:
        corpus = read_corpus(options.corpus)
        notes = [read_note(Path(place)) for place in (options.target, options.drafter)]
        share = max((note.train_share for note in notes if note), default=0.0)
        chosen = corpus.shuffled("test", share, options.seed)[: options.count]
        found = [corpus.documents[number] for number in chosen]
    out = []
    for at, prompt in enumerate(found[: options.count]):
        ids = tokenizer.encode(prompt[: 64 * options.prompt_tokens]).ids if isinstance(prompt, str) else prompt
        if not ids:
            raise ValueError(f"prompt {at} has no token")
        if any(not 0 <= token < size for token in ids):
            raise ValueError(f"prompt {at} has an id outside range({size})")
        out.append(list(ids[: options.prompt_tokens]))
    return out


def _read_prompts(path: Path) -> list[Any]:
    """Texts, one a line, or texts or lists of ids from JSON."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else [line for line in text.splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(found, list) or not found or not all(map(_is_prompt, found)):
        raise ValueError(f"{path} must hold prompts: lines of text, or a JSON list of texts or of lists of ids")
    return found


def _is_prompt(value: Any) -> bool:
    integers = isinstance(value, list) and all(isinstance(x, int) and not isinstance(x, bool) for x in value)
    return isinstance(value, str) or integers


def _load(source: Source, device: torch.device) -> Any:
    """A causal language model, in the dtype that its configuration names, ready to generate."""
    try:
        with quiet():
            model: Any = AutoModelForCausalLM.from_pretrained(source.place, use_safetensors=True, dtype="auto")
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"model {source.place} cannot be loaded: {str(error).splitlines()[0]}") from None
    return model.to(device).eval()


def _rule(
    options: Options, target: Any, drafter: Any, prompt: list[int]
) -> tuple[int | Callable[[], DraftLength], list[str]]:
    """The length of chains, or what makes a rule; and what was timed for it."""
    if options.length != ADAPTIVE:
        return FixedLength(int(options.length)).gamma, []
    cost, notes = options.draft_cost, []
    if cost is None:
        cost = step_cost(target, drafter, prompt)
        notes.append(f"a step of the drafter takes {cost:.3g} of one of the target")
    AdaptiveLength(options.longest, cost)
    return lambda: AdaptiveLength(options.longest, cost), notes
