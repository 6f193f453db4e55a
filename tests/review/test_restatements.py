"""Numbers of an earlier report, computed again."""

import csv

import pytest

from bpo_analysis.errors import DatasetError
from bpo_analysis.review.context import open_review
from bpo_analysis.review.restatements import last_values, restatements
from bpo_analysis.sections.closing import ledger_rows
from bpo_analysis.sections.opening import first_screen
from bpo_analysis.sections.restated import restated

VOLUME = """\
    partner_id,interval_start,offered,answered,answered_in_threshold,abandoned
    acme,2026-01-10,100,90,{in_time},10
    acme,2026-02-10,100,90,85,10
"""


def numbers(folder, tmp_path, period="2026-01", *, page=False):
    review = open_review(folder, "acme", period)
    if page:
        first_screen(review)
    for name in ("offered", "service_level", "abandonment_rate"):
        review.measure(name)
    rows = ledger_rows(review)
    file = tmp_path / "january.kpis.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_the_last_report_stands_beside_this_one_with_its_restatement(write_dataset, tmp_path):
    made = tmp_path / "2026-01" / "acme"
    made.mkdir(parents=True)
    before = numbers(write_dataset(volume=VOLUME.format(in_time=80)), made, page=True)
    review = open_review(write_dataset(volume=VOLUME.format(in_time=70)), "acme", "2026-02")
    (level,) = [one for one in last_values(review, before) if one.row.kpi.name == "service_level"]
    assert (level.then, level.today.text, level.row.measure.text) == ("80.0 %", "70.0 %", "85.0 %")
    assert level.change == pytest.approx(0.15)
    html = restated(review, str(before)).html
    assert '<a class="last-report" data-period="2026-01">the report of January 2026</a>' in html
    assert '80.0 % <span class="detail">restated: 70.0 %</span>' in html
    assert "+15.0 pp" in html


def test_numbers_from_elsewhere_have_no_last_report(write_dataset, tmp_path):
    folder = write_dataset(volume=VOLUME.format(in_time=80))
    review = open_review(folder, "acme", "2026-02")
    before = numbers(folder, tmp_path, page=True)
    assert last_values(review, before) == []
    assert "last-report" not in restated(review, str(before)).html


def test_a_restated_month_is_told_with_then_and_now(write_dataset, tmp_path):
    before = numbers(write_dataset(volume=VOLUME.format(in_time=80)), tmp_path)
    review = open_review(write_dataset(volume=VOLUME.format(in_time=70)), "acme", "2026-02")
    found = restatements(review, before)
    assert found.compared == 3
    (one,) = found.changed
    assert (one.kpi.name, one.then, one.now.text) == ("service_level", "80.0 %", "70.0 %")
    html = restated(review, str(before)).html
    assert "1 number of 3 printed in the last report are printed otherwise now" in html
    assert "2026-01-01 to 2026-01-31" in html


def test_an_unchanged_past_is_said_to_be_unchanged(write_dataset, tmp_path):
    folder = write_dataset(volume=VOLUME.format(in_time=80))
    review = open_review(folder, "acme", "2026-02")
    found = restatements(review, numbers(folder, tmp_path))
    assert (found.compared, found.changed, found.unseen) == (3, [], 0)
    assert "are printed as they were" in restated(review, str(tmp_path / "january.kpis.csv")).html


def test_cells_and_sentences_of_the_earlier_page_are_not_compared(write_dataset, tmp_path):
    folder = write_dataset(volume=VOLUME.format(in_time=80))
    before = numbers(folder, tmp_path, page=True)
    kinds = [row["kind"] for row in csv.DictReader(before.read_text(encoding="utf-8").splitlines())]
    assert {"cell", "sentence"} < set(kinds)
    found = restatements(open_review(folder, "acme", "2026-02"), before)
    assert found.compared == kinds.count("kpi")
    assert (found.changed, found.gone) == ([], [])


def test_a_month_that_is_gone_has_no_rows(write_dataset, tmp_path):
    before = numbers(write_dataset(volume=VOLUME.format(in_time=80)), tmp_path)
    lines = VOLUME.format(in_time=80).splitlines()
    gone = "\n".join([lines[0], lines[2], ""])
    found = restatements(open_review(write_dataset(volume=gone), "acme", "2026-02"), before)
    assert {one.now for one in found.changed} == {None}


def test_a_change_below_what_is_printed_is_counted(write_dataset, tmp_path):
    big = VOLUME.replace("100,90,{in_time},10", "1000000,900000,{in_time},100000")
    before = numbers(write_dataset(volume=big.format(in_time=800000)), tmp_path)
    review = open_review(write_dataset(volume=big.format(in_time=800001)), "acme", "2026-02")
    found = restatements(review, before)
    assert (found.changed, found.unseen) == ([], 1)


def test_without_an_earlier_report_the_page_says_so(write_dataset):
    review = open_review(write_dataset(volume=VOLUME.format(in_time=80)), "acme", "2026-02")
    assert "no earlier report of this partner" in restated(review).html


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: .*No such file.*or leave the parameter previous empty"),
        ("a,b\n1,2\n", "is not the .kpis.csv of a report: it has no column kpi, from, to"),
        (
            "partner_id,kpi,from,to,slice,numerator,denominator,value,shown\nbolt,offered,2026-01-01,2026-01-31,,1,,1,1\n",
            "holds numbers of bolt, not of acme",
        ),
    ],
)
def test_a_wrong_file_is_refused(write_dataset, tmp_path, content, message):
    review = open_review(write_dataset(volume=VOLUME.format(in_time=80)), "acme", "2026-02")
    file = tmp_path / "x.kpis.csv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        restatements(review, file)
