"""Kernels that the interpreter runs are also code for a GPU: all are compiled to machine code, none is run."""

import os
import subprocess
import sys
from pathlib import Path

KERNELS = {
    "_sample", "_from_logits", "_from_probabilities", "_mixed", "_rank_one", "_sparse", "_backed_off", "_low_rank",
    "_dense",
}  # fmt: skip
LAUNCHES = 30


def test_every_kernel_compiles_for_a_gpu_that_is_not_there(tmp_path, request):
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(request.config.rootpath)}
    environment.pop("TRITON_INTERPRET", None)
    script = Path(__file__).parent / "ops_compiled.py"
    code = (
        "import runpy, torch; torch.cuda.is_available = lambda: True;"
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    *lines, control = done.stdout.splitlines()
    assert control == "refused"
    assert {line.split()[0] for line in lines} == {*KERNELS, "_product"}
    assert len(lines) == LAUNCHES
    assert all(line.split()[1] == "True" for line in lines)
