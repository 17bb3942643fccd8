"""The networks, loaded once for all sessions, and their traces, kept for whoever asks the same again."""

from __future__ import annotations

import gc
import hashlib
from functools import cache
from typing import Any

import streamlit as st
import torch
from PIL import Image
from torch import Tensor

from attention_core.analysis import guesses, photo_change
from attention_core.analysis.guesses import Guess
from attention_core.inputs import load_image
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.models.hub.patches import HubPatchModel, PatchTrace
from attention_core.models.hub.vision import HubVisionTrace, StagedTrace
from attention_core.models.overrides import Overrides
from attention_core.models.text import TextTrace
from attention_core.models.vision import VisionModel, VisionTrace
from attention_core.runtime.warm_up import warm_up
from attention_core.stories import photo_what_if
from attention_core.stories.photo_what_if import PhotoWhatIf
from attention_core.stories.what_if import AS_TRAINED, WhatIf
from ui.inputs import photo_networks, text_networks, translators
from ui.inputs.photo_networks import PhotoKind, PhotoNetwork
from ui.inputs.text_networks import TextNetwork
from ui.shell.turns import in_turn

SHORT = 60  # letters of a text that no longer one pushes out of what is kept


@st.cache_resource(show_spinner=False)
def vision_model(name: str) -> VisionModel:
    """One build: "plain", "se" or "cbam"."""
    return registry.load_vision_model(name)


@st.cache_resource(show_spinner=False)
def measured(kind: str) -> dict[str, Any]:
    """The evaluation's scores; kind: "text" or "vision". Shared between sessions, so never written to."""
    return registry.scores(kind)


def ablations() -> dict[str, Any] | None:
    """What the ablations measured; None where they have not been run."""
    return registry.ablations()


@st.cache_resource(show_spinner=False)
def excitation_profiles(name: str) -> dict[str, Tensor]:
    """Stage → mean channel weights of the classes, (classes, C), of the build "se" or "cbam"."""
    return registry.excitation_profiles(name)


@st.cache_resource(show_spinner=False)
def gate_bands(name: str) -> dict[str, Tensor]:
    """Stage → quantiles of each gate over the dev photos, (3, C), of the build "se" or "cbam"."""
    return registry.gate_bands(name)


def text_trace(text: str, pair: str | None, what_if: WhatIf = AS_TRAINED) -> TextTrace:
    """The trace of a sentence through the session's network, as trained or with changes.

    Shared between sessions, so never written to. Raises what the network's `trace` does.
    """
    network = text_networks.current()
    if not network.shipped:
        return _foreign_text_trace(text, pair, what_if, network.key, network)
    # One signature for all callers: a default that is left out and one that is written out are two keys to Streamlit.
    kept = _text_trace if len(text) + len(pair or "") <= SHORT else _long_text_trace
    return kept(text, pair, what_if)


@st.cache_resource(max_entries=256, show_spinner=False)  # a hall's; a trace of 6 tokens takes 0.6 MB, of 60 5.5 MB
def _text_trace(text: str, pair: str | None, what_if: WhatIf) -> TextTrace:
    return what_if.trace(text_networks.shipped().model, text, pair)


@st.cache_resource(max_entries=16, show_spinner=False)  # a trace of 256 tokens takes about 20 MB
def _long_text_trace(text: str, pair: str | None, what_if: WhatIf) -> TextTrace:
    return what_if.trace(text_networks.shipped().model, text, pair)


@st.cache_resource(max_entries=8, show_spinner=False)  # of BERT's base, one of 256 tokens takes about 150 MB
@in_turn
def _foreign_text_trace(text: str, pair: str | None, what_if: WhatIf, key: str, _network: TextNetwork) -> TextTrace:
    return what_if.trace(_network.model, text, pair)


def filled_in(text: str, pair: str | None, positions: tuple[int, ...], what_if: WhatIf = AS_TRAINED) -> list[Guess]:
    """The guesses at tokens that are hidden together, left to right. Shared, so never written to."""
    network = text_networks.current()
    if not network.shipped:
        return _foreign_guesses(text, pair, positions, what_if, network.key, network)
    return _guesses(text, pair, positions, what_if)


@st.cache_resource(max_entries=1024, show_spinner=False)
def _guesses(text: str, pair: str | None, positions: tuple[int, ...], what_if: WhatIf) -> list[Guess]:
    model = text_networks.shipped().model
    return guesses.filled_in(model, text, pair, positions, **what_if.controls(model, text, pair))


@st.cache_resource(max_entries=256, show_spinner=False)
@in_turn
def _foreign_guesses(
    text: str, pair: str | None, positions: tuple[int, ...], what_if: WhatIf, key: str, _network: TextNetwork
) -> list[Guess]:
    model = _network.model
    return guesses.filled_in(model, text, pair, positions, **what_if.controls(model, text, pair))


