"""The catalogues of stories, and what may be said of whom."""

from __future__ import annotations

import pytest

from attention_core.words import LANGUAGES, Language, Listed, Named, Say, catalogue, needed, plain, spoken

SCORES, FACTS = "self_attention.scores.see", {"query": "a*b", "key": "c", "d": 4, "before": "e"}


def said(language: Language = "en", **facts: object) -> str:
    return spoken(Say(SCORES, {**FACTS, **facts}), language, plain)


def test_both_languages_have_the_same_messages_with_the_same_facts() -> None:
    assert catalogue("zh").keys() == catalogue("en").keys()
    unlike = {key for key in catalogue("en") if needed(key, "zh") != needed(key, "en")}
    assert not unlike


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_piece_is_said_only_where_its_facts_hold(language: Language) -> None:
    rooted = said(language, root=True, changed=False, among=False)
    other = said(language, root=False, changed=False, among=False)
    assert "√4" in rooted and "√" not in other
    assert len(said(language, root=True, changed=False, among=True)) > len(rooted)


def test_a_message_without_its_facts_cannot_be_said() -> None:
    with pytest.raises(KeyError, match="root"):
        said(changed=False, among=False)
    with pytest.raises(KeyError, match="key"):
        spoken(Say(SCORES, {"query": "a", "root": False, "changed": False, "among": False}), "en")
    with pytest.raises(KeyError):
        spoken(Say("self_attention.nothing"), "en")


def test_names_are_spelled_as_the_door_wants_and_numbers_as_the_message_says() -> None:
    assert r"a\*b" in said(root=False, changed=False, among=False)
    facts = {"token": "<x>", "before": 0.5, "after": 0.25, "points": -25.0}
    truth = spoken(Say("self_attention.prediction.truth", facts), "en", plain)
    assert r"\<x\>" in truth and "50.0%" in truth and "−25.0" in truth and "-" not in truth


def test_lists_and_names_follow_the_language() -> None:
    both = Listed([Named("dog", "狗"), Named("cat", "猫"), "x"])
    assert spoken(both, "en") == "dog, cat, x"
    assert spoken(both, "zh") == "狗、猫、x"
    assert spoken(Listed([]), "en") == ""


def test_what_can_be_clicked_is_said_by_doors_that_can() -> None:
    facts = {"empty": False, "changed": False, "causal": False, "query": "a", "key": "b", "share": 0.5}
    words = Say("self_attention.weights.see", facts)
    assert "Click" in spoken(words, "en", live=True) and "Click" not in spoken(words, "en")
