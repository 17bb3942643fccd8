"""How many parts a file is put together from, counted without decoding any.

A photo has a few hundred at most. Readers go through them one by one, so a small file of very many keeps a processor
busy for minutes, and a JPEG that repaints its picture in each of thousands of scans for hours (libjpeg-turbo, "Two
issues with the JPEG standard", 2019).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import repeat

from attention_core.errors import InputError

MAX_PARTS = 200_000  # a GIF of 40 MB has 157,000, in pieces of 255 bytes; each takes some microseconds
MAX_SEGMENTS = 20_000  # of a JPEG; each holds up to 65 KB
MAX_SCANS = 50  # of a progressive JPEG; encoders write about ten
MAX_RUNS = 1_000_000  # of a BMP packed by run length, each of two bytes, which Pillow unpacks in Python

# Within the data of a scan, FF stands before 00, before a restart mark, or before another FF.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MARK = re.compile(rb"\xff+[^\xff]")
_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH = {0x00, 0x01, *range(0xD0, 0xD9)}  # 00: no mark but stray data, which libjpeg steps over
_BMP_PACKED = (1, 2)  # of the header's field "compression"


def check_parts(kind: str, data: bytes) -> None:
    """InputError `image.too_many_parts` for a JPEG, PNG or BMP of more parts than a photo has.

    A GIF's are counted where its frames are. What is cut short is left to the reader.
    """
    if kind == "JPEG":
        scans = 0
        for count, mark in enumerate(_jpeg_marks(data), start=1):
            scans += mark == _SCAN
            check_count(kind, scans, MAX_SCANS)
            check_count(kind, count, MAX_SEGMENTS)
    elif kind == "PNG":
        for count, _ in enumerate(_png_chunks(data), start=1):
            check_count(kind, count, MAX_PARTS)
    elif kind == "BMP" and int.from_bytes(data[30:34], "little") in _BMP_PACKED:
        check_count(kind, len(data) // 2, MAX_RUNS)


def check_count(kind: str, count: int, limit: int) -> None:
    """InputError `image.too_many_parts` for a count beyond the limit."""
    if count > limit:
        raise InputError(
            "image.too_many_parts",
            f"The {kind} file is put together from more than {limit} parts, which no photo needs, and which would take "
            "very long to read. Save it again with an image program.",
            came=kind,
            limit=limit,
        )


def _jpeg_marks(data: bytes) -> Iterator[int]:
    """The second byte of each mark, up to the end of the picture; bytes between segments count one by one."""
    at = 2
    while (found := _MARK.search(data, at)) is not None:
        yield from repeat(0, found.end() - 2 - at)
        mark, at = found[0][-1], found.end()
        yield mark
        if mark == _END:
            return
        if mark not in _WITHOUT_LENGTH:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
        if mark == _SCAN:
            after = _AFTER_SCAN.search(data, at)
            if after is None:
                return
            at = after.start()


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """The name of each chunk."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name
        if name == b"IEND":
            return
        at += length + 12
