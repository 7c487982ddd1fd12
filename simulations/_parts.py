"""Rows of settings on disk: part files that are only ever added, each there whole or not at all.

A part holds the rows of some settings in the columns of the table, and in the column ``_key`` which setting a row is
of. It is a Parquet file where pyarrow is installed, else a file of JSON lines with the same content. Either is named
by its SHA-256, so that a damaged one is noticed, and renamed into place, so that a killed run leaves no half of one.
A setting counts once, by its key, whatever the parts hold.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from importlib import util
from pathlib import Path
from typing import Any

from rdk_theory.runs import atomic_path, write_json
from rdk_theory.tables import Row

KEY = "_key"
ABOUT = "_sweep.json"
"""Beside the parts: what they depend on. Readers of Parquet folders skip names that begin with an underscore."""
FORMAT = "rdk-sweep-1"
PREFIX = "part-"


class Parts:
    """The part files of one sweep.

    Parameters
    ----------
    folder
        Theirs alone.
    about
        JSON values that all rows depend on; ``code`` among them is the digest of the source.
    resume
        Whether parts of an equal sweep are used; else they are removed.

    Raises
    ------
    ValueError
        If the folder holds an unfinished sweep of other settings, is no sweep's, or holds a damaged part.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], *, resume: bool = True) -> None:
        self.folder = folder
        self._about = {"format": FORMAT, **about}
        if not (resume and self._goes_on()):
            shutil.rmtree(folder, ignore_errors=True)
            write_json(folder / ABOUT, {**self._about, "complete": False})
        self.done = set(self._rows())
        """Keys of the settings that have rows."""

    def _goes_on(self) -> bool:
        """Whether what is there is of this sweep; an error if it is not and may not be replaced."""
        if not self.folder.exists() or all(file.name.startswith(".") for file in self.folder.iterdir()):
            return False
        path = self.folder / ABOUT
        if not path.exists():
            raise ValueError(f"{self.folder} holds files, but no {ABOUT}: it is not the folder of a sweep")
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}; remove {self.folder}, or start afresh") from None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError(f"{path} does not describe a sweep in the format {FORMAT}")
        complete = found.pop("complete", False)
        different = sorted(k for k in {*found, *self._about} if found.get(k) != self._about.get(k))
        if not different:
            return True
        # A complete sweep has become a table, and rows of other code are of no use; but hours of the present code are.
        if complete or "code" in different:
            return False
        raise ValueError(
            f"{self.folder} holds an unfinished sweep that differs from this one in {', '.join(different)}: "
            "finish that one, choose another --out, or start afresh with --no-resume"
        )

    def add(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Keep the rows of some settings, by key, as one more part; those that are there already count once."""
        fresh = {key: mine for key, mine in rows.items() if key not in self.done}
        if not fresh:
            return
        table = columns([{KEY: key, **row} for key, mine in fresh.items() for row in mine])
        suffix, content = (".parquet", _parquet(table)) if util.find_spec("pyarrow") else (".jsonl", _lines(table))
        with atomic_path(self.folder / f"{PREFIX}{_digest(content)}{suffix}") as temporary:
            temporary.write_bytes(content)
        self.done.update(fresh)

    def read(self, keys: Iterable[str]) -> list[Row]:
        """The rows of these settings, in this order.

        Raises
        ------
        ValueError
            If a setting has no rows, a part is damaged, or a column is of several types.
        """
        found = self._rows()
        missing = sum(key not in found for key in keys)
        if missing:
            raise ValueError(f"{self.folder} lacks the rows of {missing} settings")
        rows = [row for key in keys for row in found[key]]
        if rows:
            columns(rows)
        return rows

    def finish(self) -> None:
        """Note that the table is made: another sweep may now take the place of this one."""
        write_json(self.folder / ABOUT, {**self._about, "complete": True})

    def _rows(self) -> dict[str, list[Row]]:
        """All rows by key; of a setting that stands in several parts, those of the first."""
        found: dict[str, list[Row]] = {}
        for path in sorted(self.folder.glob(f"{PREFIX}*")):
            mine: dict[str, list[Row]] = {}
            for row in _read(path):
                mine.setdefault(str(row.pop(KEY)), []).append(row)
            found = mine | found
        return found


def columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The table by columns, each of one type besides `None`.

    Raises
    ------
    ValueError
        If rows differ in their keys, or the cells of a column in their type: a file of typed columns would change one
        of them, and which one would depend on the rows that stand beside it.
    """
    names = list(rows[0])
    for index, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            raise ValueError(f"rows differ in the columns {sorted({*row} ^ {*names})} at index ({index},)")
    table: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in names}
    for name, cells in table.items():
        types = sorted({type(cell).__name__ for cell in cells if cell is not None})
        if len(types) > 1:
            raise ValueError(f"rows hold {' and '.join(types)} in column {name!r}: a column has one type")
        if types == ["int"] and not all(-(2**63) <= cell < 2**63 for cell in cells if cell is not None):
            raise ValueError(f"rows hold an integer of more than 64 bits in column {name!r}")
    return table


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _read(path: Path) -> list[dict[str, Any]]:
    """The rows of a part, after checking that they are those that were written."""
    content = path.read_bytes()
    if path.stem != f"{PREFIX}{_digest(content)}":
        raise ValueError(f"{path} is damaged: its name is not its checksum; remove it, and its settings run again")
    if path.suffix == ".parquet":
        import pyarrow
        from pyarrow import parquet

        rows: list[dict[str, Any]] = parquet.read_table(pyarrow.BufferReader(content)).to_pylist()
        return rows
    names, *lines = [json.loads(line) for line in content.decode().splitlines()]
    return [dict(zip(names, line, strict=True)) for line in lines]


def _parquet(table: Mapping[str, Sequence[Any]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(dict(table)), sink)
    return bytes(sink.getvalue())


def _lines(table: Mapping[str, Sequence[Any]]) -> bytes:
    """One JSON array a line: the names, then the cells of each row; infinities as Python's parser reads them."""
    lines: list[Sequence[Any]] = [list(table), *zip(*table.values(), strict=True)]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
