"""Options that are called alike stay different ones."""

from __future__ import annotations

from ui.inputs.choices import told_apart


def test_only_what_comes_again_is_marked_and_nobody_sees_it() -> None:
    names = ["a", "b", "a", "", "a", ""]
    different = told_apart(names)
    assert len({*different}) == len(names)
    assert [name.replace("\u2060", "") for name in different] == names
    assert different[:2] == ["a", "b"]
