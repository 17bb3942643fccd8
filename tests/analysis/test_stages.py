"""What is read from one stage."""

from __future__ import annotations

import pytest
import torch

from attention_core import load_vision_model
from attention_core.analysis.stages import channel_weights, most_selective, spatial_convolution
from attention_core.errors import KindError
from attention_core.mechanisms.cbam import Border, SpatialAttention

PHOTO = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["se", "cbam"])
def test_channel_weights_are_those_of_the_attention(name: str) -> None:
    gates = torch.full((64,), torch.nan)
    gates[3] = 0.25
    stage = load_vision_model(name).trace(PHOTO, overrides={"stage2": {"gate_override": gates}}).stages[1]
    weights = channel_weights(stage)
    assert weights.shape == stage.features.shape[1:2]
    assert weights[3] == 0.25


def test_a_stage_without_attention_has_no_weights() -> None:
    with pytest.raises(KindError, match="stage1 has no attention"):
        channel_weights(load_vision_model("plain").trace(PHOTO).stages[0])


def test_the_most_selective_stage_is_the_one_whose_gates_differ_most() -> None:
    halves = torch.arange(64) % 2.0
    model = load_vision_model("se")
    widths = zip(model.stage_names, model.config.widths, strict=True)
    even = {stage: {"gate_override": torch.full((width,), 0.5)} for stage, width in widths}
    trace = model.trace(PHOTO, overrides={**even, "stage2": {"gate_override": halves}})
    assert most_selective(trace.stages).name == "stage2"


@pytest.mark.parametrize("border", ["zeros", "reflect"])
def test_the_two_convolutions_and_a_constant_are_the_logits(border: Border) -> None:
    torch.manual_seed(0)
    module = SpatialAttention(7, border).eval().requires_grad_(False)
    module.norm.running_mean.fill_(0.3)  # type: ignore[union-attr]
    module.norm.running_var.fill_(2.0)  # type: ignore[union-attr]
    trace = module.trace(torch.rand(1, 5, 9, 12))
    parts = spatial_convolution(module, trace)
    assert parts.difference < 1e-5
    torch.testing.assert_close(parts.summed, trace.logits[0, 0], rtol=0, atol=1e-5)
