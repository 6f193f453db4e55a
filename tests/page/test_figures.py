import io
import math
import re

import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from bpo_analysis.page.figures import bar, figure, spark, with_bar
from bpo_analysis.page.palette import PALETTE


@pytest.fixture(scope="module")
def chart():
    drawing = Figure(figsize=(8, 3))
    drawing.subplots().plot([1, 2], color=PALETTE["improvement"].light)
    text = io.StringIO()
    drawing.savefig(text, format="svg")
    return text.getvalue()


def test_a_chart_becomes_part_of_the_page(chart):
    page = figure(chart, title="Up <b>", alt='It "rises"', data=Markup("<table></table>"), id="trend")
    assert page.startswith('<figure id="trend"><figcaption>Up &lt;b&gt;</figcaption>')
    assert 'role="img" aria-label="It &#34;rises&#34;"' in page
    assert "<summary>Data behind this chart</summary><table></table>" in page
    assert not re.search(r"<\?xml|<!DOCTYPE|<metadata|xmlns|https?://", page)
    assert 'viewBox="0 0 576 216"' in page
    assert 'style="width:768px;--least:560px"' in page  # the style sheet decides where the least width holds


def test_two_charts_do_not_share_identifiers(chart):
    one = figure(chart, title="a", alt="a", data=Markup(""), id="one")
    two = figure(chart, title="a", alt="a", data=Markup(""), id="two")
    identifiers = [set(re.findall(r'\bid="([^"]+)"', page)) for page in (one, two)]
    assert not identifiers[0] & identifiers[1]
    for page, known in zip((one, two), identifiers, strict=True):
        assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page)) <= {(i, "") for i in known} | {
            ("", i) for i in known
        }


def test_palette_colours_follow_the_page_into_dark_mode(chart):
    page = figure(chart, title="a", alt="a", data=Markup(""), id="one")
    assert "var(--improvement)" in page
    assert PALETTE["improvement"].light not in page


def test_a_figure_without_words_is_refused(chart):
    with pytest.raises(ValueError, match="needs a sentence"):
        figure(chart, title="a", alt=" ", data=Markup(""), id="one")
    with pytest.raises(ValueError, match="no SVG"):
        figure("<p>", title="a", alt="a", data=Markup(""), id="one")
    with pytest.raises(ValueError, match="An id is"):
        figure(chart, title="a", alt="a", data=Markup(""), id='" onload="x')


def test_a_spark_by_hand():
    # In half pixels, three points over a range of 1: x at 8, 120, 232; y from 48 (low) to 8 (high).
    page = spark([0.0, 0.5, 1.0], label="rising")
    assert 'viewBox="0 0 240 56">' in page
    assert 'd="M8 48 120 28 232 8"' in page
    assert '<circle cx="232" cy="8" r="5"/>' in page
    assert 'role="img" aria-label="rising"' in page


def test_missing_values_leave_gaps_and_a_stale_end_is_hollow():
    page = spark([1.0, None, 2.0, 3.0, math.nan], label="x")
    assert page.count("M") == 2
    assert "h0" in page  # the first value stands alone
    assert "class=old" in page


def test_a_flat_line_and_a_target_outside_are_drawn_inside():
    assert 'd="M8 28 232 28"' in spark([5.0, 5.0], label="x")
    page = spark([1.0, 2.0], label="x", target=10.0)
    heights = [int(y) for y in re.findall(r'(?:cy="|class="t" d="M0 |M8 \d+ 232 )(\d+)', page)]
    assert len(heights) == 3
    assert all(0 <= y <= 56 for y in heights)


def test_a_spark_of_another_size_says_so():
    assert 'viewBox="0 0 128 44" style="width:64px;height:22px"' in spark([1.0, 2.0], label="x", width=64, height=22)


def test_a_bar_stays_between_nothing_and_all():
    assert "width:100.0%" in bar(1.7)
    assert "width:0.0%" in bar(-1)
    assert 'aria-hidden="true"' in bar(0.5)
    assert 'aria-label="half"' in bar(0.5, label="half")
    assert bar(math.nan) == "–"


def test_a_number_with_a_bar_is_said_once():
    assert with_bar("<50 %", 0.5) == Markup("&lt;50 % ") + bar(0.5)
    assert with_bar("–", math.nan) == "–"


def test_a_chart_for_a_phone_stands_beside_the_wide_one_with_identifiers_of_its_own():
    drawn = '<svg width="{}" height="10"><path id="p1"/><use href="#p1"/></svg>'
    found = figure(drawn.format(500), narrow=drawn.format(350), title="T", alt="Alt", data=Markup(""), id="fig-x")
    assert found.count('aria-label="Alt"') == 2
    assert 'class="plot for-wide"' in found
    assert '<div class="plot for-phone"><svg' in found
    ids = re.findall(r' id="([^"]*)"', found)
    assert len(ids) == len(set(ids)) == 3
    assert set(re.findall(r'href="#([^"]*)"', found)) == set(ids) - {"fig-x"}
    assert "--least:290px" in found


def test_a_chart_is_written_without_what_nobody_sees():
    svg = (
        '<svg width="10" height="10"><defs><style type="text/css">*{x: y}</style></defs><g id="a"><path d="M 1.23 2 '
        '\nL 3 4\n" style="fill: none"/><g><path id="m" d="M -1.234567 0"/></g>'
        '<use href="#m" x="100.04" y="0.004" style="fill: red; stroke: red"/>'
        '<use href="#m" x="1" y="2" style="fill: red; stroke: red"/>'
        '<text style="font-size: 8.5px; font-family: \'DejaVu Sans\', sans-serif; text-anchor: end" x="1" y="2" '
        'transform="rotate(-0 1 2)">0.123 %</text></g></svg>'
    )
    found = figure(svg, title="T", alt="Alt", data=Markup(""), id="fig-x")
    inner = found.split("<svg", 1)[1].split(">", 1)[1].split("</svg>")[0]
    name = re.search(r'id="(\w+)"', inner)[1]
    assert inner == (
        f'<path id="{name}" d="M-1.23 0"/><g style="fill:red;stroke:red"><use href="#{name}" x="100" y="0"/>'
        f'<use href="#{name}" x="1" y="2"/></g><text style="font-size:8.5px;text-anchor:end" x="1" y="2">0.123 %</text>'
    )
