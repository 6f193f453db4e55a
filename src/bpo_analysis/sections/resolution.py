"""First-contact resolution by method and window, and handle time by its parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_axis, format_change, format_value, plural
from bpo_analysis.page import Column
from bpo_analysis.plotting import PointLine, plot_points, plot_stacked, to_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.drivers import drivers
from bpo_analysis.review.resolution import WindowShare, repeat_free
from bpo_analysis.sections.amounts import noted_share
from bpo_analysis.sections.parts import (
    SPARK_PERIODS,
    available,
    contribution_figure,
    kpi_table,
    spark_grain,
    why_absent,
)
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["first_contact_resolution", "handle_time"]

_FCR = ("fcr", "fcr_alternative", "repeat_contact_rate")
_PARTS = {"hold_s": "hold", "acw_s": "after-contact work", "talk_s": "talk"}


@placed(audiences=("account", "delivery"))
def first_contact_resolution(review: Review) -> Section:
    """FCR by its declared method, and how it depends on the window in which a repeat counts."""
    id, title = "fcr", "First-contact resolution"
    shown = available(review, _FCR)
    windows = repeat_free(review)
    if not shown and not windows:
        return missing(id, title, why_absent(review, _FCR))
    body = Markup("")
    if shown:
        body += kpi_table(review, shown, caption="First-contact resolution by method")
        methods = "; ".join(f"{review.kpis[name].label}: {review.kpis[name].definition}" for name in shown)
        body += Markup('<p class="muted">Methods differ, and are never mixed. {}.</p>').format(methods)
    if windows:
        body += _windows(review, windows)
    else:
        body += page.note(f"By window: not shown, {review.dataset.why_no_extract('repeat_windows')}.")
    question = "How many contacts settle the matter, and how much does the answer depend on how long one waits?"
    return Section(id, page.section(id, title, body, question=question))


def _windows(review: Review, windows: list[WindowShare]) -> Markup:
    columns = [
        Column("Window", "right", "days"),
        Column("Without a repeat", "right", review.period.title),
        Column("Interval", "right"),
        Column("Contacts", "right"),
        Column("Counted up to"),
        Column("Without a repeat", "right", review.before_title),
        Column("Interval", "right"),
    ]
    rows, known = [], []
    for item in windows:
        where = {"window": f"{item.window} days"}
        now, before = (MISSING, MISSING), (MISSING, MISSING)
        if item.now is not None:
            now = noted_share(
                review, "fcr.repeat_free", item.now, numerator=item.now.estimate * item.now.total, where=where
            )
            known.append(item)
        if item.before is not None:
            before = noted_share(
                review, "fcr.repeat_free", item.before, numerator=item.before.estimate * item.before.total,
                start=review.before()[0], where={**where, "stretch": review.before_title},
            )  # fmt: skip
        contacts = format_value(item.contacts, "count") if item.contacts else "none old enough"
        rows.append([str(item.window), *now, contacts, f"{item.last_day}", *before])
    data = page.table(columns, rows, caption="Contacts without another of the same customer, by length of the window")
    about = Markup('<p class="muted">{}</p>').format(
        "A contact counts once it is as old as the window; the last days of the period are left out, for a repeat of "
        "theirs may still come. For long windows few contacts of a month are left: read them from the stretch before."
    )
    if not known:
        return data + about
    lines = [
        PointLine(
            name,
            list(range(len(members))),
            [s.estimate for s in shares],
            [s.ci_low for s in shares],
            [s.ci_high for s in shares],
        )
        for name, members, shares in (
            (review.before_title, windows, [w.before for w in windows if w.before is not None]),
            (review.period.title, known, [w.now for w in known if w.now is not None]),
        )
        if len(shares) == len(members)
    ]
    drawn = {
        phone: to_svg(
            plot_points(
                lines,
                x_label="window, days",
                format_value=lambda v: format_axis(v, "share"),
                ticks={place: str(one.window) for place, one in enumerate(windows)},
                phone=phone,
            )
        )
        for phone in (False, True)
    }
    first, last = known[0], known[-1]
    assert first.now is not None
    assert last.now is not None
    title = (
        f"Contacts without a repeat: {format_value(first.now.estimate, 'share')} within {first.window} days, "
        f"{format_value(last.now.estimate, 'share')} within {last.window}"
    )
    alt = f"{title}. Points with intervals by window of {', '.join(str(w.window) for w in windows)} days."
    return page.figure(drawn[False], title=title, alt=alt, data=data, id="fig-windows", narrow=drawn[True]) + about


@placed(audiences=("account", "delivery"))
def handle_time(review: Review) -> Section:
    """AHT with its parts over time, and how much of its change lies in the mix of contacts."""
    id, title = "aht", "Handle time"
    shown = available(review, ("aht_s", *_PARTS))
    if "aht_s" not in shown:
        return missing(id, title, why_absent(review, ("aht_s",)))
    body = kpi_table(
        review, ["aht_s", *(n for n in ("talk_s", "hold_s", "acw_s") if n in shown)], caption="Handle time"
    )
    parts = [name for name in _PARTS if name in shown]
    body += _components(review, parts) if len(parts) > 1 else page.note("Parts: not shown, only one is recorded.")
    body += _change(review)
    body += page.note(
        "Handle time is a diagnostic: short is not good and long is not bad by itself. Read it beside FCR and quality."
    )
    question = "What is handle time made of, and did it move because contacts or their mix changed?"
    return Section(id, page.section(id, title, body, question=question))


def _components(review: Review, parts: list[str]) -> Markup:
    grain = spark_grain(review)
    series = {name: review.series(name, grain, SPARK_PERIODS) for name in parts}
    frame = pd.DataFrame({name: s["value"] for name, s in series.items()})
    labels = series[parts[0]]["label"].astype(str)
    known = frame.notna().any(axis=1)
    if not known.any():
        return page.note(f"Parts over time: not shown, no whole {grain} up to {review.period.end} has them.")
    frame, labels = frame[known].reset_index(drop=True), labels[known].reset_index(drop=True)
    drawn = {
        phone: to_svg(
            plot_stacked(
                frame,
                parts,
                labels=list(labels),
                names=[_PARTS[name] for name in parts],
                format_value=lambda v: format_axis(v, "seconds"),
                phone=phone,
            )
        )
        for phone in (False, True)
    }
    last, first = frame.iloc[-1], frame.iloc[0]
    largest = max(parts, key=lambda name: float(np.nan_to_num(last[name])))
    title = (
        f"Handle time by part: {_PARTS[largest]} {format_value(float(last[largest]), 'seconds')} in {labels.iloc[-1]}, "
        f"{format_value(float(first[largest]), 'seconds')} in {labels.iloc[0]}"
    )
    alt = f"{title}. Stacked bars of {plural(len(frame), grain)}."
    columns = [Column("Period"), *(Column(_PARTS[name], "right") for name in reversed(parts))]
    rows = [
        [labels[i], *(format_value(float(frame[name][i]), "seconds") for name in reversed(parts))]
        for i in range(len(frame))
    ]
    data = page.table(columns, rows, caption="Seconds per contact handled, by part")
    return page.figure(drawn[False], title=title, alt=alt, data=data, id="fig-aht-parts", narrow=drawn[True])


def _change(review: Review) -> Markup:
    driver = drivers(review, "aht_s")
    if driver is None:
        return page.note(
            f"Mix and rate of the change: not shown, {review.before_title} or the slices of the contacts are not known."
        )
    result, unit = driver.result, driver.kpi.unit
    word = "contact reasons" if driver.dimension == "category" else f"{driver.dimension}s"
    for name, value in (("change", result.change), ("rates", result.rate_effect), ("mix", result.mix_effect)):
        review.note_figure(
            f"aht.{name}", value, format_change(value, unit), unit="seconds", where={"by": driver.dimension}
        )
    lead = Markup("<p>Against {}: {}, of it {} within {} and {} through their mix. {}</p>").format(
        review.before_title,
        format_change(result.change, unit),
        format_change(result.rate_effect, unit),
        word,
        format_change(result.mix_effect, unit),
        "A split, not a test; it says where, not why.",
    )
    return lead + contribution_figure(review, driver, id="fig-aht-drivers")
