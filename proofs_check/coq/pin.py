"""Write what the Coq theorems say to ``statements/``: ``python -m proofs_check.coq.pin [FILE…]``.

Run after a statement was changed on purpose, and read the difference: from then on it is what the proofs must say.
"""

from __future__ import annotations

import sys

from proofs_check.coq import _build, _theorems
from rdk_theory import runs


def main(names: list[str]) -> int:
    """Pin the statements of the named files, or of all."""
    _theorems.STATEMENTS.mkdir(exist_ok=True)
    names = names or sorted(path.stem for path in _build.SOURCES.glob("*.v"))
    library = [_build.compiled(name) for name in names][-1]
    _build.said_all(names, library)
    for name in names:
        text = _build.statements(name, library)
        with runs.atomic_path(_theorems.STATEMENTS / f"{name}.txt") as path:
            path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
