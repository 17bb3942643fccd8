"""What the heads of the text network do before any training."""

from __future__ import annotations

import pytest
import torch

from attention_core.models.text import EncoderBlock, TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from training import text_start


@pytest.fixture
def model(tokenizer: Tokenizer) -> TextModel:
    """Each pair of neighbouring ids has one vector: a word and its translation."""
    config = TextConfig(len(tokenizer.vocabulary), heads=(2, 4, 8))
    started = TextModel(config, tokenizer).eval()
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(config.vocabulary // 2 + 1, text_start.token_width(config), generator=generator)
    vectors = torch.nn.functional.normalize(vectors, dim=1).repeat_interleave(2, dim=0)[: config.vocabulary]
    text_start.start(started, vectors, seed=0)
    return started


def weights_of(
    model: TextModel, layer: int, ids: torch.Tensor, positions: torch.Tensor, segments: torch.Tensor
) -> torch.Tensor:
    """(H, T, T) of a layer that reads the embeddings themselves."""
    h = model.token_embedding(ids) + model.position_embedding(positions) + model.segment_embedding(segments)
    block = model.blocks[layer]
    assert isinstance(block, EncoderBlock)
    return block.attention.trace(block.attention_norm(h)[None]).weights[0].detach()


def test_a_rotation_by_an_offset_moves_the_sinusoids_by_it() -> None:
    positions = text_start.sinusoids(40).double()
    torch.testing.assert_close(positions[:-3] @ text_start.turned(3).double().mT, positions[3:], atol=1e-6, rtol=0)
    assert positions.norm(dim=1).sub(text_start.POSITION_NORM).abs().max() < 1e-6


def test_local_heads_look_at_their_offset_wherever_the_sentence_starts(model: TextModel) -> None:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, model.config.vocabulary, (12,), generator=generator)
    for start in (0, 200):
        weights = weights_of(model, 2, ids, start + torch.arange(12), torch.zeros(12, dtype=torch.long))
        for head, kind in enumerate(text_start.head_starts(2, 8)):
            if kind.offset is None:
                continue
            inside = range(max(0, -kind.offset), min(12, 12 - kind.offset))
            found = [int(weights[head, i].argmax()) == i + kind.offset for i in inside]
            assert sum(found) >= len(found) - 1, (start, head, kind)


def test_the_first_head_looks_for_the_translation_in_the_other_sentence(model: TextModel) -> None:
    english, chinese = torch.tensor([6, 8, 10, 12]), torch.tensor([13, 7, 11, 9])
    ids = torch.cat([english, chinese])
    segments = torch.tensor([0] * 4 + [1] * 4)
    weights = weights_of(model, 0, ids, torch.arange(4).repeat(2), segments)[0]
    assert weights[:4, 4:].argmax(dim=1).tolist() == [1, 3, 2, 0]
    assert weights[4:, :4].argmax(dim=1).tolist() == [3, 0, 2, 1]
    assert weights[:4, 4:].sum(dim=1).min() > 0.5
