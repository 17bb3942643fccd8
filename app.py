"""The server: `streamlit run app.py`.

The main script is ui/shell/frame.py. Were it this file, Streamlit would take the folder `pages` beside it for pages
of its own until the first visit, and greet the first deep link with "Page not found".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from ui.shell import warming
from ui.shell.arenas import share_arenas
from ui.shell.server import keep_uploads_in_memory, middleware, on_script_error

HERE = Path(__file__).resolve().parent


def load_networks() -> None:
    """Loads PyTorch with them, which takes longer than all else before the first answer."""
    from ui.inputs import networks

    networks.warm()


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """The server answers while it is still getting ready."""
    warming.start(load_networks)
    yield {}


share_arenas()
keep_uploads_in_memory()
app = st.App(
    HERE / "ui" / "shell" / "frame.py",
    lifespan=lifespan,
    middleware=middleware(),
    on_script_error=on_script_error,
)
