"""From an animated picture to a few frames: checked and bounded before a pixel is decoded, as photos are.

A file cannot show its later frames without those before, so what is bounded is the work of all frames together.
Times between frames, loops and EXIF are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from attention_core.errors import ControlError, InputError
from attention_core.inputs._checks import check_size, damage_reported
from attention_core.inputs._formats import declared_size, gif_frames
from attention_core.inputs._parts import check_parts
from attention_core.inputs.image import as_image, checked_kind

MAX_FRAMES = 32  # that are kept
MAX_FILE_FRAMES = 1000
MAX_CLIP_PIXELS = 150_000_000  # of all frames together: some seconds of decoding
MAX_CLIP_SIDE = 512  # of a kept frame; larger ones are made smaller
CLIP_KINDS = ("GIF", "WebP", "PNG")
WINDOW = 0.6  # of the shorter side, of a clip that is made from a photo

_READERS: dict[str, type[ImageFile]] = {"GIF": GifImageFile, "WebP": WebPImageFile, "PNG": PngImageFile}


@dataclass(frozen=True)
class Clip:
    """Frames in their order. frames: RGB, all of one size; numbers: of each in the file, from 0; total: in the file."""

    frames: tuple[Image.Image, ...]
    numbers: tuple[int, ...]
    total: int


def load_clip(data: bytes) -> Clip:
    """The frames of an animated GIF, WebP or PNG: all of up to MAX_FRAMES, else as many, evenly spaced, ends included.

    data    the file's bytes, at most MAX_FILE_BYTES; the format is told from the content
    result  frames in RGB, at least 2, longer side ≤ MAX_CLIP_SIDE; transparency laid on white

    Raises KindError if `data` is not bytes, otherwise InputError: `image.empty`, `image.file_too_large`,
    `clip.unsupported`, `clip.one_frame`, `clip.too_many_frames`, `clip.too_many_pixels`, `image.too_many_pixels`,
    `image.too_small`, `image.too_many_parts`, `image.truncated` (cut off or damaged).
    """
    kind = checked_kind(data, CLIP_KINDS, "clip.unsupported")
    check_parts(kind, data)
    with damage_reported(kind):
        if (size := declared_size(kind, data)) is not None:
            check_size(*size)
        count = None
        if kind == "GIF":  # Pillow counts a GIF's frames one by one, and lets later ones enlarge the picture
            width, height, count = gif_frames(data, most=MAX_FILE_FRAMES + 1)
            _check_frames(width, height, count)
        image = _READERS[kind](BytesIO(data))
        first = 1 if image.info.get("default_image") else 0  # a PNG may show another picture where nothing can move
        total = (getattr(image, "n_frames", 1) if count is None else count) - first
        _check_frames(*image.size, total)
        numbers = evenly(total, MAX_FRAMES)
        return Clip(tuple(_frame(image, first + number) for number in numbers), numbers, total)


def panned_clip(photo: Image.Image, frames: int = 16) -> Clip:
    """A clip made from a photo: a square window that goes across it and back.

    The frame at the same place on the way back is the same picture. Raises `ControlError` for fewer than 2 frames or
    more than MAX_FRAMES.
    """
    if not 2 <= frames <= MAX_FRAMES:
        raise ControlError(
            "clip.frames", f"frames is {frames}; expected 2 to {MAX_FRAMES}.", came=frames, limit=MAX_FRAMES
        )
    width, height = photo.size
    side = max(1, round(WINDOW * min(width, height)))
    windows = []
    for number in range(frames):
        back = min(number, frames - 1 - number) / max(1, (frames - 1) // 2)  # 0 … 1 … 0
        left, top = round(back * (width - side)), round(back * (height - side))
        windows.append(_bounded(photo.crop((left, top, left + side, top + side))))
    return Clip(tuple(windows), tuple(range(frames)), frames)


def evenly(total: int, most: int) -> tuple[int, ...]:
    """Up to `most` of the numbers 0 … total − 1, evenly spaced, the first and the last among them."""
    if total <= most:
        return tuple(range(total))
    return tuple(round(step * (total - 1) / (most - 1)) for step in range(most))


def _check_frames(width: int, height: int, total: int) -> None:
    check_size(width, height)
    if total < 2:
        raise InputError(
            "clip.one_frame",
            "The file holds a single picture; a clip needs at least 2 frames. Choose an animated one.",
            came=total,
        )
    if total > MAX_FILE_FRAMES:
        raise InputError(
            "clip.too_many_frames",
            f"The clip has more than {MAX_FILE_FRAMES} frames. Shorten it.",
            limit=MAX_FILE_FRAMES,
        )
    if total * width * height > MAX_CLIP_PIXELS:
        megapixels, limit = round(total * width * height / 1e6), MAX_CLIP_PIXELS // 1_000_000
        raise InputError(
            "clip.too_many_pixels",
            f"The clip has {total} frames of {width} × {height} pixels, {megapixels} megapixels in all; the limit is "
            f"{limit}. Shorten it, or make it smaller.",
            frames=total,
            width=width,
            height=height,
            megapixels=megapixels,
            limit=limit,
        )


def _frame(image: ImageFile, number: int) -> Image.Image:
    image.seek(number)
    return _bounded(as_image(image))


def _bounded(frame: Image.Image) -> Image.Image:
    """A copy without leftovers, made smaller where it is large."""
    scale = min(1.0, MAX_CLIP_SIDE / max(frame.size))
    width, height = (max(1, round(side * scale)) for side in frame.size)
    # A copy in any case: the reader draws the next frame over the one before.
    small = frame.resize((width, height), Image.Resampling.BILINEAR) if scale < 1 else frame.copy()
    small.info = {}
    return small
