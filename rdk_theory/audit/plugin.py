"""Audit as a test: ``pytest -p rdk_theory.audit.plugin --audit module:function``, or `pytest_plugins` of a conftest.

It adds one test for each target named. The options are also settings of the ini file: ``audit`` (a list),
``audit_smallest``.
"""

from __future__ import annotations

from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--audit``, ``--audit-quick``, ``--audit-smallest``, ``--audit-seed``."""
    group = parser.getgroup("rdk audit", "is a speculative sampler lossless?")
    group.addoption(
        "--audit", action="append", default=[], metavar="TARGET", help="module:function to audit; repeatable"
    )
    group.addoption("--audit-quick", action="store_true", help="look for larger departures only")
    group.addoption("--audit-smallest", type=float, metavar="TV", help="least total variation looked for")
    group.addoption("--audit-seed", type=int, default=0, metavar="INT", help="seed of the audit (default 0)")
    parser.addini("audit", "targets to audit in every run", type="linelist", default=[])


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """One more test for each target."""
    for target in (*config.getini("audit"), *config.getoption("--audit")):
        items.append(AuditItem.from_parent(session, name=f"audit[{target}]", target=target))


class LossyError(AssertionError):
    """The words of a verdict that is not lossless."""


class AuditItem(pytest.Item):
    """The audit of one target as a test."""

    def __init__(self, *, target: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.target = target

    def runtest(self) -> None:
        """Audit; a verdict other than lossless fails."""
        from rdk_theory.audit import audit, resolve
        from rdk_theory.audit.causes import likely_causes
        from rdk_theory.audit.wording import sentences

        adapter = resolve(self.target)
        found = audit(
            adapter,
            seed=self.config.getoption("--audit-seed"),
            smallest=self.config.getoption("--audit-smallest"),
            quick=self.config.getoption("--audit-quick"),
        )
        if found.verdict != "lossless":
            failed = {check.experiment for check in found.failed}
            causes = likely_causes(adapter, failed, found.seed) if failed else []
            raise LossyError("\n".join((f"verdict: {found.verdict}", *sentences(found, causes))))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The words alone, where the audit came to a verdict."""
        if isinstance(excinfo.value, LossyError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where it stands in the report."""
        return self.path, None, self.name
