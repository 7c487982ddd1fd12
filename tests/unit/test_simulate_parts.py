"""Part files: whole or not there, noticed when damaged, each setting once, the same table from either format."""

import json
import math

import numpy as np
import pytest
from pyarrow import parquet

from rdk_theory import tables
from simulations import _parts
from simulations._parts import ABOUT, Parts, columns

SWEEP = {"experiment": "e", "seed": 3, "code": "c", "settings": 2, "keys": "k"}
ROWS = {
    "b": [{"name": "ünï\n\u2028\x85", "held": True, "count": -(2**63), "value": -0.0, "none": None}],
    "a": [
        {"name": "x", "held": False, "count": 2**53 + 1, "value": math.inf, "none": None},
        {"name": "y", "held": False, "count": 0, "value": 5e-324, "none": None},
    ],
}


@pytest.fixture(params=["parquet", "jsonl"])
def suffix(request, monkeypatch):
    """The format of the parts that are written, as with and without pyarrow."""
    if request.param == "jsonl":
        monkeypatch.setattr(_parts.util, "find_spec", lambda name: None)
    return request.param


def files(folder):
    return sorted(folder.glob("part-*"))


def test_rows_come_back_as_they_were_in_the_order_asked_for(tmp_path, suffix):
    parts = Parts(tmp_path / "parts", SWEEP)
    for key, rows in ROWS.items():
        parts.add({key: rows})
    assert [file.suffix for file in files(parts.folder)] == [f".{suffix}"] * 2
    found = Parts(tmp_path / "parts", SWEEP).read(["a", "b"])
    assert found == [*ROWS["a"], *ROWS["b"]]
    assert [type(cell) for row in found for cell in row.values()] == [
        type(cell) for row in [*ROWS["a"], *ROWS["b"]] for cell in row.values()
    ]
    assert math.copysign(1, found[2]["value"]) == -1


def test_both_formats_give_one_table_even_in_one_folder(tmp_path, monkeypatch):
    Parts(tmp_path / "parts", SWEEP).add({"a": ROWS["a"]})
    monkeypatch.setattr(_parts.util, "find_spec", lambda name: None)
    parts = Parts(tmp_path / "parts", SWEEP)
    assert parts.done == {"a"}
    parts.add(ROWS)
    assert {file.suffix for file in files(parts.folder)} == {".parquet", ".jsonl"}
    assert parts.read(["b", "a"]) == [*ROWS["b"], *ROWS["a"]]


def test_a_part_is_an_ordinary_parquet_file(tmp_path):
    parts = Parts(tmp_path / "parts", SWEEP)
    parts.add(ROWS)
    table = parquet.read_table(parts.folder)
    assert table.column_names == ["_key", "name", "held", "count", "value", "none"]
    assert [str(field.type) for field in table.schema][:5] == ["string", "string", "bool", "int64", "double"]
    assert table.num_rows == 3


def test_a_setting_counts_once_whatever_the_parts_hold(tmp_path, suffix):
    parts, other = Parts(tmp_path / "parts", SWEEP), Parts(tmp_path / "parts", SWEEP)
    parts.add(ROWS)
    parts.add(ROWS)
    assert len(files(parts.folder)) == 1
    # Two runs at once: each adds what the other has.
    other.add({"a": ROWS["a"]})
    assert len(files(parts.folder)) == 2
    assert Parts(tmp_path / "parts", SWEEP).read(["a", "b"]) == [*ROWS["a"], *ROWS["b"]]


def test_a_killed_writer_leaves_nothing_that_is_read(tmp_path, suffix):
    parts = Parts(tmp_path / "parts", SWEEP)
    parts.add({"a": ROWS["a"]})
    (parts.folder / f".part-0.1.partial.{suffix}").write_bytes(b"half")
    assert Parts(tmp_path / "parts", SWEEP).done == {"a"}


