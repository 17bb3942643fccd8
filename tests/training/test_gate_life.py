"""Whether gates and masks depend on the photo: by hand."""

from __future__ import annotations

import pytest
import torch

from attention_core.models.vision import VisionConfig, VisionModel
from training import gate_life
from training.passes import passed


def test_spread_and_fixed_share_by_hand() -> None:
    fixed = torch.tensor([[0.2, 0.8], [0.2, 0.8]])  # two photos, two channels: the same for both
    assert gate_life.spread(fixed) == 0
    assert gate_life.fixed_share(fixed) == pytest.approx(1)
    alive = torch.tensor([[0.2, 0.8], [0.8, 0.2]])  # both channels have the same mean
    assert gate_life.spread(alive) == pytest.approx(0.3)
    assert gate_life.fixed_share(alive) == pytest.approx(0)
    both = torch.tensor([[0.0, 0.4], [0.2, 0.6]])  # means 0.1 and 0.5: variance 0.04; within each channel 0.01
    assert gate_life.fixed_share(both) == pytest.approx(0.8)


def test_the_rim_is_the_outermost_ring() -> None:
    assert gate_life.rim(4).int().tolist() == [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    masks = torch.zeros(3, 4, 4)
    masks[0, 0, 2] = 1  # on the rim
    masks[1, 1, 1] = 1  # inside
    masks[2, 1, 1] = masks[2, 3, 3] = 1  # one of two equally high ones
    assert gate_life.on_the_rim(masks).tolist() == [1, 0, 0.5]


def test_a_band_holds_nine_of_ten_photos() -> None:
    gates = torch.linspace(0, 1, 101)[:, None].expand(-1, 2)
    torch.testing.assert_close(gate_life.band(gates), torch.tensor([[0.05, 0.05], [0.5, 0.5], [0.95, 0.95]]))


@pytest.fixture(params=["se", "cbam"])
def model(request: pytest.FixtureRequest) -> VisionModel:
    torch.manual_seed(0)
    config = VisionConfig(request.param, 3, (8, 8), (1, 2), (1, 1), (1,) * 4, image_size=16, reduction=2)
    model = VisionModel(config).eval().requires_grad_(False)
    for attention in model.attentions:  # gates that move, and with them the answers
        for name, weights in attention.named_parameters():
            if name.endswith("weight") and weights.dim() > 1:
                weights.mul_(30)
    return model


def test_frozen_at_their_own_values_nothing_changes(model: VisionModel) -> None:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    alike = images[:1].expand(4, -1, -1, -1)
    seen = passed(model, alike)
    for what in ("gates", "masks") if seen.masks else ("gates",):
        named = gate_life.named_under(model, alike, gate_life.controls(seen, what))  # type: ignore[arg-type]
        assert torch.equal(named, seen.named)
    scores = gate_life.life_scores(model, alike, seen.named, seen)
    assert scores["frozen"]["gates"]["same"]["value"] == 1
    assert all(part["gates"]["fixed_share"] == pytest.approx(1, abs=1e-4) for part in scores["stages"].values())


def test_frozen_answers_are_those_of_a_trace_with_the_same_gates(model: VisionModel) -> None:
    images = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    seen = passed(model, images)
    overrides = gate_life.controls(seen, "gates")
    named = gate_life.named_under(model, images, overrides)
    expected = [int(model.trace(image, overrides=overrides).logits.argmax()) for image in images]
    assert named.tolist() == expected
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    scores = gate_life.frozen_scores(seen, named, labels)
    live, frozen = (answers == labels for answers in (seen.named, named))
    assert scores["top1"]["value"] == pytest.approx(frozen.double().mean().item(), abs=1e-5)
    assert scores["cost"]["value"] == pytest.approx(
        live.double().mean().item() - frozen.double().mean().item(), abs=1e-5
    )
    assert scores["same"]["value"] == pytest.approx((seen.named == named).double().mean().item(), abs=1e-5)


def test_masks_are_measured_where_there_are_some(model: VisionModel) -> None:
    images = torch.rand(3, 3, 16, 16)
    scores = gate_life.life_scores(model, images, torch.tensor([0, 1, 2]), passed(model, images))
    masks = model.config.attention == "cbam"
    assert set(scores["frozen"]) == ({"gates", "masks"} if masks else {"gates"})
    assert all(("masks" in part) == masks for part in scores["stages"].values())
    if masks:
        assert scores["stages"]["stage1"]["masks"]["rim_cells"] == pytest.approx((16**2 - 14**2) / 16**2, abs=1e-5)
