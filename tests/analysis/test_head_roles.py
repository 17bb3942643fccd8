"""Roles read from scores made up here."""

from __future__ import annotations

from typing import Any

import pytest

from attention_core.analysis.head_roles import HeadRole, head_roles, outstanding_heads, within_a_sentence
from attention_core.models import registry

QUIET = {"previous": 0.1, "next": 0.1, "same": 0.1, "special": 0.1}
NO_GAIN = {"relation": "det", "direction": "dependent_to_head", "score": 0.3, "best_offset_score": 0.5, "gain": -0.2}


@pytest.fixture
def scores() -> dict[str, Any]:
    def aligns(score: float) -> dict[str, float]:
        return {"en_zh": score - 0.1, "zh_en": 0.0, "product": score}

    subject = NO_GAIN | {"relation": "nsubj", "score": 0.75, "best_offset_score": 0.4}
    thing = NO_GAIN | {"relation": "obj", "score": 0.6, "best_offset_score": 0.4}
    return {
        "alignment": {"heads": [[aligns(0.7), aligns(0.5)], [aligns(0.2), aligns(0.25)]], "diagonal": {"score": 0.2}},
        "relations": {"en": {"nsubj": subject | {"layer": 1, "head": 0}, "obj": thing | {"layer": 1, "head": 0}}},
        "head_relations": {
            "en": [[NO_GAIN, NO_GAIN], [subject, subject | {"score": 0.6}]],
            "zh": [[NO_GAIN, {}], [NO_GAIN, NO_GAIN]],
        },
        "heads": [[QUIET | {"same": 0.9}, QUIET], [QUIET, QUIET | {"previous": 0.55}]],
        "even_head": dict.fromkeys(QUIET, 0.15),
    }


SUBJECT = HeadRole(1, 0, "relation", 0.75, 0.4, "nsubj", "en", "dependent_to_head")


def test_a_head_does_what_it_does_better_than_the_baseline(scores: dict[str, Any]) -> None:
    same, aligns = head_roles(scores, 0, 0)
    assert same == HeadRole(0, 0, "same", 0.9, 0.15)
    assert aligns == HeadRole(0, 0, "alignment", 0.7, 0.2)
    assert aligns.gain == pytest.approx(0.5)
    assert [(role.kind, role.relation) for role in head_roles(scores, 1, 1)] == [
        ("previous", ""),
        ("relation", "nsubj"),
    ]


def test_a_head_may_be_the_best_of_several_relations(scores: dict[str, Any]) -> None:
    assert head_roles(scores, 1, 0)[0] == SUBJECT
    assert [role.relation for role in head_roles(scores, 1, 0)] == ["nsubj", "obj"]


def test_a_head_that_stands_out_in_nothing_has_no_role(scores: dict[str, Any]) -> None:
    scores["alignment"]["heads"][0][1] = {"en_zh": 0.29, "zh_en": 0.1, "product": 0.2}
    assert head_roles(scores, 0, 1) == []


def test_outstanding_heads_are_best_at_something_and_named_once(scores: dict[str, Any]) -> None:
    found = outstanding_heads(scores)
    assert [(role.layer, role.head, role.kind, role.relation) for role in found] == [
        (0, 0, "alignment", ""),
        (1, 0, "relation", "nsubj"),
        (1, 1, "previous", ""),
    ]
    assert within_a_sentence(found) == SUBJECT
    assert within_a_sentence(found[:1]) is None


def test_the_network_that_ships_has_heads_that_do_something() -> None:
    found = outstanding_heads(registry.scores("text"))
    assert any(role.kind == "alignment" and role.score >= 0.5 for role in found)
    assert within_a_sentence(found) is not None
