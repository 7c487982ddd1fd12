"""The style of figures: the same bytes each time, legible, readable without colour, nothing half-written."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from rdk_theory import figures

X = [1.0, 2.0, 3.0]


def sample(series=2, label="a series of data"):
    """A figure with every element of the style; call it inside `style`."""
    figure, (axes, below) = figures.canvas(2)
    for index in range(series):
        y = [index + v for v in X]
        figures.theory_line(axes, X, y, index, f"{label} {index}")
        figures.measured(axes, X, y, [v - 0.1 for v in y], [v + 0.2 for v in y], index, f"{label} {index}")
    figures.theory_line(below, X, X, None, "bound")
    figures.shade_counterexample(axes, y=(-1.0, 0.0), label="fails")
    figures.shade_counterexample(below, x=(1.0, 2.0))
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    figures.legend(axes)
    figures.legend(below)
    return figure, axes


def saved(folder, name="figure"):
    with figures.style():
        figure, _ = sample()
        return figures.save(figure, folder / name, "A title")


def test_importing_the_style_imports_no_matplotlib():
    code = "import sys, rdk_theory.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_equal_figures_give_equal_bytes(tmp_path):
    first, second = saved(tmp_path / "a"), saved(tmp_path / "b")
    assert [path.name for path in first] == ["figure.svg", "figure.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_two_figures_share_no_clip_identifiers(tmp_path):
    ids = [
        {e.get("id") for e in ET.parse(saved(tmp_path, name)[0]).iter() if e.tag.endswith("clipPath")}
        for name in ("one", "two")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_files_say_what_they_are_and_not_when_or_by_what(tmp_path):
    svg, png = saved(tmp_path)
    text = svg.read_text(encoding="utf-8")
    assert "<title>A title</title>" in text
    assert "matplotlib v" not in text.lower().replace("created with ", "")
    assert "<dc:date>" not in text
    assert "<text" not in text  # glyphs are outlines
    assert "<image" not in text
    assert b"Software" not in png.read_bytes()


def test_a_title_is_not_needed(tmp_path):
    with figures.style():
        svg, _ = figures.save(sample()[0], tmp_path / "figure")
    assert "<title>" not in svg.read_text(encoding="utf-8")


def test_the_picture_is_one_column_wide_on_white(tmp_path):
    pixels = imread(saved(tmp_path)[1])
    assert pixels.shape[:2] == (round(2 * figures.HEIGHT * figures.DPI), round(figures.WIDTH * figures.DPI))
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_array_equal(corners, 1.0)


def test_a_name_with_a_dot_keeps_it(tmp_path):
    assert [path.name for path in saved(tmp_path, "v1.5")] == ["v1.5.svg", "v1.5.png"]


def test_a_failure_leaves_the_old_files(tmp_path, monkeypatch):
    before = [path.read_bytes() for path in saved(tmp_path)]

    def fail(self, path, **_):
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        saved(tmp_path)
    assert [(tmp_path / f"figure{suffix}").read_bytes() for suffix in figures.SUFFIXES] == before
    assert len(list(tmp_path.iterdir())) == 2


def test_the_style_ends_with_its_context_and_ignores_the_users():
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9}):
        with figures.style():
            inside = dict(matplotlib.rcParams)
        assert matplotlib.rcParams["font.size"] == 30
    with figures.style():
        assert dict(matplotlib.rcParams) == inside


def test_no_font_is_smaller_than_seven_points():
    with figures.style():
        figure, _ = sample()
        figure.canvas.draw()
        texts = [t for t in figure.findobj(matplotlib.text.Text) if t.get_text()]
    assert min(t.get_fontsize() for t in texts) >= 7


def test_series_differ_in_colour_lightness_marker_and_dashes():
    looks = [figures.channel(index) for index in range(6)]
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == 6
    assert len({str(look.dashes) for look in looks}) == 6
    for look in looks:
        r, g, b = ((c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in to_rgb(look.colour))
        assert 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) > 2, "too pale on white"


@pytest.mark.parametrize("index", [-1, 6])
def test_a_seventh_series_is_refused(index):
    with pytest.raises(ValueError, match=r"index must be in range\(6\)"):
        figures.channel(index)


def test_an_interval_that_misses_its_point_is_refused():
    with figures.style():
        _, (axes,) = figures.canvas()
        with pytest.raises(ValueError, match="low and high of a must enclose y"):
            figures.measured(axes, X, X, [v + 0.1 for v in X], [v + 0.2 for v in X], 0, "a")


@pytest.mark.parametrize("strip", [{}, {"x": (0.0, 1.0), "y": (0.0, 1.0)}])
def test_a_strip_has_one_direction(strip):
    with figures.style():
        _, (axes,) = figures.canvas()
        with pytest.raises(ValueError, match="x or y"):
            figures.shade_counterexample(axes, **strip)


class TestLegend:
    @pytest.mark.parametrize("label", ["s", "a series of data", "a series of data with a long name"])
    def test_it_stays_inside_the_figure_and_off_the_data(self, label):
        with figures.style():
            figure, axes = sample(5, label)
            figure.canvas.draw()
            box = axes.get_legend().get_window_extent()
        assert box.x0 >= figure.bbox.x0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        assert box.y0 >= axes.get_window_extent().y1

    def test_it_reads_line_by_line_with_one_entry_a_series(self):
        with figures.style():
            figure, axes = sample(4, "s")
            figure.canvas.draw()
            texts = axes.get_legend().get_texts()
        boxes = {t.get_text(): t.get_window_extent() for t in texts}
        order = sorted(boxes, key=lambda name: (-round(boxes[name].y0), boxes[name].x0))
        assert order == ["s 0", "s 1", "s 2", "s 3", "fails"]
