"""What all figures share: colours, scales, how numbers are written, and text that fits."""

from __future__ import annotations

import unicodedata
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ControlError, ShapeError

Quantity = Literal["embedding", "query", "key", "value", "score", "weight", "output", "channel", "mask"]
Kind = Literal["weight", "signed"]
MapKind = Literal["weight", "signed", "activation"]
Scale = list[tuple[float, str]]

# One hue a quantity. Blue, vermilion and green are Okabe-Ito's; the others were searched for: each has 3:1 on
# white and on #0e1117, and no two come close for normal, red-blind or green-blind eyes.
COLOURS: dict[Quantity, str] = {
    "embedding": "#929294",
    "query": "#0072B2",
    "key": "#D55E00",
    "value": "#009E73",
    "score": "#BE3656",
    "weight": "#8F530D",
    "output": "#BA864C",
    "channel": "#418095",
    "mask": "#DF32E3",
}

# viridis: perceptually uniform, readable by the colour-blind.  For what lies in 0...1.
WEIGHT_SCALE: Scale = [
    (0.0, "#440154"), (0.1, "#482475"), (0.2, "#414487"), (0.3, "#355f8d"), (0.4, "#2a788e"), (0.5, "#21918c"),
    (0.6, "#22a884"), (0.7, "#44bf70"), (0.8, "#7ad151"), (0.9, "#bddf26"), (1.0, "#fde725"),
]  # fmt: skip
# Blue, white, red: for what has a sign; white is always 0.
SIGNED_SCALE: Scale = [
    (0.0, "#053061"), (0.1, "#2166ac"), (0.2, "#4393c3"), (0.3, "#92c5de"), (0.4, "#d1e5f0"), (0.5, "#f7f7f7"),
    (0.6, "#fddbc7"), (0.7, "#f4a582"), (0.8, "#d6604d"), (0.9, "#b2182b"), (1.0, "#67001f"),
]  # fmt: skip
# (Streamlit takes #000001 ... #000046 for placeholders of its own theme: inferno's #000004 would turn pink.)
# inferno: for activations, 0 and up without a natural end; not to be taken for a weight.
ACTIVATION_SCALE: Scale = [
    (0.0, "#02020a"), (0.125, "#1f0c48"), (0.25, "#550f6d"), (0.375, "#88226a"), (0.5, "#ba3655"),
    (0.625, "#e35933"), (0.75, "#f98c0a"), (0.875, "#f9c932"), (1.0, "#fcffa4"),
]  # fmt: skip

FRAME = "#F2600C"  # frame of what is chosen: stands out from both scales and both grounds
QUIET = "#808A96"  # lines that belong to neither ground
FONT = "Source Sans, 'Noto Sans SC', 'Noto Sans CJK SC', sans-serif"
MINUS = "\N{MINUS SIGN}"
TEXT = "#747C86"  # 4:1 on white and on #0e1117, where the page's own theme does not reach (exports)


# ---------------------------------------------------------------- numbers


def array(values: ArrayLike, ndim: int, what: str = "values") -> NDArray[Any]:
    """`values` as a float array of `ndim` axes; floats keep their precision, the rest becomes float32."""
    a = np.asarray(values)
    if a.ndim != ndim:
        raise ShapeError(
            "figure.dimensions",
            f"{what} has {a.ndim} dimensions {a.shape}; {ndim} are needed",
            what=what, came=a.ndim, expected=ndim,
        )  # fmt: skip
    if a.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        a = a.astype(np.float32)
    return a


def same_length(what: str, came: int, expected: int) -> None:
    """Raise ShapeError when `came` labels are given for `expected` things."""
    if came != expected:
        raise ShapeError(
            "figure.labels", f"{what}: {came} came, {expected} are needed", what=what, came=came, expected=expected
        )


