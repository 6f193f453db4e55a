"""Tables with caption, header scopes and a wrapper that scrolls sideways, so that the page itself never does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

__all__ = ["Align", "Cell", "Column", "table"]

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    label : str
        Header text.
    align : {"left", "right"}
        Numbers go right, everything else left.
    note : str
        A few words under the label, such as the unit.
    """

    label: str
    align: Align = "left"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that sorts by something other than its text, or carries classes of its own.

    Parameters
    ----------
    text : str or Markup
        What is shown.
    sort : float, str or None
        What the column is sorted by; None sorts by the text.
    classes : str
        CSS classes of the cell.
    """

    text: str | Markup
    sort: float | str | None = None
    classes: str = ""


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Markup | Cell]],
    *,
    caption: str | Markup,
    row_headers: bool = True,
    sortable: bool = False,
    id: str | None = None,
    classes: str = "",
) -> Markup:
    """Return a table.

    Parameters
    ----------
    columns : sequence of Column
        Header, from left to right.
    rows : sequence of sequences of str, Markup or Cell
        Body; every row has one entry for each column.
    caption : str or Markup
        What the table shows, in a few words.
    row_headers : bool, default True
        Whether the first entry of a row names the row.
    sortable : bool, default False
        Let the page's script sort by a click on a header; without scripts the table is an ordinary one.
    id : str, optional
        Identifier for links.
    classes : str, default ""
        CSS classes of the table. With ``"stack"`` among them every row becomes a small card on a phone.

    Returns
    -------
    Markup
        The table inside its scrolling wrapper.

    Raises
    ------
    ValueError
        If a row has more or fewer entries than there are columns.

    Examples
    --------
    >>> page = table([Column("KPI"), Column("Actual", align="right")], [["CSAT <1>", "4.2"]], caption="Scorecard")
    >>> '<th scope="row">CSAT &lt;1&gt;</th><td class="r">4.2</td>' in page
    True
    """
    stacked = "stack" in classes.split()
    head = Markup("").join(_header(column, stacked=stacked) for column in columns)
    body = Markup("").join(_row(columns, row, row_headers=row_headers, stacked=stacked) for row in rows)
    names = " ".join(filter(None, [classes, "sortable" if sortable else ""]))
    attributes = _attribute("id", id) + _attribute("class", names) + _role("table", stacked=stacked)
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table{attributes}>'
        "<caption>{caption}</caption><thead{group}><tr{row}>{head}</tr></thead>"
        "<tbody{group}>{body}</tbody></table></div>"
    ).format(
        label=Markup(caption).striptags() if isinstance(caption, Markup) else caption,
        attributes=attributes, caption=caption, head=head, body=body,
        group=_role("rowgroup", stacked=stacked), row=_role("row", stacked=stacked),
    )  # fmt: skip


def _header(column: Column, *, stacked: bool) -> Markup:
    note = Markup(" <small>{}</small>").format(column.note) if column.note else Markup("")
    attributes = _attribute("class", "r" if column.align == "right" else "") + _role("columnheader", stacked=stacked)
    return Markup('<th scope="col"{}>{}{}</th>').format(attributes, column.label, note)


def _row(columns: Sequence[Column], row: Sequence[str | Markup | Cell], *, row_headers: bool, stacked: bool) -> Markup:
    if len(row) != len(columns):
        raise ValueError(f"A row has {len(row)} entries for {len(columns)} columns: {row!r}.")
    cells = (
        _cell(entry, column, header=row_headers and position == 0, stacked=stacked)
        for position, (entry, column) in enumerate(zip(row, columns, strict=True))
    )
    return Markup("<tr{}>{}</tr>").format(_role("row", stacked=stacked), Markup("").join(cells))


def _cell(entry: str | Markup | Cell, column: Column, *, header: bool, stacked: bool) -> Markup:
    cell = entry if isinstance(entry, Cell) else Cell(entry)
    names = " ".join(filter(None, ["r" if column.align == "right" else "", cell.classes]))
    attributes = _attribute("class", names)
    if cell.sort is not None:
        attributes += Markup(' data-sort="{}"').format(cell.sort)
    if stacked:
        attributes += _role("rowheader" if header else "cell", stacked=stacked) + _attribute("data-label", column.label)
    if header:
        return Markup('<th scope="row"{}>{}</th>').format(attributes, cell.text)
    return Markup("<td{}>{}</td>").format(attributes, cell.text)


def _attribute(name: str, value: str | None) -> Markup:
    return Markup(' {}="{}"').format(Markup(name), escape(value)) if value else Markup("")


def _role(name: str, *, stacked: bool) -> Markup:
    # A table whose display is changed for the phone loses its meaning for screen readers unless its roles are written.
    return _attribute("role", name) if stacked else Markup("")
