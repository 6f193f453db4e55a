"""Updates: the log, coverage on the first day, time to acknowledge, contacts before training, parity with in-house."""

from __future__ import annotations

from math import isfinite

import pandas as pd
from markupsafe import Markup

from bpo_analysis import page
from bpo_analysis.formats import MISSING, format_interval, format_value, plain, plural
from bpo_analysis.page import Cell, Column
from bpo_analysis.plotting import SurvivalLine, survival_svg
from bpo_analysis.review.context import Review
from bpo_analysis.review.plan import PARTNERS
from bpo_analysis.review.tracking import home_parity, update_coverage, update_judgement
from bpo_analysis.review.updates import (
    Coverage,
    Exposure,
    LeadTimes,
    acknowledged,
    exposure,
    lead_times,
    updates_known,
)
from bpo_analysis.sections.amounts import noted_count, noted_points, noted_share
from bpo_analysis.sections.durations import noted_time
from bpo_analysis.sections.parts import day_text, text_or_missing
from bpo_analysis.sections.placing import placed
from bpo_analysis.sections.section import Section, missing

__all__ = ["coverage_line", "exposed_words", "titles_of", "update_log", "updates"]

_LOGGED = 30
_MOST_TEAMS = 8
_MOST_EXPOSED = 10
_SOURCES = {"client": "client", "account_manager": "account manager", "website": "website"}


@placed()
def updates(review: Review) -> Section:
    """Updates by source with notice, coverage, time to acknowledge, exposed contacts, parity with in-house."""
    id, title = "updates", "Updates"
    table = updates_known(review)
    if table is None:
        return missing(id, title, "table updates is not in this dataset.")
    if table.empty:
        return missing(id, title, f"no update took effect in the 13 weeks up to {review.period.end}.")
    covered = update_coverage(review)
    body = coverage_line(review, table, covered) + _exposure_lead(review, exposure(review))
    body += update_log(table, covered) + _lead_times(review, lead_times(review, table)) + _grid(review, table, covered)
    body += _time_to_know(review, table) + _exposure(review, table, exposure(review))
    body += _parity(review) if review.shows_others else Markup("")
    question = "Do changes reach the agents before they have to know them?"
    return Section(id, page.section(id, title, body, question=question))


def coverage_line(review: Review, table: pd.DataFrame, covered: Coverage | None) -> Markup:
    """Say how many updates took effect, and how many agents were trained in them on that day."""
    due = int((~table["ahead"]).sum())
    first = table["effective_on"].min().date()
    counted = noted_count(review, "updates.in_effect", float(due), "updates")
    start = f"{counted} {'update' if due == 1 else 'updates'} took effect from {first} to {review.period.end}"
    if covered is None or covered.trained is None or covered.acknowledged is None:
        reason = (
            "nobody was asked to learn them"
            if review.extract("trainings") is not None
            else review.dataset.why_no_extract("trainings")
        )
        return Markup("<p>{}. Coverage is not shown: {}.</p>").format(start, reason)
    trained, between = noted_share(
        review, "updates.trained", covered.trained, numerator=covered.trained.estimate * covered.trained.total
    )
    both = covered.acknowledged
    known, _ = noted_share(review, "updates.acknowledged", both, numerator=both.estimate * both.total)
    base = "the agents in production that day" if covered.on_roster else "the agents asked to learn it (no roster)"
    return Markup(
        "<p>{}. <strong>On the first day of an update {} ({}) of {} were trained in it</strong>, and {} had "
        "acknowledged it.</p>"
    ).format(start, trained, between, base, known)


