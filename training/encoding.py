"""Text → what the encoder reads, and every layer's attention weights, for one sentence or for padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.models.text import EncoderBlock, TextModel
from attention_core.models.tokenization import Token, positions_of


@dataclass(frozen=True)
class Encoded:
    """ids, positions, segments: (B, T); real: bool (B, T), False on padding; tokens: of a single sentence or pair."""

    ids: Tensor
    positions: Tensor
    segments: Tensor
    real: Tensor
    tokens: tuple[Token, ...] = ()


def encode_text(model: TextModel, text: str, pair: str | None = None) -> Encoded:
    """One sentence or pair, B = 1, as `TextModel.trace` encodes it."""
    tokens, _ = model.tokenizer.encode(text, pair, model.config.positions)
    ids = torch.tensor([[token.id for token in tokens]])
    segments = [token.segment for token in tokens]
    return Encoded(
        ids, torch.tensor([positions_of(segments)]), torch.tensor([segments]), torch.ones_like(ids) > 0, tuple(tokens)
    )


def encode_ids(model: TextModel, sentences: Sequence[tuple[Tensor, Tensor | None]]) -> Encoded:
    """Sentences (first, second or None) of token ids without special ones, padded to one batch."""
    tokenizer = model.tokenizer
    start, separator = torch.tensor([tokenizer.start]), torch.tensor([tokenizer.separator])
    ids, segments, positions = [], [], []
    for first, second in sentences:
        parts = [start, first.long(), separator]
        lengths = [len(first) + 2]
        if second is not None:
            parts += [second.long(), separator]
            lengths.append(len(second) + 1)
        ids.append(torch.cat(parts))
        segments.append(torch.cat([torch.full((n,), segment) for segment, n in enumerate(lengths)]))
        positions.append(torch.cat([torch.arange(n) for n in lengths]))
    pad = torch.nn.utils.rnn.pad_sequence
    padded = pad(ids, batch_first=True, padding_value=tokenizer.padding)
    return Encoded(
        padded, pad(positions, batch_first=True), pad(segments, batch_first=True), padded != tokenizer.padding
    )


@torch.inference_mode()
def run_blocks(
    model: TextModel, encoded: Encoded, head_gates: Sequence[Tensor | None] | None = None
) -> tuple[Tensor, list[Tensor]]:
    """(hidden (B, T, D) after the last norm, weights (B, H, T, T) of each layer): `TextModel.trace` for a batch."""
    device = model.output_bias.device
    ids, positions, segments, real = (
        tensor.to(device) for tensor in (encoded.ids, encoded.positions, encoded.segments, encoded.real)
    )
    mask = None if bool(encoded.real.all()) else real[:, None, None, :]
    token, position, segment = model.embeddings(ids, positions, segments)
    h = token + position + segment
    weights = []
    for block, gates in zip(model.blocks, head_gates or [None] * len(model.blocks), strict=True):
        assert isinstance(block, EncoderBlock)
        attention = block.attention.trace(block.attention_norm(h), mask=mask, head_gates=gates)
        h = h + attention.output
        h = h + block.feed_forward(block.feed_forward_norm(h))
        weights.append(attention.weights)
    return model.norm(h), weights


def layer_weights(model: TextModel, encoded: Encoded) -> list[Tensor]:
    """Attention weights (H, T, T) of each layer for a single sentence or pair."""
    return [weights[0] for weights in run_blocks(model, encoded)[1]]
