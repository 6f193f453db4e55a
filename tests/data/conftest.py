from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from bpo_analysis.data import Problem, open_dataset


@pytest.fixture
def problems() -> Callable[..., list[Problem]]:
    """All problems of a folder, or those with these fields: ``problems(folder, table="volume", severity="error")``."""

    def found(folder: Path, **fields: object) -> list[Problem]:
        return [
            problem
            for problem in open_dataset(folder).check().found
            if all(getattr(problem, name) == value for name, value in fields.items())
        ]

    return found


@pytest.fixture
def sums() -> Callable[..., tuple[float, float]]:
    """Numerator and denominator of one KPI over everything, or over one partner: ``sums(folder, "csat")``."""

    def total(folder: Path, kpi: str, **where: str) -> tuple[float, float]:
        rows = open_dataset(folder).kpi_rows(kpi=kpi)
        for column, value in where.items():
            rows = rows[rows[column] == pd.Timestamp(value)] if column == "date" else rows[rows[column] == value]
        return float(rows["numerator"].sum()), float(rows["denominator"].sum())

    return total
