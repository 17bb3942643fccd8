"""One pass over all photos gives what the trace of each photo gives, and is computed once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from attention_core.analysis.saliency import class_activation_map
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.vision import VisionConfig, VisionModel
from training.passes import kept, kept_pass, passed


def network(kind: str, seed: int = 0) -> VisionModel:
    torch.manual_seed(seed)
    config = VisionConfig(kind, 3, (4, 6), (1, 2), (1, 1), (1,) * 4, image_size=16)  # type: ignore[arg-type]
    return VisionModel(config).eval().requires_grad_(False)


@pytest.mark.parametrize("kind", ["plain", "se", "cbam"])
def test_a_pass_is_the_traces_of_its_photos(kind: str) -> None:
    model, images = network(kind), torch.rand(5, 3, 16, 16)
    found = passed(model, images, batch=2)
    assert (set(found.gates), set(found.masks)) == (
        set() if kind == "plain" else {"stage1", "stage2"},
        {"stage1", "stage2"} if kind == "cbam" else set(),
    )
    for number, image in enumerate(images):
        trace = model.trace(image)
        close = {"rtol": 0, "atol": 1e-5}
        torch.testing.assert_close(found.logits[number], trace.logits, **close)
        torch.testing.assert_close(found.pooled[number], trace.pooled, **close)
        torch.testing.assert_close(found.probabilities[number], trace.probabilities, **close)
        torch.testing.assert_close(found.cam[number], class_activation_map(model, trace), **close)
        assert int(found.named[number]) == int(trace.logits.argmax())
        for stage in trace.stages:
            features = stage.features[0].abs().mean(dim=0)
            torch.testing.assert_close(found.features[stage.name][number], features, **close)
            if stage.attention is not None:
                part = stage.attention.channel if isinstance(stage.attention, CBAMTrace) else stage.attention
                torch.testing.assert_close(found.gates[stage.name][number], part.weights[0], **close)
            if stage.spatial_mask is not None:
                torch.testing.assert_close(found.masks[stage.name][number], stage.spatial_mask[0, 0], **close)


def test_what_is_kept_is_computed_once_for_each_network_and_set_of_photos(tmp_path: Path) -> None:
    calls = []

    def compute() -> dict[str, torch.Tensor]:
        calls.append(1)
        return {"sum": torch.tensor(float(len(calls)))}

    model, images = network("se"), torch.rand(2, 3, 16, 16)
    for _ in range(2):
        assert kept(tmp_path, model, images, "sum", compute)["sum"] == 1
    assert kept(tmp_path, model, images, "other", compute)["sum"] == 2
    assert kept(tmp_path, model, images + 0.1, "sum", compute)["sum"] == 3
    assert kept(tmp_path, network("se", seed=1), images, "sum", compute)["sum"] == 4
    assert kept(None, model, images, "sum", compute)["sum"] == 5


def test_a_pass_comes_back_as_it_was(tmp_path: Path) -> None:
    model, images = network("cbam"), torch.rand(3, 3, 16, 16)
    first, again = (kept_pass(model, images, tmp_path) for _ in range(2))
    assert torch.equal(first.logits, again.logits)
    assert torch.equal(first.masks["stage2"], again.masks["stage2"])
    assert len(list(tmp_path.iterdir())) == 1
