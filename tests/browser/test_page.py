"""The report's page in a real browser: nothing runs off the screen, in light and dark, on a phone and on a desk."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.report_folder import write_folder

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
CONTRAST = 4.5  # WCAG 2.1 AA for body text


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("report"))


@pytest.fixture(params=list(itertools.product(WIDTHS, SCHEMES)), ids=lambda p: f"{p[0]}-{p[1]}")
def view(request: pytest.FixtureRequest, browser: Any, page: Path) -> Any:
    width, scheme = request.param
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(page.as_uri())
    return browser


def test_nothing_runs_off_the_screen(view: Any) -> None:
    """The page itself never scrolls sideways; wide tables and formulas scroll inside their own box."""
    view.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    width = view.execute_script("return window.innerWidth")
    assert view.execute_script("return document.documentElement.scrollWidth") <= width
    wide = view.execute_script(
        """
        const inside = e => e.closest('.scroll') !== null;
        return [...document.querySelectorAll('body *')]
          .filter(e => !inside(e) && e.getBoundingClientRect().right > window.innerWidth + 1)
          .map(e => e.tagName + '.' + e.className);
        """
    )
    assert wide == []


def test_text_is_legible(view: Any) -> None:
    """Text of every kind has contrast and size."""
    found = view.execute_script(
        """
        const ground = e => {
          for (; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if (color !== 'rgba(0, 0, 0, 0)') return color;
          }
          return 'rgb(255, 255, 255)';
        };
        const look = e => {
          const style = getComputedStyle(e);
          return [e.tagName + '.' + e.className, style.color, ground(e), parseFloat(style.fontSize)];
        };
        const kinds = 'p, li, td, th, summary, code, small, caption, figcaption, a, .verdict, .status';
        return [...document.querySelectorAll(kinds)]
          .filter(e => e.innerText.trim() && e.getClientRects().length)
          .map(look);
        """
    )
    assert len(found) > 50
    for element, ink, ground, size in found:
        assert contrast(ink, ground) >= CONTRAST, (element, ink, ground)
        assert size >= 11.5, (element, size)


def test_scheme_is_followed(view: Any) -> None:
    ground = view.execute_script("return getComputedStyle(document.body).backgroundColor")
    dark = view.execute_script("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert (luminance(ground) < 0.2) == dark


def test_every_figure_is_drawn_and_described(view: Any) -> None:
    images = view.execute_script(
        "return [...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().width, i.alt])"
    )
    assert len(images) >= 3
    for natural, shown, alternative in images:
        assert natural > 0
        assert shown > 250
        assert alternative


def test_formulas_are_drawn(view: Any) -> None:
    view.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    heights = view.execute_script(
        "return [...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().height)"
    )
    assert len(heights) > 3
    assert min(heights) > 8
    assert view.execute_script("return document.querySelectorAll('merror').length") == 0


def test_links_lead_somewhere(view: Any, page: Path) -> None:
    links = view.execute_script("return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    ids = set(view.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)"))
    for link in links:
        path, _, part = link.partition("#")
        if not path:
            assert part in ids, link
            continue
        assert (page.parent / path).exists(), link
        assert not part or f'id="{part}"' in (page.parent / path).read_text(encoding="utf-8"), link


def test_nothing_is_fetched_and_nothing_complains(view: Any) -> None:
    requests = view.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
    assert [r for r in requests if not r.startswith("data:")] == []
    assert [entry for entry in view.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_page_that_is_too_wide_is_caught(view: Any, tmp_path: Path) -> None:
    """Negative control of the layout test."""
    bad = tmp_path / "wide.html"
    bad.write_text(
        "<meta name=viewport content='width=device-width'><div style='width: 3000px'>x</div>", encoding="utf-8"
    )
    view.get(bad.as_uri())
    assert view.execute_script("return document.documentElement.scrollWidth > window.innerWidth")


def luminance(color: str) -> float:
    """Relative luminance of an ``rgb(…)`` colour, WCAG 2.1."""
    channels = [int(v) / 255 for v in re.findall(r"\d+", color)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str) -> float:
    """Contrast ratio of two colours, WCAG 2.1."""
    high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula() -> None:
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
