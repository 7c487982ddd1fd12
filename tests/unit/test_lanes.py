"""The lanes of the suite: shapes enforced or not, skips allowed or not, optional libraries left alone."""

import os
import subprocess
import sys

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from rdk_theory.acceptance import acceptance_rate

SKIPS = {
    "body": "import pytest\ndef test_it():\n    pytest.skip('no browser')",
    "mark": "import pytest\n@pytest.mark.skipif(True, reason='no browser')\ndef test_it():\n    pass",
    "module": "import pytest\npytest.skip('no browser', allow_module_level=True)",
    "fixture": "import pytest\n@pytest.fixture\ndef f():\n    pytest.skip('no browser')\ndef test_it(f):\n    pass",
}


@pytest.fixture
def lane(pytester, request, monkeypatch):
    """A function that runs a test file with ``RDK_STRICT`` set as told and gives pytest's result."""
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))

    def run(source, strict):
        monkeypatch.setenv("RDK_STRICT", strict)
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "tests.strict_lane", "-p", "no:cacheprovider")

    return run


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS)
def test_a_skip_fails_in_the_strict_lane_only(lane, source):
    assert lane(source, "0").ret in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    strict = lane(source, "1")
    assert strict.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    strict.stdout.fnmatch_lines(["*a skip is a failure in this lane: *no browser*"])


def test_what_lies_beside_the_checkout_may_be_missing_in_the_strict_lane(lane):
    source = SKIPS["body"].replace("no browser", "needs ../shared/data")
    lane(source, "1").assert_outcomes(skipped=1)


def test_a_wrong_shape_meets_the_hook_or_our_own_check():
    enforced = os.environ.get("RDK_SHAPES") == "1"
    with pytest.raises(TypeCheckError if enforced else ValueError, match="proposal"):
        acceptance_rate(np.array([0.5, 0.5]), np.array([[0.5, 0.5]]))


def test_importing_the_package_imports_nothing_optional():
    optional = ["torch", "transformers", "tokenizers", "matplotlib", "sympy", "z3", "cvc5", "hypothesis"]
    code = f"import sys, rdk_theory, rdk_theory.cli; print([m for m in {optional} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
