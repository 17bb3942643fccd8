"""A photo's gates beside the classes' means."""

from __future__ import annotations

import pytest
import torch

from attention_core import ControlError, ShapeError, load_image, load_vision_model
from attention_core.analysis.profiles import contrasting_classes, stage_profile
from attention_core.analysis.stages import channel_weights
from attention_core.inputs.samples import sample_photo
from attention_core.models.vision import StageTrace


@pytest.fixture(scope="module")
def stage() -> StageTrace:
    return load_vision_model("se", device="cpu").trace(load_image(sample_photo("cat"))).stages[0]


def test_distances_rank_and_spread_by_hand(stage: StageTrace) -> None:
    gates = channel_weights(stage)
    classes = torch.stack([gates + 0.2, gates + 0.1, torch.full_like(gates, torch.nan), gates - 0.3])
    profile = stage_profile(classes, stage)
    torch.testing.assert_close(profile.distances[[0, 1, 3]], torch.tensor([0.2, 0.1, 0.3]))
    assert profile.distances[2].isnan()
    assert profile.nearest == 1
    assert [profile.rank(target) for target in (0, 1, 3)] == [2, 1, 3]
    torch.testing.assert_close(profile.mean, gates)
    torch.testing.assert_close(profile.spread, torch.full_like(gates, (0.14 / 3) ** 0.5))


def test_profiles_of_another_stage_are_refused(stage: StageTrace) -> None:
    with pytest.raises(ShapeError):
        stage_profile(torch.rand(3, 7), stage)


def test_contrasting_classes_are_far_from_each_other() -> None:
    classes = torch.tensor([[0.0], [1.0], [0.9], [0.45], [torch.nan]])
    assert contrasting_classes(classes, 0, 2) == [1, 3]  # the far end, then the middle
    assert contrasting_classes(classes, 0, 0) == []
    assert contrasting_classes(classes, 0, 99) == [1, 3, 2, 4]  # one without photos comes last
    with pytest.raises(ControlError, match="0 to 4"):
        contrasting_classes(classes, 5, 1)