def update_log(table: pd.DataFrame, covered: Coverage | None) -> Markup:
    """Updates, newest first, with notice and training on their first day."""
    columns = [
        Column("Update"),
        Column("Source"),
        Column("Announced"),
        Column("In force"),
        Column("Notice", "right", "days"),
        Column("Concerns"),
        Column("Trained", "right", "on that day"),
    ]
    shown = table.sort_values("effective_on", ascending=False, kind="stable")
    rows: list[list[str | Markup | Cell]] = []
    for row in shown.head(_LOGGED).to_dict("records"):
        agreed = row["agreed_lead_days"]
        short = not pd.isna(agreed) and row["lead_days"] < agreed
        lead = str(row["lead_days"])
        if not pd.isna(agreed):
            lead += f" ({agreed:g} agreed{', short' if short else ''})"
        rows.append(
            [
                text_or_missing(row["title"]) + ("" if row["mandatory"] is not False else " (optional)"),
                _SOURCES.get(str(row["source"]), MISSING),
                day_text(row["announced_on"]),
                day_text(row["effective_on"]) + (" (ahead)" if row["ahead"] else ""),
                Cell(lead, sort=row["lead_days"]),
                plain(text_or_missing(row["reason"])) if isinstance(row["reason"], str) else "all contacts",
                _trained(covered, str(row["update_id"])),
            ]
        )
    more = f", {len(shown) - _LOGGED} more not shown" if len(shown) > _LOGGED else ""
    return page.table(columns, rows, caption=f"Log of updates, newest first{more}", classes="stack")


def titles_of(updates: pd.DataFrame) -> dict[str, str]:
    """Title of each update with the day it took effect: the same title may come twice."""
    day = updates["effective_on"].fillna(updates["announced_on"])
    return {
        str(name): f"{text_or_missing(title)}, {day_text(since)}"
        for name, title, since in zip(updates["update_id"], updates["title"], day, strict=True)
    }


def _trained(covered: Coverage | None, update_id: str) -> str:
    found = covered.of(update_id) if covered is not None else None
    return "nobody asked" if found is None else f"{found[0]} of {found[2]}"


def _lead_times(review: Review, found: list[LeadTimes]) -> Markup:
    columns = [
        Column("Source"),
        Column("Updates", "right"),
        Column("Notice, median", "right", "days"),
        Column("Least", "right", "days"),
        Column("Agreed notice kept", "right"),
    ]
    rows = []
    for lead in found:
        where = {"source": lead.source}
        median = review.note_figure("updates.notice", lead.median, f"{lead.median:g}", unit="days", where=where)
        kept: str | Markup = "none agreed"
        if lead.share is not None:
            share, between = noted_share(
                review, "updates.notice_kept", lead.share, numerator=float(lead.kept), where=where
            )
            kept = Markup('{} of {}, {} <span class="interval">{}</span>').format(
                lead.kept, lead.agreed, share, between
            )
        rows.append([_SOURCES.get(lead.source, lead.source), str(lead.n), median, f"{lead.least:g}", kept])
    return page.table(columns, rows, caption="Notice by source: days from announcement to effect", classes="stack")


def _grid(review: Review, table: pd.DataFrame, covered: Coverage | None) -> Markup:
    if covered is None or covered.table.empty:
        return Markup("")
    teams = list(dict.fromkeys(sorted(covered.table["team"])))
    shown = teams[:_MOST_TEAMS]
    titles = titles_of(table)
    order = [u for u in reversed(list(table["update_id"])) if u in set(covered.table["update_id"])]
    cells = covered.table.set_index(["update_id", "team"])
    columns = [Column("Update"), *(Column(plain(team), "right") for team in shown)]
    rows: list[list[str | Markup | Cell]] = []
    for update in order:
        line: list[str | Markup | Cell] = [titles.get(update, update)]
        for team in shown:
            if (update, team) not in cells.index:
                line.append(MISSING)
                continue
            cell = cells.loc[(update, team)]
            share = cell["trained"] / cell["roster"]
            text = f"{int(cell['trained'])} of {int(cell['roster'])}"
            review.note_figure(
                "updates.trained_by_team", share, format_value(share, "share"), unit="share",
                numerator=float(cell["trained"]), denominator=float(cell["roster"]),
                where={"update": update, "team": team},
            )  # fmt: skip
            tone = "concern" if share < 1 else "neutral"
            line.append(Cell(page.with_bar(text, float(share), tone=tone), sort=float(share)))
        rows.append(line)
    more = f"; {len(teams) - len(shown)} more {covered.group}s not shown" if len(teams) > len(shown) else ""
    caption = f"Agents trained on the effective day, by update and {covered.group}{more}"
    return page.details(f"Coverage by {covered.group}", page.table(columns, rows, caption=caption))


