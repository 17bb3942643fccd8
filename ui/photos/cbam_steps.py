"""The masks of all stages as a step of a page that is no story."""

from __future__ import annotations

from attention_core.models.vision import VisionTrace
from attention_core.stories.masks import masks
from attention_core.stories.photo import Pixels
from ui.photos.scores import measured
from ui.stage.story import draw_step


def all_masks_step(number: int, trace: VisionTrace, square: Pixels) -> None:
    """The masks of the build with CBAM over the same photo, on the same scale."""
    draw_step(masks(trace, square, measured=measured("cbam")), number)
