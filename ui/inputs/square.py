"""The square of a photo that the network sees, where somebody moved it."""

from __future__ import annotations

from PIL import Image

from attention_core.inputs.image import Box, moved_square
from attention_core.models.vision import ClassifiedPhoto
from ui.inputs.networks import Photo


class SquareOf(Photo):
    """A square of a photo as a photo of its own. place: 0…100 along the long side, from the left or from the top."""

    def __init__(self, whole: Photo, place: int) -> None:
        self.data = whole.data
        self.digest = f"{whole.digest}@{place}"
        self.box = moved_square(*whole.size, place)
        self._whole = whole

    @property
    def image(self) -> Image.Image:
        """The square alone, which a network then uses whole."""
        return self._whole.image.crop(self.box)


def seen_box(photo: Photo, trace: ClassifiedPhoto) -> Box:
    """Where the square that the network saw lies in the whole photo."""
    return photo.box if isinstance(photo, SquareOf) else trace.crop
