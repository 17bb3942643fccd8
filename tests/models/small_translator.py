"""A small translator without training, for what holds of any."""

from __future__ import annotations

from pathlib import Path

import torch

from attention_core.models.tokenization import Tokenizer
from attention_core.models.translation import TranslatorConfig
from attention_core.models.translator import Translator

SAVED = Path(__file__).parents[2] / "assets" / "text" / "tokenizer.json"


def small_translator(positions: int = 12) -> Translator:
    """In float64; its layers have different numbers of heads, no bias is 0 and no norm the identity."""
    torch.manual_seed(0)
    tokenizer = Tokenizer.from_file(SAVED)
    config = TranslatorConfig(
        len(tokenizer.vocabulary), 16, (4, 2), (1, 8), (2, 4), feed_forward=32, positions=positions
    )
    built = Translator(config, tokenizer).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return built
