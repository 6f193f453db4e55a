import pytest
from markupsafe import Markup

from bpo_analysis.page import document
from bpo_analysis.page.tables import Cell, Column, table, tables_made

COLUMNS = [Column("Month"), Column("Actual", align="right", note="%")]


def test_a_table_has_caption_and_scopes():
    page = table(COLUMNS, [["Jan", "1.0"]], caption="Service level")
    assert "<caption>Service level</caption>" in page
    assert '<th scope="col">Month</th><th scope="col">Actual <small>%</small></th>' in page
    assert '<tr><th scope="row">Jan</th><td>1.0</td></tr>' in page


def test_columns_of_numbers_are_named_once_and_not_in_every_cell():
    page = table([*COLUMNS, Column("Of", align="right")], [["Jan", "1", "2"]], caption="x", classes="stack")
    assert '<table class="stack r2 r3">' in page


def test_every_column_that_can_be_named_is_aligned_by_the_style_sheet():
    for place in range(1, 17):
        assert f":where(.r{place} tr)>:nth-child({place})" in document.style()


def test_text_is_escaped_everywhere_and_markup_is_kept():
    bad = '"><script>alert(1)</script>'
    page = table([Column(bad, note=bad)], [[bad], [Cell(bad, sort=bad)], [Markup("<b>1</b>")]], caption=bad, id=bad)
    assert "<script>" not in page
    assert "<b>1</b>" in page


def test_a_cell_can_sort_by_a_number():
    page = table(COLUMNS, [["Jan", Cell("12.5 %", sort=0.125)]], caption="x")
    assert '<td data-sort="0.125">12.5 %</td>' in page


def test_without_row_headers_every_entry_is_data():
    page = table(COLUMNS, [["Jan", "1"]], caption="x", row_headers=False, sortable=True, id="t", classes="a")
    assert "<td>Jan</td>" in page
    assert '<table id="t" class="a sortable r2">' in page


def test_what_a_stacked_table_needs_on_a_phone_is_left_to_the_script():
    page = table(COLUMNS, [["Jan", "1"]], caption="x", classes="scorecard stack")
    assert '<table class="scorecard stack r2">' in page
    assert "data-label" not in page  # in every cell of a long page it was a fifth of all bytes


def test_numbers_are_sorted_by_as_many_digits_as_matter():
    page = table(COLUMNS, [["Jan", Cell("0.3", sort=0.1 + 0.2)]], caption="x")
    assert 'data-sort="0.3"' in page


def test_tables_are_collected_by_the_block_they_are_made_in():
    with tables_made() as outer:
        one = table(COLUMNS, [["Jan", "1"]], caption="One")
        with tables_made() as inner:
            table(COLUMNS, [["Feb", "2"]], caption="Two")
    table(COLUMNS, [["Mar", "3"]], caption="Three")
    assert [(made.caption, made.html) for made in outer] == [("One", one)]
    assert [(made.caption, made.rows) for made in inner] == [("Two", [["Feb", "2"]])]


def test_a_collected_table_says_how_many_entries_name_a_row():
    columns = [Column("Table"), Column("Step"), Column("Rows", align="right")]
    with tables_made() as made:
        table(columns, [["volume", "read", "12"]], caption="x")
        table(columns, [["volume", "read", "12"]], caption="x", row_headers=False)
        table(columns[:2], [["volume", "read"]], caption="x", row_headers=False)
    assert [one.naming for one in made] == [1, 2, 1]


def test_a_short_row_is_refused():
    with pytest.raises(ValueError, match="A row has 1 entries for 2 columns"):
        table(COLUMNS, [["Jan"]], caption="x")
