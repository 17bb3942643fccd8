"""Arrays in, Plotly figures out.

No model, no Streamlit and no words of its own: every visible word is an argument.
"""

from .bars import channel_bars, probability_bars
from .head_map import head_map
from .heads import heads_grid
from .maps import map_grid, mask_over_photo, spatial_map
from .matrices import matrix, vector_strip
from .style import COLOURS, SIGNED_SCALE, WEIGHT_SCALE, Quantity, range_text

__all__ = [
    "COLOURS",
    "SIGNED_SCALE",
    "WEIGHT_SCALE",
    "Quantity",
    "channel_bars",
    "head_map",
    "heads_grid",
    "map_grid",
    "mask_over_photo",
    "matrix",
    "probability_bars",
    "range_text",
    "spatial_map",
    "vector_strip",
]
