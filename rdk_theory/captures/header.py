"""``capture.json``: what a capture is, and whether it is complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rdk_theory.runs import write_json

FORMAT = "rdk-capture-1"
HEADER = "capture.json"


def read_header(folder: Path) -> dict[str, Any] | None:
    """The content of ``capture.json``; `None` if there is none."""
    path = folder / HEADER
    if not path.exists():
        return None
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not the header of a capture: {error}") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"{path} is not the header of a capture of format {FORMAT}")
    return header


def write_header(folder: Path, header: Mapping[str, Any], *, complete: bool) -> None:
    """Write ``capture.json``."""
    write_json(folder / HEADER, {"format": FORMAT, "complete": complete, **header})


def natural(folder: Path, header: Mapping[str, Any], name: str) -> int:
    """A positive integer of the header."""
    value = header.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{folder / HEADER}: {name} must be a positive integer, not {value!r}")
    return value


def shards(folder: Path, header: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """Path and SHA-256 of each shard."""
    entries = header.get("shards")
    if not isinstance(entries, list) or not entries or not all(map(_is_shard, entries)):
        raise ValueError(f"{folder / HEADER}: shards must be a list of file names with their sha256")
    return [(folder / entry["name"], entry["sha256"]) for entry in entries]


def _is_shard(entry: object) -> bool:
    """A name inside the folder, and a digest."""
    if (
        not isinstance(entry, dict)
        or not isinstance(entry.get("name"), str)
        or not isinstance(entry.get("sha256"), str)
    ):
        return False
    return Path(entry["name"]).name == entry["name"]
