"""What a section prints is listed with the numbers of its page, and nothing that is not on it."""

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.page import Cell, Column, HeatCell
from bpo_analysis.sections.listing import listed
from bpo_analysis.sections.section import Section

COLUMNS = [Column("Queue"), Column("In time, %", "right"), Column("Reading")]


class Page:
    def __init__(self):
        self.printed = {}


def listing_of(*parts, id="service"):
    """Rows of a section with these parts, each made when the section is."""
    about = Page()
    listed(lambda _: Section(id, Markup("").join(part() for part in parts)))(about)
    return list(about.printed)


def rows_of(*parts):
    return [(one.kind, one.id, one.place, one.text, one.value, one.unit) for one in listing_of(*parts)]


def test_a_cell_with_a_number_is_listed_where_it_stands():
    cell = Cell(Markup('<b>68.7 %</b><span class="interval">66.1 to 71.3 %</span>'), sort=0.687)
    rows = [["Chat & mail", cell, "clear"], ["Voice", "–", "3 of 12 since 2026-10-01"]]
    assert rows_of(lambda: page.table(COLUMNS, rows, caption=Markup("By <i>queue</i>"))) == [
        (
            "cell", "service.in_time", "table=By queue; row=Chat & mail", "68.7 % 66.1 to 71.3 %", 0.687, "share",
        ),
        ("cell", "service.reading", "table=By queue; row=Voice", "3 of 12 since 2026-10-01", 3.0, ""),
    ]  # fmt: skip


def test_a_row_without_a_number_in_its_cells_lists_that_of_its_name():
    rows = [["Overdue by 117 days", "–", "A. Smith"], ["17", "5", ""]]
    found = rows_of(lambda: page.table(COLUMNS, rows, caption="Actions"))
    assert [row[1:4] for row in found] == [
        ("service.queue", "table=Actions; row=Overdue by 117 days", "Overdue by 117 days"),
        ("service.in_time", "table=Actions; row=17", "5"),
    ]


def test_without_row_headers_the_words_before_the_first_number_name_the_row():
    columns = [Column("Table"), Column("Step"), Column("Rows", "right")]
    rows = [["volume", "read", "1,200"], ["volume", "dropped", "−3"]]
    found = listing_of(lambda: page.table(columns, rows, caption="Rows", row_headers=False))
    assert [(one.place, one.value) for one in found] == [
        ("table=Rows; row=volume, read", 1200.0),
        ("table=Rows; row=volume, dropped", -3.0),
    ]


def test_heat_tables_and_folded_tables_are_listed():
    found = listing_of(
        lambda: page.heat_table("Hour", ["Mon"], [("09", [HeatCell("12", 1.0)])], caption="Received"),
        lambda: page.details("More", page.table(COLUMNS, [["Chat", "4 %", ""]], caption="Folded")),
    )
    assert [(one.id, one.place, one.text) for one in found] == [
        ("service.mon", "table=Received; row=09", "12"),
        ("service.in_time", "table=Folded; row=Chat", "4 %"),
    ]


def test_numbers_in_sentences_are_listed_with_their_sentence_and_charts_and_tables_are_not_read_twice():
    found = rows_of(
        lambda: Markup("<p>Fell by <b>3.2&nbsp;pp</b> (1.1 to 5.3 pp). Since 2026-10-01.</p><svg><text>9</text></svg>"),
        lambda: page.table(COLUMNS, [["Chat", "4 %", ""]], caption="Once"),
        lambda: Markup("<p>Nothing.</p><ul><li>7 late</li></ul>"),
    )
    sentence = "sentence=Fell by 3.2 pp (1.1 to 5.3 pp)."
    assert found == [
        ("cell", "service.in_time", "table=Once; row=Chat", "4 %", 0.04, "share"),
        ("sentence", "service.sentence", sentence, "3.2 pp", 0.032, "share"),
        ("sentence", "service.sentence", sentence, "1.1 pp", 0.011, "share"),
        ("sentence", "service.sentence", sentence, "5.3 pp", 0.053, "share"),
        ("sentence", "service.sentence", "sentence=7 late", "7", 7.0, ""),
    ]


def test_a_number_of_a_caption_is_listed_with_it():
    found = rows_of(lambda: page.table(COLUMNS, [["Chat", "–", ""]], caption="Open longest (3 of 7) <all>"))
    assert [(row[0], row[2], row[4]) for row in found] == [
        ("sentence", "sentence=Open longest (3 of 7) <all>", 3.0),
        ("sentence", "sentence=Open longest (3 of 7) <all>", 7.0),
    ]


def test_a_table_that_is_left_out_is_not_listed():
    def left_out():
        page.table(COLUMNS, [["Agent 7", "4 %", ""]], caption="For the client alone")
        return Markup("<p>Left out.</p>")

    assert listing_of(left_out) == []


def test_what_stands_twice_in_a_section_is_listed_once():
    assert len(listing_of(lambda: Markup("<p>7 late</p>"), lambda: Markup("<p>7 late</p>"))) == 1
