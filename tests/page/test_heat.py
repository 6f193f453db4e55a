"""Heat tables: every number is text, tints have a depth, shapes are checked."""

import pytest
from markupsafe import Markup

from bpo_analysis.page import HeatCell, heat_table


def grid(*cells, columns=("Mon",)):
    return heat_table("Hour", columns, [("09", list(cells))], caption="Contacts <1>")


def test_the_number_is_in_the_cell_and_the_depth_in_its_style():
    assert '<td class="concern" style="--heat:25%">12</td>' in grid(HeatCell("12", 0.5, "concern"))


@pytest.mark.parametrize(("level", "style"), [(-1, "<td>"), (0, "<td>"), (1, "--heat:50%"), (9, "--heat:50%")])
def test_the_depth_stays_in_its_range(level, style):
    assert style in grid(HeatCell("12", level))


def test_text_is_escaped():
    html = grid(HeatCell("<b>"))
    assert "&lt;b&gt;" in html
    assert "Contacts &lt;1&gt;" in html
    assert isinstance(html, Markup)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="Row '09' has 2 cells for 1 columns"):
        grid(HeatCell("1"), HeatCell("2"))


def test_an_unknown_tone_is_refused():
    with pytest.raises(ValueError, match=r"tone must be one of .* got 'red'"):
        grid(HeatCell("1", 1.0, "red"))
