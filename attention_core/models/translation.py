"""What the translator is made of besides an encoder, and what it records: the decoder's block, and the traces.

S tokens read, T written, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from attention_core.mechanisms.cross_attention import CrossAttentionTrace, MultiHeadCrossAttention
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.text import BlockTrace, TextTrace
from attention_core.models.tokenization import Token
from attention_core.models.writing import GenerationStep

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@dataclass(frozen=True, eq=False)
class DecoderBlockTrace(BlockTrace):
    """What a decoder's block does around its two attentions; `after_attention` is after the first."""

    cross_input: Tensor  # (T, D) what the cross-attention asks with
    after_cross: Tensor  # (T, D) that plus the cross-attention's output


@dataclass(frozen=True, eq=False)
class SourceTrace(TextTrace):
    """The text that is read, on its way through the encoder. `final` is what the decoder looks at."""

    def predictions(self, position: int, k: int = 5) -> list[tuple[str, float]]:
        """None: an encoder's outputs are read, not turned into tokens."""
        return []


@dataclass(frozen=True, eq=False)
class TranslationTrace(Trace):
    """Two texts on their way through the translator.

    The target's tokens are those that the decoder reads: the language token, then the text. The logits at each are of
    the token after it.
    """

    source: SourceTrace
    target: TextTrace
    cross: tuple[CrossAttentionTrace, ...]  # per decoder block: queries of the target, keys of the source, (1, H, T, S)
    into: Language


@dataclass(frozen=True, eq=False)
class TranslationStep(GenerationStep):
    """One token that the translator wrote. `read`: the language token and those written before."""

    source: tuple[Token, ...]  # the S tokens that are translated
    cross: tuple[MultiHeadTrace, ...]  # one query, the last token read: scores, weights (1, H, 1, S)


class DecoderBlock(nn.Module):
    """Attention to what is written, attention to what is read, then a two-layer network, each added back."""

    def __init__(self, width: int, heads: int, cross_heads: int, feed_forward: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = MultiHeadSelfAttention(width, heads)
        self.cross_norm = nn.LayerNorm(width)
        self.cross = MultiHeadCrossAttention(width, cross_heads)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, feed_forward), nn.GELU(), nn.Linear(feed_forward, width))

    def forward(self, y: Tensor, memory: Tensor, causal: Tensor, real: Tensor | None = None) -> Tensor:
        """y (B, T, D), memory (B, S, D), causal (T, T), real (B, 1, 1, S) → (B, T, D)."""
        y = y + self.attention(self.attention_norm(y), causal)
        y = y + self.cross(self.cross_norm(y), memory, real)
        added: Tensor = self.feed_forward(self.feed_forward_norm(y))
        return y + added

    def trace(
        self,
        y: Tensor,
        memory: Tensor,
        causal: Tensor,
        *,
        scale: float | None,
        temperature: float,
        head_gates: Tensor | None,
        cross_gates: Tensor | None,
    ) -> tuple[MultiHeadTrace, CrossAttentionTrace, DecoderBlockTrace]:
        """y (1, T, D) → the traces of both attentions and of the rest of the block."""
        attention = self.attention.trace(
            self.attention_norm(y), mask=causal, scale=scale, temperature=temperature, head_gates=head_gates
        )
        after = y + attention.output
        cross = self.cross.trace(
            self.cross_norm(after), memory, scale=scale, temperature=temperature, head_gates=cross_gates
        )
        across = after + cross.output
        added = self.feed_forward(self.feed_forward_norm(across))
        block = DecoderBlockTrace(
            attention.input[0], after[0], added[0], (across + added)[0], cross.input[0], across[0]
        )
        return attention, cross, block


def causal_mask(tokens: int, device: torch.device) -> Tensor:
    """bool (T, T): each may attend to itself and to those before it."""
    return torch.ones(tokens, tokens, dtype=torch.bool, device=device).tril()


def other_language(text: str) -> Language:
    """The language to translate `text` into: English where most of its letters are Chinese, else Chinese."""
    letters = [character for character in text if character.isalpha()]
    chinese = sum("\u3400" <= character <= "\u9fff" for character in letters)
    return "en" if 2 * chinese > len(letters) else "zh"
