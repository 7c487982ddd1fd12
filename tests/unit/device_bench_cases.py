"""Small inputs of the benchmark of the operations, and small buffers."""

import pytest

from gpu.bench import timing
from gpu.bench.grid import Point
from gpu.bench.inputs import TRIES, make_inputs, make_kernel


@pytest.fixture
def small_buffers(monkeypatch):
    """What is copied and overwritten is small here: how fast this machine is, is not the question."""
    monkeypatch.setattr(timing, "FLUSHED", 1 << 12)
    monkeypatch.setitem(timing.COPIED, "cpu", 1 << 16)


def case(operation, form, size=203, batch=3, gamma=2, dtype="float32", tries=TRIES, device="cpu"):
    point = Point(operation, form, size, batch, gamma if operation.startswith("verify") else 1, dtype)
    kernel = make_kernel(form, size, point.kept, device, 1, rows=operation == "propose")
    return make_inputs(point, kernel, device, 2, tries)
