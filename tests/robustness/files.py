"""Picture files that somebody may upload: sound ones of eight formats, and what damage and malice make of them."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

KINDS = ("JPEG", "PNG", "WebP", "GIF", "BMP", "TIFF", "ICO", "JPEG 2000")
READ = KINDS[:5]  # the others are refused by their name


@cache
def photo(width: int = 40, height: int = 30) -> Image.Image:
    """Ramps with a little noise, so that damage anywhere in the data shows."""
    y, x = np.mgrid[:height, :width]
    planes = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height)], -1)
    noise = np.random.default_rng(0).integers(0, 16, planes.shape)
    return Image.fromarray(np.clip(planes + noise, 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file."""
    file = io.BytesIO()
    image.save(file, {"JPEG 2000": "JPEG2000"}.get(kind, kind), **options)
    return file.getvalue()


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    return exif.tobytes()


def _deep() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16))


@cache
def sound() -> dict[str, tuple[tuple[str, bytes], ...]]:
    """By format: (what is special about it, the file), all in order."""
    rgb, more = photo(), [photo().rotate(90 * turn) for turn in (1, 2)]
    rgba = rgb.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(rgb.size))
    moving: dict[str, Any] = {"save_all": True, "append_images": more, "duration": 40}
    files: dict[str, list[tuple[str, bytes]]] = {
        "JPEG": [
            ("plain", saved(rgb, "JPEG")),
            ("progressive", saved(rgb, "JPEG", progressive=True)),
            ("grey", saved(rgb.convert("L"), "JPEG")),
            ("CMYK", saved(rgb.convert("CMYK"), "JPEG")),
            ("turned", saved(rgb, "JPEG", exif=_exif(6))),
            ("restart marks", saved(rgb, "JPEG", restart_marker_blocks=1)),
        ],
        "PNG": [
            ("plain", saved(rgb, "PNG")),
            ("alpha", saved(rgba, "PNG")),
            ("transparent colour", saved(rgb.quantize(16), "PNG", transparency=3)),
            ("one bit", saved(rgb.convert("1"), "PNG")),
            ("16 bits", saved(_deep(), "PNG")),
            ("animated", saved(rgb, "PNG", **moving)),
            ("turned", saved(rgb, "PNG", exif=_exif(8))),
        ],
        "WebP": [
            ("lossy", saved(rgb, "WebP")),
            ("lossless", saved(rgb, "WebP", lossless=True)),
            ("alpha", saved(rgba, "WebP")),
            ("animated", saved(rgb, "WebP", **moving)),
            ("turned", saved(rgb, "WebP", exif=_exif(3))),
        ],
        "GIF": [
            ("plain", saved(rgb.quantize(32), "GIF")),
            ("animated", saved(rgb.quantize(32), "GIF", **{**moving, "append_images": [m.quantize(32) for m in more]})),
            ("interlaced", saved(rgb.convert("L"), "GIF", interlace=1, comment=b"made here")),
        ],
        "BMP": [
            ("plain", saved(rgb, "BMP")),
            ("palette", saved(rgb.quantize(16), "BMP")),
            ("one bit", saved(rgb.convert("1"), "BMP")),
            ("alpha", saved(rgba, "BMP")),
            ("packed", packed_bmp(40, 30, b"\x28\x07\0\0" * 30 + b"\0\1")),
        ],
        "TIFF": [
            ("plain", saved(rgb, "TIFF")),
            ("packed", saved(rgb, "TIFF", compression="tiff_lzw")),
            ("16 bits", saved(_deep(), "TIFF")),
        ],
        "ICO": [("plain", saved(rgb, "ICO"))],
        "JPEG 2000": [("plain", saved(rgb, "JPEG 2000"))],
    }
    return {kind: tuple(files[kind]) for kind in KINDS}


