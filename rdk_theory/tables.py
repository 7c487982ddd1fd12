"""Tidy tables: lists of rows, as CSV that reads back to the same values and as text for a terminal.

A cell is a number, a truth value, a text, or `None` (empty). What is written is read back equal, type included:
floats are written by `repr`, and a text that would read back as something else is refused.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rdk_theory.runs import atomic_path

Cell: TypeAlias = bool | int | float | str | None
Row: TypeAlias = dict[str, Cell]

_SPECIAL = re.compile(r'[",\r\n]')
_INTEGER = re.compile(r"-?[0-9]+")
_FLOAT = re.compile(r"-?([0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?|inf)")


def write(path: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write `rows`, all with the same keys, as CSV under a temporary name and rename it to `path`.

    Parameters
    ----------
    path
        The file; its folder is made if need be.
    rows
        At least one mapping from column to cell; the first gives the order of the columns.

    Raises
    ------
    ValueError
        If there is no row, keys differ between rows, or a cell is NaN, of another type, or a text that
        would read back as a number, a truth value or an empty cell.
    """
    columns = _columns(rows)
    lines = [columns, *([_format(row[column], column, index) for column in columns] for index, row in enumerate(rows))]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(map(_line, lines)), encoding="utf-8", newline="")


def plain(rows: Sequence[Mapping[str, object]]) -> list[Row]:
    """`rows` as `read` gives them after `write`, without a file: numpy scalars become numbers of Python.

    Raises
    ------
    ValueError
        As `write`.
    """
    names = _columns(rows)
    return [{name: _parse(_format(row[name], name, index)) for name in names} for index, row in enumerate(rows)]


def read(path: str | Path) -> list[Row]:
    """Rows of a CSV file: integers, floats, ``true``/``false`` and empty cells are parsed, all else is text.

    Raises
    ------
    ValueError
        If the file is not UTF-8, has no or a repeated column, or a line of another length; with the line.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = next(reader, [])
            if not columns or len(set(columns)) != len(columns):
                raise ValueError(f"{path} must begin with a line of distinct column names, not {columns}")
            rows: list[Row] = []
            for cells in reader:
                if len(cells) != len(columns):
                    raise ValueError(f"{path} line {reader.line_num} has {len(cells)} cells, expected {len(columns)}")
                rows.append({column: _parse(cell) for column, cell in zip(columns, cells, strict=True)})
            return rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a table: {error}") from None


def to_text(rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None, digits: int = 4) -> str:
    """Aligned text of `rows`, numbers to the right with `digits` significant digits.

    Parameters
    ----------
    rows
        At least one mapping from column to cell.
    columns
        Which columns, in which order; default all.
    digits
        Significant digits of floats, at least 1.

    Raises
    ------
    ValueError
        As `write`, or if a column is unknown or `digits` is below 1.
    """
    known = _columns(rows)
    columns = known if columns is None else list(columns)
    for column in columns:
        if column not in known:
            raise ValueError(f"columns names {column!r}, which is not among {known}")
    if digits < 1:
        raise ValueError(f"digits must be at least 1, not {digits}")
    blocks = []
    for column in columns:
        cells = [_cell(row[column], column, index) for index, row in enumerate(rows)]
        numeric = all(cell is None or _is_number(cell) for cell in cells)
        texts = [column, *(_short(cell, digits) for cell in cells)]
        width = max(map(len, texts))
        texts.insert(1, "─" * width)
        blocks.append([text.rjust(width) if numeric else text.ljust(width) for text in texts])
    return "\n".join("  ".join(line).rstrip() for line in zip(*blocks, strict=True))


def _columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Keys of the first row, after checking that every row has the same ones."""
    if not rows:
        raise ValueError("rows is empty: a table needs at least one row")
    columns = list(rows[0])
    if not columns:
        raise ValueError("rows have no column at index (0,)")
    for index, row in enumerate(rows):
        if set(row) != set(columns):
            difference = sorted(set(row) ^ set(columns))
            raise ValueError(f"rows of length {len(rows)} differ in the columns {difference} at index ({index},)")
    return columns


def _line(texts: list[str]) -> str:
    """One line of a CSV file. (`csv.writer` leaves a carriage return unquoted, which ends the line for a reader.)"""
    quoted = ['"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text for text in texts]
    return (",".join(quoted) or '""') + "\n"


def _cell(value: object, column: str, index: int) -> Cell:
    """`value` as one of the plain types; numpy scalars lose their width, not their value."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError(f"rows holds {type(value).__name__} in column {column!r} at index ({index},)")
    if isinstance(value, float) and math.isnan(value):
        raise ValueError(f"rows holds NaN in column {column!r} at index ({index},); use None for what is unknown")
    return value


def _format(value: object, column: str, index: int) -> str:
    """The text of a cell in a CSV file."""
    cell = _cell(value, column, index)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        if not isinstance(_parse(cell), str):
            raise ValueError(
                f"rows holds the text {cell!r} in column {column!r} at index ({index},), "
                "which would read back as another type"
            )
        return cell
    return repr(cell)


def _parse(text: str) -> Cell:
    """The value that `_format` wrote as `text`."""
    if text == "":
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _is_number(cell: Cell) -> bool:
    """Tell whether a cell is aligned to the right."""
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _short(cell: Cell, digits: int) -> str:
    """A cell as people read it."""
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.{digits}g}"
    return str(cell).replace("\n", " ")
