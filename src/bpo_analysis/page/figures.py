"""Figures: a chart's SVG with its finding, its alternative text and its data; sparks and small bars drawn by hand."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Final, TypeGuard

from markupsafe import Markup

from bpo_analysis.page.blocks import check_id, details
from bpo_analysis.page.palette import PALETTE

__all__ = ["bar", "figure", "spark", "with_bar"]

# Below this width a chart made for a screen is no longer legible: the box scrolls instead. The style sheet applies it,
# for in a grid of charts (.charts) it holds on a phone only.
_MIN_CHART_WIDTH: Final = 560
_MIN_NARROW_WIDTH: Final = 290
"""The same for a chart that is drawn for a phone: what the smallest of them have."""
_PLOT: Final = Markup('<div class="{classes}">{svg}</div>')
_PX_PER_POINT: Final = 96 / 72
_GEOMETRY: Final = re.compile(r' (d|x|y|x1|x2|y1|y2|cx|cy|r|width|height|transform)="([^"]*)"')
_BARE_GROUP: Final = re.compile(r"<g>((?:(?!</?g\b).)*)</g>", re.DOTALL)
_ALIKE: Final = re.compile(
    r'<use href="([^"]*)" x="[^"]*" y="[^"]*" style="([^"]*)"/>(?:<use href="\1" x="[^"]*" y="[^"]*" style="\2"/>)+'
)
_MARKER: Final = 10
"""Points: coordinates below are those of markers."""
_SPARK_SIZE: Final = (120, 28)
"""What the style sheet gives a spark that says nothing else."""
_HEX = re.compile("|".join(role.light for role in PALETTE.values()), re.IGNORECASE)
_BY_HEX: Final = {role.light: name for name, role in PALETTE.items()}


def figure(svg: str, *, title: str | Markup, alt: str, data: Markup, id: str, narrow: str = "") -> Markup:
    """Return a chart as a figure whose title is its finding.

    Parameters
    ----------
    svg : str
        One SVG document or element, for example what matplotlib saves. Its own declarations, metadata and fixed size
        are removed, its identifiers are made unique on the page, and the palette's light colours are exchanged for
        the page's custom properties.
    title : str or Markup
        The finding, as a sentence.
    alt : str
        The same picture in words, for readers who cannot see it.
    data : Markup
        The table behind the chart; an empty one leaves the fold out.
    id : str
        Identifier for links, unique on the page.
    narrow : str, default ""
        The same chart drawn for a phone, shown there in place of ``svg``: a wide chart made small cannot be read.

    Returns
    -------
    Markup
        A ``<figure>`` element.

    Raises
    ------
    ValueError
        If ``svg`` holds no SVG element or ``alt`` is empty.
    """
    if not alt.strip():
        raise ValueError(f"Figure {id!r} needs a sentence that says what it shows (alt).")
    folded = details("Data behind this chart", data) if data else Markup("")
    plots = _PLOT.format(classes="plot", svg=_inline(svg, id, alt))
    if narrow:
        plots = _PLOT.format(classes="plot for-wide", svg=_inline(svg, id, alt)) + Markup(
            '<div class="plot for-phone">{}</div>'
        ).format(_inline(narrow, f"{id}-narrow", alt, least=_MIN_NARROW_WIDTH))
    return Markup('<figure id="{id}"><figcaption>{title}</figcaption>{plots}{data}</figure>').format(
        id=check_id(id), title=title, plots=plots, data=folded
    )


def _inline(svg: str, id: str, alt: str, least: int = _MIN_CHART_WIDTH) -> Markup:
    """Make a stand-alone SVG document part of an HTML page."""
    opening = re.search(r"<svg\b([^>]*)>", svg)
    if opening is None:
        raise ValueError(f"Figure {id!r} was given no SVG element.")
    inner = svg[opening.end() : svg.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<script\b.*?</script>", "", inner, flags=re.DOTALL)
    inner = _compact(re.sub(r"\bxlink:href=", "href=", inner))
    # Every chart numbers its own clip paths and markers; two charts on one page would use each other's.
    short = f"f{hashlib.blake2b(id.encode(), digest_size=3).hexdigest()}"
    names = {name: f"{short}{number}" for number, name in enumerate(dict.fromkeys(re.findall(r' id="([^"]*)"', inner)))}
    inner = re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda hit: hit[1] + names.get(hit[2], hit[2]), inner)
    inner = _HEX.sub(lambda hit: f"var(--{_BY_HEX[hit[0].lower()]})", inner)
    width, height = _size(opening[1])
    style = f"width:{width:.0f}px;--least:{min(width, least):.0f}px"
    box = re.search(r'viewBox="([^"]*)"', opening[1])
    view = box[1] if box else f"0 0 {width:g} {height:g}"
    # Trusted as it is: it comes from our own plotting code, and matplotlib escapes the text inside.
    drawing = Markup(re.sub(r">\s+<", "><", inner.strip()))
    return Markup('<svg role="img" aria-label="{}" viewBox="{}" style="{}">{}</svg>').format(alt, view, style, drawing)


def _compact(inner: str) -> str:
    """Leave out what no reader sees: unused names, decimals below a tenth of a point, what the style sheet says.

    About half of what matplotlib writes; a page of twenty charts is read on a phone too.
    """
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', inner))
    inner = re.sub(r"<defs>\s*<style\b.*?</style>\s*</defs>", "", inner, flags=re.DOTALL)
    inner = re.sub(r' id="([^"]*)"', lambda hit: hit[0] if hit[1] in used else "", inner)
    inner = re.sub(r' transform="rotate\(-?0 [^"]*"', "", inner)
    inner = _GEOMETRY.sub(lambda hit: f' {hit[1]}="{_rounded(hit[2])}"', inner)
    inner = re.sub(r' style="([^"]*)"', lambda hit: f' style="{_styled(hit[1])}"', inner)
    inner = re.sub(r'<path d="[^"]*" style="fill:none"/>|>\s+(?=<)', lambda hit: ">" if hit[0][0] == ">" else "", inner)
    while (bare := _BARE_GROUP.sub(r"\1", inner)) != inner:
        inner = bare
    return _ALIKE.sub(_styled_once, inner)


def _styled_once(marks: re.Match[str]) -> str:
    """Marks of one kind with their style on the group around them."""
    style = f' style="{marks[2]}"'
    return f"<g{style}>{marks[0].replace(style, '')}</g>"


def _rounded(numbers: str) -> str:
    text = re.sub(r"-?\d+\.\d+", lambda hit: _number(float(hit[0])), " ".join(numbers.split()))
    return re.sub(r" ?([A-Za-z]) ?", r"\1", text) if text[:1] in "Mm" else text


def _number(value: float) -> str:
    """A coordinate to a tenth of a point; the small ones of markers, which are drawn around nought, to a hundredth."""
    text = f"{value:.{2 if abs(value) < _MARKER else 1}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _styled(style: str) -> str:
    return re.sub(r"([;:]) ", r"\1", re.sub(r"font-family:[^;]*;? ?", "", style)).rstrip("; ")


def _size(attributes: str) -> tuple[float, float]:
    """Width and height in CSS pixels, from the attributes of an ``<svg>`` tag."""
    found = []
    for position, name in enumerate(("width", "height")):
        hit = re.search(rf'\b{name}="([\d.]+)(pt|px)?"', attributes)
        if hit:
            found.append(float(hit[1]) * (_PX_PER_POINT if hit[2] == "pt" else 1.0))
            continue
        box = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', attributes)
        found.append(float(box[position + 1]) if box else (640.0, 360.0)[position])
    return found[0], found[1]


def spark(
    values: Sequence[float | None],
    *,
    label: str,
    target: float | None = None,
    width: int = 120,
    height: int = 28,
) -> Markup:
    """Return a line as small as a word: the last months of one KPI.

    Parameters
    ----------
    values : sequence of float or None
        Oldest first; None or NaN leaves a gap.
    label : str
        The same in words, for readers who cannot see it.
    target : float, optional
        Drawn as a dashed line and kept inside the picture.
    width, height : int, default 120 and 28
        Size in pixels.

    Returns
    -------
    Markup
        An ``<svg>`` element, or a dash where there is nothing to draw.

    Examples
    --------
    >>> print(spark([], label="no history"))
    <span class="spark none">–</span>
    >>> "<path" in spark([1.0, None, 2.0, 3.0], label="rising", target=2.5)
    True
    """
    known = [value for value in values if _is_number(value)]
    if not known:
        return Markup('<span class="spark none">–</span>')
    scale = [*known, target] if _is_number(target) else known
    low, high = min(scale), max(scale)
    # In half pixels and whole numbers: a page has a hundred of them.
    wide, high_up, pad = 2 * width, 2 * height, 8
    step = (wide - 2 * pad) / max(len(values) - 1, 1)

    def y(value: float) -> float:
        share = 0.5 if high == low else (value - low) / (high - low)
        return high_up - pad - share * (high_up - 2 * pad)

    points = [(pad + step * i, y(value)) if _is_number(value) else None for i, value in enumerate(values)]
    parts = [_target_line(y(target), wide)] if _is_number(target) else []
    parts.append(f'<path d="{_path(points)}"/>')
    last = next(point for point in reversed(points) if point is not None)
    # A hollow last point says that the newest value is missing and this one is older.
    parts.append(f'<circle cx="{last[0]:.0f}" cy="{last[1]:.0f}" r="5"{"" if points[-1] else " class=old"}/>')
    size = Markup(' style="width:{}px;height:{}px"').format(width, height) if (width, height) != _SPARK_SIZE else ""
    return Markup('<svg class="spark" role="img" aria-label="{}" viewBox="0 0 {} {}"{}>{}</svg>').format(
        label, wide, high_up, size, Markup("".join(parts))
    )


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _target_line(y: float, width: int) -> str:
    return f'<path class="t" d="M0 {y:.0f}h{width}"/>'


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Path data with a new start after every gap; a lone point becomes a dot through the round line caps."""
    commands, pen_down = [], False
    for i, point in enumerate(points):
        if point is None:
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{point[0]:.0f} {point[1]:.0f}")
        alone = not pen_down and (i + 1 == len(points) or points[i + 1] is None)
        if alone:
            commands.append("h0")
        pen_down = True
    # What follows the start of a line is a line: M1 2 3 4.
    return "".join(commands).replace("L", " ")