def number(value: float, digits: int = 3, *, plain: bool = False) -> str:
    """A number as text, with a true minus sign; very small and very large ones as a power of ten.

    digits   decimals; a value that they would round to nothing is written as 1.2e-05 instead
    plain    never as a power of ten (where the room is short: in a cell)
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    size = abs(value)
    plain = plain or size == 0 or 0.5 * 10.0**-digits <= size < 1e5
    text = f"{value:.{digits}f}" if plain else f"{value:.1e}"
    if text.strip("-0.") == "":
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def range_text(values: ArrayLike, digits: int = 3) -> str:
    """True minimum and maximum, "-1.234 … 0.567"; a dash where there is no number at all (empty or all NaN)."""
    a = np.asarray(values, dtype=np.float64)
    a = a[~np.isnan(a)]
    if a.size == 0:
        return "\N{EN DASH}"
    low, high = float(a.min()), float(a.max())
    # 0.4999 … 0.5001 must not read 0.500 … 0.500.
    for more in range(digits, digits + 4):
        text = f"{number(low, more)} … {number(high, more)}"
        if low == high or number(low, more) != number(high, more):
            return text
    return f"{number(low, digits)} … {number(high, digits)}"


def largest(values: ArrayLike) -> float:
    """The largest finite |value|; 1 where there is none or all are 0, so that a scale has a width."""
    a = np.abs(np.asarray(values, dtype=np.float64))
    a = a[np.isfinite(a)]
    top = float(a.max()) if a.size else 0.0
    return top if top > 0 else 1.0


def bounds(values: ArrayLike, kind: MapKind, limit: float | None) -> tuple[float, float, Scale]:
    """Lowest and highest value of the scale, and its colours.

    weight: 0…1, or 0…limit, beyond which some may lie.  signed: -limit…limit.  activation: 0…limit.  For these two, a
    limit of None is the largest |value|.
    """
    if limit is not None and not (np.isfinite(limit) and limit >= 0):
        raise ControlError("figure.limit", f"limit is {limit}; a finite number above 0 is needed", limit=limit)
    if kind == "weight":
        return 0.0, limit or 1.0, WEIGHT_SCALE
    top = float(limit) if limit else largest(values)
    if kind == "signed":
        return -top, top, SIGNED_SCALE
    if kind == "activation":
        return 0.0, top, ACTIVATION_SCALE
    raise ControlError("figure.kind", f"kind is {kind!r}; weight, signed or activation is needed", kind=kind)


def on_dark(values: NDArray[Any], low: float, high: float, scale: Scale) -> NDArray[np.bool_]:
    """Where the scale is so dark that white is read more easily on it than near-black."""
    stops = np.array([stop for stop, _ in scale])
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for _, c in scale])
    place = np.clip((np.nan_to_num(values.astype(np.float64)) - low) / (high - low), 0, 1)
    light = np.zeros(place.shape)
    for channel, share in enumerate((0.2126, 0.7152, 0.0722)):
        c = np.interp(place, stops, rgb[:, channel])
        light += share * np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    # contrast with white 1.05 / (L + 0.05) against (L + 0.05) / 0.06 with near-black
    dark: NDArray[np.bool_] = (light + 0.05) ** 2 < 1.05 * 0.06
    return dark


# ---------------------------------------------------------------- text


def escaped(text: str) -> str:
    """A token as it is typed: Plotly would read <b> or <s> as a tag and a line break as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def width_of(text: str, size: float = 12) -> float:
    """About how many pixels wide `text` is: a Chinese character is 1 em, a Latin letter 0.56 em."""
    ems = 0.0
    for c in text:
        if unicodedata.combining(c):
            continue
        ems += 1.02 if unicodedata.east_asian_width(c) in "WF" else 0.78 if c.isupper() or c in "mw—…@%" else 0.55
    return ems * size


def shortened(text: str, pixels: float, size: float = 12) -> str:
    """`text` cut with an ellipsis so that it is at most about `pixels` wide."""
    if width_of(text, size) <= pixels:
        return text
    cut = text
    while cut and width_of(cut + "…", size) > pixels:
        cut = cut[:-1]
    return cut + "…"


def subtitle_of(value_name: str, values: ArrayLike) -> str:
    """ "weight: 0.013 … 0.871": what the numbers are and where they truly lie."""
    return f"{value_name}: {range_text(values)}" if value_name else range_text(values)


def named(name: str, value: str) -> str:
    """A line of a hover label; the name is left out where there is none."""
    return f"{name}: {value}" if name else value
