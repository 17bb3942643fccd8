"""The square of a photo that the network sees, where somebody moved it."""

from __future__ import annotations

from PIL import Image

from attention_core.inputs.image import centre_square
from attention_core.models.vision import ClassifiedPhoto
from ui.inputs.networks import Photo

Box = tuple[int, int, int, int]  # left, top, right, bottom in the whole photo's pixels
CENTRE = 50  # percent of the way that a square can go along the long side
_WORTH_MOVING = 0.02  # of the short side


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


def can_move(width: int, height: int) -> bool:
    """Whether the square has room to go."""
    return abs(width - height) > _WORTH_MOVING * min(width, height)


def moved_square(width: int, height: int, place: int) -> Box:
    """The largest square, `place` percent of its way along the long side; at CENTRE the one that networks take."""
    if place == CENTRE:
        return centre_square(width, height)
    side = min(width, height)
    left, top = round((width - side) * place / 100), round((height - side) * place / 100)
    return left, top, left + side, top + side


def seen_box(photo: Photo, trace: ClassifiedPhoto) -> Box:
    """Where the square that the network saw lies in the whole photo."""
    return photo.box if isinstance(photo, SquareOf) else trace.crop
