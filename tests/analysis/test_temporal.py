"""A clip, frame by frame, and attention between its frames."""

from __future__ import annotations

import pytest
import torch

from attention_core import ControlError, KindError, ShapeError, load_image, load_vision_model
from attention_core.analysis.temporal import ClipTrace, clip_trace, temporal_attention
from attention_core.inputs.clip import Clip, panned_clip
from attention_core.inputs.samples import sample_photo


@pytest.fixture(scope="module")
def clip() -> Clip:
    return panned_clip(load_image(sample_photo("coffee")), 6)


@pytest.fixture(scope="module")
def trace(clip: Clip) -> ClipTrace:
    return clip_trace(load_vision_model("cbam", device="cpu"), clip.frames)


def test_every_frame_has_the_numbers_of_its_own_trace(clip: Clip, trace: ClipTrace) -> None:
    model = load_vision_model("cbam", device="cpu")
    for number, frame in enumerate(clip.frames):
        alone = model.trace(frame)
        for stage in alone.stages:
            assert stage.spatial_mask is not None
            assert torch.equal(trace.masks[stage.name][number], stage.spatial_mask[0, 0])
        assert torch.equal(trace.pooled[number], alone.pooled)
        assert torch.equal(trace.probabilities[number], alone.probabilities)


def test_weights_by_hand(trace: ClipTrace) -> None:
    attention = temporal_attention(trace.pooled, temperature=2.0)
    x = trace.pooled.double()
    x = (x - x.mean(dim=1, keepdim=True)) / (x.var(dim=1, correction=0, keepdim=True) + 1e-5).sqrt()
    scores = x @ x.T / x.shape[1] ** 0.5
    torch.testing.assert_close(attention.scores[0].double(), scores, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(attention.weights[0].double(), (scores / 2).softmax(dim=1), rtol=1e-4, atol=1e-5)
    assert torch.equal(attention.query, attention.input) and torch.equal(attention.value, attention.input)


def test_shuffled_frames_give_the_shuffled_matrix(trace: ClipTrace) -> None:
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    straight, shuffled = (temporal_attention(each).weights[0] for each in (trace.pooled, trace.pooled[order]))
    torch.testing.assert_close(shuffled, straight[order][:, order])


def test_the_way_back_looks_like_the_way_there(trace: ClipTrace) -> None:
    weights = temporal_attention(trace.pooled).weights[0]
    torch.testing.assert_close(weights, weights.flip(1))  # frame j and its twin get the same
    assert (weights.argmax(dim=1) == torch.arange(6)).logical_or(weights.argmax(dim=1) == 5 - torch.arange(6)).all()


def test_likeliest_are_the_named_ones_first() -> None:
    probabilities = torch.tensor([[0.5, 0.4, 0.1, 0.0], [0.0, 0.4, 0.1, 0.5], [0.5, 0.4, 0.1, 0.0]])
    trace = ClipTrace({}, torch.zeros(3, 1), probabilities, ())
    assert trace.likeliest(3) == [0, 3, 1]  # class 1 has the highest mean, and no frame is named after it


def test_what_is_no_clip_is_refused(clip: Clip) -> None:
    with pytest.raises(ShapeError, match="no frame"):
        clip_trace(load_vision_model("cbam", device="cpu"), [])
    with pytest.raises(KindError, match="stage1 has no spatial mask"):
        clip_trace(load_vision_model("se", device="cpu"), clip.frames)
    with pytest.raises(ShapeError):
        temporal_attention(torch.rand(4))
    with pytest.raises(ControlError):
        temporal_attention(torch.rand(4, 8), temperature=0)
