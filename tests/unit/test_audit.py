"""The audit catches every mutant, flags no correct sampler, and says in words what it found."""

import json
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from rdk_theory import cli
from rdk_theory.audit import Adapter, Sampled, audit, resolve
from rdk_theory.audit.causes import likely_causes
from rdk_theory.audit.engine import FALSE_FAIL, FALSE_PASS, run
from rdk_theory.audit.experiments import Experiment, Law, Suspect
from rdk_theory.audit.verdict import judge
from rdk_theory.audit.wording import sentences
from rdk_theory.audit.zoo import CORRECT, MUTANTS
from rdk_theory.audit.zoo.parts import Parts

SMALLEST = 0.07
"""What is looked for here; the nearest mutant is 0.08 away."""


def ids(entries):
    return [entry.adapter.name for entry in entries]


def lean(entry):
    """In one width, and in calls of a few thousand rows."""
    return replace(entry.adapter, dtypes=entry.adapter.dtypes[-1:], batch=min(entry.adapter.batch, 1 << 13))


def test_the_zoo_is_as_large_as_it_says():
    assert len(MUTANTS) >= 25
    assert len(CORRECT) >= 10
    assert len(set(ids(MUTANTS) + ids(CORRECT))) == len(MUTANTS) + len(CORRECT)


@pytest.mark.parametrize("entry", MUTANTS, ids=ids(MUTANTS))
def test_every_mutant_is_caught(entry):
    """At false-fail rates of 1e-9 a check and a false-pass rate of 1e-3 for what departs by `SMALLEST`."""
    found = audit(lean(entry), smallest=SMALLEST)
    assert found.verdict == "lossy"
    assert all(check.decides for check in found.failed)


@pytest.mark.parametrize("entry", CORRECT, ids=ids(CORRECT))
def test_no_correct_sampler_is_flagged(entry):
    found = audit(lean(entry), smallest=SMALLEST)
    assert found.verdict == "lossless", sentences(found)
    tests = [check for check in found.checks if check.smallest is not None and check.decides]
    assert tests
    assert all(check.status == "passed" and check.samples == check.wanted for check in tests)
    assert {(check.false_fail, check.false_pass) for check in tests} == {(FALSE_FAIL, FALSE_PASS)}


def test_another_way_of_working_is_noted_and_no_fault():
    (entry,) = (each for each in CORRECT if each.adapter.name == "exact-match")
    found = audit(lean(entry), smallest=SMALLEST)
    assert {check.name for check in found.notes} == {"first token accepted", "token after a rejection"}
    assert "does not work by the ratio test" in " ".join(sentences(found))


@pytest.mark.parametrize("name", ["residual-is-target", "uniform-shared", "pruned-law-permuted", "generate-doubled"])
def test_the_cause_is_named(name):
    (entry,) = (each for each in MUTANTS if each.adapter.name == name)
    found = audit(lean(entry), smallest=SMALLEST)
    causes = likely_causes(lean(entry), {check.experiment for check in found.failed}, seed=5)
    assert entry in causes
    words = " ".join(sentences(found, causes))
    assert entry.about in words
    assert f"seed {found.seed}" in words


def test_no_cause_is_named_for_a_mistake_that_is_not_in_the_zoo():
    def odd(targets, proposals, drafted, rng):
        tokens, accepted = Parts()(targets, proposals, drafted, rng)
        tokens[accepted < 2, accepted[accepted < 2]] = 0
        return tokens, accepted

    adapter = Adapter("odd", "chain", odd)
    found = audit(adapter, smallest=SMALLEST)
    assert found.verdict == "lossy"
    assert not likely_causes(adapter, {check.experiment for check in found.failed}, seed=5)


def test_a_reported_law_that_was_not_drawn_from_is_found():
    def function(target_logits, draft_logits, kept, rng):
        (entry,) = (each for each in CORRECT if each.adapter.name == "pruned-tli")
        out = entry.adapter.function(target_logits, draft_logits, kept, rng)
        even = np.zeros_like(out.reported)
        even[:, kept] = 1 / len(kept)
        return Sampled(out.tokens, out.drafted, even)

    found = audit(Adapter("even", "sampler", function), smallest=SMALLEST)
    assert {check.name for check in found.failed} == {"drafted token, by the reported law"}


def test_a_suspect_is_named_where_the_samples_fit_and_nowhere_else():
    laws = {"theirs": np.array([0.9, 0.1]), "other": np.array([0.2, 0.8])}
    suspects = tuple(Suspect(name, law) for name, law in laws.items())

    def draw(count, rng):
        return {"coin": (rng.random(count) >= 0.9).astype(np.int64)}

    (check,) = run(
        [Experiment("coins", (Law("coin", np.array([0.5, 0.5]), str, suspects=suspects),), draw)],
        0.1,
        np.random.default_rng(0),
    )
    assert check.status == "failed"
    assert check.detail.endswith("known mistake: theirs")


