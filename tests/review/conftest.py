"""Reviews of the bundled portfolio."""

from __future__ import annotations

import pytest

from bpo_analysis.review.context import open_review


@pytest.fixture
def review_of(portfolio):
    return lambda partner, period="2026-10", **options: open_review(portfolio, partner, period, **options)
