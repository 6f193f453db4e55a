"""Targets that are due later: on their way or not, and where their course leads."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_axis, format_interval, format_value, plural
from bpo_analysis.kpis import Kpi
from bpo_analysis.page import Column
from bpo_analysis.plotting import PathEnd, plot_glide_path, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.scorecard import target_text
from bpo_analysis.review.targets import GlidePath, Target, glide_paths
from bpo_analysis.review.targets.history import places_of, where_of

__all__ = ["glide_path_block", "period_labels", "target_slug"]


def glide_path_block(review: Review) -> Markup:
    """Glide paths of targets that are due later; nothing where there are none."""
    found = glide_paths(review)
    if not found:
        return Markup("")
    return Markup("<h3>On their way</h3>") + Markup("").join(_path(review, path) for path in found)


def _path(review: Review, path: GlidePath) -> Markup:
    kpi, unit, where = path.kpi, path.kpi.unit, places_of(path.target)
    planned = review.note_figure(
        "targets.planned",
        path.planned,
        format_value(path.planned, unit, currency=review.currency),
        unit=unit,
        where=where,
    )
    start = format_value(path.baseline, unit, currency=review.currency)
    words = {
        "ahead of the path": "the whole interval is better than the path",
        "behind the path": "the whole interval is worse than the path",
        "cannot tell": "the interval holds the path, so which side it is on cannot be told",
    }
    when = review.period.when
    interval = f" ({path.measure.interval_text})" if path.measure.interval_text else ""
    text = (
        f"{kpi.label}: from {start} ({path.baseline_from}) to {target_text(path.target, kpi, review.currency)}. "
        f"{when[0].upper()}{when[1:]} the path is at {planned}; measured {path.measure.text}{interval}: "
        f"{words[path.state]}."
    )
    return Markup("<p>{} {}</p>{}").format(text, _outlook(review, path), _path_figure(review, path))


def _outlook(review: Review, path: GlidePath) -> str:
    unit, found = path.kpi.unit, path.projection
    if found is None:
        return f"Where it leads cannot be told: {path.shortage}."
    low, high = _inside(found.ci_low, path.kpi), _inside(found.ci_high, path.kpi)
    estimate = review.note_figure(
        "targets.projected", found.estimate, format_value(found.estimate, unit, currency=review.currency), unit=unit,
        ci_low=low, ci_high=high, end=path.due, where=places_of(path.target),
    )  # fmt: skip
    said = {
        "will be met": "which meets the target",
        "will be missed": "which misses the target",
        "cannot tell": "so whether the target will be met cannot be told",
    }[path.reach]
    span = plural(found.n, path.history.unit)
    note = (
        " Neighbouring values resemble each other so much that drift cannot be told from a course."
        if found.note
        else ""
    )
    return (
        f"If the course of the last {span} goes on, it is {estimate} "
        f"({format_interval(low, high, unit, currency=review.currency)}) at the due date, {said}.{note}"
    )


def _inside(value: float, kpi: Kpi) -> float:
    lower = float("-inf") if kpi.lower is None else kpi.lower
    upper = float("inf") if kpi.upper is None else kpi.upper
    return min(max(value, lower), upper)


def _path_figure(review: Review, path: GlidePath) -> Markup:
    series, unit, kpi = path.history.series, path.history.unit, path.kpi
    review.series(kpi.name, unit, len(series), where_of(path.target))
    per_period = 7 if unit == "week" else 365.25 / 12
    first = series["start"].iloc[0].date() if hasattr(series["start"].iloc[0], "date") else series["start"].iloc[0]
    due = (path.due - first).days / per_period
    begin = (path.start - first).days / per_period
    found = path.projection
    end = PathEnd(
        position=due, target=path.target.value, estimate=found.estimate if found else None,
        low=_inside(found.ci_low, kpi) if found else None, high=_inside(found.ci_high, kpi) if found else None,
    )  # fmt: skip
    labels = period_labels(series, unit)
    ahead = [first + timedelta(days=per_period * place) for place in range(len(labels), int(due) + 1)]
    labels += [f"{day:%Y-%m}" if unit == "month" else f"{day.day} {day:%b}" for day in ahead]
    ax = plot_glide_path(
        series["value"], labels, start=(begin, path.baseline), end=end, format_value=lambda v: format_axis(v, kpi.unit)
    )
    title = (
        f"{kpi.label}: {path.state}" if path.state != "cannot tell" else f"{kpi.label}: cannot be told from its path"
    )
    alt = (
        f"{title}. Values by {unit} since {labels[0]}, the straight way to "
        f"{target_text(path.target, kpi, review.currency)}"
        f"{', and the projected value with its interval' if found else ''}."
    )
    rows = [
        [str(r["label"]), format_value(r["value"], kpi.unit, currency=review.currency),
         format_value(path.at(r["start"]), kpi.unit, currency=review.currency)]
        for r in series.to_dict("records")
    ]  # fmt: skip
    data = page.table([Column("Period"), Column("Value", "right"), Column("Path", "right")], rows, caption=title)
    return page.figure(to_svg(ax), title=title, alt=alt, data=data, id=f"fig-path-{target_slug(path.target)}")


def target_slug(target: Target) -> str:
    """A target as a part of an id."""
    return "-".join(filter(None, (target.kpi, target.channel, target.tier)))


def period_labels(series: pd.DataFrame, unit: str) -> list[str]:
    """Months as they are; weeks by their first day."""
    if unit == "month":
        return [str(label) for label in series["label"]]
    return [f"{day.day} {day:%b}" for day in series["start"]]
