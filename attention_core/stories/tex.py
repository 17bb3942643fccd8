"""Formulas in the colours that the quantities have in every figure."""

from __future__ import annotations

from attention_core.figures import COLOURS, Quantity


def tex(quantity: Quantity, symbol: str) -> str:
    """`symbol` in the colour of `quantity`."""
    return rf"\textcolor{{{COLOURS[quantity]}}}{{{symbol}}}"


def number(value: float, digits: int = 2) -> str:
    """A number as formulas write it, 4 rather than 4.00; negative ones in brackets, as terms of a sum need."""
    written = f"{value:.{digits}f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written == "-0" else f"({written})" if value < 0 else written
