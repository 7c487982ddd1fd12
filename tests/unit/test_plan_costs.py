"""What a draft step costs: the three ways to say it agree, and dearer heads are never made larger."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rdk_theory.plan.choice import choose
from rdk_theory.plan.costs import CostModel, reads
from rdk_theory.plan.prediction import Setting, from_acceptance
from rdk_theory.speed import best_kept_size

SIZES = 1000, 800


def test_a_file_bytes_and_shares_of_one_step_agree(tmp_path: Path) -> None:
    target, body, width = 16e9, 1e9, 4096
    by_bytes = CostModel.from_bytes(target, body, width, SIZES[1], "float16", position=0.01)
    shares = CostModel(body / target, SIZES[1] * width * 2 / target, 0.01, width)
    path = tmp_path / "cost.json"
    path.write_text(json.dumps({"draft": shares.draft, "head": shares.head, "position": 0.01, "width": width}))
    assert by_bytes == shares == CostModel.from_file(path)
    assert by_bytes.step("tli", "token", 80, SIZES) == (body + 80 * width * 2) / target
    assert CostModel.from_bytes(target, body, width, SIZES[1], "float32").head == 2 * by_bytes.head
    given = CostModel(0.1, 0.2, width=width, kernels={"optimal": {"block": 0.03}})
    assert given.step("optimal", "block", 80, SIZES) == pytest.approx(0.1 + 0.02 + 0.03)


def test_a_kernel_costs_what_it_reads() -> None:
    costs = CostModel(0.1, 0.8, width=50)
    one = 0.8 / (SIZES[1] * 50)
    base = 0.1 + 0.8 * 80 / SIZES[1]
    for kernel, verification, numbers in (
        ("tli", "block", 0),
        ("unpruned", "token", 0),
        ("rank-one", "token", 12),
        ("rank-one", "block", 1000),
        ("rank-one-cumulant", "block", 1000 + 9 * 50),
        ("optimal", "token", 10 + 160),
        ("optimal", "block", 80_000),
        ("cooccurrence", "block", 80_000),
    ):
        assert costs.step(kernel, verification, 80, SIZES, 8) == pytest.approx(base + numbers * one)
    # A large co-occurrence kernel stores so many entries and a prior; one fitted for acceptance is whole.
    assert reads("cooccurrence", "block", 12_800, 128_000, 1) == (1 << 20) + 128_000
    assert reads("optimal", "block", 12_800, 128_000, 1) == 12_800 * 128_000
    assert CostModel(0.1, 0.8).step("optimal", "block", 80, SIZES) == pytest.approx(base)


def planned(draft: float, head: float, curve: dict[int, float], longest: int) -> list[Setting]:
    costs = CostModel(draft, head)
    return [
        setting
        for kept, alpha in curve.items()
        for setting in from_acceptance(
            kept / 800, kept, "tli", (alpha, alpha, alpha), costs, SIZES, rank=0, longest=longest
        )
    ]


def test_a_dearer_head_never_makes_more_of_itself() -> None:
    """With the price of the head neither the best kept size nor ``γK / (1 + γ c₀)``, the head's part of a call, rises.

    For the latter, and for the kept size at one draft length, there is a proof: of two settings the one whose time
    grows less gains by the price. For the kept size over all draft lengths there is none; 40,000 random curves, at 120
    prices each, had no exception.
    """
    rng = np.random.default_rng(0)
    sizes, moved = (8, 40, 80, 200, 400, 800), 0
    for _ in range(6):
        curve = dict(zip(sizes, np.sort(rng.random(len(sizes))).tolist(), strict=True))
        draft = float(rng.random() / 5)
        for longest in (1, 6):
            before: Setting | None = None
            for head in (0.0, 0.1, 0.5, 3.0):
                settings = planned(draft, head, curve, longest)
                best = max(settings, key=lambda setting: setting.speedup)
                row = choose(settings, 0.95).rows[0]
                step = {k: draft + head * k / 800 for k in sizes}
                size, gamma, gain = best_kept_size(curve.get, step.get, list(sizes), longest)
                if gamma:
                    assert (row["kept"], row["draft"], row["best"]) == (size, gamma, True)
                    assert row["speedup"] == pytest.approx(gain)
                else:
                    assert not row["best"]
                if before is not None:
                    work = [s.gamma * s.kept / (1 + s.gamma * draft) for s in (before, best)]
                    assert work[1] <= work[0] * (1 + 1e-12)
                    assert best.speedup <= before.speedup
                    assert best.kept <= before.kept
                    moved += best.kept < before.kept
                before = best
    assert moved > 6
