"""Arrays in, Plotly figures out.

No model, no Streamlit and no words of its own: every visible word is an argument.
"""

from .alignment import alignment
from .bars import channel_bars, probability_bars
from .clips import clip_player
from .comparisons import differences, score_pairs, sorted_lines
from .curves import STROKES, Curve, curves
from .head_map import head_map
from .heads import heads_grid
from .maps import map_grid, mask_over_photo, spatial_map
from .matrices import matrix, vector_strip
from .patches import photo_patches
from .style import COLOURS, SIGNED_SCALE, WEIGHT_SCALE, Quantity, range_text

__all__ = [
    "COLOURS",
    "SIGNED_SCALE",
    "STROKES",
    "WEIGHT_SCALE",
    "Curve",
    "Quantity",
    "alignment",
    "channel_bars",
    "clip_player",
    "curves",
    "differences",
    "head_map",
    "heads_grid",
    "map_grid",
    "mask_over_photo",
    "matrix",
    "photo_patches",
    "probability_bars",
    "range_text",
    "score_pairs",
    "sorted_lines",
    "spatial_map",
    "vector_strip",
]
