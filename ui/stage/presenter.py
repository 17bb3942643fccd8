"""Presenter mode: no sidebar, big type, one step a screen, moved by keys. The pages know nothing of it."""

from __future__ import annotations

import streamlit as st

from ui.i18n import t
from ui.shell import url_state
from ui.shell.component import component
from ui.stage import share

MODE, STEP = "present", "step"
_PAGE, _KEY = "_presented_page", "presenter"
# Until the browser has the stage, which takes a moment: nothing, rather than a page that is about to turn into another.
_CURTAIN = """<style>
  @keyframes presenter-curtain { from { visibility: hidden; } }
  html:not([data-presenter]) :is([data-testid="stMainBlockContainer"], [data-testid="stSidebar"]) {
    animation: presenter-curtain 5s step-end;
  }
</style>"""
_stage = component("presenter", ("screen", "presenter"), isolate_styles=False)  # its rules are for the page around it


def chosen() -> bool:
    """Whether the mode is on; binds it to the link."""
    return bool(url_state.put_choice(MODE, (0, 1)))


def switch() -> None:
    """The button that turns it on; on the stage, a button and a key turn it off."""
    st.button(
        t("presenter.enter"),
        key="presenter-enter",
        on_click=_turn,
        args=(1,),
        icon=":material/slideshow:",
        width="stretch",
        help=t("presenter.help"),
    )


def show(page: str) -> None:
    """Draws the stage, before the page itself so that nothing of it flashes up; page: its language-neutral name.

    The link then names the step: 0 is what stands outside of the steps.
    """
    if st.session_state.get(_PAGE, page) != page:
        url_state.forget(STEP)
    st.session_state[_PAGE] = page
    url_state.put_number(STEP, 0, 999)
    st.html(_CURTAIN)
    with st.container(key="presenter-stage"):
        _drawn(page)


@st.fragment
def _drawn(page: str) -> None:
    # The browser has moved long before the server hears of it: no page is run for that, only this.
    key = f"{_KEY}-{page}"

    def moved() -> None:
        url_state.amend(STEP, int(st.session_state[key]["moved"]))

    def asked() -> None:
        url_state.amend(STEP, int(st.session_state[key]["code"]))

    def left() -> None:
        url_state.amend(MODE, 0)

    wanted = st.session_state.get(key)
    address = share.link(st.query_params.to_dict())
    data = {
        "words": {name: t(f"presenter.{name}") for name in _WORDS},
        "link": address,
        "note": share.reach(address),
        "code": share.code(address) if wanted is not None and wanted.get("code") is not None else None,
    }
    result = _stage(key=key, data=data, on_moved_change=moved, on_code_change=asked, on_leave_change=left)
    if result.leave:
        st.rerun()


_WORDS = ("start", "timeline", "back", "next", "share", "code", "leave", "close", "enlarge")


def _turn(on: int) -> None:
    st.session_state[MODE] = on
