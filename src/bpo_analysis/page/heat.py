"""Heat tables: numbers in a grid with a tint behind each, so that a pattern is seen and every number can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from bpo_analysis.page.tables import TableMade, keep_table

__all__ = ["HeatCell", "heat_table"]

HeatTone = Literal["neutral", "concern", "improvement"]
_TONES: tuple[HeatTone, ...] = ("neutral", "concern", "improvement")
_DEEPEST = 50
"""Percent of the tone's colour in the deepest tint: text on it stays legible in light and in dark."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell.

    Parameters
    ----------
    text : str or Markup
        The number as printed; a dash where there is none.
    level : float, default 0.0
        Depth of the tint, from 0 (none) to 1; values outside are cut to the range.
    tone : {"neutral", "concern", "improvement"}
        Role of its colour. The number says the same, so that nothing rests on colour.
    """

    text: str | Markup
    level: float = 0.0
    tone: HeatTone = "neutral"


def heat_table(
    corner: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str | Markup, Sequence[HeatCell]]],
    *,
    caption: str | Markup,
) -> Markup:
    """Return a grid of numbers with tints.

    Parameters
    ----------
    corner : str
        What the rows are.
    columns : sequence of str
        Headers of the columns, without that of the rows.
    rows : sequence of (header, cells)
        One cell for each column.
    caption : str or Markup
        What is shown, and what a deeper tint means.

    Returns
    -------
    Markup
        The table inside its scrolling wrapper.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are columns, or a tone is unknown.

    Examples
    --------
    >>> grid = heat_table("Hour", ["Mon"], [("09", [HeatCell("12", 1.0)])], caption="Contacts received")
    >>> '<td class="neutral" style="--heat:50%">12</td>' in grid
    True
    """
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in columns)
    body = Markup("").join(_row(columns, header, cells) for header, cells in rows)
    html = Markup(
        '<div class="scroll"><table class="heat">'
        '<caption>{caption}</caption><thead><tr><th scope="col">{corner}</th>{head}</tr></thead>'
        "<tbody>{body}</tbody></table></div>"
    ).format(
        caption=caption,
        corner=corner,
        head=head,
        body=body,
    )
    printed = [[header, *(cell.text for cell in cells)] for header, cells in rows]
    return keep_table(TableMade(caption=caption, columns=[corner, *columns], rows=printed, html=html))


def _row(columns: Sequence[str], header: str | Markup, cells: Sequence[HeatCell]) -> Markup:
    if len(cells) != len(columns):
        raise ValueError(f"Row {header!r} has {len(cells)} cells for {len(columns)} columns.")
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(header, Markup("").join(_cell(cell) for cell in cells))


def _cell(cell: HeatCell) -> Markup:
    if cell.tone not in _TONES:
        raise ValueError(f"tone must be one of {_TONES}, got {cell.tone!r}.")
    depth = round(_DEEPEST * min(max(cell.level, 0.0), 1.0))
    if not depth:
        return Markup("<td>{}</td>").format(cell.text)
    return Markup('<td class="{}" style="--heat:{}%">{}</td>').format(cell.tone, depth, cell.text)
