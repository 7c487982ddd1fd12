"""Settings of every test: one thread, no network, Hypothesis profiles, the shape hook, the strict lane."""

import os
import sys

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester", "tests.strict_lane"]

# The suite runs in two processes on two cores. Set before numpy or torch is imported, and inherited by sub-processes.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

CI = os.environ.get("CI") == "true"
settings.register_profile(
    "default",
    deadline=None,
    max_examples=50,
    derandomize=CI,
    database=None if CI else settings.default.database,
    # How fast instances are made depends on what else the machine does.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")

# Shapes in annotations are enforced. Off for bad input: a wrong shape must reach the package's own check.
if os.environ.get("RDK_SHAPES") == "1":
    import jaxtyping

    assert "rdk_theory" not in sys.modules, "the hook comes too late: rdk_theory is imported already"
    jaxtyping.install_import_hook(["rdk_theory"], "beartype.beartype")