def _time_to_know(review: Review, table: pd.DataFrame) -> Markup:
    found = acknowledged(review, table)
    if not found:
        return page.note("Time to acknowledge: not shown, fewer than five trainings of these updates are on record.")
    columns = [
        Column("From announcement to"),
        Column("Median", "right"),
        Column("Interval", "right"),
        Column("90 % within", "right"),
        Column("Asked", "right"),
        Column("Still open", "right"),
    ]
    words = {"acknowledged": "acknowledgement", "trained": "training"}
    rows = []
    for name, result in found.items():
        where = {"until": name}
        median = noted_time(review, "updates.time_to_know", result, unit="days", where=where)
        p90, _ = noted_time(review, "updates.time_to_know", result, "p90", unit="days", where=where)
        rows.append([words[name], *median, p90, str(result.n), str(result.n_open)])
    caption = "Days from announcement; open ones count for as long as they have been open (Kaplan-Meier)"
    return page.table(columns, rows, caption=caption, classes="stack")


def _exposure_lead(review: Review, found: Exposure | None) -> Markup:
    words = exposed_words(review, found)
    if not words:
        return Markup("")
    return Markup("<p>{} A contact that two updates concern counts for each.</p>").format(words)


def exposed_words(review: Review, found: Exposure | None) -> str:
    """Say how many contacts that an update concerned were handled by agents who did not know it yet."""
    if found is None or found.share is None:
        return ""
    text, between = noted_share(review, "updates.untrained_contacts", found.share, numerator=float(found.untrained))
    total = noted_count(review, "updates.concerned_contacts", float(found.contacts), "contacts")
    return (
        f"Of {total} contacts {review.period.when} that an update concerned, {format_value(found.untrained, 'count')} "
        f"({text}, {between}) were handled by agents not yet trained in it."
    )


def _exposure(review: Review, table: pd.DataFrame, found: Exposure | None) -> Markup:
    if found is None:
        reason = (
            f"no contact {review.period.when} falls under an update"
            if review.extract("update_exposure") is not None
            else review.dataset.why_no_extract("update_exposure")
        )
        return page.note(f"Contacts before training: not shown, {reason}.")
    updates_register = review.register("updates")
    known = table if updates_register is None else updates_register
    titles = titles_of(known)
    columns = [
        Column("Update"),
        Column("Contacts concerned", "right"),
        Column("By agents not trained", "right"),
        Column("Share", "right"),
    ]
    rows: list[list[str | Markup | Cell]] = []
    for row in found.table.head(_MOST_EXPOSED).to_dict("records"):
        where = {"update": str(row["update_id"])}
        untrained = noted_count(review, "updates.untrained_contacts_of", row["untrained"], "contacts", where)
        rows.append(
            [
                titles.get(row["update_id"], str(row["update_id"])),
                format_value(row["contacts"], "count"),
                untrained,
                Cell(
                    page.with_bar(format_value(row["share"], "share"), row["share"], tone="concern"), sort=row["share"]
                ),
            ]
        )
    more = f", {len(found.table) - _MOST_EXPOSED} more not shown" if len(found.table) > _MOST_EXPOSED else ""
    caption = f"Contacts {review.period.when} by agents not yet trained, most first{more}"
    body = page.table(columns, rows, caption=caption, classes="stack") + _errors(review, found)
    if len(found.unasked):
        names = "; ".join(titles.get(u, u) for u in found.unasked["update_id"])
        body += page.note(f"Nobody here was asked to learn: {names}. Their contacts are not in this share.")
    return body


