"""Tables and texts on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

# What a command needs is imported when it runs: "bpo --help" and a misspelt option should answer at once.
if TYPE_CHECKING:
    import pandas as pd


_WIDTH_OF_A_FILE: Final = 160


def print_frame(frame: pd.DataFrame, *, title: str) -> None:
    """Print a table; what is missing is blank."""
    filled = frame.astype(object).where(frame.notna(), "")
    print_table([str(name) for name in filled.columns], filled.itertuples(index=False), title=title)


def print_table(
    columns: Sequence[str], rows: Iterable[Iterable[Any]], *, title: str | None = None, stderr: bool = False
) -> None:
    """Print rows of anything under their headers, without control characters."""
    console = Console(stderr=stderr)
    if not console.is_terminal:  # a file or a pipe has no width of its own
        console = Console(stderr=stderr, width=_WIDTH_OF_A_FILE)
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(printable(str(value))) for value in row))
    console.print(table)


def printable(text: str) -> str:
    """Return text from data without the control characters that would command the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)
