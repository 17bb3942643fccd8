"""The story of one stage of a photo network, by the mechanism that it has."""

from __future__ import annotations

from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.stories.cbam import cbam_story
from attention_core.stories.photo import FollowedStage, features
from attention_core.stories.photo_prediction import prediction
from attention_core.stories.squeeze_excitation import squeeze_excitation_story
from attention_core.stories.story import Story


def stage_story(followed: FollowedStage) -> Story:
    """Of CBAM, of squeeze-and-excitation, or of a stage without attention: its features, and what the network says."""
    attention = followed.stage.attention
    if attention is None:
        return Story("photo", {"stage": followed.name}, {}, [features(followed), prediction(followed.trace)])
    return (cbam_story if isinstance(attention, CBAMTrace) else squeeze_excitation_story)(followed)