def bar(share: float, *, label: str = "", tone: str = "neutral") -> Markup:
    """Return a small horizontal bar for a share.

    Parameters
    ----------
    share : float
        Between 0 and 1; values outside are cut to the range, missing ones give a dash.
    label : str, default ""
        The number in words; without it the bar is decoration beside a printed number and is hidden from screen readers.
    tone : {"neutral", "improvement", "concern", "target"}
        Role of its colour.

    Returns
    -------
    Markup
        A ``<span class="bar">`` element.
    """
    if not _is_number(share):
        return Markup("–")
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    percent = f"{100 * min(max(share, 0.0), 1.0):.1f}"
    return Markup('<span class="bar {}" {}><i style="width:{}%"></i></span>').format(tone, said, percent)


def with_bar(text: str | Markup, share: float, *, tone: str = "neutral") -> Markup:
    """Return a printed share and its bar, for a cell of a table: a column of bars alone would have no header.

    Parameters
    ----------
    text : str or Markup
        The number as printed.
    share : float
        Length of the bar, between 0 and 1; without one there is only the text.
    tone : {"neutral", "improvement", "concern", "target"}
        Role of the bar's colour.

    Returns
    -------
    Markup
        Text and bar: at the right edge of a column numbers and bars stand below each other.

    Examples
    --------
    >>> with_bar("–", float("nan"))
    Markup('–')
    """
    return Markup("{} {}").format(text, bar(share, tone=tone)) if _is_number(share) else Markup("{}").format(text)
