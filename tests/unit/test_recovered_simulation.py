"""The experiment of recovered acceptance refuses tables that theory rules out."""

from dataclasses import replace

import pytest

from simulations._experiment import Options
from simulations._runner import simulate
from simulations._workers import Workers
from simulations.recovered_acceptance import BOUND, EXPERIMENT


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    small = replace(EXPERIMENT, parameters=lambda options: [{"kept": 16, "draw": i, "contexts": 60} for i in range(2)])
    with Workers(1) as workers:
        simulate(small, tmp_path_factory.mktemp("recovered"), 0, Options(quick=True), workers)
    from rdk_theory import tables

    return tables.read(next(tmp_path_factory.getbasetemp().glob("recovered*/recovered_acceptance/table.csv")))


def test_a_kernel_above_the_bound_is_refused(rows):
    assert EXPERIMENT.check(rows) == []
    bound = max(row["acceptance"] for row in rows if row["kernel"] == BOUND)
    broken = [{**row, "acceptance": bound + 0.01} if row["kernel"] == "rank one" else row for row in rows]
    assert any("more than the bound" in line for line in EXPERIMENT.check(broken))


def test_a_drafter_that_loses_nothing_is_refused(rows):
    assert any("costs nothing" in line for line in EXPERIMENT.check([{**row, "tli": row["unpruned"]} for row in rows]))


def test_kernels_recover_something_and_the_best_of_them_most(rows):
    means = {
        name: sum(row["recovered"] for row in rows if row["kernel"] == name)
        for name in ("rank one", "fitted for acceptance", BOUND)
    }
    assert 0 < means["fitted for acceptance"] < means[BOUND]
