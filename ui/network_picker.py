"""Which text network the pages are about: the one that ships, one of a folder, or one of the hub by name."""

from __future__ import annotations

import logging

import streamlit as st

from attention_core.errors import AttentionCoreError
from attention_core.models.description import ModelDescription, describe
from attention_core.models.hub_text import HubTextModel
from attention_core.runtime.model_store import Loading
from ui import text_networks, url_state
from ui.i18n import explain, joined, t
from ui.markdown import plain
from ui.settings import settings
from ui.text_networks import FOLDER, KEY, SHIPPED

SUGGESTED = (
    "google-bert/bert-base-chinese",
    "google-bert/bert-base-multilingual-cased",
    "distilbert/distilbert-base-multilingual-cased",
    "openai-community/gpt2",
    "Qwen/Qwen2.5-0.5B",
)
_WISH = "network-wish"
_SECONDS = 0.4  # between two looks at a loading
_log = logging.getLogger(__name__)


def choose() -> None:
    """Draws the picker, and pins the network of this run.

    Where a network is asked for that is not there yet, the page ends here: with how far it is, or why it cannot be had.
    """
    name = url_state.put(KEY, SHIPPED, text_networks.named)
    if settings().foreign:
        _picker(name)
    if name != SHIPPED and text_networks.store().get(name) is None:
        _loading(name)
        st.stop()
    text_networks.pin()
    _about()


def _picker(name: str) -> None:
    with st.popover(t("network.open", name=shown(name)), icon=":material/deployed_code:", width="content"):
        st.markdown(t("network.lead"))
        known = (SHIPPED, *(FOLDER + path.name for path in settings().folders()), *_suggested(), name)
        names = {option: shown(option) for option in known}
        st.session_state.setdefault(_WISH, name)
        st.selectbox(
            t("network.choose"),
            list(names),
            format_func=lambda option: names.get(option, option),
            key=_WISH,
            accept_new_options=settings().models is None,
            help=t("network.choose_help", folder=settings().folder.name),
        )
        wish = (st.session_state[_WISH] or SHIPPED).strip()
        if wish == name:
            return
        if _possible(wish):
            st.button(t("network.use"), key="network-use", on_click=_use, args=(wish,), type="primary")


def _suggested() -> tuple[str, ...]:
    return SUGGESTED if settings().models is None else settings().models or ()


def shown(name: str) -> str:
    """The name of a network for people."""
    if name == SHIPPED:
        return t("network.shipped")
    return t("network.folder", name=name.removeprefix(FOLDER)) if name.startswith(FOLDER) else name


def _possible(wish: str) -> bool:
    """Says what is known of a network before it is loaded; whether it can be tried."""
    if wish == SHIPPED:
        return True
    try:
        text_networks.named(wish)
    except ValueError:
        st.error(t("network.not_allowed", name=plain(wish)), icon=":material/block:")
        return False
    try:
        with st.spinner(t("network.asking")):
            found = _described(wish)
    except AttentionCoreError as error:
        st.error(explain(error), icon=":material/warning:")
        return False
    st.table(_facts(found), alt=t("network.facts"))
    return True


@st.cache_data(ttl=600, max_entries=64, show_spinner=False)
def _described(name: str) -> ModelDescription:
    return describe(text_networks.source_of(name))


def _facts(found: ModelDescription) -> dict[str, list[str]]:
    unknown = t("network.unknown")
    rows = {
        "architecture": found.architecture or unknown,
        "parameters": f"{found.parameters / 1e6:,.1f} M" if found.parameters else unknown,
        "download": t("network.on_disk") if found.on_disk else _megabytes(found.download_bytes) or unknown,
        "license": found.license or unknown,
        "languages": joined("words.comma", list(found.languages)) or unknown,
    }
    return {t("network.fact"): [t(f"network.about.{name}") for name in rows], t("network.value"): list(rows.values())}


def _megabytes(count: int | None) -> str:
    return f"{count / 1e6:,.0f} MB" if count else ""


def _use(name: str) -> None:
    st.session_state[KEY] = name
    if name != SHIPPED:
        text_networks.store().forget(name)


def _back() -> None:
    # The page has ended before its link was noted as read: without this, the link would ask again.
    url_state.amend(KEY, SHIPPED)
    st.session_state[_WISH] = SHIPPED


@st.fragment(run_every=_SECONDS)
def _loading(name: str) -> None:
    state = text_networks.store().ask(name)
    if state.phase == "ready":
        st.rerun()
    if state.phase == "failed":
        _failed(name, state)
        return
    with st.container(border=True, key="network-loading"):
        share = state.done / state.total if state.total else 0.0
        words = {"name": plain(shown(name)), "done": _megabytes(state.done) or "0", "total": _megabytes(state.total)}
        st.progress(share, t(f"network.phase.{state.phase}", **words))
        st.button(t("network.cancel"), key="network-cancel", on_click=_cancel, args=(name,), icon=":material/close:")


def _cancel(name: str) -> None:
    text_networks.store().cancel(name)
    _back()


def _failed(name: str, state: Loading) -> None:
    error = state.error
    if isinstance(error, AttentionCoreError):
        st.error(explain(error), icon=":material/warning:")
    else:
        _log.error("loading %s failed", name, exc_info=error)
        st.error(t("frame.our_error", kind=type(error).__name__), icon=":material/warning:")
    with st.container(horizontal=True):
        st.button(t("network.again"), key="network-again", on_click=_use, args=(name,), icon=":material/refresh:")
        st.button(t("network.back"), key="network-back", on_click=_back, icon=":material/undo:")


def _about() -> None:
    """One line on how a network of others reads, where it is not as the one that ships."""
    network = text_networks.current()
    if not isinstance(network.model, HubTextModel):
        return
    layers, heads = len(network.heads), max(network.heads)
    said = [
        t("network.reads", architecture=network.model.architecture, layers=layers, heads=heads, limit=network.positions)
    ]
    said.append(t(f"network.predicts.{network.predicts}"))
    st.caption(" ".join(said))
