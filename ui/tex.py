"""Formulas in the colours that the quantities have in every figure."""

from __future__ import annotations

from attention_core.figures import COLOURS, Quantity


def tex(quantity: Quantity, symbol: str) -> str:
    """`symbol` in the colour of `quantity`, for KaTeX."""
    return rf"\textcolor{{{COLOURS[quantity]}}}{{{symbol}}}"


def number(value: float, digits: int = 2) -> str:
    """A number as formulas write it; negative ones in brackets, so that sums of products stay readable."""
    written = f"{value:.{digits}f}"
    return f"({written})" if value < 0 else written
