"""What a clip tells: masks of each frame, and weights between frames that recompute from the pooled features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from attention_core import VisionClass
from attention_core.analysis.temporal import ClipTrace
from attention_core.stories.clips import Played, clips_story
from attention_core.stories.story import Figure
from attention_core.words import Say, spoken
from tests.stories.reading import seen, written

T, C = 6, 16
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def played(frame: int = 2) -> Played:
    generator = torch.Generator().manual_seed(0)
    trace = ClipTrace(
        masks={"stage2": torch.rand(T, 4, 4, generator=generator), "stage4": torch.rand(T, 2, 2, generator=generator)},
        pooled=torch.rand(T, C, generator=generator),
        probabilities=torch.rand(T, 5, generator=generator).softmax(dim=1),
        classes=tuple(VisionClass("", f"thing_{number}", f"东西_{number}", "") for number in range(5)),
    )
    return Played(trace, [DOT] * T, 64, [1, 3, 5, 7, 9, 11], 12, "stage2", frame)


def test_a_clip_is_told_in_both_languages() -> None:
    for language, page in written(clips_story(played())).items():
        assert spoken(Say("clips.named.see"), language) in page
        assert "[clip-player]" in page and "[clip-row]" in page
    [line, *_] = clips_story(played()).figures["clip-named"].given["lines"]
    assert {spoken(line.name, "en")[:5], spoken(line.name, "zh")[:2]} == {"thing", "东西"}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_weights_recompute_from_the_features(temperature: float) -> None:
    arrays = clips_story(played(), temperature=temperature).steps[2].arrays
    f = arrays["pooled"]
    x = (f - f.mean(axis=1, keepdims=True)) / f.std(axis=1, keepdims=True)
    np.testing.assert_allclose(arrays["input"], x, atol=1e-3)
    scores = arrays["input"] @ arrays["input"].T / np.sqrt(C)
    np.testing.assert_allclose(arrays["scores"], scores, atol=1e-5)
    powers = np.exp(arrays["scores"] / temperature)
    np.testing.assert_allclose(arrays["weights"], powers / powers.sum(axis=1, keepdims=True), atol=1e-5)


def test_words_and_figures_follow_the_frames() -> None:
    looked = played()
    pooled = looked.trace.pooled.clone()
    pooled[4] = pooled[2]  # the fifth frame, number 9 of the clip, is the third again
    story = clips_story(replace(looked, trace=replace(looked.trace, pooled=pooled)))
    weights = story.steps[2].arrays["weights"]
    assert weights[2, 4] == pytest.approx(weights[2, 2])
    said = seen(story, "clips.attention")
    assert f"Frame 5 gives itself a weight of {weights[2, 2]:.2f}; of the others, frame 9 gets most" in said
    np.testing.assert_array_equal(story.figures["clip-row"].given["lines"][0].values, weights[2])
    assert story.figures["clip-row"].given["marked"] == 5 and story.figures["clip-player"].given["start"] == 2


def test_the_masks_are_those_of_the_stage() -> None:
    looked = played()
    for stage in ("stage2", "stage4"):
        player = clips_story(replace(looked, stage=stage)).figures["clip-player"]
        assert isinstance(player, Figure) and player.kind == "clip_player"
        np.testing.assert_array_equal(player.given["masks"], looked.trace.masks[stage].numpy())


def test_numbers_stand_in_the_cells_of_few_frames_only() -> None:
    looked = played()
    assert clips_story(looked).figures["clip-weights"].given["show_values"]
    twice = replace(
        looked.trace,
        masks={"stage2": looked.trace.masks["stage2"].repeat(2, 1, 1)},
        pooled=looked.trace.pooled.repeat(2, 1),
        probabilities=looked.trace.probabilities.repeat(2, 1),
    )
    long = replace(looked, trace=twice, pictures=[DOT] * 2 * T, places=range(1, 2 * T + 1))
    assert not clips_story(long).figures["clip-weights"].given["show_values"]
