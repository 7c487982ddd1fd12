"""A statement broken in the source of the registry turns a rung red: edited copies, proved in their own processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proofs_check import _cache

# Claim, text of its source, what it becomes; each a slip that a person could make.
SLIPS = {
    "tli-beats-union": ("kind=Kind.TIGHT_LOWER", "kind=Kind.TIGHT_UPPER"),
    "gain-identity": ("return won - lost", "return won + lost"),
    "walltime": ("value = (1 + alpha) / (1 + base + slope)", "value = (1 + alpha) / (1 + base)"),
    "maximal-coupling": (
        "acceptance_rate(joint.sum(axis=0), joint.sum(axis=1))",
        "acceptance_rate(joint.sum(axis=0), joint.sum(axis=0))",
    ),
    "cold-restoration": ("over = draft > p[kept]", "over = draft >= p[kept]"),
}
PROGRAM = """
import json, sys
from pathlib import Path
from proofs_check import _cache, _workers
from proofs_check.registry import proofs

_cache.use(Path("cache"))
wanted = [p for p in proofs() if p.claim == sys.argv[1] and str(p.rung) in sys.argv[2:]]
print(json.dumps({str(p.rung): str(_workers.check(p).status) for p in wanted}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copy")
    for package in _cache.PACKAGES:
        shutil.copytree(_cache.ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "*.vo*"))
    return root


def statuses(root: Path, claim: str, *rungs: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, claim, *rungs],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("claim", SLIPS)
def test_a_broken_statement_turns_a_rung_red(copy: Path, claim: str) -> None:
    rungs = ("R1", "R3") if claim == "gain-identity" else ("R1",)
    file = copy / "rdk_theory" / "theorems" / f"{claim.replace('-', '_')}.py"
    sound = file.read_text(encoding="utf-8")
    right, wrong = SLIPS[claim]
    assert right in sound
    file.write_text(sound.replace(right, wrong, 1), encoding="utf-8")
    try:
        found = statuses(copy, claim, *rungs)
    finally:
        file.write_text(sound, encoding="utf-8")
    assert set(found) == set(rungs)
    assert not set(found.values()) & {"proved", "skipped"}


def test_the_copy_itself_is_proved(copy: Path) -> None:
    assert statuses(copy, "gain-identity", "R1") == {"R1": "proved"}
