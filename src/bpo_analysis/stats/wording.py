"""Numbers as the sentences of results print them."""

from __future__ import annotations

__all__ = ["count_text", "difference_text", "pvalue_text"]

_ROUNDING = 1e-12
"""Part of the values compared; a difference below it is what subtracting floating-point numbers leaves."""


def count_text(number: int, noun: str) -> str:
    """Return ``"1 slice"`` or ``"2 slices"``.

    Examples
    --------
    >>> count_text(1, "slice"), count_text(2, "slice")
    ('1 slice', '2 slices')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def difference_text(difference: float, scale: float) -> str:
    """Return a difference with its sign, or ``"0"`` where it is no more than rounding beside values of this scale.

    Examples
    --------
    >>> difference_text(0.0512, 0.7), difference_text(-2.8e-17, 0.7)
    ('+0.0512', '0')
    """
    return "0" if abs(difference) <= _ROUNDING * abs(scale) else f"{difference:+.4g}"


def pvalue_text(pvalue: float) -> str:
    """Return ``"= 0.031"``, ``"= 0.24"``, ``"< 0.001"`` or ``"> 0.99"``, to stand after the letter p.

    Examples
    --------
    >>> pvalue_text(0.0312), pvalue_text(0.00002)
    ('= 0.031', '< 0.001')
    """
    if pvalue < 0.001 or pvalue > 0.99:
        return "< 0.001" if pvalue < 0.001 else "> 0.99"
    return f"= {pvalue:.3f}" if pvalue < 0.1 else f"= {pvalue:.2f}"
