"""What the index says of all partners together: sums pooled by hand, changes with the period before, decisions."""

import json
import re

import pytest

from bpo_analysis.reports.portal import write_index

BAD = '"><img src=x onerror=alert(1)>'


def _kpi(name="csat", sums=(80.0, 100.0), last=(70.0, 100.0), **changes):
    value = sums[0] / sums[1]
    return {
        "kpi": name, "label": name.upper(), "unit": "share", "pooling": "ratio", "scale": 1.0, "base": "answers",
        "currency": "", "actual": value, "actual_text": f"{value * 100:.1f} %", "sums": list(sums),
        "last_sums": list(last), "last_text": f"{last[0] / last[1] * 100:.1f} %", "since_text": "+1.0 pp",
        "target_text": "≥ 78.0 %", "contract": "met", "evidence": "cannot tell", "good": None, "scope": "",
    } | changes  # fmt: skip


def _write(out, period, slug, *, kpis, template="review", **headline):
    place = out / period / slug
    place.mkdir(parents=True, exist_ok=True)
    said = {"partner": slug.title(), "kpis": kpis, "last_period": "2026-02", "is_covered": True} | headline
    record = {"status": "ok", "template": template, "partner": slug, "headline": said}
    (place / f"{template}.run.json").write_text(json.dumps(record), encoding="utf-8")


def _index(out, period="2026-03"):
    return write_index(out / period, title="The client").read_text(encoding="utf-8")


def _all_row(page):
    return page[page.index('<tr class="all"') : page.index("</thead>")]


def _section(page, name):
    start = page.index(f'<section id="{name}"')
    return page[start : page.index("</section>", start)]


def _table_rows(section):
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr data-partner.*?</tr>", section, flags=re.DOTALL)
    ]


def test_a_total_is_the_sum_over_the_sum_and_no_mean_of_rates(tmp_path):
    # 900 of 1,000 and 10 of 20: 910 of 1,020 is 89.2 %; the mean of the two rates would be 70.0 %.
    _write(tmp_path, "2026-03", "large", kpis=[_kpi(sums=(900.0, 1000.0), last=(800.0, 1000.0))])
    _write(tmp_path, "2026-03", "small", kpis=[_kpi(sums=(10.0, 20.0), last=(20.0, 20.0))])
    row = _all_row(_index(tmp_path))
    assert '<span class="value">89.2 %</span> <small>+8.8 pp</small>' in row  # from 820 of 1,020: 80.4 %
    assert "1,020 answers" in row


def test_outside_partners_and_the_own_team_are_told_apart(tmp_path):
    _write(tmp_path, "2026-03", "a", kpis=[_kpi(sums=(60.0, 100.0))])
    _write(tmp_path, "2026-03", "b", kpis=[_kpi(sums=(80.0, 100.0))])
    _write(tmp_path, "2026-03", "own", kpis=[_kpi(sums=(90.0, 100.0))], kind="in-house")
    assert "outside 70.0 %, own 90.0 %" in _all_row(_index(tmp_path))


def test_a_change_counts_only_partners_that_were_there_before(tmp_path):
    _write(tmp_path, "2026-03", "a", kpis=[_kpi(sums=(80.0, 100.0), last=(70.0, 100.0))])
    _write(tmp_path, "2026-03", "b", kpis=[_kpi(sums=(0.0, 100.0)) | {"last_sums": None}])
    _write(tmp_path, "2026-03", "c", kpis=[_kpi(sums=(80.0, 100.0), last=(70.0, 100.0))])
    assert "+10.0 pp (2 partners)" in _all_row(_index(tmp_path))


def test_totals_are_added_and_levels_are_not_averaged(tmp_path):
    contacts = {"unit": "count", "pooling": "total", "base": ""}
    for slug, count in (("a", 100.0), ("b", 23.0)):
        calls = _kpi("calls", sums=(count, 1.0)) | contacts | {"sums": [count, None]}
        _write(tmp_path, "2026-03", slug, kpis=[calls, _kpi("backlog", unit="count")])
    row = _all_row(_index(tmp_path))
    assert '<span class="value">123</span>' in row
    assert row.count('<span class="muted">–</span>') == 1


