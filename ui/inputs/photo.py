"""The photo that somebody explores: one of the samples, or one of their own, and the square of it that is seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image, ImageDraw, ImageEnhance
from streamlit.delta_generator import DeltaGenerator

from attention_core.figures.style import FRAME
from attention_core.inputs.image import CENTRE, Box, can_move
from attention_core.inputs.samples import SAMPLE_PHOTOS, STRANGE_PHOTOS
from attention_core.models.vision import ClassifiedPhoto, VisionTrace
from attention_core.words import plain
from ui.i18n import explain, joined, t
from ui.inputs import kept_photos, networks
from ui.inputs.choices import told_apart
from ui.inputs.kept_photos import FIRST, MOST, Arrived, Origin
from ui.inputs.networks import Photo
from ui.inputs.paste import paste_button
from ui.inputs.square import SquareOf, seen_box
from ui.shell import url_state
from ui.shell.turns import working
from ui.shell.uploads import let_go
from ui.shell.wire import jpeg_uri

Seen = TypeVar("Seen", bound=ClassifiedPhoto)
CAMERA = "camera"
SHOWN_SIDE, SHOWN_WIDTH = 192, 312  # pixels that a photo may take on the page
SHARP_SIDE = 400  # pixels of the square under a mask
THUMBNAIL_SIDE = 64
NAME_LENGTH = 18  # characters of a file's name in the strip
_ARRIVED = "_photo_arrived"

# The options of a segmented control are words: its rules add the pictures.
_STRIP_STYLE = """
<style>
  .st-key-photo [role=radiogroup] {{ scrollbar-width: thin; }}
  .st-key-photo [role=radio] {{ height: auto; padding: .4rem .5rem .25rem; flex-direction: column; gap: .2rem; }}
  .st-key-photo [role=radio]::before {{ content: ""; width: 64px; height: 64px; border-radius: 6px;
    background: center / cover; }}
  {pictures}
</style>
"""
_PICTURE = '.st-key-photo [role=radio]:nth-of-type({place})::before {{ background-image: url("{source}"); }}'
_CAMERA_PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64' fill='none' stroke='%23808a96'"
    " stroke-width='3'%3E%3Cpath d='M10 22h11l5-7h12l5 7h11v27H10z'/%3E%3Ccircle cx='32' cy='35' r='9'/%3E%3C/svg%3E"
)


def photo_trace(build: str) -> tuple[Photo, VisionTrace]:
    """`traced_photo` of one of the builds that ship."""
    return traced_photo(lambda photo: networks.vision_trace(build, photo))


def traced_photo(trace_of: Callable[[Photo], Seen]) -> tuple[Photo, Seen]:
    """Draws the input, and returns the photo with its trace; a sample's where there is no photo of one's own yet."""
    _receive()
    choice = url_state.put("photo", SAMPLE_PHOTOS[0], _in_a_link)
    _strip(choice)
    notes = st.container()
    pictures, uploads = st.columns([2.5, 1], gap="medium")
    with uploads:
        _own(choice)
    with notes:
        _news()
        whole = _chosen(choice)
    with pictures:
        drawn = st.container(horizontal=True, gap="medium", key="photo-pictures")
        photo = _moved(whole)
        with working():
            trace = trace_of(photo)
            framed = _framed(whole.digest, seen_box(photo, trace), whole)
    _pictures(whole, framed, trace, drawn)
    return photo, trace


def sharp_square(photo: Photo, trace: ClassifiedPhoto) -> npt.NDArray[np.uint8]:
    """The square that the network saw, in the photo's own sharpness, (S, S, 3)."""
    with working():
        return np.asarray(_sharp(photo.digest, trace.crop, photo))


def _receive() -> None:
    """Opens the photos that have just come. In the page and not where they arrive: there is no place to say so there.

    They wait until all of it is done, because the next click may interrupt it.
    """
    files = st.session_state.get(_ARRIVED, [])
    with working("photo.reading"):
        if files:
            _show(kept_photos.take(files))
            for photo in _own_photos().values():
                _thumbnail(photo.digest, photo)
    st.session_state[_ARRIVED] = []


