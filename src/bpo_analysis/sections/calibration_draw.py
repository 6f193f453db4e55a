"""The sample sheet of the calibration pack: contacts for both sides to rate, with the chance each had."""

from __future__ import annotations

from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.review.context import Review
from bpo_analysis.review.sampling import Draw, draw_sample
from bpo_analysis.sections.amounts import noted_count, points
from bpo_analysis.sections.parts import day_text, percent, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["calibration_draw"]

_FORMULA = (
    "Margin of a share: z · √(p (1 − p) / n) · √((N − n) / (N − 1)) with p = 50 %, the least favourable. Contacts for "
    "a margin d: m / (1 + (m − 1) / N) with m = z² p (1 − p) / d². Here N = {population}, n = {drawn}, z for {level}. "
    "A contact's chance is drawn / contacts of its stratum; an estimate over all contacts weighs each by one over its "
    "chance. The same seed draws the same contacts: choose one that nobody knows before the contacts are closed."
)


@placed()
def calibration_draw(review: Review, *, cases: int = 20, seed: int = 1, margin: float = 0.1) -> Section:
    """Contacts drawn at random for both sides to rate, with the chance each had.

    Parameters
    ----------
    cases : int, default 20
        Contacts to draw.
    seed : int, default 1
    margin : float, default 0.1
        Precision that the size is compared with.
    """
    id, title = "draw", "Contacts to rate"
    if review.extract("contacts_to_draw") is None:
        return missing(id, title, review.dataset.why_no_extract("contacts_to_draw") + ".")
    draw = draw_sample(review, cases, seed=seed, margin=margin)
    if draw is None:
        return missing(id, title, f"the last whole week up to {review.period.end} has no contacts of {review.name}.")
    body = _draw_lead(review, draw) + _sheet(review, draw)
    formula = _FORMULA.format(population=f"{draw.population:,}", drawn=draw.drawn, level=percent(draw.confidence_level))
    body += page.details(
        "How they were drawn, and the formulas", _strata(review, draw) + Markup("<p>{}</p>").format(formula)
    )
    record = {
        "sample": {
            "seed": draw.seed,
            "from": str(draw.start),
            "to": str(draw.end),
            "contacts": draw.population,
            "cases": draw.cases.astype({"date": str}).to_dict("records"),
        }
    }
    question = "Which contacts should both sides rate, without knowing the other's rating?"
    return Section(id, page.section(id, title, body, question=question), record)


def _draw_lead(review: Review, draw: Draw) -> Markup:
    got = review.note_figure(
        "calibration.margin", draw.margin, f"±{points(draw.margin)}", unit="share", start=draw.start, end=draw.end
    )
    needed = noted_count(review, "calibration.contacts_for_margin", draw.size_for_margin, "contacts")
    short = ""
    if draw.shortfall:
        short = f" {plural(draw.shortfall, 'contact')} fewer than asked: of a stratum and week at most 40 are kept."
    return Markup(
        "<p><strong>{} of {} contacts of {} to {}, drawn at random{}.</strong> A share rated on them is known to {}; "
        "for ±{} it would take {}.{} (Seed {}.)</p>"
    ).format(
        noted_count(review, "calibration.contacts_drawn", draw.drawn, "contacts"),
        noted_count(review, "calibration.contacts", draw.population, "contacts"),
        draw.start,
        draw.end,
        f" by {draw.by}" if draw.by else "",
        got,
        points(draw.margin_wanted),
        needed,
        short,
        draw.seed,
    )


def _sheet(review: Review, draw: Draw) -> Markup:
    columns = [
        Column("Contact"),
        Column("Date"),
        Column("Channel"),
        Column("Reason"),
        Column("Agent", note="code"),
        Column("Chance", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for case in draw.cases.to_dict("records"):
        where = {"contact": str(case["interaction_id"]), "channel": case["channel"], "reason": case["reason"]}
        chance = review.note_figure(
            "calibration.inclusion_probability", case["inclusion_probability"],
            format_value(case["inclusion_probability"], "share"), unit="share", start=draw.start, end=draw.end,
            where=where,
        )  # fmt: skip
        rows.append(
            [
                str(case["interaction_id"]),
                day_text(case["date"]),
                text_or_missing(case["channel"]),
                plain(text_or_missing(case["reason"])),
                text_or_missing(case["agent"]),
                Cell(chance, sort=case["inclusion_probability"]),
            ]
        )
    caption = "Sample sheet: rate these before the meeting, each side alone"
    return page.table(columns, rows, caption=caption, classes="stack")


def _strata(review: Review, draw: Draw) -> Markup:
    columns = [Column("Stratum"), Column("Contacts", "right"), Column("Drawn", "right"), Column("Chance", "right")]
    rows = []
    for row in draw.strata.to_dict("records"):
        where = {"stratum": str(row["label"])}
        chance = review.note_figure(
            "calibration.stratum_chance", row["inclusion_probability"],
            format_value(row["inclusion_probability"], "share"), unit="share", numerator=float(row["drawn"]),
            denominator=float(row["size"]), start=draw.start, end=draw.end, where=where,
        )  # fmt: skip
        rows.append([plain(str(row["label"])), f"{row['size']:,}", f"{row['drawn']:,}", chance])
    return page.table(columns, rows, caption="Strata of the draw")
