"""Every story on every network of docs/models.md: each message can be said in both languages, each figure drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from attention_core.models.hub.encoder_decoder import HubEncoderDecoder
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat
from attention_core.stories.story import Story
from attention_core.stories.telling import story_text, tell, tell_text
from attention_core.words import LANGUAGES
from tests.models.hub_networks import (
    DECODERS,
    ENCODER_DECODERS,
    ENCODERS,
    encoder_decoder,
    network,
    sentence_pieces,
    tokenizer_of,
)
from tests.models.photo_networks import GATED, PATCHED, SIDE, gated, patched, photos
from tests.stories.reading import written

TEXT, PAIR = "the cat eats a fish", "我吃水果和鱼"


def told(stories: Sequence[Story]) -> set[str]:
    """Their keys; each is written by both doors that need no page."""
    for story in stories:
        written(story)
        assert all(story_text(story, language) for language in LANGUAGES)
    return {story.key for story in stories}


@pytest.mark.parametrize("name", [*ENCODERS, *DECODERS])
def test_a_network_that_reads_text(name: str) -> None:
    model = HubTextModel(network(name), tokenizer_of(name))
    trace: Any = model.trace(TEXT)
    stories, _ = tell(model, trace, layer=None, head=None, query=None)
    assert told(stories) == {"self_attention", "multi_head", "rollout"}
    for key in ("overview", "head_atlas"):
        assert told(tell_text(model, trace, layer=1, head=0, query=1, only=key)) == {key}
    mask = torch.ones(len(trace.tokens), len(trace.tokens), dtype=torch.bool).tril()
    changed = model.trace(TEXT, mask=mask, temperature=0.5)
    assert told(tell_text(model, changed, layer=0, head=1, query=1, before=trace, only="self_attention"))


@pytest.mark.parametrize("name", ENCODERS)
def test_two_sentences(name: str) -> None:
    model = HubTextModel(network(name), tokenizer_of(name))
    stories, _ = tell(model, model.trace(TEXT, PAIR), layer=0, head=0, query=None)
    assert "two_sentences" in told(stories)


@pytest.mark.parametrize("name", ENCODER_DECODERS)
def test_a_network_that_reads_one_text_and_writes_another(name: str) -> None:
    model = HubEncoderDecoder(encoder_decoder(name), sentence_pieces(), max_tokens=24)
    stories, _ = tell(model, model.trace(TEXT, PAIR), layer=1, head=0, query=None)
    assert told(stories) == {"cross_attention"}


@pytest.mark.parametrize("name", GATED)
def test_a_network_with_se_or_cbam(name: str) -> None:
    model = HubVisionModel(gated(name), format=PhotoFormat(GATED[name][1]))
    (photo,) = photos(name)
    stories, _ = tell(model, model.trace(photo), layer=None, head=None, query=None)
    assert told(stories) <= {"squeeze_excitation", "cbam"} and stories


@pytest.mark.parametrize("name", PATCHED)
def test_a_vision_transformer(name: str) -> None:
    model = HubPatchModel(patched(name), format=PhotoFormat(SIDE))
    stories, _ = tell(model, model.trace(torch.rand(3, SIDE, SIDE)), layer=1, head=0, query=None)
    assert told(stories) == {"vision_transformer"}
