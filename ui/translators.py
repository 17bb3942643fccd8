"""The networks that read one text and write another: of the hub or a folder, kept for all sessions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import streamlit as st

from attention_core.errors import UnsupportedModelError
from attention_core.models.description import describe
from attention_core.models.hub import load_hub_text_model
from attention_core.models.hub_encoder_decoder import EncoderDecoderTrace, HubEncoderDecoder
from attention_core.runtime.model_store import ModelStore, Progress
from ui import network_picker, text_networks
from ui.network_picker import Picker
from ui.settings import config_of, settings
from ui.text_networks import FOLDER, bytes_of, check_size, source_of
from ui.turns import in_turn

KEY, NONE = "translator", "none"
SUGGESTED = ("google-t5/t5-small", "Helsinki-NLP/opus-mt-zh-en", "Helsinki-NLP/opus-mt-en-zh")
_serial = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Translator:
    """A network with what the page needs to know of it. key: of its traces; another one after each loading."""

    name: str
    key: str
    model: HubEncoderDecoder


@st.cache_resource(show_spinner=False)
def store() -> ModelStore[Translator]:
    """For all sessions, within the same limits as the text networks."""
    return text_networks.store().beside(_load)


def _load(name: str, progress: Progress) -> Translator:
    model = load_hub_text_model(source_of(name), max_tokens=settings().tokens, progress=progress)
    if not isinstance(model, HubEncoderDecoder):
        raise UnsupportedModelError(
            "model.no_cross_attention",
            f"{name} has no cross-attention: it is no encoder with a decoder. Choose one, such as {SUGGESTED[0]}.",
            name=name,
            example=SUGGESTED[0],
        )
    network = Translator(name, f"{name}@{next(_serial)}", model)
    check_size(name, bytes_of(network))
    return network


def _offered() -> tuple[str, ...]:
    listed = SUGGESTED if settings().models is None else settings().models or ()
    here = (path.name for path in settings().folders() if config_of(path).get("is_encoder_decoder") is True)
    return (*(FOLDER + name for name in here), *listed)


def _named(written: str) -> str:
    return written if written == NONE else text_networks.named(written)


@cache
def _picker() -> Picker:
    return Picker(
        key=KEY,
        default=NONE,
        words=KEY,
        offered=_offered,
        named=_named,
        described=lambda name: describe(source_of(name)),
        facts=("architecture", "parameters", "download", "license", "languages"),
        store=store,
    )


def choose() -> Translator | None:
    """Draws the picker, and returns the network of the page; None where none is chosen."""
    name = network_picker.chosen(_picker())
    network = None if name == NONE else store().get(name)
    if network is None and name != NONE:  # it has just left to make room
        st.rerun()
    return network


@st.cache_resource(max_entries=8, show_spinner=False)
@in_turn
def traced(text: str, target: str | None, key: str, _network: Translator) -> EncoderDecoderTrace:
    """Shared between sessions, so never written to. key: of the network; target: None for what the network writes."""
    return _network.model.trace(text, target)
