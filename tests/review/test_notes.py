"""A note's figures agree with the computed ones, or the report is not made."""

import pytest

from bpo_analysis.errors import AuthoredError
from bpo_analysis.review.context import open_review
from bpo_analysis.review.notes import checked, notes_of

NOTE = """\
[[note]]
period = "2026-01"
section = "service"
text = "{text}"
author = "M. Keller"
{more}
"""


@pytest.fixture
def review_with(write_dataset):
    def make(text, more="", **options):
        folder = write_dataset()
        (folder / "notes").mkdir(exist_ok=True)
        (folder / "notes" / "n.toml").write_text(NOTE.format(text=text, more=more), encoding="utf-8")
        return open_review(folder, "acme", "2026-01", **options)

    return make


def test_a_right_number_is_linked_to_its_definition(review_with):
    shown = review_with("x").measure("service_level").text
    review = review_with(f"At [{shown}](service_level) again.")
    found = checked(review, notes_of(review)[0])
    assert found.parts == (("At ", ""), (shown, "service_level"), (" again.", ""))


def test_the_author_chooses_the_decimals(review_with):
    value = review_with("x").measure("service_level").value
    review = review_with(f"[{100 * value:.0f} %](service_level) and [{100 * value:.2f}%](service_level)")
    assert len(checked(review, notes_of(review)[0]).parts) == 5


def test_a_number_of_another_time_and_slice_is_checked_too(review_with):
    review = review_with("x")
    day = review.measure("offered", start=review.period.start, end=review.period.start).text
    review = review_with(f"[{day}](offered?period=2026-01-01)")
    assert checked(review, notes_of(review)[0]).parts[1] == (day, "offered")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[12.3 %](service_level)", r"n\.toml, line 1: .*cites 12\.3 % for service_level, but the page computes \d"),
        ("[80 %](servce_level)", "neither a KPI nor a figure printed before this note. Did you mean 'service_level'"),
        ("[80 %](csat)", "cites csat, which cannot be computed: "),
        ("[80 %](service_level?chanel=voice)", "by 'chanel'. Did you mean 'channel'"),
        ("[80 %](service_level?channel=voice)", "of which there is no row for channel voice in January 2026"),
        ("[80 %](service_level?period=May)", "of a period that cannot be read"),
    ],
)
def test_a_wrong_citation_stops_the_report(review_with, text, message):
    review = review_with(text)
    with pytest.raises(AuthoredError, match=message):
        checked(review, notes_of(review)[0])


def test_figures_that_are_no_kpi_can_be_cited_by_their_id(review_with):
    review = review_with("[12 h](risk.uncovered_hours)")
    review.note_figure("risk.uncovered_hours", 12.0, "12 h", unit="hours")
    assert checked(review, notes_of(review)[0]).parts[1] == ("12 h", "")
    review.figures.clear()
    review.note_figure("risk.uncovered_hours", 15.0, "15 h", unit="hours")
    with pytest.raises(AuthoredError, match=r"the page prints 15 h"):
        checked(review, notes_of(review)[0])


def test_notes_of_other_times_partners_and_editions_stay_away(review_with):
    assert notes_of(review_with("x", 'partner = "bolt"')) == []
    assert notes_of(review_with("x", edition="partner")) == []
    assert len(notes_of(review_with("x", "for_partner = true", edition="partner"))) == 1
