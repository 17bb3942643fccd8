"""The main script: page config, language, navigation, and the page itself."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # Streamlit puts the main script's own folder there, which is not the project's
    sys.path.insert(0, str(ROOT))

from ui.shell import warming  # noqa: E402

warming.wait()

from attention_core.runtime.device import device_name  # noqa: E402
from ui.i18n import LANGUAGE_NAMES, LANGUAGES, browser_language, t  # noqa: E402
from ui.inputs import networks, text_networks  # noqa: E402
from ui.shell import built_in_words, regions, turns, url_state  # noqa: E402
from ui.shell.style import page_style  # noqa: E402
from ui.stage import lessons, presenter, share, steps  # noqa: E402

# Symbols of the font that Streamlit brings: an emoji is an empty box where no font has it.
SECTIONS = {
    "start": {
        "home": "visibility",
        "lessons": "school",
    },
    "text": {
        "overview": "map",
        "self_attention": "counter_1",
        "multi_head": "counter_2",
        "head_view": "cable",
        "two_sentences": "translate",
        "head_atlas": "explore",
        "generation": "edit_note",
        "cross_attention": "compare_arrows",
    },
    "photo": {
        "squeeze_excitation": "counter_3",
        "cbam": "counter_4",
        "compare": "compare",
        "photo_what_if": "tune",
        "mask_trial": "target",
        "profiles": "monitoring",
        "clips": "movie",
        "vision_transformer": "grid_on",
    },
}

url_state.begin()
steps.begin()
url_state.put_choice("lang", LANGUAGES, browser_language())
presenting = presenter.chosen()
st.set_page_config(page_title=t("frame.title"), page_icon="🍋", layout="wide")
page_style()
built_in_words.translate()

page = st.navigation(
    {
        t(f"frame.sections.{section}"): [
            st.Page(
                ROOT / "pages" / f"{name}.py",
                title=t(f"{name}.title"),
                icon=f":material/{icon}:",
                url_path=name,
                default=name == "home",
            )
            for name, icon in pages.items()
        ]
        for section, pages in SECTIONS.items()
    },
    position="sidebar",
    expanded=True,
)
if presenting:
    presenter.show(page.url_path or "home")
with st.sidebar:
    st.segmented_control(
        t("frame.language"),
        LANGUAGES,
        format_func=LANGUAGE_NAMES.__getitem__,
        key="lang",
        required=True,
        persist_state="session",
        help=t("frame.language_help"),
    )
    presenter.switch()
    sharing = st.container()
    st.caption(t("frame.device", device=device_name(networks.device())))
    st.caption(t("frame.credit"))
    regions.outlive_the_connection()

refused = st.container()  # filled when the page has read the link
with turns.run_of_few():
    if lessons.panel(page.url_path or "home"):
        page.run()
with refused:
    url_state.notices()
with sharing:
    share.popover(url_state.query())
url_state.flush()
text_networks.let_go()
