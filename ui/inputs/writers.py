"""The network of the page on writing: a decoder that somebody has chosen, or else the translator that ships."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import islice

import streamlit as st

from attention_core.models.hub.generation import generate
from attention_core.models.hub.text import HubTextModel
from attention_core.models.translation import Language
from attention_core.models.translator import Translator
from attention_core.models.writing import GenerationStep, Sampling, likeliest
from attention_core.words import plain
from ui.i18n import t
from ui.inputs import network_picker, text_networks, translators
from ui.inputs.network_picker import Picker
from ui.inputs.text_networks import FOLDER
from ui.shell.settings import config_of, settings
from ui.shell.turns import in_turn

SUGGESTED = ("openai-community/gpt2", "Qwen/Qwen2.5-0.5B")
MOST = 64  # tokens that are written
_WRITE = ("ForCausalLM", "LMHeadModel")  # how the names of architectures end that predict the next token
Written = tuple[GenerationStep, ...]


@dataclass(frozen=True, eq=False)
class Writer:
    """A network with what the page needs to know of it. key: of what it wrote; another one after each loading."""

    name: str
    key: str
    model: HubTextModel | Translator


def _offered() -> tuple[str, ...]:
    here = [path for path in settings().folders() if _writes(config_of(path).get("architectures"))]
    return (*(FOLDER + path.name for path in here), *settings().listed(SUGGESTED))


def _writes(architectures: object) -> bool:
    return isinstance(architectures, list) and any(str(name).endswith(_WRITE) for name in architectures)


@cache
def _picker() -> Picker:
    # The same choice as on the other pages about text, where the default is the encoder that ships.
    return Picker(
        key=text_networks.KEY,
        default=text_networks.SHIPPED,
        words="writer",
        offered=_offered,
        named=text_networks.named,
        store=text_networks.store,
    )


def choose() -> Writer:
    """Draws the picker, and returns the network that writes, with a line on what it is."""
    network_picker.chosen(_picker())
    text_networks.pin()
    network = text_networks.current()
    if isinstance(network.model, HubTextModel) and network.model.predicts == "next":
        network_picker.about()
        return Writer(network.name, network.key, network.model)
    if not network.shipped:
        st.info(t("writer.instead", name=plain(network.name)), icon=":material/edit_off:")
    translators.about_shipped()
    return Writer(translators.SHIPPED, translators.SHIPPED, translators.shipped())


def written(text: str, writer: Writer, *, count: int, into: Language | None, sampling: Sampling | None) -> Written:
    """What it writes: at most `count` tokens. into: the language that a translator is asked for; sampling: None for
    the likeliest token each time.

    Shared between sessions, so never written to. Raises what `generate` and `Translator.write` do.
    """
    return _written(text, count, into, sampling, writer.key, writer)


@st.cache_resource(max_entries=32, show_spinner=False)  # a translation of 64 tokens takes 14 MB, of 10 less than 1 MB
@in_turn
def _written(
    text: str, count: int, into: Language | None, sampling: Sampling | None, key: str, _writer: Writer
) -> Written:
    choose = likeliest if sampling is None else sampling.choose()
    if isinstance(_writer.model, Translator):
        return tuple(islice(_writer.model.write(text, into=into, choose=choose), count))
    return tuple(generate(_writer.model, text, steps=count, choose=choose))
