"""The clip that somebody explores: uploaded, or made by moving a window over a sample photo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

import streamlit as st
from PIL import Image

from attention_core.analysis.temporal import ClipTrace, clip_trace
from attention_core.errors import InputError
from attention_core.inputs import load_image
from attention_core.inputs.clip import MAX_FRAMES, Clip, load_clip, panned_clip
from attention_core.inputs.image import centre_square
from attention_core.inputs.samples import SAMPLE_PHOTOS, sample_photo
from attention_core.models.vision import VisionModel
from ui.i18n import explain, t
from ui.inputs import choices, networks
from ui.shell.turns import in_turn, working
from ui.shell.uploads import let_go
from ui.shell.wire import jpeg_uri

UPLOAD = "upload"
_SHOWN = "_clip_file"
PICTURE_SIDE = 240  # pixels of a frame under its mask


@dataclass(frozen=True)
class Film:
    """A clip that can be used. digest: equal for equal clips; sample: the photo that it was made from, if any."""

    digest: str
    clip: Clip
    sample: str | None

    @property
    def places(self) -> list[int]:
        """Of each frame in the clip, counted from 1, as people count."""
        return [number + 1 for number in self.clip.numbers]

    @property
    def trace(self) -> ClipTrace:
        """Of the CBAM build. Shared between sessions, so never written to."""
        return _traced(self.digest, networks.vision_model("cbam"), self)

    @property
    def pictures(self) -> list[str]:
        """The square of each frame that the network sees, sharper, as JPEG data URIs."""
        return _pictures(self.digest, self)


def choose() -> Film:
    """Draws the input, and returns the clip; a sample's where the upload cannot be used."""
    left, right = st.columns([2.5, 1], gap="medium")
    with left:
        choice = choices.choose(
            "clip",
            (*SAMPLE_PHOTOS, UPLOAD),
            label=t("clips.label"),
            name=lambda name: t(f"clips.choices.{name}"),
            note=t("clips.label_help"),
        )
        notes = st.container()
    with right:
        # No `type=`: the browser would refuse other files by itself, in English only.
        st.file_uploader(t("clips.upload"), key="clip-file", on_change=_keep, help=t("clips.upload_help"))
    with notes:
        film = _uploaded() if choice == UPLOAD else None
        film = film or _sample(choice if choice in SAMPLE_PHOTOS else SAMPLE_PHOTOS[0])
        _told(film)
        with working("clips.working"):
            _ = film.trace
    return film


def _told(film: Film) -> None:
    clip = film.clip
    if film.sample:
        st.caption(t("clips.made", frames=len(clip.frames)))
    elif clip.total > len(clip.frames):
        st.info(
            t("clips.sampled", total=clip.total, kept=len(clip.frames), most=MAX_FRAMES), icon=":material/content_cut:"
        )
    else:
        st.caption(t("clips.whole", frames=clip.total))


def _uploaded() -> Film | None:
    data: bytes | None = st.session_state.get("clip_upload")
    if data is None:
        st.info(t("clips.waiting"), icon=":material/movie:")
        return None
    digest = hashlib.sha256(data).hexdigest()
    try:
        with working("clips.reading"):
            return Film(digest, _decoded(digest, data), sample=None)
    except InputError as error:
        st.error(explain(error), icon=":material/warning:")
        st.caption(t("clips.instead"))
        return None


def _keep() -> None:
    # The widget forgets its file on another page and in another language; the session does not.
    file = st.session_state["clip-file"]
    if file is not None:
        # The control still shows this one, and no longer the one before it.
        let_go({st.session_state.get(_SHOWN, file.file_id)} - {file.file_id})
        st.session_state[_SHOWN] = file.file_id
        st.session_state["clip_upload"] = file.getvalue()
        st.session_state["clip"] = UPLOAD
        return
    st.session_state.pop("clip_upload", None)
    if st.session_state["clip"] == UPLOAD:
        st.session_state["clip"] = SAMPLE_PHOTOS[0]


@cache
def _sample(name: str) -> Film:
    return Film(f"sample {name}", panned_clip(load_image(sample_photo(name))), sample=name)


@st.cache_resource(max_entries=4, show_spinner=False)  # 32 frames take up to 25 MB
@in_turn
def _decoded(digest: str, _data: bytes) -> Clip:
    return load_clip(_data)


@st.cache_resource(max_entries=32, show_spinner=False)
@in_turn
def _traced(digest: str, _model: VisionModel, _film: Film) -> ClipTrace:
    return clip_trace(_model, _film.clip.frames)


@st.cache_resource(max_entries=16, show_spinner=False)
def _pictures(digest: str, _film: Film) -> list[str]:
    return [_data_uri(frame) for frame in _film.clip.frames]


def _data_uri(frame: Image.Image) -> str:
    """The centre square as a JPEG: as PNG, 32 frames would take megabytes on their way to the browser."""
    square = frame.crop(centre_square(*frame.size)).resize((PICTURE_SIDE,) * 2, Image.Resampling.LANCZOS)
    return jpeg_uri(square)
