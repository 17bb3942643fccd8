"""What somebody typed is shown as typed."""

from __future__ import annotations

import pytest

from attention_core.words import plain


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("我吃", "我吃"), ("*", r"\*"), ("[a](b)", r"\[a\]\(b\)"), ("$x^2$", r"\$x\^2\$"), (":red[x]", r"\:red\[x\]")],
)
def test_markdown_is_escaped(typed: str, shown: str) -> None:
    assert plain(typed) == shown
