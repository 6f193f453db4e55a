"""The two marks of a KPI: the contract and the evidence, each a shape and a word, never colour alone."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

__all__ = ["CONTRACT_STATES", "EVIDENCE_STATES", "contract_mark", "evidence_mark"]

# State -> (shape, tone). Characters and not pictures: they survive copying, printing and a page without a style sheet.
_CONTRACT: Final = {
    "met": ("✓", "good"),
    "missed": ("✕", "bad"),
    "no target": ("–", "none"),
    "not agreed": ("○", "none"),
    "not measurable": ("?", "none"),
    "not due": ("…", "none"),
}
_EVIDENCE: Final = {
    "clearly above": "▲",
    "clearly below": "▼",
    "clearly inside": "◆",
    "cannot tell": "≈",
    "exact": "=",
    "no target": "–",
}

CONTRACT_STATES: Final = tuple(_CONTRACT)
EVIDENCE_STATES: Final = tuple(_EVIDENCE)


def contract_mark(state: str, *, words: str = "") -> Markup:
    """Return the mark that says whether what was agreed was reached.

    Parameters
    ----------
    state : str
        One of ``CONTRACT_STATES``.
    words : str, default ""
        In place of the state, where several targets are counted: ``3 of 11 missed``.

    Returns
    -------
    Markup
        Shape and word; the word is the state itself unless ``words`` are given.

    Raises
    ------
    ValueError
        If the state is not one of ``CONTRACT_STATES``.

    Examples
    --------
    >>> contract_mark("met")
    Markup('<span class="mark contract good"><b aria-hidden="true">✓</b> met</span>')
    """
    if state not in _CONTRACT:
        raise ValueError(f"Contract state must be one of {CONTRACT_STATES}, got {state!r}.")
    shape, tone = _CONTRACT[state]
    return _mark("contract", shape, words or state, tone)


def evidence_mark(state: str, *, good: bool | None) -> Markup:
    """Return the mark that says what the data can show about the target.

    Parameters
    ----------
    state : str
        One of ``EVIDENCE_STATES``.
    good : bool or None
        Whether that side of the target is the good one; None where no side is. It sets the colour, not the word.
        Being clearly inside a range is good whatever this says.

    Returns
    -------
    Markup
        Shape and word; the word is the state itself.

    Raises
    ------
    ValueError
        If the state is not one of ``EVIDENCE_STATES``.

    Examples
    --------
    >>> evidence_mark("cannot tell", good=None)
    Markup('<span class="mark evidence none"><b aria-hidden="true">≈</b> cannot tell</span>')
    """
    if state not in _EVIDENCE:
        raise ValueError(f"Evidence state must be one of {EVIDENCE_STATES}, got {state!r}.")
    return _mark("evidence", _EVIDENCE[state], state, _evidence_tone(state, good=good))


def _evidence_tone(state: str, *, good: bool | None) -> str:
    if state == "clearly inside":
        return "good"
    if good is None or not state.startswith("clearly"):
        return "none"
    return "good" if good else "bad"


def _mark(kind: str, shape: str, word: str, tone: str) -> Markup:
    return Markup('<span class="mark {} {}"><b aria-hidden="true">{}</b> {}</span>').format(kind, tone, shape, word)
