"""Which network a page is about: the one that ships, one of a folder, or one by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from attention_core.errors import AttentionCoreError
from attention_core.models.hub.description import ModelDescription, describe
from attention_core.models.hub.text import HubTextModel
from attention_core.runtime.model_store import Loading, ModelStore
from attention_core.words import plain
from ui.i18n import explain, joined, t
from ui.inputs import text_networks
from ui.inputs.text_networks import FOLDER
from ui.shell import url_state
from ui.shell.settings import settings

_SECONDS = 1.0  # between two looks at a loading: each takes time from it
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Picker:
    """What can be chosen in one place.

    key: of the choice, in the link; default: the network without a choice; words: the table of the catalogue that tells
    of these networks; offered: names besides the default; named: a name in a link, if it may be loaded, else
    `ValueError`; store: where they are kept; described: what is known of one before it is loaded; facts: what of that
    is shown. The last two are those of networks for text.
    """

    key: str
    default: str
    words: str
    offered: Callable[[], tuple[str, ...]]
    named: Callable[[str], str]
    store: Callable[[], ModelStore[Any]]
    described: Callable[[str], ModelDescription] = lambda name: describe(text_networks.source_of(name))
    facts: tuple[str, ...] = ("architecture", "parameters", "download", "license", "languages")


TEXT = Picker(
    key=text_networks.KEY,
    default=text_networks.SHIPPED,
    words="network",
    offered=text_networks.offered,
    named=text_networks.named,
    store=text_networks.store,
)


def choose() -> None:
    """Draws the picker of text networks, and pins the network of this run."""
    chosen(TEXT)
    text_networks.pin()
    about()


def chosen(picker: Picker) -> str:
    """Draws a picker, and returns the name of the network that the page is about: the default, or one that is kept.

    Where a network is asked for that is not there yet, the page ends here: with how far it is, or why it cannot be had.
    """
    name = url_state.put(picker.key, picker.default, picker.named)
    if settings().foreign:
        _popover(picker, name)
    if name != picker.default and picker.store().get(name) is None:
        _loading(picker, name)
        st.stop()
    return name


def _popover(picker: Picker, name: str) -> None:
    box = st.popover(
        t("network.open", name=shown(picker, name)),
        icon=":material/deployed_code:",
        width="content",
        key=f"{picker.key}-box",
        on_change="rerun",
    )
    if not box.open:  # what nobody sees is not drawn at each change of the page
        return
    with box:
        st.markdown(t(f"{picker.words}.lead"))
        names = {option: shown(picker, option) for option in (picker.default, *picker.offered(), name)}
        # Another box for each network, which begins with it: a value that is set from here would not reach the browser,
        # where there is no box before the popover is opened.
        chosen_name = st.selectbox(
            t("network.choose"),
            list(names),
            index=list(names).index(name),
            format_func=lambda option: names.get(option, option),
            key=f"{picker.key}-wish-{name}",
            accept_new_options=settings().models is None,
            help=t(f"{picker.words}.choose_help", folder=settings().folder.name),
        )
        wish = (chosen_name or picker.default).strip()
        if wish == name:
            return
        if _possible(picker, wish):
            st.button(t("network.use"), key="network-use", on_click=_use, args=(picker, wish), type="primary")


def shown(picker: Picker, name: str) -> str:
    """The name of a network for people."""
    if name == picker.default:
        return t(f"{picker.words}.shipped")
    return t("network.folder", name=name.removeprefix(FOLDER)) if name.startswith(FOLDER) else name


def _possible(picker: Picker, wish: str) -> bool:
    """Says what is known of a network before it is loaded; whether it can be tried."""
    if wish == picker.default:
        return True
    try:
        picker.named(wish)
    except ValueError:
        st.error(t("network.not_allowed", name=plain(wish)), icon=":material/block:")
        return False
    try:
        with st.spinner(t("network.asking")):
            found = _described(picker.key, wish, picker)
    except AttentionCoreError as error:
        st.error(explain(error), icon=":material/warning:")
        return False
    st.table(_facts(picker, found), alt=t("network.facts"))
    return True


@st.cache_data(ttl=600, max_entries=64, show_spinner=False)
def _described(key: str, name: str, _picker: Picker) -> ModelDescription:
    return _picker.described(name)


def _facts(picker: Picker, found: ModelDescription) -> dict[str, list[str]]:
    unknown = t("network.unknown")
    known = {
        "architecture": found.architecture or unknown,
        "parameters": f"{found.parameters / 1e6:,.1f} M" if found.parameters else unknown,
        "download": t("network.on_disk") if found.on_disk else _megabytes(found.download_bytes) or unknown,
        "license": found.license or unknown,
        "languages": joined("words.comma", list(found.languages)) or unknown,
    }
    rows = {t(f"network.about.{name}"): known[name] for name in picker.facts}
    return {t("network.fact"): [*rows], t("network.value"): [*rows.values()]}


def _megabytes(count: int | None) -> str:
    return f"{count / 1e6:,.0f} MB" if count else ""


def _use(picker: Picker, name: str) -> None:
    st.session_state[picker.key] = name
    if name != picker.default:
        picker.store().forget(name)


def back(picker: Picker) -> None:
    """The default again, for a page that ends where its network would come."""
    # The page has ended before its link was noted as read: without this, the link would ask again.
    url_state.amend(picker.key, picker.default)


@st.fragment(run_every=_SECONDS)
def _loading(picker: Picker, name: str) -> None:
    if st.session_state.get(picker.key) != name:  # a button here has led back, and this part alone runs anew
        st.rerun()
    state = picker.store().ask(name)
    if state.phase == "ready":
        st.rerun()
    if state.phase == "failed":
        _failed(picker, name, state)
        return
    with st.container(border=True, key="network-loading"):
        share = state.done / state.total if state.total else 0.0
        words = {
            "name": plain(shown(picker, name)),
            "done": _megabytes(state.done) or "0",
            "total": _megabytes(state.total),
        }
        st.progress(share, t(f"network.phase.{state.phase}", **words))
        st.button(
            t("network.cancel"), key="network-cancel", on_click=_cancel, args=(picker, name), icon=":material/close:"
        )


def _cancel(picker: Picker, name: str) -> None:
    picker.store().cancel(name)
    back(picker)


def _failed(picker: Picker, name: str, state: Loading) -> None:
    error = state.error
    if isinstance(error, AttentionCoreError):
        st.error(explain(error), icon=":material/warning:")
    else:
        _log.error("loading %s failed", name, exc_info=error)
        st.error(t("frame.our_error", kind=type(error).__name__), icon=":material/warning:")
    with st.container(horizontal=True):
        st.button(
            t("network.again"), key="network-again", on_click=_use, args=(picker, name), icon=":material/refresh:"
        )
        way_back(picker)


def way_back(picker: Picker) -> None:
    """The button that leads back to the default."""
    st.button(t(f"{picker.words}.back"), key="network-back", on_click=back, args=(picker,), icon=":material/undo:")


def about() -> None:
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