def _arrive(files: list[Arrived]) -> None:
    st.session_state[_ARRIVED] = [*st.session_state.get(_ARRIVED, []), *files]


def _in_a_link(raw: str) -> str:
    if raw in (*SAMPLE_PHOTOS, *STRANGE_PHOTOS, CAMERA, *kept_photos.kept()):
        return raw
    if not kept_photos.kept() and re.fullmatch(rf"{FIRST}(-[0-9]{{1,6}})?", raw):
        return FIRST  # the link of another session, whose photo is not here
    raise ValueError(f"{raw[:80]!r} is no photo that is here")


def _strip(choice: str) -> None:
    own = [*kept_photos.kept()]
    samples = [*([choice] if choice in STRANGE_PHOTOS else []), *SAMPLE_PHOTOS]
    options = [*(own or ([FIRST] if choice == FIRST else [])), *samples, CAMERA]
    sources = {name: _CAMERA_PICTURE if name in (FIRST, CAMERA) else "" for name in options}
    for name, photo in {**{n: networks.sample(n) for n in samples}, **_own_photos()}.items():
        sources[name] = _thumbnail(photo.digest, photo)
    labels = dict(zip(options, told_apart([_label(name) for name in options]), strict=True))
    pictures = (_PICTURE.format(place=i, source=sources[name]) for i, name in enumerate(options, start=1))
    st.html(_STRIP_STYLE.format(pictures="\n  ".join(pictures)))
    st.segmented_control(
        t("photo.label"),
        options,
        format_func=labels.__getitem__,
        key="photo",
        required=True,
        persist_state="session",
        wrap=False,
        on_change=_another,
        help=t("photo.strip_help", most=MOST),
    )
    if choice in own:
        st.button(t("photo.remove"), key="photo-remove", on_click=_remove, args=(choice,), icon=":material/delete:")


def _own_photos() -> dict[str, Photo]:
    return {name: kept.photo for name, kept in kept_photos.kept().items()}


def _label(name: str) -> str:
    kept = kept_photos.kept().get(name)
    if kept is None:
        return t(f"photo.choices.{name}")
    named = _file_name(kept.name, kept.origin)
    if len(named) > NAME_LENGTH:
        half = NAME_LENGTH // 2
        named = f"{named[:half]}…{named[-half:]}"
    return f"{kept.number} · {plain(named)}"


def _file_name(name: str, origin: Origin = "paste") -> str:
    return name or t(f"photo.origins.{origin}")


def _another() -> None:
    kept_photos.told()
    st.session_state["crop"] = CENTRE


def _show(name: str | None) -> None:
    if name is not None:
        st.session_state["photo"] = name
        st.session_state["crop"] = CENTRE


def _remove(name: str) -> None:
    _show(kept_photos.remove(name) or SAMPLE_PHOTOS[0])


def _own(choice: str) -> None:
    # A new uploader for the next files: what came is kept in the strip, with a better way to remove it.
    turn = st.session_state.setdefault("_photo_uploader", 0)
    key = "photo-file" if turn == 0 else f"photo-file-{turn}"
    with st.container(key="photo-own"):
        # No `type=`: the browser would hide other files without a word.
        st.file_uploader(
            t("photo.upload"),
            accept_multiple_files=True,
            key=key,
            on_change=_uploaded,
            args=(key,),
            help=t("photo.upload_help", most=MOST),
        )
        paste_button("photo-paste", uploader="photo-own", on_arrival=_arrive)
    if choice == CAMERA:  # asking for the camera is left until somebody wants it
        st.camera_input(t("photo.camera"), key="photo-shot", on_change=_taken, help=t("photo.camera_help"))


def _uploaded(key: str) -> None:
    files = st.session_state[key]
    if files:
        _arrive([Arrived(file.name, "upload", file.getvalue()) for file in files])
        st.session_state["_photo_uploader"] += 1
        let_go(file.file_id for file in files)


