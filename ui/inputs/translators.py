"""The networks that read one text and write another: the one that ships, or one of the hub or a folder."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from attention_core.errors import UnsupportedModelError
from attention_core.models import registry
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder, TwoTextTrace
from attention_core.models.hub.limits import bytes_of, check_size
from attention_core.models.hub.loading import load_hub_text_model
from attention_core.models.translation import Language
from attention_core.models.translator import Translator
from attention_core.runtime.model_store import ModelStore, Progress
from ui.i18n import joined, t
from ui.inputs import network_picker, text_networks
from ui.inputs.network_picker import Picker
from ui.inputs.text_networks import FOLDER, source_of
from ui.shell.settings import config_of, settings
from ui.shell.turns import in_turn

SHIPPED = KEY = "translator"  # KEY: in the link
_FORMER = "none"  # what links said before a network shipped
SUGGESTED = ("google-t5/t5-small", "Helsinki-NLP/opus-mt-zh-en", "Helsinki-NLP/opus-mt-en-zh")
SHORT = 60  # letters of two texts that no longer ones push out of what is kept
_serial = itertools.count(1)


@dataclass(frozen=True, eq=False)
class TranslatingNetwork:
    """A network with what the page needs to know of it. key: of its traces; another one after each loading."""

    name: str
    key: str
    model: HubEncoderDecoder | Translator

    @property
    def shipped(self) -> bool:
        """Whether it is the one that ships, which can be asked for a language."""
        return isinstance(self.model, Translator)


@st.cache_resource(show_spinner=False)
def shipped() -> Translator:
    """The translator, for all sessions; never written to."""
    return registry.load_translator()


@st.cache_resource(show_spinner=False)
def store() -> ModelStore[TranslatingNetwork]:
    """Those of others, for all sessions, within the same limits as the text networks."""
    return text_networks.store().beside(_load)


def _load(name: str, progress: Progress) -> TranslatingNetwork:
    model = load_hub_text_model(source_of(name), max_tokens=settings().tokens, progress=progress)
    if not isinstance(model, HubEncoderDecoder):
        raise UnsupportedModelError(
            "model.no_cross_attention",
            f"{name} has no cross-attention: it is no encoder with a decoder. Choose one, such as {SUGGESTED[0]}.",
            name=name,
            example=SUGGESTED[0],
        )
    check_size(name, bytes_of(model), settings().kept_bytes)
    return TranslatingNetwork(name, f"{name}@{next(_serial)}", model)


def _offered() -> tuple[str, ...]:
    here = (path.name for path in settings().folders() if config_of(path).get("is_encoder_decoder") is True)
    return (*(FOLDER + name for name in here), *settings().listed(SUGGESTED))


def _named(written: str) -> str:
    return SHIPPED if written in (SHIPPED, _FORMER) else text_networks.named(written)


@cache
def _picker() -> Picker:
    return Picker(
        key=KEY,
        default=SHIPPED,
        words=KEY,
        offered=_offered,
        named=_named,
        store=store,
    )


def choose() -> TranslatingNetwork:
    """Draws the picker, and returns the network of the page."""
    name = network_picker.chosen(_picker())
    if name == SHIPPED:
        return TranslatingNetwork(SHIPPED, SHIPPED, shipped())
    network = store().get(name)
    if network is None:  # it has just left to make room
        st.rerun()
    return network


def about_shipped() -> None:
    """One line on what the shipped translator is, and what was measured on it."""
    model = shipped()
    sides = {
        "encoder": model.config.encoder_heads,
        "decoder": model.config.decoder_heads,
        "cross": model.config.cross_heads,
    }
    said = t(
        "translator.about",
        layers=len(sides["encoder"]),
        decoding=len(sides["decoder"]),
        parameters=f"{sum(one.numel() for one in model.parameters()) / 1e6:.1f}",
        limit=model.limit,
        **{side: joined("words.comma", [str(count) for count in counts]) for side, counts in sides.items()},
    )
    measured = scores()
    st.caption(said if measured is None else f"{said} {_measured(measured)}")


@st.cache_resource(show_spinner=False)
def scores() -> dict[str, Any] | None:
    """Shared between sessions, so never written to."""
    return registry.translator_scores()


def _measured(found: dict[str, Any]) -> str:
    """What was measured on texts that it has not learned from, each with its baseline in brackets."""
    parts = []
    for metric in ("bleu", "chrf"):
        for direction, score in found[metric].items():
            source, _, into = direction.partition("-")
            numbers = {name: f"{score[name]:.1f}" for name in ("value", "baseline")}
            parts.append(t(f"translator.{metric}", direction=direction_said(source, into), **numbers))
    alignment = {name: f"{found['aer'][name]:.1%}" for name in ("value", "baseline")}
    return t("translator.measured", parts=joined("words.comma", parts), **alignment)


def direction_said(source: str, into: str) -> str:
    """Such as "Chinese → English", of two codes of languages."""
    names = {"source": t(f"writing.language.{source}"), "into": t(f"writing.language.{into}")}
    return t("writing.direction", **names)


def traced(text: str, target: str | None, into: Language | None, network: TranslatingNetwork) -> TwoTextTrace:
    """The trace of two texts; target: None for what the network writes; into: the language that is asked for.

    Shared between sessions, so never written to. Raises what the network's `trace` does.
    """
    if not isinstance(network.model, Translator):
        return _foreign(text, target, network.key, network)
    kept = _traced if len(text) + len(target or "") <= SHORT else _long_traced
    return kept(text, target, into)


@st.cache_resource(max_entries=64, show_spinner=False)  # of 12 tokens of either text, one takes 1.5 MB
@in_turn
def _traced(text: str, target: str | None, into: Language | None) -> TwoTextTrace:
    return shipped().trace(text, target, into=into)


@st.cache_resource(max_entries=8, show_spinner=False)  # of 256 tokens of either text, one takes about 60 MB
@in_turn
def _long_traced(text: str, target: str | None, into: Language | None) -> TwoTextTrace:
    return shipped().trace(text, target, into=into)


@st.cache_resource(max_entries=8, show_spinner=False)
@in_turn
def _foreign(text: str, target: str | None, key: str, _network: TranslatingNetwork) -> TwoTextTrace:
    return _network.model.trace(text, target)
