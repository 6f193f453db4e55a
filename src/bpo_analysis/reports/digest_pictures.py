"""Sparks as PNG: mail readers show no SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

from PIL import Image, ImageDraw

__all__ = ["SPARK_SIZE", "spark_png"]

SPARK_SIZE: Final = (96, 24)
"""Width and height in a mail; the picture has twice as many dots, for sharp screens."""
_DOTS: Final = 2
_FINER: Final = 4
"""Drawn larger by this and made smaller: Pillow draws lines without smoothing."""
_PAD: Final = 4.0
# In between light and dark: a mail reader may turn the colours around a picture, and the picture it leaves alone.
_LINE: Final = (96, 116, 140, 255)
_TARGET: Final = (150, 110, 205, 255)
_DASH: Final = 4.0


def spark_png(values: Sequence[Any], *, target: Any = None) -> bytes:
    """Return a small line chart as a PNG with a transparent ground.

    Parameters
    ----------
    values : sequence
        Oldest first; what is no finite number leaves a gap.
    target : float, optional
        Drawn as a dashed line and kept inside the picture.

    Returns
    -------
    bytes
        The same for the same values; empty where fewer than two are known, which make no line.
    """
    known = [value for value in values if _is_number(value)]
    if len(known) < 2:
        return b""
    scale = [*known, target] if _is_number(target) else known
    low, high = min(scale), max(scale)
    width, height = (side * _DOTS * _FINER for side in SPARK_SIZE)
    unit = float(_DOTS * _FINER)
    step = (width - 2 * _PAD * unit) / (len(values) - 1)

    def place(number: int, value: float) -> tuple[float, float]:
        share = 0.5 if high == low else (value - low) / (high - low)
        return _PAD * unit + step * number, height - _PAD * unit - share * (height - 2 * _PAD * unit)

    picture = Image.new("RGBA", (width, height), (*_LINE[:3], 0))
    pen = ImageDraw.Draw(picture)
    if _is_number(target):
        _, at = place(0, target)
        for start in range(0, width, int(2 * _DASH * unit)):
            pen.line([(start, at), (start + _DASH * unit, at)], fill=_TARGET, width=int(unit))
    for run in _runs(values):
        pen.line([place(number, value) for number, value in run], fill=_LINE, width=int(1.6 * unit), joint="curve")
    last = max(number for number, value in enumerate(values) if _is_number(value))
    x, y = place(last, values[last])
    size = 2.6 * unit
    pen.ellipse([x - size, y - size, x + size, y + size], fill=_LINE)
    file = io.BytesIO()
    smaller = picture.resize((SPARK_SIZE[0] * _DOTS, SPARK_SIZE[1] * _DOTS), Image.Resampling.BOX)
    smaller.save(file, "PNG", optimize=True)
    return file.getvalue()


def _runs(values: Sequence[Any]) -> Iterator[list[tuple[int, float]]]:
    """Stretches of known values, with their places."""
    run: list[tuple[int, float]] = []
    for number, value in enumerate(values):
        if _is_number(value):
            run.append((number, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
