"""The photo that somebody explores: uploaded, taken, or one of the samples."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image, ImageDraw, ImageEnhance
from streamlit.delta_generator import DeltaGenerator

from attention_core.errors import InputError
from attention_core.figures.style import FRAME
from attention_core.inputs.samples import SAMPLE_PHOTOS, sample_photo
from attention_core.models.vision import VisionTrace
from ui import networks, url_state
from ui.i18n import explain, t
from ui.networks import Photo

OWN = ("upload", "camera")
SHOWN_SIDE, SHOWN_WIDTH = 192, 312  # pixels that a photo may take on the page
SHARP_SIDE = 400  # pixels of the square under a mask

# Streamlit writes "Upload" and "40MB per file" in English only.
_UPLOADER_STYLE = """
<style>
  .st-key-photo-file [data-testid="stFileUploaderDropzoneInstructions"] {{ display: none; }}
  .st-key-photo-file [data-testid="stBaseButton-secondary"] p {{ font-size: 0; }}
  .st-key-photo-file [data-testid="stBaseButton-secondary"] p::after {{ content: "{button}"; font-size: 1rem; }}
</style>
"""


def photo_trace(build: str) -> tuple[Photo, VisionTrace]:
    """Draws the input, and returns the photo with its trace; the sample's where the photo cannot be used."""
    choice = url_state.put_choice("photo", (*SAMPLE_PHOTOS, *OWN))
    st.segmented_control(
        t("photo.label"),
        (*SAMPLE_PHOTOS, *OWN),
        format_func=lambda name: t(f"photo.choices.{name}"),
        key="photo",
        required=True,
        persist_state="session",
    )
    notes = st.container()
    pictures, uploads = st.columns([2.5, 1], gap="medium")
    with uploads:
        _uploads(choice)
    photo = _usable(choice, notes)
    trace = networks.vision_trace(build, photo)
    _pictures(photo, trace, pictures)
    return photo, trace


def sharp_square(photo: Photo, trace: VisionTrace) -> npt.NDArray[np.uint8]:
    """The square that the network saw, in the photo's own sharpness, (S, S, 3)."""
    return np.asarray(_views(photo.digest, trace.crop, photo)[1])


def _usable(choice: str, notes: DeltaGenerator) -> Photo:
    if choice in SAMPLE_PHOTOS:
        return _sample(choice)
    photo: Photo | None = st.session_state.get(f"photo_{choice}")
    with notes:
        if photo is None:
            st.info(t(f"photo.waiting.{choice}"), icon="📷")
            return _sample(SAMPLE_PHOTOS[0])
        try:
            _ = photo.image
        except InputError as error:
            st.error(explain(error), icon="⚠️")
            st.caption(t("photo.instead"))
            return _sample(SAMPLE_PHOTOS[0])
    return photo


@cache
def _sample(name: str) -> Photo:
    return Photo(sample_photo(name))


def _uploads(choice: str) -> None:
    st.html(_UPLOADER_STYLE.format(button=t("photo.browse")))
    # No `type=`: the browser would refuse other files by itself, in English only.
    st.file_uploader(
        t("photo.upload"),
        key="photo-file",
        on_change=_keep,
        args=("upload", "photo-file"),
        help=t("photo.upload_help"),
    )
    if choice == "camera":  # asking for the camera is left until somebody wants it
        st.camera_input(t("photo.camera"), key="photo-shot", on_change=_keep, args=("camera", "photo-shot"))


def _keep(choice: str, widget: str) -> None:
    # The widget forgets its file on another page and in another language; the session does not.
    file = st.session_state[widget]
    if file is not None:
        st.session_state[f"photo_{choice}"] = Photo(file.getvalue())
        st.session_state["photo"] = choice
        return
    st.session_state.pop(f"photo_{choice}", None)
    if choice == "upload" and st.session_state["photo"] == "upload":
        st.session_state["photo"] = SAMPLE_PHOTOS[0]


def _pictures(photo: Photo, trace: VisionTrace, place: DeltaGenerator) -> None:
    framed, _ = _views(photo.digest, trace.crop, photo)
    pixels = np.ascontiguousarray((trace.image.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8))
    side = len(pixels)
    times = max(1, round(SHOWN_SIDE / side))
    width, height = photo.image.size
    with place, st.container(horizontal=True, gap="medium", key="photo-pictures"):
        caption = t("photo.photo", width=width, height=height)
        st.image(framed, caption=caption, width=framed.width, alt=caption)
        caption = t("photo.seen", side=side)
        st.image(
            Image.fromarray(pixels).resize((side * times,) * 2, Image.Resampling.NEAREST),
            caption=caption,
            width=side * times,
            output_format="PNG",
            alt=caption,
        )


@st.cache_resource(max_entries=32, show_spinner=False)
def _views(digest: str, crop: tuple[int, int, int, int], _photo: Photo) -> tuple[Image.Image, Image.Image]:
    """The photo, small, with the network's square marked; and that square alone."""
    image = _photo.image
    small = image.copy()
    small.thumbnail((SHOWN_WIDTH, SHOWN_SIDE), Image.Resampling.LANCZOS)
    scale = small.width / image.width
    left, top, right, bottom = (round(edge * scale) for edge in crop)
    marked = ImageEnhance.Brightness(small).enhance(0.35)
    marked.paste(small.crop((left, top, right, bottom)), (left, top))
    ImageDraw.Draw(marked).rectangle((left, top, right - 1, bottom - 1), outline=FRAME, width=3)
    side = min(SHARP_SIDE, crop[2] - crop[0])
    return marked, image.crop(crop).resize((side, side), Image.Resampling.LANCZOS)
