"""What `rdk pair capture` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpu.pairs.plan import STORES
from rdk_theory._tensors import FLOATS
from rdk_theory.captures import CALIBRATION, TEST

SPLITS = {"calibration": CALIBRATION, "test": TEST}


@dataclass(frozen=True)
class CaptureOptions:
    """Target and drafter (folders or hub ids), the text, and limits; memory and disk in GB (10⁹ bytes)."""

    target: str
    drafter: str
    corpus: Path | None = None
    contexts: int = 4_096
    split: str = "all"
    context_length: int = 128
    per_document: int = 16
    dtype: str = "float16"
    store: str = "auto"
    max_memory: float = 4.0
    max_disk: float = 8.0
    device: str = "auto"
    seed: int = 0

    def check(self) -> None:
        """Raise `ValueError` for what cannot be done."""
        if self.contexts < 1:
            raise ValueError(f"contexts must be at least 1, not {self.contexts}")
        if self.split not in (*SPLITS, "all"):
            raise ValueError(f"split must be calibration, test or all, not {self.split!r}")
        if self.dtype not in FLOATS:
            raise ValueError(f"dtype must be one of {FLOATS}, not {self.dtype!r}")
        if self.store not in STORES:
            raise ValueError(f"store must be one of {', '.join(STORES)}, not {self.store!r}")
        for name, value in (("max-memory", self.max_memory), ("max-disk", self.max_disk)):
            if not 0 < value < float("inf"):
                raise ValueError(f"{name} must be positive and finite, not {value}")

    def quotas(self) -> dict[str, int]:
        """How many contexts each split is to give."""
        if self.split != "all":
            return {self.split: self.contexts}
        return {"calibration": self.contexts - self.contexts // 2, "test": self.contexts // 2}