def _errors(review: Review, found: Exposure) -> Markup:
    (wrong, rated), (wrong_trained, rated_trained) = found.evaluations["untrained"], found.evaluations["trained"]
    if found.errors is None:
        if rated + rated_trained == 0:
            return page.note("Errors before and after training: not shown, none of these contacts was evaluated.")
        return page.note("Errors before and after training: not shown, only one of the two groups was evaluated.")
    difference, between = noted_points(
        review, "updates.error_difference", found.errors.estimate, found.errors.ci_low, found.errors.ci_high
    )
    return Markup(
        '<p class="muted">Description only: a critical error in {} of {} evaluations of agents not yet trained and in '
        "{} of {} of trained ones, a difference of {} ({}). Agents who train early may differ in other ways.</p>"
    ).format(wrong, rated, wrong_trained, rated_trained, difference, between)


def _parity(review: Review) -> Markup:
    found = home_parity(review)
    if isinstance(found, str):
        return page.note(f"Parity with the in-house team: not shown, {found}.")
    comparison = found.comparison
    first, second = comparison.result_first, comparison.result_second
    own, own_between = noted_time(review, "updates.parity", first, unit="days", where={"side": comparison.first})
    theirs, their_between = noted_time(review, "updates.parity", second, unit="days", where={"side": comparison.second})
    clear = update_judgement(review).found(PARTNERS, found.label)
    if clear:
        word = "sooner" if comparison.statistic > 0 else "later"
        lead = f"{comparison.first} acknowledges clearly {word} than {found.home}"
    else:
        reach = comparison.restricted_mean_detectable
        days = review.note_figure("updates.parity_detectable", reach, f"{reach:.1f} days", unit="days")
        seen = f"; one of {days} in the mean would have been" if isfinite(reach) else ""
        lead = f"No clear difference between {comparison.first} and {found.home} was found{seen}"
    difference = review.note_figure(
        "updates.parity_mean_difference", comparison.restricted_mean_difference,
        f"{comparison.restricted_mean_difference:+.1f} days".replace("-", "−"), unit="days",
        ci_low=comparison.restricted_mean_ci_low, ci_high=comparison.restricted_mean_ci_high,
    )  # fmt: skip
    between = format_interval(comparison.restricted_mean_ci_low, comparison.restricted_mean_ci_high, "days")
    apart = (
        f" {plural(found.asked_only_there, 'update was', 'updates were')} sent to {found.home} only."
        if found.asked_only_there
        else ""
    )
    lines = [SurvivalLine(comparison.first, first), SurvivalLine(comparison.second, second)]
    longest = max(14.0, *(2 * r.median for r in (first, second) if isfinite(r.median)))
    drawn = {
        phone: survival_svg(lines, x_label="days since announcement", done=True, longest=longest, phone=phone)
        for phone in (False, True)
    }
    title = f"Share that has acknowledged by days since announcement: median {own} here, {theirs} there"
    alt = f"{title}. Two Kaplan-Meier curves, open ones counted."
    columns = [
        Column("Team"),
        Column("Median", "right"),
        Column("Interval", "right"),
        Column("Asked", "right"),
        Column("Still open", "right"),
    ]
    rows = [
        [comparison.first, own, own_between, str(first.n), str(first.n_open)],
        [comparison.second, theirs, their_between, str(second.n), str(second.n_open)],
    ]
    data = page.table(columns, rows, caption=f"Days to acknowledge {plural(found.updates, 'update')} sent to both")
    text = Markup("<h3>Parity with the in-house team</h3><p>{}. Mean difference {} ({}), of the same {}.{}</p>").format(
        lead, difference, between, plural(found.updates, "update"), apart
    )
    return text + page.figure(drawn[False], title=title, alt=alt, data=data, id="fig-parity", narrow=drawn[True])
