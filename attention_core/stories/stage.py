"""The story of one stage of a photo network, by the mechanism that it has."""

from __future__ import annotations

from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.stories.cbam import cbam_story
from attention_core.stories.photo import FollowedStage
from attention_core.stories.squeeze_excitation import squeeze_excitation_story
from attention_core.stories.story import Story


def stage_story(followed: FollowedStage) -> Story:
    """Of CBAM, or of squeeze-and-excitation."""
    return (cbam_story if isinstance(followed.stage.attention, CBAMTrace) else squeeze_excitation_story)(followed)
