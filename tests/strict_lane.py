"""The lane in which a skip is a failure.

With ``RDK_STRICT=1`` a skipped test or module fails, unless its reason says that it needs the material beside a
checkout, which a fresh clone does not have.
"""

import os

import pytest

ALLOWED = "needs ../shared"


def _refuse(report):
    """Turn a report of a skip into one of a failure, where this lane does not allow it."""
    if os.environ.get("RDK_STRICT") != "1" or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"a skip is a failure in this lane: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Look at each phase of a test."""
    return _refuse((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Look at modules that skip themselves."""
    return _refuse((yield))
