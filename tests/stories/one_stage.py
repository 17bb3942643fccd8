"""Stories of one stage of a photo network, without the app: of the builds that ship, and of small ones of others."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from attention_core import load_image, load_vision_model
from attention_core.analysis.familiarity import known_things
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry
from attention_core.models.hub.vision import HubVisionModel, PhotoFormat, StagedTrace, attention_modules
from attention_core.models.vision import VisionModel
from attention_core.stories.photo import FollowedStage
from attention_core.stories.photo_measured import Measured
from attention_core.stories.stage import stage_story
from attention_core.stories.story import Figure, Note, Step, Story
from tests.models.photo_networks import GATED, gated, photos

SHIPPED = ("se", "cbam")


@cache
def model_of(name: str) -> VisionModel | HubVisionModel:
    if name in SHIPPED:
        return load_vision_model(name, "cpu")  # type: ignore[arg-type]
    return foreign(gated(name), GATED[name][1])


def foreign(network: nn.Module, side: int = 32) -> HubVisionModel:
    return HubVisionModel(network.eval(), format=PhotoFormat(side))


def photo_of(name: str, seed: int = 0) -> Image.Image | Tensor:
    if name in SHIPPED:
        return load_image(sample_photo(("cat", "coffee")[seed]))
    return photos(name, seed=seed)[0] if name in GATED else torch.rand(3, 32, 32, generator=_seeded(seed))


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@cache
def measured(build: str) -> Measured:
    return Measured(build, registry.scores("vision"), registry.gate_bands(build), known_things(build))


def told(
    model: VisionModel | HubVisionModel,
    trace: StagedTrace,
    stage: int = -1,
    *,
    before: StagedTrace | None = None,
    **more: Any,
) -> Story:
    """more: of `FollowedStage`."""
    name = trace.stages[stage].name
    return stage_story(FollowedStage(trace, before, name, attention_modules(model), **more))


def story_of(name: str, stage: int = -1, seed: int = 0, **more: Any) -> Story:
    model = model_of(name)
    return told(model, model.trace(photo_of(name, seed)), stage, **more)


def changed(name: str, stage: int, controls: dict[str, Any], **more: Any) -> Story:
    """As trained beside the same network with these controls in one stage."""
    model, photo = model_of(name), photo_of(name)
    before = model.trace(photo)
    after = model.trace(photo, overrides={before.stages[stage].name: controls})
    return told(model, after, stage, before=before, change=controls, **more)


def step_of(story: Story, key: str) -> Step:
    [step] = [step for step in story.steps if step.key == key]
    return step


def figure_of(story: Story, name: str) -> Figure:
    return story.figures[name]


def notes(step: Step) -> list[str]:
    """The keys of what is said between its figures, at the top."""
    return [block.words.key for block in step.blocks if isinstance(block, Note)]  # type: ignore[union-attr]
