"""A tiny tokenizer and text network."""

from __future__ import annotations

from pathlib import Path

import pytest
import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers

from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import SPECIAL_TOKENS, Tokenizer

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    vocabulary = [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *"我吃柠檬猫鱼狗书"]
    backend = tokenizers.Tokenizer(models.WordPiece({t: i for i, t in enumerate(vocabulary)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    path = tmp_path / "tokenizer.json"
    backend.save(str(path))
    return path


@pytest.fixture
def tokenizer(tokenizer_file: Path) -> Tokenizer:
    return Tokenizer.from_file(tokenizer_file)


@pytest.fixture
def model(tokenizer: Tokenizer) -> TextModel:
    torch.manual_seed(0)
    config = TextConfig(len(tokenizer.vocabulary), width=16, heads=(2, 4), feed_forward=32, positions=64)
    return TextModel(config, tokenizer).eval().requires_grad_(False)
