"""What a file is, told from its first bytes; its name and its declared type are not believed."""

from __future__ import annotations

import codecs
import re
import struct

from attention_core.inputs._parts import MAX_PARTS, check_count

SUPPORTED = ("JPEG", "PNG", "WebP", "BMP", "GIF")

# Tried in this order, each at the first byte.
_SIGNATURES = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"RIFF.{4}WEBP", "WebP"),
        # "BM" alone begins many a text; the header's own size must follow at byte 14
        (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "BMP"),
        (rb"GIF8[79]a", "GIF"),
        (rb"%PDF", "PDF"),
        (rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+", "TIFF"),
        (rb".{4}ftyp.{0,40}avi[fs]", "AVIF"),
        (rb".{4}ftyp(hei[cfmsx]|hev[cfmsx]|mif1|msf1)", "HEIC"),
        (rb".{4}ftyp|\x1aE\xdf\xa3", "video"),
        (rb"\x00{3}\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
        (rb"\x00{3}\x0cJXL |\xff\x0a", "JPEG XL"),
        (rb"8BPS", "PSD"),
        (rb"\x00\x00\x01\x00", "ICO"),
        (rb"PK\x03\x04", "ZIP"),
        (rb"\x1f\x8b", "GZIP"),
    )
)
_BEGINNING = 2048


def detect_kind(data: bytes) -> str:
    """The name of the format, "text" for other readable text, otherwise "unknown"."""
    for signature, kind in _SIGNATURES:
        if signature.match(data):
            return kind
    beginning = data[:_BEGINNING]
    if b"<svg" in beginning:
        return "SVG"
    if re.search(rb"<html|<!doctype html", beginning, re.IGNORECASE):
        return "HTML"
    return "text" if _reads_as_text(beginning) else "unknown"


def _reads_as_text(beginning: bytes) -> bool:
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:  # incrementally, because the last character may be cut
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(c.isprintable() or c.isspace() or c == "\ufeff" for c in text)


def declared_size(kind: str, data: bytes) -> tuple[int, int] | None:
    """(width, height) that a WebP or GIF claims; None for the other kinds.

    Pillow's reader of WebP allocates the whole canvas as soon as it is opened, and the one of
    GIF warns about large frames; the other readers take the size and touch nothing else.
    A header that is cut short raises IndexError or struct.error.
    """
    if kind == "WebP":
        return _webp_size(data)
    if kind == "GIF":
        return _gif_size(data)
    return None


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":  # extended: two numbers of 24 bits, each less one
        low_width, top_width, low_height, top_height = struct.unpack_from("<HBHB", data, 24)
        return (low_width | top_width << 16) + 1, (low_height | top_height << 16) + 1
    if chunk == b"VP8L":  # lossless: two numbers of 14 bits, each less one
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _gif_size(data: bytes) -> tuple[int, int]:
    """The screen, made larger where the first frame reaches beyond it (as Pillow does)."""
    width, height, _ = gif_frames(data, most=1)
    return width, height


def gif_frames(data: bytes, most: int) -> tuple[int, int, int]:
    """(width, height, count) of a GIF's first frames, at most `most`: the screen, and how far frames reach beyond it.

    Read block by block, without decoding. A header that is cut short raises IndexError or struct.error; more blocks
    and bytes between them than a photo has, InputError `image.too_many_parts`.
    """
    width, height = struct.unpack_from("<HH", data, 6)
    at = 13 + _palette_bytes(data[10])
    count = parts = 0
    while at < len(data) and data[at : at + 1] != b";":
        block = data[at : at + 1]
        parts += 1
        check_count("GIF", parts, MAX_PARTS)
        if block == b",":  # a frame
            left, top, frame_width, frame_height, flags = struct.unpack_from("<4HB", data, at + 1)
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            count += 1
            if count == most:
                break
            # behind the palette: the size of the codes
            at, parts = _after_pieces(data, at + 11 + _palette_bytes(flags), parts)
        elif block == b"!":  # an extension and its label
            at, parts = _after_pieces(data, at + 2, parts)
        else:
            at += 1
    return width, height, count


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_pieces(data: bytes, at: int, parts: int) -> tuple[int, int]:
    """Behind the pieces of a GIF's block, which begin at `at`, each with its length, up to an empty one; all parts."""
    while data[at]:
        at += data[at] + 1
        parts += 1
        check_count("GIF", parts, MAX_PARTS)
    return at + 1, parts
