"""Write docs/validation.md: tables and pictures of the studies, with the command, the versions and the seed."""

from __future__ import annotations

import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from validation.verdict import judge, standard_error

__all__ = ["write_page"]

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, PICTURES = DOCS / "validation.md", DOCS / "validation"
PACKAGES = (
    "bpo-analysis",
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "pymannkendall",
    "ruptures",
    "lifelines",
    "krippendorff",
    "tea-tasting",
)
TITLES = {
    "false alarms": "False alarms, % of series or pilots without an effect (nominal 5)",
    "power": "Power, % of those with the effect",
    "right lag": "Right lag found and called, %",
    "coverage": "Coverage of 95 % intervals, %",
    "no answer": "No answer (error or NaN), %",
}
MOST_METHODS = 9
START, END = "<!-- {} -->", "<!-- end of {} -->"


def write_page(found: dict[str, tuple[pd.DataFrame, float]], *, runs: int, seed: int, partial: bool) -> Path:
    """Write the page, or only the sections of these topics where others were measured before."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    text = PAGE.read_text() if partial and PAGE.is_file() else _head(runs, seed)
    for topic, (table, seconds) in found.items():
        section = _section(topic, table, seconds)
        start, end = START.format(topic), END.format(topic)
        if start in text:
            before, rest = text.split(start, 1)
            text = before + section + rest.split(end, 1)[1]
        else:
            text = f"{text.rstrip()}\n\n{section}\n"
    PAGE.write_text(text)
    return PAGE


def _head(runs: int, seed: int) -> str:
    versions = ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    return (
        "# Validation: what the tests do when the truth is known\n\n"
        "Every method of `stats` and the usual ones beside it, on the same simulated data. A false-alarm rate is the "
        "share of data sets without an effect in which a method finds one at 5 %; power the share with an effect in "
        "which it does; coverage the share in which a 95 % interval holds the truth. **Ours** are in bold; a rate of "
        "ours outside its bar (3 to 6.5 % false alarms, 93 to 97 % coverage, beyond the chance of the simulation) is "
        "marked `!`. Where no bar is set the note under the table says why.\n\n"
        f"Made by `make validate-full` (`python -m validation --full`): {runs:,} runs of each case for ours, seed "
        f"{seed}; slow peers have fewer, as printed. Python {platform.python_version()}, {versions}.\n"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _section(topic: str, table: pd.DataFrame, seconds: float) -> str:
    title, _, intro = (import_module(f"validation.{topic}").__doc__ or topic).partition("\n")
    parts = [START.format(topic), f"## {title.strip().rstrip('.')}", " ".join(intro.split())]
    for measure, rows in table.groupby("measure", sort=False):
        parts.append(f"### {TITLES.get(str(measure), str(measure))}")
        picture = _picture(topic, str(measure), rows)
        if picture:
            parts.append(f"![{title.strip().rstrip('.')}: {measure}]({picture})")
        parts.append(_table(rows))
    notes = table.loc[table["note"].astype(bool), ["case", "method", "measure", "note"]].drop_duplicates()
    grouped = notes.groupby("note", sort=False)["case"].agg(lambda cases: "; ".join(dict.fromkeys(cases)))
    parts += [f"* {note} ({cases})" for note, cases in grouped.items()]
    outside = judge(table)
    parts.append(f"Outside their bar: {len(outside)}." + "".join(f"\n* {line}" for line in outside))
    parts.append(f"Measured with {int(table['runs'].max()):,} runs in {seconds:,.0f} s.")
    return "\n\n".join([*parts, END.format(topic)])


def _table(rows: pd.DataFrame) -> str:
    methods = list(dict.fromkeys(rows.sort_values("ours", ascending=False, kind="stable")["method"]))
    ours = set(rows.loc[rows["ours"], "method"])
    lines = ["| case | " + " | ".join(f"**{m}**" if m in ours else m for m in methods) + " |"]
    lines.append("|---|" + "---|" * len(methods))
    for case, of in rows.groupby("case", sort=False):
        cells = []
        for method in methods:
            hit = of[of["method"] == method]
            cells.append(_cell(hit.iloc[0]) if len(hit) else "-")
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    fewer = rows.groupby("method")["runs"].max()
    runs = "; ".join(f"{method} {count:,}" for method, count in fewer.items() if count < rows["runs"].max())
    return "\n".join(lines) + (f"\n\nRuns, where fewer: {runs}." if runs else "")


def _cell(row: pd.Series) -> str:
    if np.isnan(row["rate"]):
        return "-"
    text = f"{100 * row['rate']:.1f}"
    if not row["ours"]:
        return text
    return f"**{text}**" + (" !" if judge(pd.DataFrame([row])) else "")


def _picture(topic: str, measure: str, rows: pd.DataFrame) -> str:
    """Dots by case and method, with the bar shaded; none where there is one method only."""
    methods = list(dict.fromkeys(rows.sort_values("ours", ascending=False, kind="stable")["method"]))[:MOST_METHODS]
    cases = list(dict.fromkeys(rows["case"]))
    if len(methods) < 2 or measure not in ("false alarms", "power", "coverage"):
        return ""
    figure = Figure(figsize=(9, 0.28 * len(cases) + 1.6), layout="constrained")
    FigureCanvasSVG(figure)
    ax = figure.subplots()
    if measure != "power":
        low, high = (3, 6.5) if measure == "false alarms" else (93, 97)
        ax.axvspan(low, high, color="#d9ead3", zorder=0)
    for i, method in enumerate(methods):
        of = rows[rows["method"] == method].set_index("case").reindex(cases)
        ours = bool(of["ours"].fillna(value=False).any())
        error = [
            100 * standard_error(r, int(n)) if n == n else 0.0 for r, n in zip(of["rate"], of["runs"], strict=True)
        ]
        ax.errorbar(
            100 * of["rate"],
            np.arange(len(cases)),
            xerr=error,
            fmt="o" if ours else "xsv^D+<>"[i % 8],
            color="#0b5394" if ours else None,
            alpha=1 if ours else 0.6,
            markersize=6 if ours else 5,
            linestyle="none",
            label=method,
        )
    ax.set_yticks(np.arange(len(cases)), cases, fontsize=7)
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.set_xlabel(TITLES.get(measure, measure), fontsize=8)
    ax.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.grid(axis="x", alpha=0.3)
    name = f"{topic}-{measure.replace(' ', '-')}.svg"
    # Text as text, not as outlines: a tenth of the size, and it can be searched.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(PICTURES / name, metadata={"Date": None})
    return f"{PICTURES.name}/{name}"
