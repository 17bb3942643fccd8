"""The atlas holds what the evaluation wrote, head by head, and nothing of its own."""

from __future__ import annotations

import math
from typing import Any

import pytest

from attention_core.analysis.head_atlas import MEASURES, baselines, head_atlas
from attention_core.models import registry


@pytest.fixture(scope="module")
def scores() -> dict[str, Any]:
    return registry.scores("text")


def test_every_head_is_there_with_the_numbers_of_the_evaluation(scores: dict[str, Any]) -> None:
    entries = head_atlas(scores)
    assert [(entry.layer, entry.head) for entry in entries] == [
        (layer, head) for layer, heads in enumerate(scores["heads"]) for head in range(len(heads))
    ]
    for entry in entries:
        measured = scores["heads"][entry.layer][entry.head]
        for name in ("previous", "next", "same", "special", "other_language", "entropy", "distance", "loss_increase"):
            assert entry.measures[name] == measured[name]  # type: ignore[index]
        aligned = scores["alignment"]["heads"][entry.layer][entry.head]
        assert entry.measures["alignment"] == max(aligned.values())
        assert set(entry.measures) == set(MEASURES)


def test_the_best_relation_comes_with_its_baseline(scores: dict[str, Any]) -> None:
    for entry in head_atlas(scores):
        for language, role in entry.relations.items():
            written = scores["head_relations"][language][entry.layer][entry.head]
            assert (role.relation, role.score, role.baseline) == (
                written["relation"],
                written["score"],
                written["best_offset_score"],
            )
            assert entry.measures[f"gain_{language}"] == pytest.approx(written["gain"], abs=1e-4)  # type: ignore[index]


def test_baselines_are_the_even_head_the_diagonal_and_the_untrained_network(scores: dict[str, Any]) -> None:
    found = baselines(scores)
    assert found["diagonal"] == {"alignment": scores["alignment"]["diagonal"]["score"]}
    assert found["untrained"] == {"alignment": scores["alignment"]["untrained"]["best"]["score"]}
    assert found["even"]["previous"] == scores["even_head"]["previous"]
    assert "alignment" not in found["even"]


def test_what_was_not_measured_is_not_a_number() -> None:
    head = {"previous": 0.5, "next": 0.1}
    scores = {
        "heads": [[head]],
        "alignment": {"heads": [[{"en_zh": 0.3, "zh_en": 0.4}]], "diagonal": {"score": 0.2}},
    }
    [entry] = head_atlas(scores)
    assert entry.measures["alignment"] == 0.4
    assert entry.measures["previous"] == 0.5
    assert math.isnan(entry.measures["loss_increase"]) and math.isnan(entry.measures["gain_en"])
    assert entry.relations == {}
    assert set(baselines(scores)) == {"even", "diagonal"}
