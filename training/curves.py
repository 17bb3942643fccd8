"""Training curves: from a run's log to a small picture."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito: told apart by everybody


@dataclass(frozen=True)
class Panel:
    """One pair of axes: name → points (x, y)."""

    title: str
    across: str
    series: dict[str, list[tuple[float, float]]]


def read_log(path: Path) -> list[dict[str, float]]:
    """Rows of a run's log.csv by step; where a resumed run went over a step again, the later row counts."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        rows = {int(row["step"]): {k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)}
    return [rows[step] for step in sorted(rows)]


def curve(rows: list[dict[str, float]], column: str, points: int = 120) -> list[tuple[float, float]]:
    """(step, column), thinned to about `points`."""
    every = max(len(rows) // points, 1)
    kept = rows[::every] + (rows[-1:] if rows and (len(rows) - 1) % every else [])
    return [(row["step"], row[column]) for row in kept if column in row]


def curves_svg(panels: Sequence[Panel]) -> str:
    """Panels side by side, as an SVG of a few kilobytes."""
    width, height = 420, 260
    return side_by_side([_panel(panel, width, height) for panel in panels], width, height)


def side_by_side(drawn: Sequence[str], width: int, height: int) -> str:
    """An SVG of panels, each drawn from its own upper left corner, `width` × `height` pixels."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * len(drawn)} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width * len(drawn)}" height="{height}" fill="#fff"/>',
    ]
    for number, panel in enumerate(drawn):
        parts.append(f'<g transform="translate({number * width} 0)">{panel}</g>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, width: int, height: int) -> str:
    left, right, top, bottom = 46, width - 14, 30, height - 40
    points = [point for line in panel.series.values() for point in line]
    (x0, x1), (y0, y1) = (_limits([point[axis] for point in points]) for axis in (0, 1))

    def place(x: float, y: float) -> str:
        across = left + (x - x0) / (x1 - x0) * (right - left)
        down = bottom - (y - y0) / (y1 - y0) * (bottom - top)
        return f"{across:.1f},{down:.1f}"

    parts = [f'<text x="{left}" y="18" font-weight="bold">{escape(panel.title)}</text>']
    for tick in _ticks(y0, y1):
        down = place(x0, tick).split(",")[1]
        parts.append(f'<path d="M{left} {down}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{float(down) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in _ticks(x0, x1):
        across = place(tick, y0).split(",")[0]
        parts.append(f'<text x="{across}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{(left + right) / 2}" y="{height - 8}" text-anchor="middle">{escape(panel.across)}</text>')
    for index, (name, line) in enumerate(panel.series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(place(x, y) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if len(panel.series) > 1:
            parts.append(
                f'<text x="{right}" y="{top + 4 + 15 * index}" fill="{colour}" text-anchor="end">{escape(name)}</text>'
            )
    return "".join(parts)


def _limits(values: list[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10(high - low))
    step *= 0.2 if (high - low) / step < 2 else 0.5 if (high - low) / step < 5 else 1
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
