"""Scripts that pages load from the server itself, each under an address that names its release."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

# What browsers draw figures with: the bundle of plane charts, a third of the whole, which each phone of a hall would
# fetch and read. Of the major release that Plotly for Python brings.
PLOTLY = Path(__file__).resolve().parent / "vendor" / "plotly-cartesian-4.1.1.min.js"


def address(bundle: Path) -> str:
    """Where a browser finds it, from the server's root."""
    return below_base(bundle.name)


def below_base(path: str) -> str:
    """A path of the app as it is asked for, from the server's root."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{base and f'/{base}'}/{path}"
