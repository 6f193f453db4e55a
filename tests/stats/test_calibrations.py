"""Calibrations kept in a folder: found once, read by the next process, never another answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from bpo_analysis.stats import calibrations, find_changes
from bpo_analysis.stats.calibrations import calibration, keep_in


@pytest.fixture(autouse=True)
def _no_folder_afterwards():
    yield
    calibrations._folder.clear()


@dataclass(frozen=True)
class _Fit:
    limits: np.ndarray
    error: float


def _counted(result, answer):
    calls = []

    def found(key):
        calls.append(key)
        return answer

    return calibration(result), found, calls


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (np.ndarray, np.array([[1.5, 2.0], [0.1 + 0.2, np.inf]])),
        (tuple, (np.arange(3), np.array([0.25]))),
        (_Fit, _Fit(np.array([1.0, 2.0]), 0.1)),
    ],
)
def test_the_next_process_reads_the_very_same_answer(tmp_path, result, answer):
    keep_in(tmp_path)
    decorate, found, calls = _counted(result, answer)
    first = decorate(found)
    first(("design", 12))
    first(("design", 12))
    assert calls == [("design", 12)]
    again = decorate(found)(("design", 12))  # with a memory of its own
    assert calls == [("design", 12)], "read from the folder"
    for one, other in zip(calibrations._packed(answer), calibrations._packed(again), strict=True):
        np.testing.assert_array_equal(one, other)
    decorate(found)(("design", 13))
    assert len(calls) == 2, "another design is another question"


def test_a_damaged_file_or_a_folder_that_cannot_be_written_is_found_anew(tmp_path):
    keep_in(tmp_path)
    decorate, found, calls = _counted(np.ndarray, np.arange(4.0))
    decorate(found)(1)
    (file,) = tmp_path.glob("*/*.npz")
    file.write_bytes(file.read_bytes()[:40])
    np.testing.assert_array_equal(decorate(found)(1), np.arange(4.0))
    assert len(calls) == 2
    (tmp_path / "a file").write_text("")
    keep_in(tmp_path / "a file")
    np.testing.assert_array_equal(decorate(found)(1), np.arange(4.0))
    assert len(calls) == 3


def test_changes_found_with_kept_calibrations_are_those_found_without(tmp_path):
    series = np.r_[np.random.default_rng(5).normal(0, 1, 17), np.random.default_rng(6).normal(2, 1, 14)]
    plain = find_changes(series)
    keep_in(tmp_path)
    from bpo_analysis.stats import autoregression, change_search

    remembering = [
        module.__dict__[name]
        for module, names in (
            (autoregression, ["_simulated_stretches"]),
            (change_search, ["_null_table", "_stretches", "_reach"]),
        )
        for name in names
    ]
    for function in remembering:
        function.forget()
    kept = find_changes(series)
    assert list(tmp_path.glob("*/*.npz"))
    for function in remembering:
        function.forget()
    read = find_changes(series)
    assert plain.summary() == kept.summary() == read.summary()
    assert plain.pvalue == kept.pvalue == read.pvalue
