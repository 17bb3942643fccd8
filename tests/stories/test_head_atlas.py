"""The story of the atlas: its numbers are those that were measured, or those of the sentence alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from attention_core.analysis.head_atlas import MEASURES, Measure, head_atlas, sentence_atlas
from attention_core.models import registry
from attention_core.models.hub.text import HubTextModel
from attention_core.stories.drawing import drawn
from attention_core.stories.head_atlas import head_atlas_story, known
from attention_core.stories.story import Story, Table
from attention_core.stories.telling import story_text, tell_text
from attention_core.stories.text import Followed, text_facts
from attention_core.stories.writing import story_html
from attention_core.words import LANGUAGES, spoken
from tests.models.hub_networks import network, tokenizer_of
from tests.stories.test_self_attention import HEAD, LAYER, QUERY, notes, read, shipped


def told(measure: Measure | None = None) -> Story:
    followed = Followed(read(), None, LAYER, HEAD, QUERY, text_facts(shipped()))
    return head_atlas_story(followed, measure, scores=registry.scores("text"))


@pytest.mark.parametrize("measure", MEASURES)
def test_the_map_has_the_numbers_of_the_evaluation(measure: Measure) -> None:
    story = told(measure)
    given = story.figures["atlas-map"].given
    entries = head_atlas(registry.scores("text"))
    assert np.array_equal(np.concatenate(given["values"]), [e.measures[measure] for e in entries], equal_nan=True)
    assert given["selected"] == (LAYER, HEAD)
    assert np.array_equal(story.figures["atlas-heads"].given["layers"][LAYER], read().layers[LAYER].weights[0].numpy())
    assert drawn(story.figures["atlas-map"], "zh").to_dict()["data"]


def test_the_table_has_a_row_a_head_and_what_does_not_attend_below() -> None:
    heads, below = told().steps[1].blocks
    assert isinstance(heads, Table) and isinstance(below, Table)
    entries = head_atlas(registry.scores("text"))
    names = [spoken(name, "en") for name in heads.head]
    for row, entry in zip(heads.rows, entries, strict=True):
        assert row[0] == f"{entry.layer + 1}.{entry.head + 1}"
        aligned = row[names.index("Aligns words")]
        assert aligned == f"{entry.measures['alignment']:.0%}"
        gain = entry.measures["gain_en"]
        written = str(row[names.index("Relation gain, English")]).replace("−", "-")
        assert written == ("–" if math.isnan(gain) else f"{100 * gain:+.1f}")
    assert [len(row) for row in below.rows] == [len(below.head)] * len(below.rows)
    assert spoken(below.rows[0][0], "en") == "Weights spread evenly"


def test_a_network_that_was_never_measured_is_spoken_of_by_its_sentence_alone() -> None:
    model = HubTextModel(network("BertForMaskedLM"), tokenizer_of("BertForMaskedLM"))
    trace = model.trace("the cat eats a fish", "我吃水果和鱼")
    [story] = tell_text(model, trace, layer=1, head=2, query=2, only="head_atlas")
    entries = sentence_atlas(trace)
    measure = known(entries)[0]
    assert np.allclose(
        np.concatenate(story.figures["atlas-map"].given["values"]), [e.measures[measure] for e in entries]
    )
    assert "head_atlas.map.unmeasured" in notes(story.steps[0].blocks)
    [table] = story.steps[1].blocks
    assert isinstance(table, Table) and len(table.rows) == len(entries)
    for language in LANGUAGES:
        written = story_html(story, language, lambda name, figure, alt: alt) + story_text(story, language)
        assert "[CLS]" not in written and "baseline" not in written and "基线" not in written


@pytest.mark.parametrize("measure", ["special", "gain_zh", "loss_increase", "entropy"])
def test_every_door_can_tell_it_in_both_languages(measure: Measure) -> None:
    story = told(measure)
    assert [step.key for step in story.steps][-2:] == ["rollout.passed_on", "rollout.hidden"]
    for language in LANGUAGES:
        html = story_html(story, language, lambda name, figure, alt: f"[{name}]")
        assert story_text(story, language) and all(f"[{name}]" in html for name in story.figures)
        assert "{" not in html