def test_contacts_are_added_up_and_gaps_are_said(tmp_path):
    _write(tmp_path, "2026-03", "a", kpis=[_kpi()], contacts={"offered": 1200.0, "handled": 1100.0})
    _write(tmp_path, "2026-03", "b", kpis=[_kpi()], contacts={"offered": 34.0, "handled": 30.0})
    _write(tmp_path, "2026-03", "c", kpis=[_kpi()], contacts={})
    assert "Contacts: 1,234 offered, 1,130 handled (2 of 3 partners)" in _all_row(_index(tmp_path))


@pytest.mark.parametrize(
    "odd", [{"sums": None}, {"sums": ["x", 1]}, {"sums": [1.0]}, {"unit": "furlongs"}, {"sums": [1.0, 0.0]}]
)
def test_odd_sums_make_no_total(tmp_path, odd):
    for slug in ("a", "b"):
        _write(tmp_path, "2026-03", slug, kpis=[_kpi() | odd])
    page = _index(tmp_path)
    assert '<tr class="all"' not in page or '<span class="value">–</span>' in _all_row(page)


def test_changes_compare_with_what_was_printed_and_mark_what_was_restated(tmp_path):
    agreed = {"csat": _kpi(), "fcr": _kpi("fcr"), "same": _kpi("same"), "aht": _kpi("aht"), "old": _kpi("old")}
    before = {
        "csat": {"contract": "missed", "actual_text": "70.0 %"},
        "fcr": {"contract": "met", "actual_text": "71.5 %"},
        "same": {"actual_text": "70.0 %"},
        "aht": {"actual_text": "69.0 %"},
        "old": {"actual_text": "70.0 %", "target_text": "≥ 70.0 %"},
    }
    now = {"fcr": {"contract": "missed", "clearly_missed": True, "evidence": "clearly below", "good": False}}
    _write(tmp_path, "2026-02", "a", kpis=[], agreed=[agreed[name] | before[name] for name in agreed])
    _write(tmp_path, "2026-03", "a", kpis=[], agreed=[agreed[name] | now.get(name, {}) for name in agreed])
    page = _index(tmp_path)
    rows = {row[1].split()[0]: row for row in _table_rows(_section(page, "changes"))}
    assert list(rows) == ["FCR", "CSAT", "OLD", "AHT"]
    assert rows["FCR"][2:6] == ["✕ missed", "71.5\xa0%restated: 70.0 %", "80.0\xa0%", "+1.0 pp"]
    assert rows["CSAT"][2:4] == ["✓ met again", "70.0\xa0%"]
    assert "was ≥\xa070.0\xa0%" in rows["OLD"][1]
    assert rows["AHT"][3] == "69.0\xa0%restated: 70.0 %"
    counts = page[page.index('<p class="counts">') :].partition("</p>")[0]
    assert re.findall(r"<span[^>]*>(.*?)</span>", counts) == [
        "1 now missed beyond doubt", "1 met again", "1 target changed", "2 restated",
    ]  # fmt: skip


def test_without_an_earlier_period_nothing_is_compared(tmp_path):
    _write(tmp_path, "2026-03", "a", kpis=[_kpi()])
    page = _index(tmp_path)
    assert "There is no report of an earlier period beside this one." in page
    assert 'id="changes"' not in page


def test_a_gap_between_the_periods_marks_nothing_as_restated(tmp_path):
    _write(tmp_path, "2026-01", "a", kpis=[], agreed=[_kpi() | {"actual_text": "50.0 %"}])
    _write(tmp_path, "2026-03", "a", kpis=[], agreed=[_kpi() | {"contract": "missed"}])
    changes = _section(_index(tmp_path), "changes")
    assert "Changed since January 2026" in changes
    assert "restated:" not in changes
    assert "+1.0 pp" not in changes  # that is since February


def test_only_a_period_of_the_same_kind_comes_before(tmp_path):
    _write(tmp_path, "2026-Q1", "a", kpis=[], agreed=[_kpi() | {"contract": "missed"}])
    _write(tmp_path, "2026-04", "a", kpis=[], agreed=[_kpi()])
    assert 'id="changes"' not in _index(tmp_path, "2026-04")


