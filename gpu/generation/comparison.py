"""Time generation beside the target's own decoding and transformers' assisted generation: same prompts, same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from gpu.generation.contextual import Contextual
from gpu.generation.fused import Implementation
from gpu.generation.lengths import DraftLength
from gpu.generation.plug_in import rdk
from gpu.generation.target_law import Temperature
from gpu.generation.verify import Verification
from rdk_theory.kernels.base import Kernel

PLAIN, ASSISTED = "plain", "assisted"


def compare(
    target: Any,
    drafter: Any,
    kernels: Mapping[str, Kernel | Contextual],
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    length: int | Callable[[], DraftLength] = 4,
    verification: Verification = "token",
    repeats: int = 5,
    seed: int = 0,
    implementation: Implementation = "auto",
) -> list[dict[str, Any]]:
    """Tokens a second and tokens a target call of each method, by ``target.generate`` on one prompt at a time.

    Parameters
    ----------
    target, drafter
        Causal language models of transformers that share a tokenizer; the drafter unpruned.
    kernels
        One method for each, under its name, a `Contextual` among them; ``plain`` and ``assisted`` are those of
        transformers. Assisted generation drafts from the whole drafter, by its own rule for the length.
    prompts
        Token ids.
    repeats
        Timed rounds, at least 1, after one that is not timed. In a round every method goes through all prompts.
    length
        Drafted tokens a call, or what makes a rule for each method: rules learn from what they see.
    max_new_tokens, temperature, top_k, top_p, verification, seed, implementation
        As in `generate` and `rdk`; `seed` also seeds the sampling of transformers. All methods sample from the law that
        transformers makes of these.

    Returns
    -------
    list of dict
        One row a method: ``method``; ``tokens`` and ``target_calls`` of the timed rounds; ``block_efficiency``, their
        quotient; ``acceptance_rate``, None where transformers does not tell it; ``tokens_per_second``, the median over
        rounds, with the 20th and 80th percentile ``low`` and ``high``.

    Raises
    ------
    ValueError
        If `repeats` is below 1, `prompts` is empty, or a kernel has the name of a method of transformers; and as
        `generate`.
    """
    if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 1:
        raise ValueError(f"repeats must be an integer of at least 1, not {repeats!r}")
    if not prompts:
        raise ValueError("prompts is empty")
    if taken := {PLAIN, ASSISTED} & set(kernels):
        raise ValueError(f"kernels has the name {min(taken)!r}, which is a method of transformers")
    sampling: dict[str, Any] = {"do_sample": False}
    if not Temperature(temperature, top_k, top_p).greedy:
        sampling = {"do_sample": True, "temperature": temperature, "top_k": top_k or 0, "top_p": top_p or 1.0}
    how: dict[str, Any] = {"verification": verification, "seed": seed, "implementation": implementation}
    ours = {
        name: rdk(drafter, kernel, length=length() if callable(length) else length, **how)
        for name, kernel in kernels.items()
    }
    methods: dict[str, dict[str, Any]] = {PLAIN: {}, ASSISTED: {"assistant_model": drafter}}
    methods |= {name: {"custom_generate": method} for name, method in ours.items()}
    rounds: dict[str, list[_Round]] = {name: [] for name in methods}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for _ in range(repeats + 1):
            for name, method in methods.items():
                arguments = {"max_new_tokens": max_new_tokens, **sampling, **method}
                rounds[name].append(_round(target, prompts, arguments))
    return [_row(name, timed[1:]) for name, timed in rounds.items()]


@torch.no_grad()
def step_cost(target: Any, drafter: Any, prompt: Sequence[int], repeats: int = 20) -> float:
    """Time of a pass of the drafter over one token after a prompt, over that of the target; the shortest of `repeats`.

    The shortest, as what else the machine does only adds. Both heads are whole: a pruned head takes less.
    """
    shortest = []
    for model in (drafter, target):
        ids = torch.tensor([list(prompt)], device=model.device)
        times = []
        for _ in range(repeats + 1):
            cache = model(ids, use_cache=True).past_key_values
            start = _now(model.device)
            model(ids[:, -1:], past_key_values=cache, use_cache=True)
            times.append(_now(model.device) - start)
        shortest.append(min(times[1:]))
    return shortest[0] / shortest[1]


class _Round(NamedTuple):
    """What a method did with all prompts."""

    tokens: int
    calls: int
    accepted: int
    tested: int
    seconds: float


def _round(target: Any, prompts: Sequence[Sequence[int]], arguments: dict[str, Any]) -> _Round:
    tokens = calls = accepted = tested = 0
    method = arguments.get("custom_generate")

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    handle = target.register_forward_pre_hook(count)
    try:
        start = _now(target.device)
        for prompt in prompts:
            ids = torch.tensor([list(prompt)], device=target.device)
            out = target.generate(ids, attention_mask=torch.ones_like(ids), **arguments)
            tokens += out.shape[1] - ids.shape[1]
            if method:
                accepted, tested = accepted + sum(map(sum, method.report.accepted)), tested + method.report.tested
        return _Round(tokens, calls, accepted, tested, _now(target.device) - start)
    finally:
        handle.remove()


def _now(device: torch.device) -> float:
    """The time when all work on the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _row(name: str, timed: list[_Round]) -> dict[str, Any]:
    tokens, calls, accepted, tested, _ = (sum(column) for column in zip(*timed, strict=True))
    low, middle, high = np.percentile([one.tokens / one.seconds for one in timed], [20, 50, 80]).tolist()
    return {
        "method": name,
        "tokens": tokens,
        "target_calls": calls,
        "block_efficiency": tokens / calls,
        "acceptance_rate": accepted / tested if tested else None,
        "tokens_per_second": middle,
        "low": low,
        "high": high,
    }
