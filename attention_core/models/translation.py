"""The network of the translator, an encoder that reads one language and a decoder that writes the other; its records.

    encoder:  h ← h + attention(norm(h));   h ← h + feed_forward(norm(h))
    decoder:  y ← y + attention(norm(y)) over what is written;   y ← y + cross_attention(norm(y)) over norm(h);
              y ← y + feed_forward(norm(y));        logits = norm(y) Eᵀ + bias

Vaswani et al. 2017 for the network, Xiong et al. 2020 for the norms' place, Press & Wolf 2017 for the one table E. The
decoder starts with a token for the language that it is to write, as in Liu et al. 2020 (mBART), so that one network
translates both ways.

S tokens read, T written, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from attention_core.errors import ControlError
from attention_core.mechanisms.cross_attention import CrossAttentionTrace, MultiHeadCrossAttention
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.spelling import Spelling
from attention_core.models.text import BlockTrace, EncoderBlock, TextTrace
from attention_core.models.tokenization import Token, Tokenizer
from attention_core.models.writing import GenerationStep

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Side = Literal["source", "target", "cross"]
START_TOKENS = tuple(f"[{language}]" for language in LANGUAGES)  # rows of the table after those of the tokenizer


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


@dataclass(frozen=True)
class TranslatorConfig:
    """Sizes. vocabulary: of the tokenizer; heads: how many in each layer of encoder, decoder, cross-attention."""

    vocabulary: int
    width: int = 256
    encoder_heads: tuple[int, ...] = (2, 4, 8)
    decoder_heads: tuple[int, ...] = (4, 8, 8)
    cross_heads: tuple[int, ...] = (4, 4, 4)
    feed_forward: int = 1024
    positions: int = 256


class EncoderDecoder(nn.Module):
    """The network: modules, and the fast path through them."""

    def __init__(self, config: TranslatorConfig, tokenizer: Tokenizer, spelling: Spelling | None = None) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.spelling = spelling or Spelling()
        self.vocabulary = (*tokenizer.vocabulary, *START_TOKENS)
        width, hidden = config.width, config.feed_forward
        self.token_embedding = nn.Embedding(len(self.vocabulary), width)
        self.source_positions = nn.Embedding(config.positions, width)
        self.target_positions = nn.Embedding(config.positions, width)
        self.encoder = nn.ModuleList(EncoderBlock(width, heads, hidden) for heads in config.encoder_heads)
        self.encoder_norm = nn.LayerNorm(width)
        self.decoder = nn.ModuleList(
            DecoderBlock(width, *heads, hidden) for heads in zip(config.decoder_heads, config.cross_heads, strict=True)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.output_bias = nn.Parameter(torch.zeros(len(self.vocabulary)))

    @property
    def heads(self) -> dict[Side, tuple[int, ...]]:
        """How many heads each layer has, by side."""
        config = self.config
        return {"source": config.encoder_heads, "target": config.decoder_heads, "cross": config.cross_heads}

    @property
    def limit(self) -> int:
        """Tokens that it reads of either text, with the special ones."""
        return self.config.positions

    @property
    def longest(self) -> int:
        """Tokens that it writes at most: the first place is the language token's."""
        return self.limit - 1

    def room(self, read: int) -> int:
        """Tokens that it writes at most of its own accord after so many: what is longer repeats itself without end."""
        return min(2 * read + 16, self.longest)

    def start_of(self, language: Language) -> int:
        """The row of the token with which a text in `language` starts."""
        return self.config.vocabulary + LANGUAGES.index(language)

    def embeddings(self, ids: Tensor, positions: nn.Embedding) -> tuple[Tensor, Tensor]:
        """ids (B, T) → token and position embeddings (B, T, D) and (1, T, D), times √D."""
        scale = self.config.width**0.5
        return scale * self.token_embedding(ids), scale * positions.weight[None, : ids.shape[1]]

    def encode(self, ids: Tensor, real: Tensor | None = None) -> Tensor:
        """ids (B, S), real (B, 1, 1, S) → what the decoder looks at, (B, S, D)."""
        token, position = self.embeddings(ids, self.source_positions)
        h = token + position
        for block in self.encoder:
            h = block(h, real)
        normed: Tensor = self.encoder_norm(h)
        return normed

    def decode(self, memory: Tensor, ids: Tensor, real: Tensor | None = None) -> Tensor:
        """memory (B, S, D), ids (B, T) → (B, T, D), whose logits at each position are of the next token."""
        token, position = self.embeddings(ids, self.target_positions)
        y, causal = token + position, causal_mask(ids.shape[1], ids.device)
        for block in self.decoder:
            y = block(y, memory, causal, real)
        normed: Tensor = self.decoder_norm(y)
        return normed

    def unembed(self, hidden: Tensor) -> Tensor:
        """(…, D) → logits (…, V), through the transposed embedding table."""
        return hidden @ self.token_embedding.weight.mT + self.output_bias

    def forward(self, source: Tensor, target: Tensor, real: Tensor | None = None) -> Tensor:
        """The fast path: ids (B, S) and (B, T), real (B, 1, 1, S) → logits (B, T, V)."""
        return self.unembed(self.decode(self.encode(source, real), target, real))


def causal_mask(tokens: int, device: torch.device) -> Tensor:
    """bool (T, T): each may attend to itself and to those before it."""
    return torch.ones(tokens, tokens, dtype=torch.bool, device=device).tril()


def other_language(text: str) -> Language:
    """The language to translate `text` into: English where most of its letters are Chinese, else Chinese."""
    letters = [character for character in text if character.isalpha()]
    chinese = sum("\u3400" <= character <= "\u9fff" for character in letters)
    return "en" if 2 * chinese > len(letters) else "zh"


def check_sides(named: Iterable[str]) -> None:
    """Whether each is a side of an encoder–decoder. Raises `ControlError`."""
    sides = get_args(Side)
    unknown = sorted(set(named) - set(sides))
    if unknown:
        raise ControlError(
            "control.unknown",
            f"head_gates names {unknown[0]!r}; expected some of {', '.join(sides)}.",
            came=unknown[0],
            expected=", ".join(sides),
        )
