"""From an uploaded file, or a picture in memory, to the square tensor that a network reads.

Files are refused by their header, before a pixel is decoded, and no global setting of Pillow is
read for that or changed. Colours are taken as sRGB; embedded colour profiles are not applied.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from torch import Tensor

from attention_core.errors import ControlError, InputError, KindError
from attention_core.inputs._checks import (
    MAX_FILE_BYTES,
    check_dtype,
    check_range,
    check_shape,
    check_size,
    damage_reported,
)
from attention_core.inputs._formats import SUPPORTED, declared_size, detect_kind
from attention_core.inputs._parts import check_parts

ImageLike = Image.Image | npt.NDArray[np.uint8] | Tensor
Box = tuple[int, int, int, int]  # left, top, right, bottom in the whole photo's pixels
CENTRE = 50  # percent of the way that a square can go along the long side
_WORTH_MOVING = 0.02  # of the short side

# The readers themselves: Image.open would first warn about sizes by a limit of its own.
_READERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
}

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(data: bytes) -> Image.Image:
    """The photo in a JPEG, PNG, WebP, BMP or GIF file (its first frame): upright, in RGB.

    data    the file's bytes, at most MAX_FILE_BYTES; the format is told from the content
    result  mode "RGB", each side ≥ MIN_SIDE, at most MAX_PIXELS pixels; turned as its EXIF says,
            transparency laid on white, 16 bits scaled to 8; no EXIF or other information left

    Raises KindError if `data` is not bytes, otherwise InputError: `image.empty`,
    `image.file_too_large`, `image.unsupported`, `image.too_many_pixels`, `image.too_small`,
    `image.too_many_parts`, `image.truncated` (cut off or damaged).
    """
    kind = checked_kind(data)
    check_parts(kind, data)
    with damage_reported(kind):
        if (size := declared_size(kind, data)) is not None:
            check_size(*size)
        image = _READERS[kind](BytesIO(data))
        check_size(*image.size)
        image.load()
        if kind == "PNG":
            _scale_colour_key(image, depth=data[24])
        rgb = _to_rgb(image)
    rotation = _UPRIGHT.get(_orientation(image))
    if rotation is not None:
        rgb = rgb.transpose(rotation)
    rgb.info = {}
    return rgb


def as_image(image: ImageLike) -> Image.Image:
    """A picture in memory as a PIL image in mode "RGB", pixel for pixel.

    image   PIL image of any mode (itself if plain RGB): transparency is laid on white, "I;16"
            and "I" are read as 0…65535, "F" as 0…255; EXIF is ignored (`load_image` obeys it)
            or uint8 array (H,W,3)
            or floating tensor (3,H,W) in 0…1, rounded to 8 bits

    Raises KindError for another type or dtype, ShapeError for another shape, ControlError for
    numbers outside the range or NaN, InputError if a file behind a PIL image is damaged.
    """
    if isinstance(image, Image.Image):
        check_shape(min(image.size) > 0, image.size, "width and height of at least 1")
        with damage_reported(image.format or "image"):
            image.load()
            plain = image.mode == "RGB" and not image.has_transparency_data
            return image if plain else _to_rgb(image)
    if isinstance(image, np.ndarray):
        check_dtype(image.dtype == np.uint8, image.dtype, "uint8 (0…255)")
        fits = image.ndim == 3 and image.shape[2] == 3 and image.size > 0
        check_shape(fits, image.shape, "(H, W, 3)")
        return Image.fromarray(image)
    pixels = (_checked_tensor(image) * 255).round().to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())  # (H,W,3)


def centre_square(width: int, height: int) -> Box:
    """(left, top, right, bottom) of the largest centred square; all of a square picture.

    An odd pixel is left over at the right or at the bottom. Raises ShapeError for a side < 1.
    """
    check_shape(min(width, height) > 0, (width, height), "width and height of at least 1")
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


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


def to_square_tensor(image: ImageLike, size: int) -> tuple[Tensor, Box]:
    """The centre square of a picture as a network reads it, and where that square lies.

    image   as in `as_image`
    size    side of the result in pixels, ≥ 1
    result  float32 tensor (3,size,size) in 0…1 on the CPU, and the square as
            (left, top, right, bottom) in the picture's own pixels

    Resized by Pillow's bilinear filter, which is antialiased (its support grows with the
    reduction, as in torchvision's `Resize(antialias=True)`) and never over-shoots. A tensor
    that is size × size already is taken as it is, without rounding to 8 bits.

    Raises ControlError for a size < 1, and the errors of `as_image`.
    """
    if size < 1:
        raise ControlError(
            "image.bad_size",
            f"The size is {size}; at least 1 pixel is expected.",
            came=size,
            minimum=1,
        )
    if isinstance(image, Tensor) and image.shape == (3, size, size):
        return _checked_tensor(image), (0, 0, size, size)
    picture = as_image(image)
    box = centre_square(*picture.size)
    square = picture.crop(box).resize((size, size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(square))  # (size,size,3)
    return pixels.permute(2, 0, 1).contiguous().float() / 255, box


def checked_kind(data: bytes, expected: tuple[str, ...] = SUPPORTED, key: str = "image.unsupported") -> str:
    """The format of a file, told from its content; `key`: of the error for one that is not among the `expected`.

    Raises KindError if `data` is not bytes, InputError `image.empty`, `image.file_too_large`, or with `key`.
    """
    if not isinstance(data, bytes):
        raise KindError(
            "image.wrong_type",
            f"The photo came as {type(data).__name__}; the bytes of the file are expected.",
            came=type(data).__name__,
            expected="bytes",
        )
    if not data:
        raise InputError("image.empty", "The file is empty (0 bytes). Choose another file.", came=0)
    if len(data) > MAX_FILE_BYTES:
        came, limit = round(len(data) / 1e6, 1), MAX_FILE_BYTES // 1_000_000
        raise InputError(
            "image.file_too_large",
            f"The file has {came} MB; the limit is {limit} MB. Save the photo smaller.",
            came=came,
            limit=limit,
        )
    kind = detect_kind(data)
    if kind not in expected:
        listed = ", ".join(expected)
        raise InputError(
            key,
            f"The file is of kind {kind}; expected is one of {listed}. Export it as one of them.",
            came=kind,
            expected=listed,
        )
    return kind


def _orientation(image: ImageFile) -> int:
    """EXIF orientation, 1 (upright) where there is none; broken EXIF does not spoil a photo."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:
        return 1


