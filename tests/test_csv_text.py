"""Rows as CSV: what a spreadsheet would run."""

from bpo_analysis.csv_text import csv_text


def test_only_text_that_a_spreadsheet_would_run_is_changed():
    rows = [{"a": text} for text in ("=1", "+1", "-1", "@x", "\t=1", "1-2", "")] + [{"a": -1.5}, {"a": None}]
    assert csv_text(rows).splitlines() == ["a", "'=1", "'+1", "'-1", "'@x", "'\t=1", "1-2", '""', "-1.5", '""']
    assert csv_text([{"=a": 'x "y", z'}]) == '\'=a\n"x ""y"", z"\n'
