"""LaTeX to MathML, which browsers draw without scripts or fonts of ours."""

from __future__ import annotations

import html
import re

_MATH = re.compile(r"\$([^$]+)\$")


def mathml(latex: str) -> str:
    """One formula as inline MathML."""
    from latex2mathml.converter import convert

    # What the converter lacks (the name arg, escaped underscores in text), and a set difference that common fonts have.
    made = str(convert(re.sub(r"\\arg\b", r"\\operatorname{arg}", latex)))
    return made.replace(r"\_", "_").replace("&#x02216;", "&#x0005C;")


def prose(text: str) -> str:
    """Text with formulas between dollar signs; a text without any is itself one formula if it holds a LaTeX command."""
    if "$" not in text:
        return mathml(text) if re.search(r"[\\^_]", text) else html.escape(text)
    parts = _MATH.split(text)
    return "".join(mathml(part) if index % 2 else html.escape(part) for index, part in enumerate(parts))


def remark(text: str) -> str:
    """Plain text in which double backquotes mark code and dollar signs mark formulas."""
    pieces = re.split(r"``([^`]+)``", text)
    return "".join(
        f"<code>{html.escape(piece)}</code>" if index % 2 else _dollars(piece) for index, piece in enumerate(pieces)
    )


def _dollars(text: str) -> str:
    parts = _MATH.split(text)
    return "".join(mathml(part) if index % 2 else html.escape(part) for index, part in enumerate(parts))
