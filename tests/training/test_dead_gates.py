"""How dead gates are told: a by-hand stage, a join that learns its trunk first, and the table."""

from __future__ import annotations

import pytest
import torch

from training import dead_gates
from training.dead_gates import Variant, channel_pass, life, trained, written
from training.vision_data import Photos


@pytest.fixture
def photos(monkeypatch: pytest.MonkeyPatch) -> Photos:
    monkeypatch.setattr(dead_gates, "BATCH", 4)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=generator)
    return Photos(images, torch.arange(8) % 3)


def test_life_by_hand() -> None:
    on = torch.tensor([[True, False], [True, False], [False, False]])
    logits = torch.tensor([[1.0, 9.0], [3.0, 9.0], [5.0, 9.0]])
    gates = torch.tensor([[0.2, 1.0], [0.4, 1.0], [0.6, 1.0]])
    found = life(on, logits, gates)
    assert found["hidden"] == 2 and found["silent"] == 1
    assert found["logit"] == pytest.approx(6.0)
    assert found["logit_deviation"] == pytest.approx(1.0)  # 2 and 0
    assert found["gate_deviation"] == pytest.approx(0.1)  # 0.2 and 0


@pytest.mark.parametrize("build", ["se", "cbam"])
def test_what_is_measured_is_what_the_network_does(build: str, photos: Photos) -> None:
    torch.manual_seed(0)
    model = dead_gates.network(build, 4).eval()
    images = photos.images[:2].float() / 255
    stages = list(channel_pass(model, images))
    for number, (image, trace_of) in enumerate((image, model.trace) for image in images):
        for (_, logits, gates), stage in zip(stages, trace_of(image).stages, strict=True):
            channel = stage.attention if build == "se" else stage.attention.channel
            assert torch.allclose(gates[number], channel.weights[0], atol=1e-5)
            assert torch.allclose(logits[number].sigmoid(), gates[number], atol=1e-5)


def test_a_network_that_joins_learns_its_trunk_without_attention(photos: Photos) -> None:
    joined = trained(Variant("cbam", 0.5, 16, 0), photos, steps=4)
    at_once = trained(Variant("cbam", 0.0, 16, 0), photos, steps=4)
    torch.manual_seed(0)
    trunk = dead_gates.network("plain", 16)
    assert joined.state_dict().keys() == at_once.state_dict().keys() > trunk.state_dict().keys()
    assert not torch.equal(joined.stem[0].weight, at_once.stem[0].weight)
    again = trained(Variant("cbam", 0.5, 16, 0), photos, steps=4)
    assert all(
        torch.equal(a, b) for a, b in zip(joined.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_the_table_takes_means_over_seeds() -> None:
    def run(top1: float, silent: float) -> dict[str, object]:
        stage = {"hidden": 4, "silent": silent, "logit": 2.0, "logit_deviation": 1.0, "gate_deviation": 0.1}
        return {"top1": top1, "stages": [stage]}

    results = {"se-join0-r16-0": run(0.5, 1), "se-join0-r16-1": run(0.6, 2), "cbam-join0.45-r4-0": run(0.2, 0)}
    lines = written(results).splitlines()
    assert lines[2] == "| SE | from the first step | 2 | 0.100 | 1.5 of 4 | 2.0 | 55.0 |"
    assert lines[3] == "| CBAM | joins after 45% | 1 | 0.100 | 0 of 4 | 2.0 | 20.0 |"
