"""A mask tried against other maps: the maps are what they say, the curves those of `removal`."""

from __future__ import annotations

import pytest
import torch

from attention_core import ControlError, KindError, VisionModel, VisionTrace, load_image, load_vision_model
from attention_core.analysis import mask_trial
from attention_core.analysis.removal import deletion_curve, insertion_curve
from attention_core.analysis.saliency import grad_cam
from attention_core.inputs.samples import sample_photo


@pytest.fixture(scope="module")
def model() -> VisionModel:
    return load_vision_model("cbam", device="cpu")


@pytest.fixture(scope="module")
def trace(model: VisionModel) -> VisionTrace:
    return model.trace(load_image(sample_photo("cat")))


def mask_of(trace: VisionTrace, stage: str) -> torch.Tensor:
    [found] = [each.spatial_mask for each in trace.stages if each.name == stage]
    assert found is not None
    return found[0, 0]


@pytest.mark.parametrize("stage", ["stage1", "stage4"])
def test_the_maps_are_those_of_the_trace(model: VisionModel, trace: VisionTrace, stage: str) -> None:
    mask = mask_of(trace, stage)
    found = {kind: mask_trial.tried_maps(model, trace, stage, kind) for kind in mask_trial.TRIED_KINDS}
    assert torch.equal(found["mask"][0], mask)
    torch.testing.assert_close(found["mask"] + found["inverted"], torch.ones_like(mask)[None])
    torch.testing.assert_close(found["grad_cam"][0], grad_cam(model, trace, stage))
    assert found["gaussian"].shape == (1, 64, 64)
    assert found["random"].shape == (mask_trial.DRAWS, *mask.shape)
    again = mask_trial.tried_maps(model, trace, stage, "random")
    assert torch.equal(found["random"], again)
    assert len({each.sum().item() for each in found["random"]}) == mask_trial.DRAWS


def test_a_trial_has_the_curves_of_removal(model: VisionModel, trace: VisionTrace) -> None:
    tried = mask_trial.try_map(model, trace, "stage4", "mask", steps=4)
    target, mask = int(trace.logits.argmax()), mask_of(trace, "stage4")
    deletion = deletion_curve(model, trace.image, mask, target, steps=4)
    insertion = insertion_curve(model, trace.image, mask, target, steps=4)
    torch.testing.assert_close(tried.deletion[0], deletion.probabilities)
    torch.testing.assert_close(tried.insertion[0], insertion.probabilities)
    assert tried.deletion_areas.tolist() == pytest.approx([deletion.area])
    assert tried.insertion_areas.tolist() == pytest.approx([insertion.area])
    # Both curves end and begin at the same whole photo.
    torch.testing.assert_close(tried.deletion[0, 0], trace.probabilities[target], atol=1e-5, rtol=0)
    torch.testing.assert_close(tried.insertion[0, -1], trace.probabilities[target], atol=1e-5, rtol=0)


def test_every_draw_of_random_maps_has_its_curve(model: VisionModel, trace: VisionTrace) -> None:
    tried = mask_trial.try_map(model, trace, "stage4", "random", steps=2)
    assert tried.deletion.shape == tried.insertion.shape == (mask_trial.DRAWS, 3)
    assert tried.deletion_areas.shape == (mask_trial.DRAWS,)


def test_what_is_shown_lies_in_0_to_1(model: VisionModel, trace: VisionTrace) -> None:
    for kind in mask_trial.TRIED_KINDS:
        shown = mask_trial.try_map(model, trace, "stage2", kind, steps=1).shown
        assert shown.min() >= 0 and shown.max() <= 1
    assert mask_trial.try_map(model, trace, "stage2", "grad_cam", steps=1).shown.max() == 1


def test_the_gaussian_is_highest_in_the_middle_and_symmetric() -> None:
    found = mask_trial.centred_gaussian(6)
    assert torch.equal(found, found.flip(0)) and torch.equal(found, found.mT)
    assert found.argmax().item() in (14, 15, 20, 21)
    # one spread, a quarter of the side, away from the middle
    assert mask_trial.centred_gaussian(4)[1, 1].item() == pytest.approx(2.718281828 ** (-0.25))


def test_what_cannot_be_tried_is_refused(model: VisionModel, trace: VisionTrace) -> None:
    with pytest.raises(ControlError, match="stage9"):
        mask_trial.tried_maps(model, trace, "stage9", "mask")
    with pytest.raises(ControlError, match="'cat'; expected one of mask, inverted"):
        mask_trial.tried_maps(model, trace, "stage1", "cat")  # type: ignore[arg-type]
    plain = load_vision_model("plain", device="cpu")
    with pytest.raises(KindError, match="stage1 has no spatial mask"):
        mask_trial.tried_maps(plain, plain.trace(trace.image), "stage1", "mask")
