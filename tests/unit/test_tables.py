"""Tables read back as they were written, or are refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdk_theory import tables

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
WORDS = NAMES.filter(lambda text: isinstance(tables._parse(text), str))
CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS


@st.composite
def row_lists(draw):
    """Rows with the same columns and cells of any type."""
    columns = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    return draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, CELLS)), min_size=1, max_size=4))


def typed(rows):
    """Rows with type and sign beside each cell: ``1 == 1.0 == True`` and ``0.0 == -0.0`` are not enough here."""
    return [
        {name: (type(cell), cell, math.copysign(1, cell) if type(cell) is float else 0) for name, cell in row.items()}
        for row in rows
    ]


@given(row_lists())
def test_what_is_written_reads_back_with_its_types(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tables") / "deep" / "table.csv"
    tables.write(path, rows)
    found = tables.read(path)
    assert typed(found) == typed(rows)
    assert all(list(row) == list(rows[0]) for row in found)
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]


def test_the_file_is_plain_and_the_same_each_time(tmp_path):
    rows = [
        {"n": 1, "x": 0.1, "ok": True, "name": "a,b", "none": None},
        {"n": -2, "x": 1e-300, "ok": False, "name": "β", "none": None},
    ]
    tables.write(tmp_path / "a.csv", rows)
    assert (tmp_path / "a.csv").read_bytes() == 'n,x,ok,name,none\n1,0.1,true,"a,b",\n-2,1e-300,false,β,\n'.encode()


def test_numpy_scalars_keep_their_value(tmp_path):
    rows = [{"f": np.float32(0.1), "i": np.int64(3), "b": np.bool_(True)}]
    tables.write(tmp_path / "a.csv", rows)
    assert tables.read(tmp_path / "a.csv") == [{"f": float(np.float32(0.1)), "i": 3, "b": True}]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows is empty"),
        ([{}], "no column"),
        ([{"a": 1}, {"b": 1}], r"\['a', 'b'\] at index \(1,\)"),
        ([{"a": 1}, {"a": float("nan")}], r"NaN in column 'a' at index \(1,\)"),
        ([{"a": np.float64("nan")}], "NaN"),
        ([{"a": [1]}], r"list in column 'a' at index \(0,\)"),
        ([{"a": np.zeros(2)}], "ndarray"),
        ([{"a": "12"}], "would read back"),
        ([{"a": "1e5"}], "would read back"),
        ([{"a": "true"}], "would read back"),
        ([{"a": ""}], "would read back"),
    ],
)
def test_what_would_not_read_back_is_refused_and_leaves_no_file(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        tables.write(tmp_path / "a.csv", rows)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "distinct column names"),
        (b"a,a\n1,2\n", "distinct column names"),
        (b"a,b\n1\n", "line 2 has 1 cells, expected 2"),
        (b"a\n\xff\n", "not a table"),
        (b'a\n"open\n', "not a table"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        tables.read(path)


def test_the_text_is_aligned():
    rows = [
        {"name": "tli", "rate": 0.123456, "n": 12000, "held": True},
        {"name": "rank-one", "rate": None, "n": 3, "held": False},
    ]
    assert tables.to_text(rows) == "\n".join(
        [
            "name        rate      n  held",
            "────────  ──────  ─────  ────",
            "tli       0.1235  12000  yes",
            "rank-one       -      3  no",
        ]
    )
    assert tables.to_text(rows, ["n", "rate"], digits=2).splitlines()[2] == "12000  0.12"


def test_the_text_of_unknown_columns_or_no_digits_is_refused():
    with pytest.raises(ValueError, match="'b'"):
        tables.to_text([{"a": 1}], ["b"])
    with pytest.raises(ValueError, match="digits"):
        tables.to_text([{"a": 1}], digits=0)
