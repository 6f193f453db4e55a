"""What a run leaves for machines: the record and the numbers, as files that other tools can read safely."""

from __future__ import annotations

import datetime as dt
import functools
import importlib.metadata
import json
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import bpo_analysis
from bpo_analysis.reports.plan import ReportSpec

__all__ = ["RECORD", "read_record", "record_json", "start_record", "versions"]

RECORD: Final = ".run.json"
"""Ending of the file that vouches for the others of a report."""
_RECORDED_PACKAGES: Final = (
    "papermill", "nbconvert", "ipython", "numpy", "pandas", "scipy", "matplotlib", "duckdb", "ibis-framework",
)  # fmt: skip


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions a number depends on.

    Returns
    -------
    dict of str to str
        Python, this package, and what computes and draws.
    """
    found = {"python": platform.python_version(), "bpo_analysis": bpo_analysis.__version__}
    for name in _RECORDED_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def start_record(spec: ReportSpec, *, status: str, seconds: float) -> dict[str, Any]:
    """Return the part of a run record that needs no notebook.

    Parameters
    ----------
    spec : ReportSpec
        The report.
    status : {"ok", "failed"}
        How it ended.
    seconds : float
        How long it took; it ended now.

    Returns
    -------
    dict
        All keys of a record; ``data``, ``rows`` and ``headline`` are filled from the notebook later.
    """
    started = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)
    return {
        "status": status,
        "template": spec.name,
        "partner_id": spec.partner_id,
        "partner": spec.partner_name,
        "slug": spec.slug,
        "period": spec.period,
        "parameters": spec.parameters,
        "versions": versions(),
        "data": {"path": spec.parameters.get("data", "")},
        "rows": [],
        "times": {"started": started.isoformat(timespec="seconds"), "seconds": round(seconds, 3)},
        "headline": {},
    }


def record_json(record: Mapping[str, Any]) -> str:
    """Return a run record as strict JSON.

    Parameters
    ----------
    record : mapping
        Plain values; numbers that are not finite become null.

    Returns
    -------
    str
        JSON text.
    """
    return json.dumps(_finite(record), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a run record.

    Parameters
    ----------
    path : Path
        A ``.run.json`` file.

    Returns
    -------
    dict or None
        None if the file is missing or is not a record.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "status" in found else None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
