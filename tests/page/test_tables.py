import pytest
from markupsafe import Markup

from bpo_analysis.page.tables import Cell, Column, table

COLUMNS = [Column("Month"), Column("Actual", align="right", note="%")]


def test_a_table_has_caption_and_scopes():
    page = table(COLUMNS, [["Jan", "1.0"]], caption="Service level")
    assert "<caption>Service level</caption>" in page
    assert '<th scope="col">Month</th><th scope="col" class="r">Actual <small>%</small></th>' in page
    assert '<tr><th scope="row">Jan</th><td class="r">1.0</td></tr>' in page


def test_text_is_escaped_everywhere_and_markup_is_kept():
    bad = '"><script>alert(1)</script>'
    page = table([Column(bad, note=bad)], [[bad], [Cell(bad, sort=bad)], [Markup("<b>1</b>")]], caption=bad, id=bad)
    assert "<script>" not in page
    assert "<b>1</b>" in page


def test_a_cell_can_sort_by_a_number():
    page = table(COLUMNS, [["Jan", Cell("12.5 %", sort=0.125)]], caption="x")
    assert '<td class="r" data-sort="0.125">12.5 %</td>' in page


def test_without_row_headers_every_entry_is_data():
    page = table(COLUMNS, [["Jan", "1"]], caption="x", row_headers=False, sortable=True, id="t", classes="a")
    assert "<td>Jan</td>" in page
    assert '<table id="t" class="a sortable">' in page


def test_a_stacked_table_spells_out_its_roles():
    page = table(COLUMNS, [["Jan", "1"]], caption="x", classes="scorecard stack")
    for role in ("table", "rowgroup", "row", "columnheader", "rowheader", "cell"):
        assert f'role="{role}"' in page
    assert 'data-label="Actual"' in page


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match="A row has 1 entries for 2 columns"):
        table(COLUMNS, [["Jan"]], caption="x")
