"""What a result came from: versions, hardware, the state of the source. No host, user or folder is named."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

DISTRIBUTIONS = (
    "rdk-theory",
    "numpy",
    "scipy",
    "array-api-compat",
    "safetensors",
    "torch",
    "transformers",
    "tokenizers",
    "matplotlib",
    "sympy",
)
PACKAGES = ("rdk_theory", "simulations", "proofs_check", "gpu")
_ROOT = Path(__file__).resolve().parent.parent


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of those distributions that are installed; none is imported."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, Any]:
    """Processor, usable cores, memory in bytes, and the accelerator if torch is loaded and sees one."""
    torch = sys.modules.get("torch")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None,
        "accelerator": torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None,
    }


@cache
def _processor() -> str | None:
    """The processor's model."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or None


@cache
def git_state() -> dict[str, Any] | None:
    """Commit of the checkout that this package runs from and whether it is changed; `None` outside a checkout."""
    if _git("ls-files", "--error-unmatch", __file__) is None:
        return None  # an installed copy may lie below some other project's checkout
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return {"commit": commit.strip() if commit else None, "dirty": bool(changes)}


def _git(*arguments: str) -> str | None:
    """Output of git in this package's folder; `None` if there is no git or it fails."""
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


@cache
def code_digest() -> str:
    """SHA-256 over the Python source of the distribution, so that results of other code are not taken for its own."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((_ROOT / package).rglob("*.py")):
            digest.update(file.relative_to(_ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
