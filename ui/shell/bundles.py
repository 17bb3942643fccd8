"""Scripts that pages load from the server itself, each under an address that names its release."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_FIGURES = Path(__file__).resolve().parents[2] / "attention_core" / "figures"
# `plotly_js.BUNDLE`, found without the library, which would load PyTorch: the server answers before that is there.
[PLOTLY] = (_FIGURES / "vendor").glob("plotly-cartesian-*.min.js")


def address(bundle: Path) -> str:
    """Where a browser finds it, from the server's root."""
    return below_base(bundle.name)


def below_base(path: str) -> str:
    """A path of the app as it is asked for, from the server's root."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{base and f'/{base}'}/{path}"