def _scale_colour_key(image: ImageFile, depth: int) -> None:
    """A PNG's transparent colour has its `depth` bits; Pillow has brought the pixels to 8."""
    key = image.info.get("transparency")
    if key is None:
        return
    if image.mode == "L" and depth < 8:
        image.info["transparency"] = key * 255 // (2**depth - 1)
    if image.mode == "RGB" and depth == 16:
        image.info["transparency"] = tuple(level >> 8 for level in key)


def _to_rgb(image: Image.Image) -> Image.Image:
    """A new image in mode "RGB"."""
    if image.mode == "F" or image.mode.split(";")[0] == "I":
        return _deep_grey_to_rgb(image)
    if image.mode == "La":  # Pillow converts this one only to its twin
        image = image.convert("LA")
    if not image.has_transparency_data:
        return image.convert("RGB")
    rgba = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _deep_grey_to_rgb(image: Image.Image) -> Image.Image:
    """Grey of 16 bits or of floats, scaled to 8 bits where Pillow would clip."""
    values = np.asarray(image)
    white = 255 if image.mode == "F" else 65535
    check_range(float(values.min()), float(values.max()), 0, white)
    grey = np.rint(values / np.float32(white / 255)).astype(np.uint8)  # (H,W)
    if (key := image.info.get("transparency")) is not None:
        grey[values == key] = 255
    return Image.fromarray(grey).convert("RGB")


def _checked_tensor(image: object) -> Tensor:
    """float32 (3,H,W) in 0…1 on the CPU, never the caller's own memory."""
    if not isinstance(image, Tensor):
        raise KindError(
            "image.wrong_type",
            f"The picture came as {type(image).__name__}; expected is a PIL image, a uint8 array "
            "(H, W, 3) or a float tensor (3, H, W).",
            came=type(image).__name__,
            expected="PIL image, uint8 array (H, W, 3), float tensor (3, H, W)",
        )
    check_dtype(image.is_floating_point(), image.dtype, "a floating tensor in 0…1")
    fits = image.ndim == 3 and image.shape[0] == 3 and image.numel() > 0
    check_shape(fits, tuple(image.shape), "(3, H, W)")
    pixels = image.detach().to("cpu", torch.float32)
    check_range(float(pixels.min()), float(pixels.max()), 0, 1)
    return pixels.clamp(0, 1)
