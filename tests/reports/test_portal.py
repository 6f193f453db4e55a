import json
import re
from pathlib import Path

import pytest

from bpo_analysis.reports.execute import ReportRun
from bpo_analysis.reports.portal import write_index

BAD = '"><img src=x onerror=alert(1)>'


def _kpi(name, **changes):
    return {
        "kpi": name, "label": name.upper(), "unit": "share", "actual": 0.78, "actual_text": "78.0 %",
        "target_text": "≥ 95.0 %", "contract": "missed", "evidence": "clearly below", "good": False,
        "change_text": "-1.2 points", "change_good": False, "spark": [0.8, None, 0.78], "target": 0.95,
    } | changes  # fmt: skip


def _report(folder, slug, *, template="review", status="ok", page=True, **headline):
    place = folder / slug
    place.mkdir(parents=True, exist_ok=True)
    record = {"status": status, "template": template, "partner": headline.get("partner", slug), "headline": headline}
    if status == "failed":
        record |= {
            "error": "no rows",
            "exception": "ValueError",
            "cell": 4,
            "notebook": f"{template}.failed.ipynb",
            "headline": {},
        }
    (place / f"{template}.run.json").write_text(json.dumps(record), encoding="utf-8")
    if page:
        (place / f"{template}.html").write_text("page")


def _run(folder, slug, *, status="ok", **changes):
    given = {"template": "review", "partner_id": slug, "partner_name": slug.upper(), "slug": slug, "period": "2026-03"}
    return ReportRun(**given, status=status, seconds=1.0, folder=folder / slug, **changes)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "2026-03"


def _read(folder, runs=()):
    path = write_index(folder, runs, title="The client", data="nhs111, fingerprint f00")
    assert path == folder / "index.html"
    return path.read_text(encoding="utf-8")


def _rows(page):
    table = page[page.index('id="portfolio"') :]
    return re.findall(r"<tr data-states.*?</tr>", table[: table.index("</table>")], flags=re.DOTALL)


def test_every_partner_has_a_row_with_marks_spark_and_link(folder):
    _report(folder, "a", partner="Alpha", kind="partner", verdict="Missed 1 of 1.", kpis=[_kpi("sl")])
    _report(folder, "b", partner="beta", kpis=[_kpi("sl", contract="met", evidence="cannot tell", good=None)])
    page = _read(folder)
    rows = _rows(page)
    assert ["Alpha" in rows[0], "beta" in rows[1]] == [True, True]
    for part in (
        "78.0 %",
        "≥ 95.0 %",
        "✕",
        "missed",
        "▼",
        "clearly below",
        "-1.2 points",
        '<svg class="spark"',
        "Missed 1 of 1.",
    ):
        assert part in rows[0]
    assert '<a href="a/review.html" aria-label="Review of Alpha"><b>Alpha</b></a>' in rows[0]
    assert (
        "2 partners: 1 met every target that could be judged, 1 missed at least one; 1 misses a target beyond doubt."
        in page
    )
    assert "The client" in page
    assert "nhs111, fingerprint f00" in page


def test_the_verdict_stands_under_the_name_and_not_in_a_column(folder):
    _report(folder, "a", partner="Alpha", verdict="Missed 1 of 1.", kpis=[_kpi("sl")])
    (row,) = _rows(_read(folder))
    header = row[: row.index("</th>")]
    assert 'abbr="Alpha" data-sort="Alpha"' in header
    assert "Missed 1 of 1." in header
    assert row.count("<td") == 1


def test_the_change_says_its_meaning_in_a_word_where_it_has_one(folder):
    _report(folder, "a", kpis=[_kpi("sl", change_word="worse")])
    _report(folder, "b", kpis=[_kpi("sl")])
    worse, silent = _rows(_read(folder))
    assert '<span class="delta bad">-1.2 points</span> <small>worse</small></div>' in worse
    assert '<span class="delta bad">-1.2 points</span></div>' in silent


def test_a_spark_names_its_months(folder):
    _report(folder, "a", kpis=[_kpi("sl"), _kpi("aht", spark=[0.7, 0.8])])
    (row,) = _rows(_read(folder))
    assert 'aria-label="2 of 3 months known, now 78.0 %"' in row
    assert 'aria-label="2 months, now 78.0 %"' in row


