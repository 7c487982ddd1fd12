"""The Coq sources: they compile, rest on nothing but the allowed axioms, and say what is pinned."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs_check import _cache
from proofs_check.coq import _build, _theorems

FILES = sorted(path.stem for path in _build.SOURCES.glob("*.v"))


@pytest.fixture(scope="module")
def library() -> Path:
    if _build.coqc() is None:
        pytest.skip("needs coqc (on Debian: apt-get install coq)")
    _cache.use(_cache.ROOT / ".cache" / "proofs")  # what `rdk prove` compiles here too, so that it is done once
    for name in FILES:
        _build.compiled(name)
    folder = _build.compiled("Sums")
    _build.said_all(FILES, folder)
    return folder


def test_every_statement_is_pinned_and_rests_on_allowed_axioms(library: Path) -> None:
    for name in FILES:
        pinned = (_theorems.STATEMENTS / f"{name}.txt").read_text(encoding="utf-8")
        assert _build.statements(name, library) == pinned, name
        found = _build.theorems(name, _build.stated(_build.source(name)), library)
        for theorem, what in found.items():
            assert what.axioms <= _build.ALLOWED_AXIOMS, (name, theorem, what.axioms)
    assert {path.stem for path in _theorems.STATEMENTS.glob("*.txt")} == set(FILES)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("lipschitz", "<= TV n r s", "<= TV n r s / 2"),
        ("tli_beats_union", "alpha n p q <= alpha n p tli", "alpha n p tli <= alpha n p q"),
        ("support_ceiling", "alpha n p r <= mass n p H.", "alpha n p r <= mass n p H / 2."),
        ("diffusion_first_order", "(first_order x A i) <= x * x.", "(first_order x A i) <= x * x * x."),
        ("softmax_first_order", "(s + 1) * TV n p q <= s - 1.", "(s + 2) * TV n p q <= s - 1."),
    ],
)
def test_a_mutated_statement_is_not_proved(library: Path, name: str, old: str, new: str) -> None:
    """Negative control: the same script does not prove something else."""
    assert _theorems.broken(name, old, new, library)


@pytest.mark.parametrize("hole", ["Admitted.", "Axiom a : False.", "Parameter x : nat."])
def test_a_hole_is_refused(hole: str) -> None:
    assert _build.refused(f"Theorem t : True. Proof. {hole}")
    assert not _build.refused(f"(* {hole} *) Theorem t : True. Proof. exact I. Qed.")
