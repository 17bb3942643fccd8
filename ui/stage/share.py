"""The link that restores what is on the screen, to copy, and as a code that phones can read."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

import segno
import streamlit as st

from attention_core.inputs.samples import SAMPLE_PHOTOS, STRANGE_PHOTOS
from attention_core.runtime.network import address_for_others, is_this_machine, lan_address
from ui.i18n import t
from ui.shell.component import component
from ui.shell.regions import SHARE

_link = component("share_link")
_SHEET = "share-sheet"


def link(query: dict[str, str]) -> str:
    """The address of this page with `query`, as other machines must write it."""
    here = st.context.url or "http://localhost"
    return f"{address_for_others(here, _hall())}?{urlencode(query, quote_via=quote)}"


def code(address: str) -> str | None:
    """The QR code of an address as SVG, dark on light under any theme; None where the address is too long for one."""
    try:
        made = segno.make(address, micro=False, error="l")  # raised by segno where that costs no room
    except segno.DataOverflowError:
        return None
    return str(made.svg_inline(border=4, dark="#000", light="#fff", omitsize=True))


def popover(query: dict[str, str]) -> None:
    """The button, and what it opens."""
    # Its content is left out until somebody opens it: a code takes longer than everything else in the sidebar.
    box = st.popover(t("share.title"), icon=":material/link:", width="stretch", key=SHARE, on_change="rerun")
    with box:
        # Streamlit puts the box where there is room for what is in it at first: as much as there will be.
        st.html(f"<style>[data-testid=stPopoverBody]:has(.{_SHEET}) {{ min-height: 27rem; }}</style>")
        st.html(f'<span class="{_SHEET}"></span>')
        if not box.open:
            return
        address = link(query)
        st.markdown(t("share.lead"))
        drawn = code(address)
        words = {name: t(f"share.{name}") for name in ("copy", "copied", "label", "described")}
        _link(key="share-link", data={"link": address, "code": drawn or "", **words})
        if drawn is None:
            st.caption(t("share.too_long"))
        st.caption(reach(address))
        if query.get("photo", SAMPLE_PHOTOS[0]) not in (*SAMPLE_PHOTOS, *STRANGE_PHOTOS):
            st.caption(t("share.photo"))
        if query.get("clip", SAMPLE_PHOTOS[0]) not in SAMPLE_PHOTOS:
            st.caption(t("share.clip"))


def reach(address: str) -> str:
    """Who can open the address."""
    return t("share.alone" if is_this_machine(urlsplit(address).hostname or "") else "share.hall")


def _hall() -> str | None:
    """The machine's address for others, unless its server listens to itself alone, and not for a proxy beside it."""
    bound = st.get_option("server.address")
    proxied = "X-Forwarded-Proto" in st.context.headers
    return None if bound and is_this_machine(bound) and not proxied else lan_address()