def test_a_proposed_target_is_no_clause(folder):
    _report(folder, "a", kpis=[_kpi("sl", contract="not agreed")])
    page = _read(folder)
    assert "proposed ≥ 95.0 %" in _rows(page)[0]
    assert 'data-states=""' in _rows(page)[0]
    assert "0 missed at least one, 1 has none that could be judged." in page


def _clauses(met, missed, unmeasured=0, clearly=0):
    return {"met": met, "missed": missed, "not measurable": unmeasured, "clearly_missed": clearly}


@pytest.mark.parametrize(
    ("clauses", "states"),
    [
        (_clauses(6, 0), "met"),
        (_clauses(6, 0, 1), "met unmeasured"),
        (_clauses(6, 1, 1, 1), "missed unmeasured worse"),
        (_clauses(0, 0, 2), "unmeasured"),
        ({"met": "6", "missed": None}, ""),
        (None, "missed worse"),
    ],
)
def test_all_clauses_decide_the_states_and_not_the_headline_kpis(folder, clauses, states):
    _report(folder, "a", clauses=clauses, kpis=[_kpi("sl")])
    assert f'data-states="{states}"' in _rows(_read(folder))[0]


def test_the_summary_counts_partners_by_their_clauses(folder):
    for slug, clauses in {"a": _clauses(6, 0, 1), "b": _clauses(5, 1), "c": _clauses(4, 2, 0, 2)}.items():
        _report(folder, slug, clauses=clauses, kpis=[_kpi("sl", contract="met", evidence="cannot tell", good=None)])
    page = _read(folder)
    assert (
        "3 partners: 1 met every target that could be judged, 2 missed at least one; "
        "1 misses a target beyond doubt, 1 has targets that are not measurable." in page
    )
    assert '<option value="unmeasured">a target not measurable (1)</option>' in page
    assert "counted over all agreed ones" in page


def test_partners_may_have_different_kpis(folder):
    _report(folder, "a", kpis=[_kpi("sl")])
    _report(folder, "b", kpis=[_kpi("csat"), _kpi("aht"), _kpi("sl")])
    page = _read(folder)
    assert re.findall(r'<th scope="col" role="columnheader" data-kpi="\w+">([A-Z]+)</th>', page) == [
        "CSAT",
        "AHT",
        "SL",
    ]
    assert [row.count("<td") for row in _rows(page)] == [3, 3]
    a = next(row for row in _rows(page) if 'data-partner="a"' in row)
    assert re.findall(r'data-label="(\w+)" data-sort=""', a) == ["CSAT", "AHT"]


def test_a_run_for_one_partner_keeps_the_others(folder):
    _report(folder, "a", kpis=[_kpi("sl")])
    _report(folder, "b", kpis=[_kpi("sl")])
    assert len(_rows(_read(folder, [_run(folder, "b")]))) == 2


def test_failures_are_shown_as_failures(folder):
    _report(folder, "a", kpis=[_kpi("sl")])
    _report(folder, "b", status="failed", page=False)
    page = _read(folder)
    failures = page[page.index('<section id="failures"') :]
    for part in ("cell In [4], ValueError", "no rows", 'href="b/review.failed.ipynb"'):
        assert part in failures
    assert '<a href="#failures">1 report failed.</a>' in page
    assert 'data-states="failed"' in _rows(page)[1]
    assert "Report failed: Review." in _rows(page)[1]


def test_an_older_page_of_a_failed_report_is_named_as_older(folder):
    _report(folder, "b", status="failed", page=True)
    page = _read(folder)
    assert '<a href="b/review.html">Older page</a>' in page
    assert "review.html" not in _rows(page)[0]


def test_a_failure_that_left_no_record_still_shows(folder):
    # The disk was full: the record on disk is still that of the last good run.
    _report(folder, "a", partner="Alpha", kpis=[_kpi("sl")])
    page = _read(folder, [_run(folder, "a", status="failed", error="No space left on device", exception="OSError")])
    assert "No space left on device" in page
    assert 'data-states="failed"' in _rows(page)[0]