def test_time_that_is_over_leaves_laws_unfinished():
    found = audit(Adapter("right", "chain", Parts()), smallest=0.01, seconds=1e-3)
    assert found.verdict == "inconclusive"
    assert "more time" in sentences(found)[0]


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda targets, proposals, drafted, rng: 1, "expected a pair"),
        (lambda targets, proposals, drafted, rng: (drafted, drafted[:, 0] * 0), r"shape \(\d+, 2\), expected"),
        (lambda targets, proposals, drafted, rng: (drafted * 1.0, drafted[:, 0]), "must be integers"),
        (lambda targets, proposals, drafted, rng: 1 / 0, "raised ZeroDivisionError"),
        (
            lambda targets, proposals, drafted, rng: (np.full((len(drafted), 3), -1), drafted[:, 0] * 0),
            "has none after a rejection in row 0",
        ),
        (
            lambda targets, proposals, drafted, rng: (np.zeros((len(drafted), 3), int), drafted[:, 0] * 0 + 2),
            "differ from the drafted ones",
        ),
    ],
)
def test_a_broken_contract_is_told(function, says):
    found = audit(Adapter("broken", "chain", function))
    assert found.verdict == "inconclusive"
    (check,) = found.checks
    with pytest.raises(ValueError, match=says):
        raise ValueError(check.detail)


def test_a_report_that_depends_on_the_draw_is_told_where_experiments_are_made():
    def function(target_logits, draft_logits, kept, rng):
        rows, size = target_logits.shape
        drafted = rng.integers(size, size=rows)
        return Sampled(drafted, drafted, np.eye(size)[drafted])

    found = audit(Adapter("after the draw", "sampler", function))
    assert found.verdict == "inconclusive"
    assert "the law depends on the draw" in sentences(found)[0]


def test_an_implementation_of_one_row_a_call_is_judged():
    (tli,) = (each for each in CORRECT if each.adapter.name == "pruned-tli")
    found = audit(replace(tli.adapter, batch=1), smallest=0.4)
    assert found.verdict == "lossless"
    assert "two rows of one call" not in {check.name for check in found.checks}


def test_lossy_goes_before_inconclusive():
    found = audit(Adapter("right", "chain", Parts()), seconds=1e-3)
    checks = list(found.checks)
    assert judge([*checks, replace(checks[0], status="failed")]) == "lossy"


TARGET = """
from rdk_theory.audit.zoo.parts import Parts
RIGHT = Parts()
def right(targets, proposals, drafted, rng):
    return RIGHT(targets, proposals, drafted, rng)
WRONG = Parts(residual=lambda p, r, x: p)
def wrong(targets, proposals, drafted, rng):
    return WRONG(targets, proposals, drafted, rng)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with an implementation of somebody's."""
    (tmp_path / "theirs.py").write_text(TARGET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("theirs", None)


def test_the_command_judges_a_module_in_the_folder(project, capsys):
    quickly = ("--smallest", "0.2")
    assert cli.main(["audit", "theirs:right", *quickly]) == 0
    assert "verdict: lossless" in capsys.readouterr().out
    report = project / "junit.xml"
    assert cli.main(["audit", "theirs:wrong", *quickly, "--json", "--junit", str(report)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["target"] == "theirs:wrong"
    assert found["verdict"] == "lossy"
    suite = ElementTree.parse(report).getroot()
    failed = [check for check in found["checks"] if check["status"] == "failed"]
    assert int(suite.get("failures")) == len(failed) == len(suite.findall("testcase/failure"))
    assert int(suite.get("tests")) == len(found["checks"])


def test_the_plugin_runs_in_the_suite_of_another_project(project):
    (project / "test_nothing.py").write_text("def test_nothing():\n    assert 1 + 1 == 2\n")
    command = [sys.executable, "-m", "pytest", "-p", "rdk_theory.audit.plugin", "-p", "no:cacheprovider", "-q"]
    options = ["--audit", "theirs:right", "--audit", "theirs:wrong", "--audit-smallest", "0.2"]
    out = subprocess.run([*command, *options], cwd=project, capture_output=True, text=True, timeout=120)
    assert "1 failed, 2 passed" in out.stdout
    assert "theirs:wrong is lossy" in out.stdout
    assert "the target is drawn from, not the residual" in out.stdout
    assert "Traceback" not in out.stdout


def test_built_in_targets_resolve():
    pytest.importorskip("torch")
    for name in ("verify-block", "torch-chain", "fused-block", "transformers-ratio", "transformers-tli"):
        assert resolve(name).name == name