class Photo:
    """An uploaded or sample photo; equal bytes are equal photos.

    decoded: the same, where it is to stay so: a sample that had to be decoded anew, because uploads have pushed it out,
    would wait for theirs.
    """

    def __init__(self, data: bytes, decoded: Image.Image | None = None) -> None:
        self.data = data
        self.digest = hashlib.sha256(data).hexdigest()
        self._stays = decoded

    @property
    def image(self) -> Image.Image:
        """Decoded, upright, RGB."""
        return _decoded(self.digest, self) if self._stays is None else self._stays

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `image` in pixels."""
        return _size(self.digest, self)


@cache
def sample(name: str) -> Photo:
    """A photo that comes with the app."""
    data = sample_photo(name)
    return Photo(data, load_image(data))


@st.cache_resource(max_entries=4, show_spinner=False)  # a photo of 30 megapixels takes 90 MB
@in_turn
def _decoded(digest: str, _photo: Photo) -> Image.Image:
    return load_image(_photo.data)


@st.cache_resource(max_entries=4096, show_spinner=False)  # every run asks for it, and few photos stay decoded
def _size(digest: str, _photo: Photo) -> tuple[int, int]:
    return _photo.image.size


def vision_trace(name: str, photo: Photo, what_if: PhotoWhatIf = photo_what_if.AS_TRAINED) -> VisionTrace:
    """The trace of a photo through one build, as trained or changed. Shared between sessions, so never written to."""
    return _vision_trace(name, photo.digest, what_if, photo)


@st.cache_resource(max_entries=256, show_spinner=False)  # one takes 1.2 MB
def _vision_trace(name: str, digest: str, what_if: PhotoWhatIf, _photo: Photo) -> VisionTrace:
    # Streamlit hashes large arrays from a sample, so that two near-equal photos could meet: the key is the digest.
    if what_if == photo_what_if.AS_TRAINED:
        return vision_model(name).trace(_photo.image)
    return vision_model(name).trace(_photo.image, overrides=what_if.overrides(vision_trace(name, _photo)))


def without_random(name: str, photo: Photo, stage: str, count: int) -> tuple[float, ...]:
    """The first answer's probability with `count` channels of a stage off that were drawn at random, several times."""
    return _without_random(name, photo.digest, stage, count, photo)


@st.cache_resource(max_entries=1024, show_spinner=False)
@in_turn
def _without_random(name: str, digest: str, stage: str, count: int, _photo: Photo) -> tuple[float, ...]:
    model, trained = vision_model(name), vision_trace(name, _photo)
    return photo_change.without_random(model, _photo.image, trained, stage, count)


def build(name: str) -> PhotoNetwork:
    """One of the builds that ship."""
    return PhotoNetwork(name, name, vision_model(name))


def photo_network(name: str, kind: PhotoKind) -> PhotoNetwork | None:
    """The network of a page about `kind`: the build that ships, or one of others where it is kept."""
    if name == kind.default:
        return build(name) if name in registry.VISION_MODELS else None
    return photo_networks.store().get(name)


def stage_trace(network: PhotoNetwork, photo: Photo, what_if: PhotoWhatIf = photo_what_if.AS_TRAINED) -> StagedTrace:
    """The trace of a photo through a network with SE or CBAM, as trained or changed.

    Shared between sessions, so never written to.
    """
    if network.shipped:
        return vision_trace(network.name, photo, what_if)
    changed = what_if != photo_what_if.AS_TRAINED
    overrides = what_if.overrides(stage_trace(network, photo)) if changed else None
    trace = _foreign_photo_trace(photo.digest, network.key, what_if, network, photo.image, overrides)
    assert isinstance(trace, HubVisionTrace)
    return trace


def patch_trace(network: PhotoNetwork, photo: Photo) -> PatchTrace:
    """The same through a vision transformer."""
    trace = _foreign_photo_trace(photo.digest, network.key, photo_what_if.AS_TRAINED, network, photo.image, None)
    assert isinstance(trace, PatchTrace)
    return trace


@st.cache_resource(max_entries=6, show_spinner=False)  # of ViT's base, one takes about 100 MB
@in_turn
def _foreign_photo_trace(
    digest: str,
    key: str,
    what_if: PhotoWhatIf,
    _network: PhotoNetwork,
    _image: Image.Image,
    _overrides: Overrides | None,
) -> StagedTrace | PatchTrace:
    model = _network.model
    return model.trace(_image) if isinstance(model, HubPatchModel) else model.trace(_image, overrides=_overrides)


def device() -> torch.device:
    """Where the networks run."""
    return next(text_networks.shipped().model.parameters()).device


def warm() -> None:
    """Loads everything and runs it once, before the first visitor."""
    grey = Image.new("RGB", (64, 64), "grey")
    # Loaded before: weights that are made in inference mode take no part in gradients, which Grad-CAM needs.
    text, photo = text_networks.shipped().model, [vision_model(name) for name in registry.VISION_MODELS]
    translator = translators.shipped()
    warm_up(
        lambda: text.trace("我吃柠檬", "I eat lemons."),
        lambda: translator.trace("我吃柠檬。", "I eat lemons."),
        *(lambda model=model: model.trace(grey) for model in photo),
    )
    # Everybody waits while Python collects garbage: what is here now stays, and need not be looked through.
    gc.collect()
    gc.freeze()
