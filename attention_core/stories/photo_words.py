"""What stories about several builds or maps share: what builds are called, and maps for places of one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from attention_core.stories.photo import Pixels
from attention_core.stories.story import Array
from attention_core.words import Say, Words

BUILD_NAMES = {"se": "SE", "cbam": "CBAM"}  # the same in every language


def build_named(build: str) -> Words:
    """What a build of the photo network is called."""
    return BUILD_NAMES.get(build) or Say("photo_words.plain")


def small(square: Pixels, side: int) -> Pixels:
    """A photo with fewer pixels, (side, side, 3), for a place where more would not be seen."""
    return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS))


def same_size(maps: Sequence[Array]) -> list[Array]:
    """Maps (h, w), those whose size does not divide the largest drawn with as many cells, each as it is."""
    H, W = (max(one.shape[axis] for one in maps) for axis in (0, 1))
    return [
        one
        if H % len(one) == 0 and W % one.shape[1] == 0
        else one[np.arange(H) * len(one) // H][:, np.arange(W) * one.shape[1] // W]
        for one in maps
    ]
