"""Numbers as the sentences of results print them."""

from __future__ import annotations

__all__ = ["pvalue_text"]


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