def test_nothing_but_a_half_written_beginning_is_no_sweep(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "._sweep.1.partial.json").write_text("{")
    assert Parts(tmp_path / "parts", SWEEP).done == set()


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "rename"])
def test_a_damaged_part_is_refused_by_name(tmp_path, suffix, harm):
    parts = Parts(tmp_path / "parts", SWEEP)
    parts.add(ROWS)
    (path,) = files(parts.folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    harms = {"flip": bytes(content), "cut": path.read_bytes()[:-1], "empty": b""}
    if harm == "rename":
        path = path.rename(path.with_stem("part-mine"))
    else:
        path.write_bytes(harms[harm])
    for read in (lambda: parts.read(["a"]), lambda: Parts(tmp_path / "parts", SWEEP)):
        with pytest.raises(ValueError, match=rf"{path.name} is damaged.*remove it"):
            read()
    path.unlink()
    assert Parts(tmp_path / "parts", SWEEP).done == set()


def test_missing_rows_are_counted(tmp_path):
    parts = Parts(tmp_path / "parts", SWEEP)
    parts.add({"a": ROWS["a"]})
    with pytest.raises(ValueError, match="lacks the rows of 2 settings"):
        parts.read(["a", "b", "c"])


class TestChange:
    """What a folder of parts says to another sweep."""

    @pytest.fixture
    def begun(self, tmp_path):
        parts = Parts(tmp_path / "parts", SWEEP)
        parts.add({"a": ROWS["a"]})
        return parts

    @pytest.mark.parametrize(("name", "value"), [("seed", 4), ("keys", "other"), ("settings", 9), ("experiment", "f")])
    def test_an_unfinished_sweep_is_not_overwritten(self, begun, name, value):
        with pytest.raises(ValueError, match=rf"unfinished sweep that differs from this one in {name}: .*--no-resume"):
            Parts(begun.folder, {**SWEEP, name: value})
        assert Parts(begun.folder, SWEEP).done == {"a"}

    def test_a_complete_one_gives_way(self, begun):
        begun.finish()
        assert Parts(begun.folder, SWEEP).done == {"a"}
        assert Parts(begun.folder, {**SWEEP, "seed": 4}).done == set()
        assert files(begun.folder) == []

    def test_rows_of_other_code_give_way(self, begun):
        assert Parts(begun.folder, {**SWEEP, "code": "d", "keys": "other"}).done == set()

    def test_starting_afresh_needs_no_leave(self, begun):
        assert Parts(begun.folder, {**SWEEP, "seed": 4}, resume=False).done == set()

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "is damaged"),
            ("[]", "does not describe a sweep"),
            (json.dumps({"format": "other"}), "does not describe a sweep"),
        ],
    )
    def test_a_foreign_description_is_refused(self, begun, content, message):
        (begun.folder / ABOUT).write_text(content)
        with pytest.raises(ValueError, match=message):
            Parts(begun.folder, SWEEP)

    def test_a_foreign_folder_is_refused(self, begun):
        (begun.folder / ABOUT).unlink()
        with pytest.raises(ValueError, match=f"no {ABOUT}: it is not the folder of a sweep"):
            Parts(begun.folder, SWEEP)
        assert len(files(begun.folder)) == 1


class TestCells:
    @pytest.mark.parametrize(
        ("cells", "message"),
        [((0, 0.5), "float and int in column 'x'"), ((True, 1), "bool and int"), (("1 %", 1.0), "float and str")],
    )
    def test_a_column_has_one_type(self, tmp_path, cells, message):
        rows = {key: [{"x": cell}] for key, cell in zip("ab", cells, strict=True)}
        parts = Parts(tmp_path / "parts", SWEEP)
        with pytest.raises(ValueError, match=message):
            parts.add(rows)
        # Nor may types differ between parts: whether they meet in one depends on the workers.
        for key, mine in rows.items():
            parts.add({key: mine})
        with pytest.raises(ValueError, match=message):
            parts.read(["a", "b"])

    def test_an_integer_must_fit(self):
        assert columns([{"x": 2**63 - 1}, {"x": None}])
        with pytest.raises(ValueError, match="more than 64 bits in column 'x'"):
            columns([{"x": 2**63}])

    def test_rows_have_the_same_columns(self):
        with pytest.raises(ValueError, match=r"columns \['y'\] at index \(1,\)"):
            columns([{"x": 1}, {"x": 1, "y": 2}])

    def test_plain_rows_are_what_a_table_gives_back(self, tmp_path):
        rows = [{"a": np.float64(0.1), "b": np.int64(2), "c": np.bool_(True), "d": None, "e": "text", "f": np.inf}]
        tables.write(tmp_path / "t.csv", rows)
        found = tables.plain(rows)
        assert found == tables.read(tmp_path / "t.csv")
        assert [type(cell) for cell in found[0].values()] == [float, int, bool, type(None), str, float]
        for cell in (np.nan, "1", object()):
            with pytest.raises(ValueError, match="column 'x'"):
                tables.plain([{"x": cell}])
        with pytest.raises(ValueError, match="rows is empty"):
            tables.plain([])
