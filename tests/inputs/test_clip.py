"""load_clip, panned_clip: files are made here, in memory."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from attention_core.errors import ControlError, InputError, KindError
from attention_core.inputs import clip as clips
from attention_core.inputs.clip import MAX_CLIP_SIDE, MAX_FRAMES, evenly, load_clip, panned_clip
from tests.inputs.refusals import refused_at

FORMATS = ("GIF", "WEBP", "PNG")
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)]


def saved(frames: list[Image.Image], kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    lossless = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=40, loop=0, **lossless, **options)
    return file.getvalue()


def plain(count: int, size: tuple[int, int] = (24, 16)) -> list[Image.Image]:
    """Frames of one colour each, told apart by it."""
    return [Image.new("RGB", size, (number * 7 % 256, number // 36, 90)) for number in range(count)]


def noise(count: int = 4) -> list[Image.Image]:
    """Nothing compresses it away, so half a file is half a clip."""
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)) for _ in range(count)]


def refused(data: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        load_clip(data)
    return caught.value


def colour(frame: Image.Image) -> tuple[int, ...]:
    return tuple(np.asarray(frame)[8, 8].tolist())


# --- what can be read ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_its_frames_in_order(kind: str) -> None:
    clip = load_clip(saved([Image.new("RGB", (24, 16), each) for each in COLOURS], kind))
    assert [colour(frame) for frame in clip.frames] == COLOURS
    assert (clip.numbers, clip.total) == (tuple(range(5)), 5)
    assert all(frame.mode == "RGB" and frame.size == (24, 16) and frame.info == {} for frame in clip.frames)


def test_two_frames_are_a_clip() -> None:
    assert len(load_clip(saved(plain(2), "GIF")).frames) == 2


@pytest.mark.parametrize("kind", FORMATS)
def test_a_long_clip_is_sampled_evenly(kind: str) -> None:
    frames = plain(75)
    clip = load_clip(saved(frames, kind))
    assert (len(clip.frames), clip.total) == (MAX_FRAMES, 75)
    assert (clip.numbers[0], clip.numbers[-1]) == (0, 74)
    assert set(np.diff(clip.numbers)) <= {2, 3}
    for frame, number in zip(clip.frames, clip.numbers, strict=True):
        assert colour(frame) == colour(frames[number])


@pytest.mark.parametrize(("total", "most"), [(1, 5), (5, 5), (6, 5), (1000, 32), (33, 32)])
def test_evenly(total: int, most: int) -> None:
    numbers = evenly(total, most)
    assert len(numbers) == min(total, most) == len(set(numbers))
    assert numbers[0] == 0 and numbers[-1] == total - 1
    assert list(numbers) == sorted(numbers)


def test_a_gif_that_only_stores_what_changes_is_put_together() -> None:
    frames = [Image.new("RGB", (24, 16), "white") for _ in range(3)]
    for number, frame in enumerate(frames):
        frame.paste((255, 0, 0), (0, 0, 4 * (number + 1), 16))
    clip = load_clip(saved(frames, "GIF", optimize=False))
    for frame, original in zip(clip.frames, frames, strict=True):
        assert np.array_equal(np.asarray(frame), np.asarray(original))


@pytest.mark.parametrize("kind", FORMATS)
def test_transparency_lies_on_white(kind: str) -> None:
    frames = [Image.new("RGBA", (24, 16), (*each, 255)) for each in COLOURS[:3]]
    for frame in frames:
        frame.paste((0, 0, 0, 0), (12, 0, 24, 16))
    data = bytearray(saved(frames, kind, **({} if kind == "WEBP" else {"disposal": 2})))
    if kind == "WEBP":
        data[20] |= 0x10  # "has alpha", which Pillow forgets to write for animations
    clip = load_clip(bytes(data))
    assert [np.asarray(frame)[8, 20].tolist() for frame in clip.frames] == [[255, 255, 255]] * 3
    assert [colour(frame) for frame in clip.frames] == COLOURS[:3]


def test_a_png_that_shows_another_picture_where_nothing_can_move() -> None:
    file = io.BytesIO()
    frames = plain(3)
    Image.new("RGB", (24, 16), "white").save(file, "PNG", save_all=True, append_images=frames, default_image=True)
    clip = load_clip(file.getvalue())
    assert clip.total == 3
    assert [colour(frame) for frame in clip.frames] == [colour(frame) for frame in frames]


def test_large_frames_are_made_smaller() -> None:
    clip = load_clip(saved([Image.new("RGB", (1200, 600), each) for each in COLOURS[:2]], "GIF"))
    assert [frame.size for frame in clip.frames] == [(MAX_CLIP_SIDE, MAX_CLIP_SIDE // 2)] * 2


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_single_picture_is_no_clip(kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (24, 16)).save(file, kind)
    error = refused(file.getvalue())
    assert (error.key, error.values) == ("clip.one_frame", {"came": 1})


@pytest.mark.parametrize(("kind", "came"), [("JPEG", "JPEG"), ("BMP", "BMP")])
def test_photos_are_no_clips(kind: str, came: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (24, 16)).save(file, kind)
    error = refused(file.getvalue())
    assert (error.key, error.values) == ("clip.unsupported", {"came": came, "expected": "GIF, WebP, PNG"})


@pytest.mark.parametrize(
    ("data", "came"), [(b"\0\0\0\x18ftypmp42" + bytes(40), "video"), (b"hello", "text"), (b"\x9c\xff\0\1", "unknown")]
)
def test_other_files_are_named(data: bytes, came: str) -> None:
    assert refused(data).values["came"] == came


def test_empty_and_too_large_files(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(b"").key == "image.empty"
    monkeypatch.setattr("attention_core.inputs.image.MAX_FILE_BYTES", 100)
    assert refused(saved(plain(2), "GIF")).key == "image.file_too_large"


@pytest.mark.parametrize("data", ["clip.gif", None, io.BytesIO(b"GIF89a")])
def test_only_bytes_are_files(data: Any) -> None:
    with pytest.raises(KindError, match="bytes of the file"):
        load_clip(data)


def test_too_small() -> None:
    assert refused(saved(plain(2, (24, 4)), "GIF")).key == "image.too_small"


@pytest.mark.parametrize("kind", FORMATS)
def test_the_work_of_all_frames_is_bounded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(plain(10), kind)
    monkeypatch.setattr(clips, "MAX_CLIP_PIXELS", 10 * 24 * 16)
    assert load_clip(data).total == 10
    monkeypatch.setattr(clips, "MAX_CLIP_PIXELS", 10 * 24 * 16 - 1)
    error = refused(data)
    assert error.key == "clip.too_many_pixels"
    assert error.values["frames"] == 10
    monkeypatch.setattr(clips, "MAX_FILE_FRAMES", 9)
    error = refused(data)
    assert (error.key, error.values) == ("clip.too_many_frames", {"limit": 9})


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def many_frames() -> bytes:
    """A GIF of 100,000 frames of a few bytes each."""
    gif = saved(plain(2, (8, 8)), "GIF")
    head = gif[:13] + gif[13 : 13 + 3 * 2 ** ((gif[10] & 7) + 1)]
    frame = b"," + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return head + frame * 100_000 + b";"


def far_frame() -> bytes:
    """A GIF whose last frame reaches far beyond its screen."""
    gif = bytearray(saved(noise(3), "GIF"))
    at = len(gif) - 1
    frame = b"," + struct.pack("<4HB", 0, 0, 12000, 12000, 0) + b"\x02\x02\x4c\x01\x00"
    return bytes(gif[:at]) + frame + b";"


def claimed_frames() -> bytes:
    """A PNG that claims two thousand million frames."""
    png = saved(plain(2), "PNG")
    at = png.index(b"acTL") - 4
    return png[:at] + chunk(b"acTL", struct.pack(">II", 2_000_000_000, 0)) + png[at + 20 :]


def huge_webp() -> bytes:
    """An animated WebP whose canvas is claimed to be 70,000 on each side."""
    webp = bytearray(saved(plain(2), "WEBP"))
    assert webp[12:16] == b"VP8X"
    webp[24:30] = (69999).to_bytes(3, "little") * 2
    return bytes(webp)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (many_frames, "clip.too_many_frames"),
        (far_frame, "image.too_many_pixels"),
        (claimed_frames, "clip.too_many_frames"),
        (huge_webp, "image.too_many_pixels"),
    ],
)
def test_hostile_files_are_refused_before_they_are_decoded(make: Any, key: str) -> None:
    data = make()
    error, peak = refused_at(refused, data)
    assert error.key == key
    assert peak < 3_000_000


@pytest.mark.parametrize("kind", FORMATS)
def test_cut_files(kind: str) -> None:
    data = saved(noise(), kind)
    for share in (0.3, 0.6, 0.9):
        try:
            clip = load_clip(data[: int(len(data) * share)])
        except InputError as error:
            assert error.key in ("image.truncated", "clip.one_frame")
        else:  # whole frames before the cut may be a shorter clip
            assert 2 <= clip.total < 4


def test_a_frame_that_is_promised_and_not_there() -> None:
    png = saved(plain(2), "PNG")
    at = png.index(b"acTL") - 4
    short = png[:at] + chunk(b"acTL", struct.pack(">II", 5, 0)) + png[at + 20 :]
    error = refused(short)
    assert (error.key, error.values) == ("image.truncated", {"came": "PNG"})


@settings(max_examples=120, deadline=None)
@given(kind=st.sampled_from(FORMATS), places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255))))
def test_damaged_files_never_raise_anything_else(kind: str, places: list[tuple[float, int]]) -> None:
    data = bytearray(saved(plain(3), kind))
    for place, value in places:
        data[int(place * (len(data) - 1))] = value
    try:
        clip = load_clip(bytes(data))
    except InputError:
        return
    assert 2 <= len(clip.frames) <= MAX_FRAMES
    assert all(frame.mode == "RGB" and max(frame.size) <= MAX_CLIP_SIDE for frame in clip.frames)


# --- a clip made from a photo ----------------------------------------------------------------


def test_the_window_goes_across_and_back() -> None:
    y, x = np.mgrid[:100, :200]
    photo = Image.fromarray(np.stack([x, y, x * 0], -1).astype(np.uint8))
    clip = panned_clip(photo, 8)
    assert (len(clip.frames), clip.total) == (8, 8)
    corners = [tuple(np.asarray(frame)[0, 0].tolist()) for frame in clip.frames]
    assert corners[0] == (0, 0, 0) and corners[3] == (140, 40, 0)
    assert corners == corners[::-1]
    assert len(set(corners)) == 4
    assert {frame.size for frame in clip.frames} == {(60, 60)}


@pytest.mark.parametrize("frames", [2, 3, MAX_FRAMES])
def test_any_number_of_frames(frames: int) -> None:
    assert len(panned_clip(Image.new("RGB", (30, 20)), frames).frames) == frames


@pytest.mark.parametrize("frames", [0, 1, MAX_FRAMES + 1])
def test_too_few_and_too_many_frames(frames: int) -> None:
    with pytest.raises(ControlError, match=f"frames is {frames}"):
        panned_clip(Image.new("RGB", (30, 20)), frames)
