"""Tables with caption, header scopes and a wrapper that scrolls sideways, so that the page itself never does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

__all__ = ["Align", "Cell", "Column", "TableMade", "keep_table", "table", "tables_made"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMade:
    """A table as it was given, for whoever wants its cells and not its HTML.

    Attributes
    ----------
    caption : str or Markup
    columns : sequence of str
        Headers, that of the rows first.
    rows : sequence of sequences of str, Markup or Cell
        As many entries as there are columns.
    html : Markup
        What it became: it is on a page where this is part of the page.
    naming : int, default 1
        How many entries of a row say what it is about.
    """

    caption: str | Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Markup | Cell]]
    html: Markup
    naming: int = 1


_MADE: ContextVar[list[TableMade] | None] = ContextVar("tables made", default=None)


@contextmanager
def tables_made() -> Iterator[list[TableMade]]:
    """Collect the tables that are made inside the block; those of a block inside it belong to that one.

    Examples
    --------
    >>> with tables_made() as made:
    ...     _ = table([Column("KPI"), Column("Actual")], [["CSAT", "4.2"]], caption="Scorecard")
    >>> made[0].columns, made[0].rows
    (['KPI', 'Actual'], [['CSAT', '4.2']])
    """
    made: list[TableMade] = []
    before = _MADE.set(made)
    try:
        yield made
    finally:
        _MADE.reset(before)


def keep_table(table: TableMade) -> Markup:
    """Hand a table to whoever collects tables, and return its HTML."""
    made = _MADE.get()
    if made is not None:
        made.append(table)
    return table.html


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
    >>> '<th scope="row">CSAT &lt;1&gt;</th><td>4.2</td>' in page
    True
    """
    head = "".join(map(_header, columns))
    body = "".join(_row(columns, row, row_headers=row_headers) for row in rows)
    # Once for the table: a class in every cell of the numbers was a fifteenth of a page.
    right = [f"r{place}" for place, column in enumerate(columns, 1) if column.align == "right"]
    names = " ".join(filter(None, [classes, "sortable" if sortable else "", *right]))
    html = Markup(
        f'<div class="scroll"><table{_attribute("id", id)}{_attribute("class", names)}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    labels = [column.label for column in columns]
    naming = 1 if row_headers else next((n for n, column in enumerate(columns) if column.align == "right"), 1)
    return keep_table(TableMade(caption=caption, columns=labels, rows=rows, html=html, naming=naming))


# A page has thousands of cells: plain texts, each part escaped where it is put in, at a tenth of the cost of Markup.
def _header(column: Column) -> str:
    note = f" <small>{escape(column.note)}</small>" if column.note else ""
    return f'<th scope="col">{escape(column.label)}{note}</th>'


def _row(columns: Sequence[Column], row: Sequence[str | Markup | Cell], *, row_headers: bool) -> str:
    if len(row) != len(columns):
        raise ValueError(f"A row has {len(row)} entries for {len(columns)} columns: {row!r}.")
    cells = (_cell(entry, header=row_headers and position == 0) for position, entry in enumerate(row))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(entry: str | Markup | Cell, *, header: bool) -> str:
    cell = entry if isinstance(entry, Cell) else Cell(entry)
    attributes = _attribute("class", cell.classes)
    if cell.sort is not None:
        attributes += f' data-sort="{_sortable(cell.sort)}"'
    if header:
        return f'<th scope="row"{attributes}>{escape(cell.text)}</th>'
    return f"<td{attributes}>{escape(cell.text)}</td>"


def _sortable(value: float | str) -> str:
    return f"{value:.10g}" if isinstance(value, float) else escape(value)


def _attribute(name: str, value: str | None) -> str:
    return f' {name}="{escape(value)}"' if value else ""
