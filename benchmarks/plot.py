"""Times against sizes on two logarithmic axes, as an SVG of a few kilobytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from training.curves import COLOURS, side_by_side

WIDTH, HEIGHT = 300, 260  # of a panel
LEFT, RIGHT, TOP, BOTTOM = 46, WIDTH - 14, 34, HEIGHT - 40
STEPS = (1, 2, 5)  # ticks of a decade


@dataclass(frozen=True)
class LogPanel:
    """One pair of axes. points: (size, ms), all above 0."""

    title: str
    across: str
    points: Sequence[tuple[float, float]]


def log_log_svg(panels: Sequence[LogPanel]) -> str:
    """Panels side by side; each has its own axes."""
    return side_by_side([_panel(panel) for panel in panels], WIDTH, HEIGHT)


def _panel(panel: LogPanel) -> str:
    sizes, times = ([point[axis] for point in panel.points] for axis in (0, 1))
    low, high = min(times) / 1.3, max(times) * 1.3

    def across(size: float) -> float:
        return LEFT + 10 + _share(size, min(sizes), max(sizes)) * (RIGHT - LEFT - 20)

    def down(time: float) -> float:
        return BOTTOM - _share(time, low, high) * (BOTTOM - TOP)

    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(panel.title)}</text>']
    for tick in ticks(low, high):
        parts.append(f'<path d="M{LEFT} {down(tick):.1f}H{RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{down(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for size in sizes:
        parts.append(f'<text x="{across(size):.1f}" y="{BOTTOM + 16}" text-anchor="middle">{size:g}</text>')
    parts.append(f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(panel.across)}</text>')
    line = " ".join(f"{across(size):.1f},{down(time):.1f}" for size, time in panel.points)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[0]}" stroke-width="1.6"/>')
    parts += [
        f'<circle cx="{across(size):.1f}" cy="{down(time):.1f}" r="3" fill="{COLOURS[0]}"/>'
        for size, time in panel.points
    ]
    return "".join(parts)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each decade between two limits."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for decade in decades for step in STEPS if low <= (tick := step * 10.0**decade) <= high]


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low) if high > low else 0.5
