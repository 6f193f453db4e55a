"""Green outside, red inside: found where it is planted, quiet where it is not."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from bpo_analysis.review.context import open_review
from bpo_analysis.review.watermelon import watermelon

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"


def test_the_planted_watermelon_is_found_in_words_and_with_interval(review_of):
    found = watermelon(review_of("baobab"))
    assert found.green
    assert found.found
    (one,) = found.worsening
    assert one.kpi == "csat"
    assert one.text.startswith("−13")
    assert " pp) against January to June 2026" in one.text
    assert (
        found.text
        == "Green outside, red inside: all 3 service targets are met, while CSAT (top two boxes) clearly worsens"
    )


def test_a_contract_that_is_missed_hides_nothing(review_of):
    found = watermelon(review_of("northline"))
    assert {clause.row.kpi.name for clause in found.missed} == {"service_level", "abandonment_rate"}
    assert not found.green
    assert not found.found
    assert found.text == ""


@pytest.mark.parametrize("partner", ["solheim", "fernway", "kestrel"])
def test_green_and_well_is_no_watermelon(review_of, partner):
    found = watermelon(review_of(partner))
    assert found.green
    assert not found.worsening


def test_without_outcomes_there_is_nothing_to_look_at(nhs111):
    found = watermelon(open_review(nhs111, "Thames Valley", "2026-03"))
    assert found.looked_at == ()
    assert not found.found


@pytest.mark.slow
def test_the_clean_twin_is_quiet(tmp_path):
    spec = importlib.util.spec_from_file_location("make_portfolio", SAMPLE / "make_portfolio.py")
    script = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.write(script.build(plants=frozenset()), tmp_path)
    shutil.copy(SAMPLE / "portfolio" / "dataset.toml", tmp_path)
    names = [partner.id for partner in script.PARTNERS]
    assert [name for name in names if watermelon(open_review(tmp_path, name, "2026-10")).found] == []
