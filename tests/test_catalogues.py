"""The two languages say the same things."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from attention_core.models import registry
from ui.i18n import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parent.parent


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def literal_keys() -> dict[str, set[str]]:
    """Keys that the code names outright, each with the names of the values given to it."""
    found: dict[str, set[str]] = {}
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                names = {k.arg for k in node.keywords if k.arg}
                dynamic = any(k.arg is None for k in node.keywords)
                if node.func.id in ("t", "correction") and isinstance(node.args[0], ast.Constant):
                    found[str(node.args[0].value)] = {"*"} if dynamic else names
                if node.func.id == "step" and isinstance(node.args[1], ast.Constant):
                    for ending in ("title", "see"):
                        found[f"{node.args[1].value}.{ending}"] = {"*"} if dynamic else names
    return found


def test_both_languages_have_the_same_keys() -> None:
    assert catalogue("zh").keys() == catalogue("en").keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_empty(language: str) -> None:
    assert not [key for key, message in catalogue(language).items() if not message]  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_in_the_code_is_there_and_gets_its_values(language: str) -> None:
    messages = catalogue(language)  # type: ignore[arg-type]
    for key, given in literal_keys().items():
        assert key in messages, key
        if given and "*" not in given:
            assert fields(messages[key]) <= given, key


def test_every_relation_of_the_treebanks_has_a_name() -> None:
    measured = registry.scores("text")["relations"].values()
    for language in LANGUAGES:
        assert {f"relations.{name}" for names in measured for name in names} <= catalogue(language).keys()


def test_chinese_is_chinese() -> None:
    chinese = catalogue("zh")
    wordy = {key: m for key, m in chinese.items() if any(c.isalpha() for c in re.sub(r"{\w+}", "", m))}
    latin = [key for key, message in wordy.items() if not any("\u4e00" <= c <= "\u9fff" for c in message)]
    allowed = ("softmax", "b^{", "W^")
    assert not [key for key in latin if not any(part in chinese[key] for part in allowed)]