def test_a_partner_that_has_no_report_any_more_is_named(tmp_path):
    _write(tmp_path, "2026-02", "gone", kpis=[_kpi()])
    _write(tmp_path, "2026-03", "a", kpis=[_kpi()])
    assert "Reported for February 2026, not made for March 2026: Gone." in _section(_index(tmp_path), "failures")


def test_decisions_still_to_be_made_in_time_come_first_then_late_ones(tmp_path):
    review = {"text": "Ask why.", "owner": "Bee", "due": "next review", "due_on": "", "anchor": "actions"}
    notice = {"text": "Renew?", "owner": "client", "due": "by 2026-05-01", "due_on": "2026-05-01", "anchor": "risk"}
    late = {"text": "Drop it?", "owner": "Ann", "due": "was due 2026-02-01", "due_on": "2026-02-01", "kpis": ["csat"]}
    late["is_late"] = True
    _write(tmp_path, "2026-03", "a", kpis=[_kpi()], asks=[review, notice])
    _write(tmp_path, "2026-03", "b", kpis=[_kpi()], asks=[late])
    decisions = _section(_index(tmp_path), "decisions")
    assert [row[2:] for row in _table_rows(decisions)] == [
        ["client", "by 2026-05-01"], ["Ann", "was due 2026-02-01"], ["Bee", "next review"],
    ]  # fmt: skip
    assert 'data-partner="b" data-kpis="csat"' in decisions
    assert 'href="a/review.html#risk"' in decisions


def test_warnings_come_before_what_is_only_to_be_known(tmp_path):
    _write(tmp_path, "2026-03", "a", kpis=[_kpi()], flags=["1 open"])
    _write(tmp_path, "2026-03", "b", kpis=[_kpi()], flags=["2 open", "Can leave"], warnings=["Can leave"])
    rows = _table_rows(_section(_index(tmp_path), "flags"))
    assert [row[1] for row in rows] == ["Can leave", "1 open", "2 open"]


def test_partners_in_trouble_come_first(tmp_path):
    counts = {"met": 5, "missed": 0, "not measurable": 0, "clearly_missed": 0}
    _write(tmp_path, "2026-03", "a", kpis=[_kpi()], clauses=counts)
    _write(tmp_path, "2026-03", "b", kpis=[_kpi()], clauses=counts | {"missed": 3})
    _write(tmp_path, "2026-03", "c", kpis=[_kpi()], clauses=counts | {"missed": 1, "clearly_missed": 1})
    page = _index(tmp_path)
    assert re.findall(r'<tr data-states="[^"]*" data-partner="(\w)"', page) == ["c", "b", "a"]
    assert "1 of 6 missed</span> <small>1 beyond doubt</small>" in page


def test_hostile_text_is_text_in_every_list(tmp_path):
    ask = dict.fromkeys(("text", "owner", "due", "due_on", "anchor"), BAD) | {"kpis": [BAD]}
    for period, text in (("2026-02", "1"), ("2026-03", BAD)):
        kpi = _kpi(BAD, label=BAD, actual_text=text, last_text=BAD, target_text=text, contract=text, scope=BAD)
        said = {"asks": [ask, "odd"], "flags": [BAD], "agreed": [kpi], "coverage": BAD, "is_covered": False}
        _write(tmp_path, period, "a", kpis=[kpi], **said)
    assert "<img" not in _index(tmp_path)


def test_a_hundred_partners_with_everything_stay_under_a_megabyte(tmp_path):
    ask = {"text": "Ask what is behind it: " + "a miss, though not beyond doubt, " * 4, "owner": "Ann", "due": "soon"}
    for period, state in (("2026-02", "met"), ("2026-03", "missed")):
        for i in range(100):
            kpis = [_kpi(f"k{j}", contract=state, spark=[0.1 * j, 0.53] * 6 + [0.71]) for j in range(6)]
            said = {"asks": [ask] * 3, "flags": ["A risk in some words, with its number 12"] * 2, "agreed": kpis * 2}
            _write(tmp_path, period, f"p{i}", kpis=kpis, verdict="Missed some of it. " * 12, **said)
    page = _index(tmp_path)
    assert page.count("<tr data-partner") > 800
    assert "800 more, less pressing than these, are on the pages of the partners." in page
    assert len(page.encode()) < 1_000_000
