"""One stage of a photo network as a story: as trained, or with a what-if beside the network as trained."""

from __future__ import annotations

from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.vision import StagedTrace, attention_modules
from attention_core.stories.photo import FollowedStage, Order
from attention_core.stories.photo_what_if import AS_TRAINED, PhotoWhatIf
from attention_core.stories.stage import stage_story
from attention_core.stories.story import Story
from ui.inputs import networks
from ui.inputs.networks import Photo
from ui.inputs.photo import sharp_square
from ui.inputs.photo_networks import PhotoNetwork
from ui.photos import looks
from ui.photos.scores import measured
from ui.photos.steps import choose_stage
from ui.shell.regions import region
from ui.stage.story import draw


@region("stage", *looks.KEYS)
def one_stage(network: PhotoNetwork, photo: Photo, trace: StagedTrace) -> Story:
    """The choice of a stage, then its steps."""
    return tell(network, photo, trace, choose_stage(trace).name)


def tell(
    network: PhotoNetwork,
    photo: Photo,
    trained: StagedTrace,
    stage: str,
    what_if: PhotoWhatIf = AS_TRAINED,
    *,
    order: Order = "index",
) -> Story:
    """Draws the story of a stage, and returns it. order: of the bars, at first."""
    assert not isinstance(network.model, HubPatchModel)
    changed = what_if != AS_TRAINED
    off = what_if.ranked_off if network.shipped else None
    trace = networks.stage_trace(network, photo, what_if)
    followed = FollowedStage(
        trace,
        trained if changed else None,
        stage,
        attention_modules(network.model),
        what_if.overrides(trained).get(stage, {}),
        sharp_square(photo, trained),
        measured(network.name) if network.shipped else None,
        looks.bound(order),
        networks.without_random(network.name, photo, *off) if off else (),
    )
    story = stage_story(followed)
    draw(story, controls=looks.CONTROLS)
    return story
