"""Two traces of one photo beside each other."""

from __future__ import annotations

import torch

from attention_core import load_vision_model
from attention_core.analysis.photo_change import classes_beside, extreme_channels, mean_map

PHOTO = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_classes_are_those_of_the_two_traces() -> None:
    model = load_vision_model("cbam")
    gates = {"gate_override": torch.zeros(model.config.widths[-1])}
    before, after = model.trace(PHOTO), model.trace(PHOTO, overrides={model.stage_names[-1]: gates})
    found = classes_beside(before, after, k=4)
    assert [change.entry for change in found[:4]] == [entry for entry, _ in before.top(4)]
    assert {entry for entry, _ in after.top(4)} <= {change.entry for change in found}
    assert len({change.entry for change in found}) == len(found)
    everything = [dict(trace.top(100)) for trace in (before, after)]
    for change in found:
        assert change.before == everything[0][change.entry]
        assert change.after == everything[1][change.entry]


def test_extreme_channels_by_hand() -> None:
    weights = torch.tensor([0.2, 0.9, 0.5, 0.1])
    assert extreme_channels(weights, 1, 0) == [1]
    assert extreme_channels(weights, 0, 2) == [0, 3]
    assert extreme_channels(weights, 3, 3) == [0, 1, 2, 3]
    assert extreme_channels(weights, 0, 0) == []
    assert extreme_channels(weights, 9, 9) == [0, 1, 2, 3]


def test_mean_map_is_over_channels() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 6.0]]]])  # (1, 2, 1, 2)
    torch.testing.assert_close(mean_map(features), torch.tensor([[2.0, 4.0]]))
