"""How the translator starts: from the text network, which knows both languages' words, neighbours and translations.

Lample & Conneau 2019 ("Cross-lingual language model pretraining") start encoder and decoder from one masked-token
network of both languages. So here: the table of tokens; the first layers as the encoder; the last ones as the decoder's
attention to itself; and as its attention to the other text the first layer, in which a word looks for its translation.
"""

from __future__ import annotations

import torch

from attention_core.models.text import EncoderBlock, TextModel
from attention_core.models.translation import DecoderBlock
from attention_core.models.translator import Translator

SMALL = 0.02  # spread of what has no counterpart


def start(model: Translator, text: TextModel, seed: int) -> None:
    """Sets all weights of `model`, whose sizes are those of `text` but for the number of layers."""
    generator = torch.Generator().manual_seed(seed)
    known = model.config.vocabulary
    with torch.no_grad():
        model.token_embedding.weight[:known] = text.token_embedding.weight
        opening = text.token_embedding.weight[model.tokenizer.start]
        for row in range(known, len(model.vocabulary)):
            model.token_embedding.weight[row] = opening + torch.randn(len(opening), generator=generator) * SMALL
        model.output_bias[:known] = text.output_bias
        segments = text.segment_embedding.weight
        model.source_positions.weight.copy_(text.position_embedding.weight + segments[0])
        model.target_positions.weight.copy_(text.position_embedding.weight + segments[1])
        model.decoder_norm.load_state_dict(text.norm.state_dict())
        blocks = [block for block in text.blocks if isinstance(block, EncoderBlock)]
        for ours, theirs in zip(model.encoder, blocks, strict=False):
            ours.load_state_dict(theirs.state_dict())
        translations = blocks[0]
        for ours, theirs in zip(reversed(model.decoder), reversed(blocks), strict=False):
            assert isinstance(ours, DecoderBlock)
            state = theirs.state_dict()
            state |= {f"cross.{name}": tensor for name, tensor in translations.attention.state_dict().items()}
            state |= {f"cross_norm.{name}": tensor for name, tensor in translations.attention_norm.state_dict().items()}
            ours.load_state_dict(state)
