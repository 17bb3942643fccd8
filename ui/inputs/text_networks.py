"""The text network of a session: the one that ships, or one of the hub or of a folder, kept for all sessions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from attention_core.errors import UnsupportedModelError
from attention_core.models.hub.limits import bytes_of, check_size
from attention_core.models.hub.loading import load_hub_text_model
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import Predicts
from attention_core.models.registry import load_text_model
from attention_core.models.text import TextModel
from attention_core.runtime.model_store import ModelStore, Progress
from ui.shell.settings import settings

SHIPPED = "bilingual"
KEY = "net"  # in the link
FOLDER = "folder:"  # what the name of a network in the folder of the settings begins with
SUGGESTED = (
    "google-bert/bert-base-chinese",
    "google-bert/bert-base-multilingual-cased",
    "distilbert/distilbert-base-multilingual-cased",
    "openai-community/gpt2",
    "Qwen/Qwen2.5-0.5B",
)
_NOW = "_text_network"
_serial = itertools.count(1)


@dataclass(frozen=True, eq=False)
class TextNetwork:
    """A text network with what pages need to know of it. key: of its traces; another one after each loading."""

    name: str
    key: str
    model: TextModel | HubTextModel

    @property
    def shipped(self) -> bool:
        """Whether it is the one that ships, whose heads have been measured."""
        return isinstance(self.model, TextModel)

    @property
    def heads(self) -> tuple[int, ...]:
        """How many heads each layer has."""
        return self.model.config.heads if isinstance(self.model, TextModel) else self.model.heads

    @property
    def positions(self) -> int:
        """How many tokens it reads."""
        return self.model.config.positions if isinstance(self.model, TextModel) else self.model.limit

    @property
    def mask(self) -> int | None:
        """The token that it reads in the place of a hidden one; None where it knows none."""
        return self.model.tokenizer.mask

    @property
    def predicts(self) -> Predicts:
        """What its guess at a position is of."""
        return "hidden" if isinstance(self.model, TextModel) else self.model.predicts


@st.cache_resource(show_spinner=False)
def shipped() -> TextNetwork:
    """The bilingual encoder."""
    return TextNetwork(SHIPPED, SHIPPED, load_text_model())


@st.cache_resource(show_spinner=False)
def store() -> ModelStore[TextNetwork]:
    """The text networks of others, for all sessions."""
    limits = settings()
    return ModelStore(_load, lambda network: bytes_of(network.model), most=limits.kept, most_bytes=limits.kept_bytes)


def source_of(name: str) -> str | Path:
    """Where a network is to be had: a folder, or a name on the hub."""
    return settings().folder / name.removeprefix(FOLDER) if name.startswith(FOLDER) else name


def _load(name: str, progress: Progress) -> TextNetwork:
    limits = settings()
    model = load_hub_text_model(source_of(name), max_tokens=limits.tokens, progress=progress)
    if not isinstance(model, HubTextModel):
        raise UnsupportedModelError(
            "model.encoder_decoder",
            f"{name} reads one text and writes another; the pages are for networks that read. In Python, "
            "attention_core.load_hub_text_model traces it.",
            name=name,
        )
    check_size(name, bytes_of(model), limits.kept_bytes)
    return TextNetwork(name, f"{name}@{next(_serial)}", model)


def offered() -> tuple[str, ...]:
    """The networks to choose from, besides the one that ships: those of the folder, then those of the hub."""
    return (*(FOLDER + path.name for path in settings().folders()), *settings().listed(SUGGESTED))


def named(written: str) -> str:
    """A name in a link, if it may be loaded here. Raises `ValueError`."""
    here = source_of(written) in settings().folders() if written.startswith(FOLDER) else settings().allows(written)
    if written != SHIPPED and not here:
        raise ValueError(f"{written[:80]!r} may not be loaded here")
    return written


def mask_name() -> str:
    """How the network's vocabulary spells the token that it reads in the place of a hidden one; "" for none."""
    network = current()
    if network.mask is None:
        return ""
    model = network.model
    vocabulary = model.tokenizer.vocabulary if isinstance(model, TextModel) else model.vocabulary
    return vocabulary[network.mask]


def pin() -> None:
    """At the start of a page: the session's network, which stays the same to the end of the run."""
    wanted = st.session_state.get(KEY, SHIPPED)
    st.session_state[_NOW] = (store().get(wanted) if wanted != SHIPPED else None) or shipped()


def let_go() -> None:
    """At the end of a run: lets go of it, so that its memory can be freed."""
    st.session_state.pop(_NOW, None)


def current() -> TextNetwork:
    """The network that pages are about; a part of a page that is drawn alone has to begin anew if it has left."""
    pinned: TextNetwork | None = st.session_state.get(_NOW)
    if pinned is not None:
        return pinned
    wanted = st.session_state.get(KEY, SHIPPED)
    kept = shipped() if wanted == SHIPPED else store().get(wanted)
    if kept is None:
        st.rerun()
    return kept
