"""load_image, as_image, centre_square, to_square_tensor: files are made here, in memory."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from attention_core.errors import ControlError, InputError, KindError, ShapeError
from attention_core.inputs import as_image, centre_square, load_image, to_square_tensor
from tests.inputs.refusals import refused_at

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def photo(width: int = 24, height: int = 16) -> Image.Image:
    """Smooth ramps, so that lossy formats stay close."""
    y, x = np.mgrid[:height, :width]
    planes = (x * 255 // (width - 1), y * 255 // (height - 1), np.full_like(x, 90))
    return Image.fromarray(np.stack(planes, -1).astype(np.uint8))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG written by hand; `rows` each begin with the filter byte 0."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + extra + body


def refused(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        load_image(data)
    return caught.value


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    return tuple(np.asarray(image)[y, x].tolist())


# --- formats and modes -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_rgb_without_leftovers(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "maker of the camera"
    options = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP") else {}
    image = load_image(saved(photo(), kind, **options))
    assert type(image) is Image.Image
    assert (image.mode, image.size, image.info) == ("RGB", (24, 16), {})
    assert not dict(image.getexif())
    difference = np.abs(np.asarray(image, dtype=int) - np.asarray(photo(), dtype=int))
    assert difference.max() <= (0 if kind in ("PNG", "BMP") else 60)
    assert difference.mean() < (1 if kind in ("PNG", "BMP") else 12)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_png_modes(mode: str) -> None:
    level = {"1": 1, "I;16": 65535}.get(mode, "white")
    image = load_image(saved(Image.new(mode, (9, 8), level), "PNG"))
    assert (image.mode, image.size, pixel(image, 4, 4)) == ("RGB", (9, 8), WHITE)


def test_grey_files_and_one_bit_bmp() -> None:
    grey = Image.new("L", (16, 16), 100)
    for kind in ("JPEG", "BMP", "GIF"):
        assert pixel(load_image(saved(grey, kind)), 8, 8) == (100, 100, 100)
    bits = Image.new("1", (16, 16), 0)
    bits.paste(1, (0, 0, 8, 16))
    image = load_image(saved(bits, "BMP"))
    assert (pixel(image, 0, 0), pixel(image, 15, 0)) == (WHITE, (0, 0, 0))


def test_transparency_lies_on_white() -> None:
    rgba = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    rgba.putpixel((1, 0), (255, 0, 0, 255))
    rgba.putpixel((2, 0), (0, 0, 0, 51))  # a fifth of black on white: 204
    for kind in ("PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        image = load_image(saved(rgba, kind, **options))
        assert pixel(image, 0, 0) == WHITE
        assert pixel(image, 1, 0) == RED
        assert pixel(image, 2, 0) == (204, 204, 204)


def test_grey_with_alpha_lies_on_white() -> None:
    image = load_image(saved(Image.new("LA", (8, 8), (0, 51)), "PNG"))
    assert pixel(image, 3, 3) == (204, 204, 204)


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 51])])
def test_palette_transparency_lies_on_white(transparency: int | bytes) -> None:
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([*RED, *GREEN, 0, 0, 0])
    palette.putpixel((1, 0), 1)
    palette.putpixel((2, 0), 2)
    image = load_image(saved(palette, "PNG", transparency=transparency))
    assert (pixel(image, 0, 0), pixel(image, 1, 0)) == (RED, WHITE)
    assert pixel(image, 2, 0) == ((0, 0, 0) if transparency == 1 else (204, 204, 204))


@pytest.mark.parametrize("depth", [2, 4, 8, 16])
def test_a_transparent_grey_of_any_depth(depth: int) -> None:
    levels = 2**depth - 1
    middle = levels // 3  # the transparent level; the other pixels are black
    line = np.zeros(8, dtype=np.uint32)
    line[3] = middle
    packed = b"".join(int(v).to_bytes(2, "big") for v in line)
    if depth < 16:
        bits = "".join(f"{int(v):0{depth}b}" for v in line)
        packed = int(bits, 2).to_bytes(depth, "big")
    key = chunk(b"tRNS", struct.pack(">H", middle))
    image = load_image(png(8, 8, depth, 0, (b"\0" + packed) * 8, key))
    assert (pixel(image, 3, 5), pixel(image, 2, 5)) == (WHITE, (0, 0, 0))


def test_a_transparent_colour_of_16_bits() -> None:
    row = b"\0" + struct.pack(">6H", 65535, 0, 0x1234, 0, 0, 65535) * 4
    key = chunk(b"tRNS", struct.pack(">3H", 65535, 0, 0x1234))
    image = load_image(png(8, 8, 16, 2, row * 8, key))
    assert (pixel(image, 0, 0), pixel(image, 1, 0)) == (WHITE, BLUE)


def test_16_bit_gradient_is_scaled_not_clipped() -> None:
    values = np.linspace(0, 65535, 256).round().astype(">u2")
    row = b"\0" + values.tobytes()
    grey = np.asarray(load_image(png(256, 8, 16, 0, row * 8)))[0, :, 0].astype(int)
    assert grey.tolist() == list(range(256))


def test_cmyk_jpeg_colours() -> None:
    cyan, red = (255, 0, 0, 0), (0, 255, 255, 0)
    cmyk = Image.new("CMYK", (32, 16), cyan)
    cmyk.paste(red, (16, 0, 32, 16))
    data = saved(cmyk, "JPEG", quality=95)
    assert b"Adobe" in data  # so the numbers in the file are inverted
    image = load_image(data)
    assert np.allclose(pixel(image, 4, 8), (0, 255, 255), atol=4)
    assert np.allclose(pixel(image, 28, 8), RED, atol=4)


def test_gif_gives_its_first_frame() -> None:
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        data = saved(first, kind, save_all=True, append_images=[second], duration=50, **options)
        assert pixel(load_image(data), 4, 4) == RED, kind


def test_a_gif_with_transparency_lies_on_white() -> None:
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([*RED, *GREEN])
    palette.putpixel((5, 5), 1)
    image = load_image(saved(palette, "GIF", transparency=0))
    assert (pixel(image, 0, 0), pixel(image, 5, 5)) == (WHITE, GREEN)


def test_a_gif_frame_beyond_its_screen_is_shown_whole() -> None:
    data = bytearray(saved(Image.new("RGB", (20, 10), RED), "GIF"))
    data[6:10] = struct.pack("<HH", 9, 9)
    assert load_image(bytes(data)).size == (20, 10)


# --- orientation -----------------------------------------------------------------------------


def marked() -> Image.Image:
    """Wider than high; red at the top left, green at the top right, blue at the bottom left."""
    image = Image.new("RGB", (12, 8), "black")
    image.putpixel((0, 0), RED)
    image.putpixel((11, 0), GREEN)
    image.putpixel((0, 7), BLUE)
    return image


@pytest.mark.parametrize(
    ("orientation", "size", "red", "green", "blue"),
    [
        (1, (12, 8), (0, 0), (11, 0), (0, 7)),
        (2, (12, 8), (11, 0), (0, 0), (11, 7)),
        (3, (12, 8), (11, 7), (0, 7), (11, 0)),
        (4, (12, 8), (0, 7), (11, 7), (0, 0)),
        (5, (8, 12), (0, 0), (0, 11), (7, 0)),
        (6, (8, 12), (7, 0), (7, 11), (0, 0)),  # held upright: turn clockwise
        (7, (8, 12), (7, 11), (7, 0), (0, 11)),
        (8, (8, 12), (0, 11), (0, 0), (7, 11)),
        (9, (12, 8), (0, 0), (11, 0), (0, 7)),  # no such orientation
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_orientation(
    kind: str,
    orientation: int,
    size: tuple[int, int],
    red: tuple[int, int],
    green: tuple[int, int],
    blue: tuple[int, int],
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    image = load_image(saved(marked(), kind, exif=exif, **options))
    assert image.size == size
    assert [pixel(image, *at) for at in (red, green, blue)] == [RED, GREEN, BLUE]


def test_exif_orientation_of_a_jpeg() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (32, 16), "black")
    image.paste(RED, (0, 0, 8, 8))
    turned = load_image(saved(image, "JPEG", exif=exif, quality=95, subsampling=0))
    assert turned.size == (16, 32)
    assert np.allclose(pixel(turned, 12, 3), RED, atol=6)
    assert np.allclose(pixel(turned, 3, 3), 0, atol=6)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's own
def test_broken_exif_does_not_spoil_a_photo() -> None:
    for exif in (b"Exif\0\0rubbish", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0II*\0"):
        assert load_image(saved(photo(), "JPEG", exif=exif)).size == (24, 16)


# --- refusals --------------------------------------------------------------------------------


def test_empty() -> None:
    error = refused(b"")
    assert (error.key, error.values) == ("image.empty", {"came": 0})


@pytest.mark.parametrize(
    ("data", "came"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (saved(photo(), "TIFF"), "TIFF"),
        (saved(photo(), "ICO"), "ICO"),
        (saved(photo(), "JPEG2000"), "JPEG 2000"),
        (b"PK\x03\x04\x14\0", "ZIP"),
        (b"<!DOCTYPE html><html>", "HTML"),
        ("BMW 是一辆车。".encode(), "text"),
        (("柠" * 2000).encode(), "text"),
        (b"GIF", "text"),
        (bytes(range(256)), "unknown"),
        (b"RIFF\0\0\0\0WAVEfmt ", "unknown"),
    ],
)
def test_other_kinds_are_named(data: bytes, came: str) -> None:
    error = refused(data)
    assert error.key == "image.unsupported"
    assert error.values == {"came": came, "expected": "JPEG, PNG, WebP, BMP, GIF"}


def test_too_large_a_file() -> None:
    error = refused(b"\xff\xd8\xff" + bytes(40_000_000))
    assert (error.key, error.values) == ("image.file_too_large", {"came": 40.0, "limit": 40})


def huge_files() -> dict[str, tuple[bytes, int, int]]:
    """Tiny files whose headers claim enormous pictures."""
    bmp, gif = bytearray(saved(photo(), "BMP")), bytearray(saved(photo(), "GIF"))
    bmp[18:26] = struct.pack("<ii", 50000, 50000)
    frame = bytearray(gif)
    gif[6:10] = struct.pack("<HH", 60000, 60000)
    at = frame.index(b",", 13 + 3 * 2 ** ((frame[10] & 7) + 1))
    frame[at + 1 : at + 9] = struct.pack("<4H", 0, 0, 12000, 12000)  # between Pillow's two limits
    jpeg = bytearray(saved(photo(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 50000, 50000)
    lossy = bytearray(saved(photo(), "WEBP"))
    lossy[26:30] = struct.pack("<HH", 16383, 16383)
    lossless = bytearray(saved(photo(), "WEBP", lossless=True))
    lossless[21:25] = struct.pack("<I", 16382 | 16382 << 14)
    extended = bytearray(saved(photo(), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"))
    extended[24:30] = (69999).to_bytes(3, "little") * 2
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 50000, 50000, 8, 2, 0, 0, 0))
    return {
        "PNG": (png(50000, 50000, 8, 2, b"\0"), 50000, 50000),
        "PNG, second header": (png(9, 9, 8, 2, b"\0", second), 50000, 50000),
        "BMP": (bytes(bmp), 50000, 50000),
        "GIF": (bytes(gif), 60000, 60000),
        "GIF, first frame": (bytes(frame), 12000, 12000),
        "JPEG": (bytes(jpeg), 50000, 50000),
        "WebP": (bytes(lossy), 16383, 16383),
        "WebP, lossless": (bytes(lossless), 16383, 16383),
        "WebP, extended": (bytes(extended), 70000, 70000),
    }


@pytest.mark.parametrize("name", huge_files())
def test_huge_claims_are_refused_by_the_header(name: str) -> None:
    data, width, height = huge_files()[name]
    error, peak = refused_at(refused, data)
    assert error.key == "image.too_many_pixels"
    megapixels = round(width * height / 1e6, 1)
    assert error.values == {"width": width, "height": height, "megapixels": megapixels, "limit": 30}
    assert error.__cause__ is None
    assert peak < 1_000_000


def test_the_limit_is_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert load_image(saved(photo(), "PNG")).size == (24, 16)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert refused(png(50000, 50000, 8, 2, b"\0")).key == "image.too_many_pixels"


def test_30_megapixels_pass_and_one_row_more_does_not() -> None:
    assert load_image(saved(Image.new("1", (6000, 5000)), "PNG")).size == (6000, 5000)
    assert refused(saved(Image.new("1", (6000, 5001)), "PNG")).key == "image.too_many_pixels"


@pytest.mark.parametrize("size", [(1, 1), (7, 100), (100, 7), (1, 20000), (20000, 1)])
def test_too_small(size: tuple[int, int]) -> None:
    error = refused(saved(Image.new("L", size), "PNG"))
    assert error.key == "image.too_small"
    assert error.values == {"width": size[0], "height": size[1], "limit": 8}


def noise() -> Image.Image:
    """Nothing compresses it away, so half a file is half a picture."""
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated(kind: str) -> None:
    data = saved(noise(), kind)
    for share in (0.1, 0.5, 0.9):
        error = refused(data[: int(len(data) * share)])
        assert error.key == "image.truncated"
        assert error.values == {"came": "WebP" if kind == "WEBP" else kind}
        assert error.__cause__ is not None


@pytest.mark.parametrize("kind", FORMATS)
def test_cut_anywhere(kind: str) -> None:
    data = saved(photo(8, 8), kind)
    for length in range(1, len(data)):
        try:
            image = load_image(data[:length])
        except InputError as error:
            assert error.key in ("image.truncated", "image.unsupported", "image.too_small")
        else:  # only an end mark was lost
            assert image.size == (8, 8)


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(FORMATS), places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255))))
def test_damaged_files_never_raise_anything_else(kind: str, places: list[tuple[float, int]]) -> None:
    data = bytearray(saved(photo(), kind))
    for place, value in places:
        data[int(place * (len(data) - 1))] = value
    try:
        image = load_image(bytes(data))
    except InputError:
        return
    assert image.mode == "RGB" and min(image.size) >= 8


def test_nothing_global_is_changed() -> None:
    before = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, warnings.filters[:]
    load_image(saved(photo(), "JPEG"))
    refused(saved(noise(), "JPEG")[:500])
    assert (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, warnings.filters[:]) == before


@pytest.mark.parametrize("data", ["photo.png", None, io.BytesIO(b"abc")])
def test_only_bytes_are_files(data: Any) -> None:
    with pytest.raises(KindError, match="bytes"):
        load_image(data)


# --- pictures in memory ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, WHITE),
        ("L", 100, (100, 100, 100)),
        ("LA", (0, 51), (204, 204, 204)),
        ("La", (0, 51), (204, 204, 204)),
        ("P", 0, (0, 0, 0)),
        ("PA", (0, 0), WHITE),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),
        ("RGBa", (0, 0, 0, 51), (204, 204, 204)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("YCbCr", (100, 128, 128), (100, 100, 100)),
        ("HSV", (0, 255, 255), RED),
        ("I", 65535, WHITE),
        ("I;16", 25700, (100, 100, 100)),
        ("I;16B", 25700, (100, 100, 100)),
        ("F", 100.4, (100, 100, 100)),
    ],
)
def test_as_image_takes_every_mode(mode: str, colour: Any, expected: tuple[int, ...]) -> None:
    image = as_image(Image.new(mode, (3, 2), colour))
    assert (image.mode, image.size, pixel(image, 1, 1)) == ("RGB", (3, 2), expected)


def test_as_image_takes_lab() -> None:
    image = as_image(Image.new("LAB", (3, 2), (255, 128, 128)))  # a and b are 0 at 128
    assert image.mode == "RGB"
    assert np.allclose(pixel(image, 1, 1), WHITE, atol=2)  # through a colour profile


def test_as_image_of_array_and_tensor_are_the_same_pixels() -> None:
    array = np.asarray(photo())
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1) / 255
    for same in (photo(), array, array[:, ::-1][:, ::-1], tensor, tensor.double(), tensor.half()):
        assert np.array_equal(np.asarray(as_image(same)), array)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((8, 8, 4), np.uint8), ShapeError, r"\(8, 8, 4\); expected is \(H, W, 3\)"),
        (np.zeros((8, 8), np.uint8), ShapeError, r"\(8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), ShapeError, r"\(0, 8, 3\)"),
        (np.zeros((3, 8, 8), np.uint8), ShapeError, r"\(3, 8, 8\)"),
        (np.zeros((8, 8, 3)), KindError, "float64; expected is uint8"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), KindError, "torch.uint8; expected is a floating"),
        (torch.zeros(1, 3, 8, 8), ShapeError, r"\(1, 3, 8, 8\); expected is \(3, H, W\)"),
        (torch.zeros(8, 8, 3), ShapeError, r"\(8, 8, 3\)"),
        (torch.zeros(3, 0, 8), ShapeError, r"\(3, 0, 8\)"),
        (torch.full((3, 8, 8), 255.0), ControlError, "from 255.0 to 255.0; expected is 0 to 1"),
        (torch.full((3, 8, 8), -0.1), ControlError, "-0.1"),
        (torch.full((3, 8, 8), float("nan")), ControlError, "nan"),
        (torch.full((3, 8, 8), float("inf")), ControlError, "inf"),
        (Image.new("I", (8, 8), 70000), ControlError, "70000.0; expected is 0 to 65535"),
        (Image.new("F", (8, 8), float("nan")), ControlError, "nan"),
        (Image.new("RGB", (0, 8)), ShapeError, r"\(0, 8\)"),
        ("photo.png", KindError, "came as str"),
        (None, KindError, "came as NoneType"),
    ],
)
def test_as_image_says_what_came(image: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        as_image(image)


def test_as_image_of_a_damaged_file() -> None:
    opened = Image.open(io.BytesIO(saved(noise(), "PNG")[:2000]))
    with pytest.raises(InputError) as caught:
        as_image(opened)
    assert (caught.value.key, caught.value.values) == ("image.truncated", {"came": "PNG"})


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((10, 10), (0, 0, 10, 10)),
        ((20, 10), (5, 0, 15, 10)),
        ((10, 20), (0, 5, 10, 15)),
        ((11, 8), (1, 0, 9, 8)),
        ((1, 1), (0, 0, 1, 1)),
    ],
)
def test_centre_square(size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
    assert centre_square(*size) == box


def test_centre_square_of_nothing() -> None:
    with pytest.raises(ShapeError, match=r"\(0, 5\)"):
        centre_square(0, 5)


def test_to_square_tensor_cuts_the_middle() -> None:
    image = Image.new("RGB", (32, 16), RED)
    image.paste(GREEN, (8, 0, 24, 16))
    tensor, box = to_square_tensor(image, 4)
    assert box == (8, 0, 24, 16)
    assert tensor.shape == (3, 4, 4) and tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    # the red outside of the square does not bleed in
    assert torch.equal(tensor, torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand(3, 4, 4))


def test_to_square_tensor_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    tensor, _ = to_square_tensor(stripes, 8)
    assert torch.allclose(tensor, torch.tensor(0.5), atol=0.03)


def test_to_square_tensor_of_the_right_size_changes_nothing() -> None:
    array = np.asarray(photo(16, 16))
    tensor, box = to_square_tensor(array, 16)
    assert box == (0, 0, 16, 16)
    assert torch.equal((tensor * 255).round().byte().permute(1, 2, 0), torch.tensor(array))
    exact = torch.rand(3, 16, 16, requires_grad=True)
    again, _ = to_square_tensor(exact, 16)
    assert torch.equal(again, exact.detach()) and not again.requires_grad
    again.zero_()
    assert exact.max() > 0  # the caller's memory is not shared


@pytest.mark.parametrize("size", [0, -3])
def test_to_square_tensor_needs_a_size(size: int) -> None:
    with pytest.raises(ControlError, match=f"The size is {size}"):
        to_square_tensor(photo(), size)