def _taken() -> None:
    shot = st.session_state["photo-shot"]
    if shot is not None:
        _arrive([Arrived("", "camera", shot.getvalue())])


def _news() -> None:
    news = kept_photos.news()
    for name, error in news.refused:
        st.error(t("photo.refused", name=plain(_file_name(name)), reason=explain(error)), icon=":material/warning:")
    if news.left_out:
        names = joined("words.comma", [plain(_file_name(name)) for name in news.left_out])
        st.warning(t("photo.left_out", names=names, most=MOST), icon=":material/folder_copy:")
    for name, before, after in news.shrunk:
        sizes = {"before": " × ".join(map(str, before)), "after": " × ".join(map(str, after))}
        st.info(t("photo.shrunk", name=plain(_file_name(name)), **sizes), icon=":material/zoom_in:")


def _chosen(choice: str) -> Photo:
    if choice in (*SAMPLE_PHOTOS, *STRANGE_PHOTOS):
        return networks.sample(choice)
    if choice in kept_photos.kept():
        return kept_photos.kept()[choice].photo
    st.info(t(f"photo.waiting.{choice}"), icon=":material/photo_camera:")
    return networks.sample(SAMPLE_PHOTOS[0])


def _moved(whole: Photo) -> Photo:
    """The photo with its square where somebody wants it."""
    with working("photo.reading"):  # again, where many others have been opened since
        width, height = whole.size
    if not can_move(width, height):
        return whole
    place = url_state.put_number("crop", CENTRE, 100)
    ends = t("photo.square.wide" if width > height else "photo.square.tall")
    st.slider(
        t("photo.square.label", ends=ends),
        0,
        100,
        key="crop",
        format="%d%%",
        persist_state="session",
        width=SHOWN_WIDTH,
        help=t("photo.square.help"),
    )
    return whole if place == CENTRE else SquareOf(whole, place)


def _pictures(whole: Photo, framed: Image.Image, trace: ClassifiedPhoto, place: DeltaGenerator) -> None:
    pixels = np.ascontiguousarray((trace.image.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8))
    side = len(pixels)
    shown = side * round(SHOWN_SIDE / side) if side <= SHOWN_SIDE else SHOWN_SIDE
    width, height = whole.size
    with place:
        caption = t("photo.photo", width=width, height=height)
        st.image(framed, caption=caption, width=framed.width, alt=caption)
        caption = t("photo.seen", side=side)
        st.image(
            Image.fromarray(pixels).resize(
                (shown, shown), Image.Resampling.NEAREST if shown >= side else Image.Resampling.LANCZOS
            ),
            caption=caption,
            width=shown,
            output_format="PNG",
            alt=caption,
        )


@st.cache_resource(max_entries=256, show_spinner=False)  # one takes up to 0.2 MB
def _framed(digest: str, box: Box, _photo: Photo) -> Image.Image:
    """The photo, small, bright where the network sees it."""
    image = _photo.image
    small = image.copy()
    small.thumbnail((SHOWN_WIDTH, SHOWN_SIDE), Image.Resampling.LANCZOS)
    scale = small.width / image.width
    left, top, right, bottom = (round(edge * scale) for edge in box)
    marked = ImageEnhance.Brightness(small).enhance(0.35)
    marked.paste(small.crop((left, top, right, bottom)), (left, top))
    ImageDraw.Draw(marked).rectangle((left, top, right - 1, bottom - 1), outline=FRAME, width=3)
    return marked


@st.cache_resource(max_entries=256, show_spinner=False)  # one takes 0.5 MB
def _sharp(digest: str, crop: Box, _photo: Photo) -> Image.Image:
    side = min(SHARP_SIDE, crop[2] - crop[0])
    return _photo.image.crop(crop).resize((side, side), Image.Resampling.LANCZOS)


@st.cache_resource(max_entries=256, show_spinner=False)
def _thumbnail(digest: str, _photo: Photo) -> str:
    """The photo as a small JPEG in a data URI."""
    small = _photo.image.copy()
    small.thumbnail((4 * THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return jpeg_uri(small, quality=75)
