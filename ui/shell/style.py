"""The few rules of style that Streamlit's theme has no setting for."""

from __future__ import annotations

import streamlit as st

_RULES = """
<style>
  .block-container { max-width: 1180px; padding-top: 4.2rem; }
  [data-testid="stSidebarNavLink"] * { white-space: normal !important; }
  .st-key-examples button { min-height: 2rem; padding: .1rem .7rem; font-size: .9rem; }
  .st-key-outstanding button { height: auto; text-align: left; padding: .3rem .8rem; }
  .st-key-outstanding button * { white-space: normal; overflow: visible; }
  .step-number { display: inline-flex; width: 1.7em; height: 1.7em; margin-right: .55em; border-radius: 50%;
                 align-items: center; justify-content: center; font-weight: 700; font-size: .85em;
                 color: #fff; background: #0b6e99; }
  .step-title { font-size: 1.22rem; font-weight: 650; }
  .sequence { overflow-x: auto; }
  .sequence table { width: 100%; border-collapse: collapse; font-size: .9rem; }
  .sequence :is(th, td) { min-width: 3.4rem; padding: .35rem .5rem; text-align: left; font-weight: 400;
                          white-space: nowrap; border: 1px solid rgba(128, 138, 150, .3); }
  .sequence :is(th, tr:first-child td) { opacity: .75; }
  .katex-display { margin: .3em 0 !important; padding: .3em 0; overflow-x: auto; overflow-y: hidden; }
  @media (max-width: 640px) { .block-container { padding-left: 1rem; padding-right: 1rem; } .katex { font-size: 1em; } }
</style>
"""


def page_style() -> None:
    """Once a run, before anything else is drawn."""
    st.html(_RULES)
