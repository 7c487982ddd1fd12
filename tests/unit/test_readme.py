"""What the README says is true: its example runs, and its first screen is as long as promised."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def example() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_runs_and_prints_what_it_says(capsys) -> None:
    exec(compile(example(), "README.md", "exec"), {})
    printed = capsys.readouterr().out.split("\n")
    said = re.findall(r"^# (Embedding|RankOne) ([0-9.]+)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(said) == 2
    for name, value in said:
        assert f"{name} {value}" in printed


def test_the_example_is_short() -> None:
    assert len([line for line in example().splitlines() if line]) <= 15


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (README.parent / target).exists(), target
