"""Text that somebody typed, inside text that Streamlit formats."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&=^])")


def plain(text: str) -> str:
    """`text` with every character that Markdown would act on escaped, so that it is shown as typed."""
    return _SPECIAL.sub(r"\\\1", text)
