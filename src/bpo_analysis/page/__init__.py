"""HTML that needs nothing but itself: marks, tables, figures, blocks. Everything that is not Markup is escaped."""

from bpo_analysis.page.blocks import details, note, section, unavailable
from bpo_analysis.page.figures import bar, figure, spark, with_bar
from bpo_analysis.page.heat import HeatCell, heat_table
from bpo_analysis.page.marks import contract_mark, evidence_mark
from bpo_analysis.page.tables import Cell, Column, TableMade, table, tables_made

__all__ = [
    "Cell",
    "Column",
    "HeatCell",
    "TableMade",
    "bar",
    "contract_mark",
    "details",
    "evidence_mark",
    "figure",
    "heat_table",
    "note",
    "section",
    "spark",
    "table",
    "tables_made",
    "unavailable",
    "with_bar",
]
