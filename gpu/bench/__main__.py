"""``python -m gpu.bench``: on a machine with a GPU, the tests of the operations on it, then `rdk bench --device cuda`.

Arguments go to the benchmark. Nothing is timed after a failed test. Exit status: that of the first that failed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = (
    "tests/unit/test_ops_*.py", "tests/unit/test_device_bench*.py", "tests/statistical/test_lossless_ops_verify.py",
    "tests/bad_input/test_ops*.py",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the tests, then the benchmark with these arguments."""
    import torch

    if not torch.cuda.is_available():
        print("python -m gpu.bench: needs a CUDA device, and torch sees none", file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parents[2]
    files = [str(path) for pattern in TESTS for path in sorted(root.glob(pattern))]
    for command in (
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *files],
        [sys.executable, "-m", "rdk_theory", "bench", "--device", "cuda", *arguments],
    ):
        status = subprocess.run(command, cwd=root if "pytest" in command else None, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