def packed_bmp(width: int, height: int, runs: bytes) -> bytes:
    """A BMP of 256 greys, packed by run length."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 256)
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + palette + runs


# --- damage ----------------------------------------------------------------------------------


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(1, len(data)) :]


def _flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 3, 20))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_header(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 4))):
        data[rng.randrange(min(64, len(data)))] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))


def _overwrite(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    length = rng.choice((1, 2, 4, 16, 64))
    data[at : at + length] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))


def _huge_numbers(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(min(200, len(data)))
    data[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0"))


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 2, 7, 100))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 12, 200))
    data[at:at] = data[at : at + length] * rng.choice((1, 2, 50))


def _other_header(data: bytearray, rng: random.Random) -> None:
    other = rng.choice([files[0][1] for files in sound().values()])
    length = rng.choice((3, 8, 12, 26, 40))
    data[:length] = other[:length]


def _joined(data: bytearray, rng: random.Random) -> None:
    other = rng.choice([files[-1][1] for files in sound().values()])
    del data[rng.randrange(8, len(data)) :]
    data += other[rng.randrange(len(other)) :]


def _trailing(data: bytearray, rng: random.Random) -> None:
    data += rng.choice((b"<script>alert(1)</script>", rng.randbytes(500), bytes(5000), b"PK\x03\x04" * 40))


DAMAGE: dict[str, Callable[[bytearray, random.Random], None]] = {
    "cut off": _cut,
    "bits flipped": _flip_bits,
    "header altered": _flip_header,
    "bytes overwritten": _overwrite,
    "huge numbers": _huge_numbers,
    "bytes left out": _drop,
    "bytes repeated": _repeat,
    "header of another format": _other_header,
    "rest of another file": _joined,
    "something behind the end": _trailing,
}


def damaged(count: int, seed: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """`count` files: (format, damage, content), the formats and kinds of damage in turn; the same for the same seed."""
    rng = random.Random(seed)
    ways = list(DAMAGE)
    for number in range(count):
        kind, way = KINDS[number % len(KINDS)], ways[number // len(KINDS) % len(ways)]
        data = bytearray(rng.choice(sound()[kind])[1])
        DAMAGE[way](data, rng)
        yield kind, way, bytes(data)


# --- malice ----------------------------------------------------------------------------------


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def repainted_jpeg(scans: int, width: int = 5000, height: int = 6000) -> bytes:
    """A JPEG of 30 megapixels in a few kilobytes, whose last scan, 51 bytes, comes `scans` times more."""
    data = saved(Image.new("L", (width, height), 128), "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * scans + data[-2:]


def hostile() -> dict[str, tuple[bytes, str]]:
    """Small files that would take long or much memory, and the key of the error that has to refuse each."""
    jpeg, png, gif = (saved(photo().convert("L"), kind) for kind in ("JPEG", "PNG", "GIF"))
    first = 13 + 3 * 2 ** ((gif[10] & 7) + 1)  # of the GIF's blocks, behind its palette
    large = zlib.compress(bytes(60_000_000), 9)
    parts = "image.too_many_parts"
    return {
        "JPEG painted over a thousand times": (repainted_jpeg(1000), parts),
        "JPEG of scans behind a stray byte": (_hidden_scans(), parts),
        "JPEG of a million comments": (jpeg[:2] + b"\xff\xfe\0\x02" * 1_000_000 + jpeg[2:], parts),
        "JPEG of four million bytes between segments": (jpeg[:20] + b"\1" * 4_000_000 + jpeg[20:], parts),
        "PNG of 300,000 chunks": (png[:33] + chunk(b"abCd", b"") * 300_000 + png[33:], parts),
        "GIF of four million bytes between blocks": (gif[:first] + b"\1" * 4_000_000 + gif[first:], parts),
        "GIF of 800,000 comments": (gif[:first] + b"!\xfe\1a\0" * 800_000 + gif[first:], parts),
        "GIF of a comment in two million pieces": (
            gif[:first] + b"!\xfe" + b"\1a" * 2_000_000 + b"\0" + gif[first:],
            parts,
        ),
        "BMP of four million runs": (packed_bmp(2000, 2000, b"\1\7" * 4_000_000), parts),
        "PNG of 100,000 × 100,000": (
            png[:8] + chunk(b"IHDR", struct.pack(">II5B", 100_000, 100_000, 8, 0, 0, 0, 0)) + png[33:],
            "image.too_many_pixels",
        ),
        "PNG whose text unpacks to 60 MB": (
            png[:33] + chunk(b"zTXt", b"a\0\0" + large) + png[33:],
            "image.truncated",
        ),
        "PNG of 1 × 20,000": (saved(Image.new("L", (1, 20_000)), "PNG"), "image.too_small"),
        "PNG of one pixel": (saved(Image.new("L", (1, 1)), "PNG"), "image.too_small"),
        "PNG of 31 megapixels": (saved(Image.new("1", (6200, 5000)), "PNG"), "image.too_many_pixels"),
    }


def _hidden_scans() -> bytes:
    """FF 00 is no mark; whoever takes it for one with a length skips what libjpeg reads."""
    data = repainted_jpeg(0)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + (b"\xff\x00\xff\xff" + scan * 1000) * 2 + data[-2:]


def heaviest() -> dict[str, bytes]:
    """Files at the limits, which are accepted: what they cost is what any file may cost."""
    grey = Image.linear_gradient("L").resize((6000, 5000))
    clear = Image.merge("RGBA", (grey, grey, grey, grey))
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    return {
        "JPEG, 30 megapixels, progressive, CMYK": saved(clear.convert("CMYK"), "JPEG", progressive=True),
        "JPEG, 30 megapixels, 50 scans": repainted_jpeg(44),
        "PNG, 30 megapixels, alpha": saved(clear, "PNG", compress_level=1),
        "PNG, 30 megapixels, 16 bits": saved(deep, "PNG", compress_level=1),
        "WebP, 30 megapixels, alpha": saved(clear, "WebP", method=0, quality=10),
        "GIF, 30 megapixels": saved(grey, "GIF", transparency=0),
        "BMP, 30 megapixels, packed": packed_bmp(6000, 5000, (b"\xff\7" * 23 + b"\x87\7" + b"\0\0") * 5000 + b"\0\1"),
    }