def test_hostile_text_is_text(folder):
    kpi = _kpi(
        BAD,
        label=BAD,
        actual_text=BAD,
        target_text=BAD,
        contract=BAD,
        evidence=BAD,
        change_text=BAD,
        change_word=BAD,
        interval_text=BAD,
    )
    _report(folder, "a", partner=BAD, kind=BAD, verdict=BAD, data_confidence=BAD, period_label=BAD, kpis=[kpi])
    run = _run(folder, "b", status="failed", error=BAD, exception=BAD, notebook=Path(BAD))
    path = write_index(folder, [run], title=BAD, data=BAD)
    assert "<img" not in path.read_text(encoding="utf-8")


def test_what_is_missing_or_odd_in_a_headline_is_no_trouble(folder):
    _report(folder, "a", kpis=[{"kpi": "sl"}, {"kpi": "x", "actual": None, "spark": []}, "nonsense", {}])
    _report(folder, "b", kpis=None)
    (folder / "c").mkdir()
    (folder / "c" / "review.run.json").write_text("{not json")
    assert len(_rows(_read(folder))) == 2


def test_folder_names_of_other_scripts_are_quoted_in_links(folder):
    _report(folder, "北京 %", kpis=[_kpi("sl")])
    assert 'href="%E5%8C%97%E4%BA%AC%20%25/review.html"' in _read(folder)


def test_two_reports_of_a_partner_share_a_row(folder):
    _report(folder, "a", partner="Alpha", kpis=[_kpi("sl")])
    _report(folder, "a", template="ramp", partner="Alpha")
    (row,) = _rows(_read(folder))
    assert "a/ramp.html" in row
    assert "a/review.html" in row


def test_a_hundred_partners_stay_under_a_megabyte_and_ask_for_nothing(folder):
    for i in range(100):
        _report(folder, f"p{i}", kpis=[_kpi(f"k{j}", spark=[0.1 * j, 0.5] * 6 + [0.7]) for j in range(8)])
    page = _read(folder)
    assert len(page.encode()) < 1_000_000
    assert not re.search(r'(?:src|href)="(?!p\d|#|data:,)', page)


def _pilot_report(folder, slug, stage, *, decision="", pilot="replies", **changes):
    about = {"id": pilot, "title": "Suggested replies", "stage": stage, "said": f"said by the {stage}."}
    _report(
        folder, slug, template=f"pilot_{stage}-{pilot}", partner="Alpha", kpis=[],
        verdict="Pilot", pilot=about | {"decision": decision}, **changes,
    )  # fmt: skip


def test_an_index_of_pilots_alone_speaks_of_pilots(folder):
    for stage, decision in (("plan", ""), ("evaluation", "change")):
        _pilot_report(folder, "a", stage, decision=decision)
    page = _read(folder)
    assert "Pilots, with the data of March 2026" in page
    assert "1 pilot; by its rule: change." in page
    assert not re.search("target|Headline|Partner reviews", page.partition("<body")[2].partition("<script")[0])
    row = page[page.index('class="pilots stack"') :]
    assert "Suggested replies <small>Alpha</small>" in row
    assert 'said by the plan. <a href="a/pilot_plan-replies.html" aria-label="Plan of Suggested replies">' in row
    assert '<td role="cell" data-label="Monitor"><span class="muted">–</span></td>' in row


def test_pilots_beside_reviews_have_a_table_of_their_own(folder):
    _report(folder, "a", partner="Alpha", verdict="Missed 1 of 1.", kpis=[_kpi("sl")])
    _pilot_report(folder, "a", "evaluation")
    _pilot_report(folder, "b", "evaluation", pilot="other", decision="expand")
    page = _read(folder)
    assert "Partner reviews and pilots for March 2026" in page
    assert "2 pilots; by their rules: expand 1; 1 not due for a decision yet." in page
    assert len(_rows(page)) == 1
    assert "pilot_evaluation" not in _rows(page)[0]


def test_a_failed_report_about_a_pilot_is_listed_and_counts_no_partner(folder):
    _report(folder, "a", template="pilot_plan-replies", status="failed", partner="Alpha")
    file = folder / "a" / "pilot_plan-replies.run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"parameters": {"pilot": "replies"}}))
    page = _read(folder)
    assert '1 pilot. <a href="#failures">1 report failed.</a>' in page
    assert "no rows" in page
