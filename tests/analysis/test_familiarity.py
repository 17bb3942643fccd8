"""How familiar a photo looks: the rules by hand, and those of the networks that ship."""

from __future__ import annotations

import math

import pytest
import torch

from attention_core import load_image, load_vision_model
from attention_core.analysis.familiarity import ClassDirections, familiarity, known_things
from attention_core.inputs.samples import sample_photo
from attention_core.models import registry


def test_rules_by_hand() -> None:
    logits, pooled = torch.tensor([[math.log(3.0), 0.0]]), torch.tensor([[3.0, 4.0]])
    assert familiarity("probability", logits, pooled).item() == pytest.approx(0.75)
    assert familiarity("energy", logits, pooled).item() == pytest.approx(math.log(4))
    assert familiarity("logit", logits, pooled).item() == pytest.approx(math.log(3))
    # (3, 4) at length 1 is (0.6, 0.8), stretched to (1.2, 0.8): 0.2 from the second class, more from the first
    directions = ClassDirections(torch.tensor([[0.0, 0.0], [1.2, 1.0]]), torch.diag(torch.tensor([2.0, 1.0])))
    assert familiarity("distance", logits, pooled, directions).item() == pytest.approx(-0.2)
    with pytest.raises(ValueError, match="needs the directions"):
        familiarity("distance", logits, pooled)


@pytest.mark.parametrize("name", registry.VISION_MODELS)
def test_what_ships_knows_a_cup_of_coffee(name: str) -> None:
    model, known = load_vision_model(name, device="cpu"), known_things(name)
    trace = model.trace(load_image(sample_photo("coffee")))
    assert known.knows(trace) and known.sure(trace)
    assert known.familiarity(trace) >= known.threshold
    assert 0.05 < known.less_familiar(trace) <= 1
    assert list(known.quantiles) == sorted(known.quantiles)
    below = sum(value < known.threshold for value in known.quantiles) / len(known.quantiles)
    assert below == pytest.approx(1 - known.kept, abs=0.01)
