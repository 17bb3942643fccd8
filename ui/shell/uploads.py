"""Uploaded files, which Streamlit keeps as long as their session lives, whatever has become of them.

A tab that stays open through an afternoon would keep every photo that was ever dropped on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


def let_go(identities: Iterable[str]) -> None:
    """Frees this session's files with these `file_id`s, which no control shows any more."""
    context = get_script_run_ctx()
    # Other managers keep files where memory is of no concern, and cannot do this.
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for identity in identities:
            context.uploaded_file_mgr.remove_file(context.session_id, identity)
