"""One page of every figure that is there: the figure, what it shows, its table, and what of the theory failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from rdk_theory import runs

PAGE = "index.html"
HEADINGS = {"experiments": "Experiments", "claims": "Claims, clause by clause"}
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; }
main { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
h2 { grid-column: 1 / -1; margin: 1rem 0 0; }
figure { margin: 0; }
img { background: white; border-radius: .3rem; box-sizing: border-box; padding: .4rem; width: 100%; }
figcaption { font-size: .875rem; overflow-wrap: anywhere; }
.failed { font-weight: 700; }
"""


def write(folder: Path, experiments: Sequence[Mapping[str, Any]]) -> None:
    """Write ``index.html`` into `folder`, which holds what each of the `experiments` (``experiments.json``) names."""
    body = ""
    for group, heading in HEADINGS.items():
        mine = [item for item in experiments if item["group"] == group]
        if mine:
            body += f'<h2 id="{group}">{heading}</h2>\n' + "".join(map(_figure, mine))
    text = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>rdk-theory: figures</title><style>{STYLE}</style></head>\n<body><h1>Figures</h1>\n"
        "<p>Lines are theory, points are measured, hatched areas are what a claim excludes. Each figure is drawn from "
        f"its table alone.</p>\n<main>\n{body}</main></body></html>\n"
    )
    with runs.atomic_path(folder / PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _figure(item: Mapping[str, Any]) -> str:
    title, table, image = escape(item["title"]), escape(item["table"]), escape(item["figure"])
    failed = "".join(f'<br><span class="failed">{escape(line)}</span>' for line in item["violations"])
    return (
        f'<figure id="{escape(item["id"])}"><a href="{image}"><img src="{image}" alt="{title}" loading="lazy"></a>\n'
        f"<figcaption><b>{title}.</b> {escape(item['caption'])} Claims: {escape(', '.join(item['claims']))}. "
        f'<a href="{table}">table</a>{failed}</figcaption></figure>\n'
    )
