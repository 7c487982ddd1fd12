"""With the core dependencies alone: the mathematics works, and the command says what is missing.

Run by ``make minimal`` in an environment of its own, without the fixtures of the suite.
"""

import importlib
import importlib.util
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import rdk_theory
from rdk_theory import Vocabulary, acceptance_rate, restrict
from rdk_theory.kernels import Embedding, RankOne

OPTIONAL = ["torch", "transformers", "tokenizers", "matplotlib", "sympy", "z3", "cvc5", "hypothesis", "beartype"]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(rdk_theory.__path__, "rdk_theory.")
    if not module.name.endswith("__main__")
    # Drawing the report needs the extra `report`; the command that says so does not.
    and (not module.name.startswith("rdk_theory.report.") or module.name.endswith(".command"))
    # Strategies are for who has Hypothesis.
    and module.name != "rdk_theory.audit.strategies"
]


def rdk(*arguments):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rdk_theory", *arguments], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("name", OPTIONAL)
def test_this_lane_lacks_what_is_optional(name):
    assert importlib.util.find_spec(name) is None


@pytest.mark.parametrize("name", MODULES)
def test_every_module_of_the_mathematics_imports(name):
    importlib.import_module(name)


def test_acceptance_of_a_pruned_and_of_a_redistributed_draft():
    vocab = Vocabulary(size=4, kept=[2, 0])
    target = np.array([0.4, 0.2, 0.3, 0.1])
    draft = restrict(np.array([0.5, 0.1, 0.3, 0.1]), vocab)
    assert np.abs(draft - [0.375, 0.625]).max() <= 1e-12
    assert abs(acceptance_rate(target, Embedding(vocab).redistribute(draft)) - 0.7) <= 1e-12
    prior = np.array([0.0, 2 / 3, 0.0, 1 / 3])
    # 0.3 of the mass goes to the cold tokens in the target's own proportion; of the rest, 0.4375 on token 0 covers 0.4.
    assert (
        abs(acceptance_rate(target, RankOne(vocab, 0.3, prior).redistribute(draft)) - (0.4 + 0.2 + 0.2625 + 0.1))
        <= 1e-12
    )


def test_help_lists_every_command():
    done = rdk("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "not available" not in done.stdout
    for command in ("report", "verify", "simulate", "pair", "measure", "fit", "bench"):
        assert f"\n  {command} " in done.stdout
        assert rdk(command, "--help").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["pair", "train", "--kind", "neural"], "gpu"), (["report", "--quick"], "report")],
)
def test_what_needs_more_says_what_to_install(tmp_path, arguments, extra):
    done = rdk(*arguments, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert f"rdk-theory[{extra}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
