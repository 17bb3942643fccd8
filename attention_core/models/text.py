"""The bilingual encoder: a pre-norm transformer built on `MultiHeadSelfAttention`.

    h ← h + attention(norm(h));   h ← h + feed_forward(norm(h))   for each block;   logits = norm(h) Eᵀ + bias

Vaswani et al. 2017 for the block, Xiong et al. 2020 for the norm's place, Devlin et al. 2019 for the masked-token
objective, Lample & Conneau 2019 for pairs with positions that restart.

T tokens, D model width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attention_core.errors import ControlError, ShapeError
from attention_core.mechanisms.checks import check_mask
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.tokenization import Token, Tokenizer, positions_of


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the encoder. heads: how many in each layer, which may differ.

    embedding_scale: factor on the embeddings; None is √width (Vaswani et al. 2017, §3.4). Without it they are small
    beside what the layers add, and deeper layers hardly know positions.
    """

    vocabulary: int
    width: int = 256
    heads: tuple[int, ...] = (4, 4, 4, 4)
    feed_forward: int = 1024
    positions: int = 256
    segments: int = 2
    embedding_scale: float | None = None


@dataclass(frozen=True, eq=False)
class BlockTrace(Trace):
    """What a block does around its attention."""

    normed_input: Tensor  # (T, D) what the attention reads
    after_attention: Tensor  # (T, D) the block's input plus the attention's output
    feed_forward: Tensor  # (T, D) what the feed-forward network adds
    output: Tensor  # (T, D)


@dataclass(frozen=True, eq=False)
class TextTrace(Trace):
    """One sentence, or a pair, on its whole way through the encoder."""

    text: str
    pair: str | None
    tokens: tuple[Token, ...]
    token_embedding: Tensor  # (T, D)
    position_embedding: Tensor  # (T, D)
    segment_embedding: Tensor  # (T, D)
    embedding: Tensor  # (T, D) the sum of the three
    layers: tuple[MultiHeadTrace, ...]  # B = 1
    blocks: tuple[BlockTrace, ...]
    final: Tensor  # (T, D) after the last norm
    logits: Tensor  # (T, V)
    truncated: int  # how many tokens were cut off at the limit
    hidden: frozenset[int]  # positions that the network saw as [MASK]
    vocabulary: tuple[str, ...]

    def predictions(self, position: int, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest tokens at `position` with their probabilities, likeliest first."""
        if not 0 <= position < len(self.tokens):
            raise ControlError(
                "control.position",
                f"position is {position}; expected 0 … {len(self.tokens) - 1}, a token of this sentence.",
                came=position,
                limit=len(self.tokens) - 1,
            )
        top = self.logits[position].float().softmax(dim=-1).topk(min(k, len(self.vocabulary)))
        return [
            (self.vocabulary[index], probability)
            for index, probability in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]


class EncoderBlock(nn.Module):
    """Attention, then a two-layer network at each position, each on a normed copy and added back."""

    def __init__(self, width: int, num_heads: int, feed_forward: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = MultiHeadSelfAttention(width, num_heads)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, feed_forward), nn.GELU(), nn.Linear(feed_forward, width))

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """h (B, T, D) → (B, T, D)."""
        h = h + self.attention(self.attention_norm(h), mask)
        added: Tensor = self.feed_forward(self.feed_forward_norm(h))
        return h + added

    def trace(
        self,
        h: Tensor,
        *,
        mask: Tensor | None,
        scale: float | None,
        temperature: float,
        head_gates: Tensor | None,
    ) -> tuple[MultiHeadTrace, BlockTrace]:
        """h (1, T, D) → the attention's trace and the rest of the block."""
        attention = self.attention.trace(
            self.attention_norm(h), mask=mask, scale=scale, temperature=temperature, head_gates=head_gates
        )
        after = h + attention.output
        added = self.feed_forward(self.feed_forward_norm(after))
        return attention, BlockTrace(attention.input[0], after[0], added[0], (after + added)[0])


class TextModel(nn.Module):
    """A masked-token network for Chinese and English, one sentence or a translated pair."""

    def __init__(self, config: TextConfig, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        self.position_embedding = nn.Embedding(config.positions, config.width)
        self.segment_embedding = nn.Embedding(config.segments, config.width)
        self.blocks = nn.ModuleList(EncoderBlock(config.width, heads, config.feed_forward) for heads in config.heads)
        self.norm = nn.LayerNorm(config.width)
        self.output_bias = nn.Parameter(torch.zeros(config.vocabulary))

    def embeddings(self, ids: Tensor, positions: Tensor, segments: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T) each → the three embeddings (B, T, D), scaled, whose sum enters the first block."""
        scale = self.config.width**0.5 if self.config.embedding_scale is None else self.config.embedding_scale
        return (
            scale * self.token_embedding(ids),
            scale * self.position_embedding(positions),
            scale * self.segment_embedding(segments),
        )

    def hidden(self, ids: Tensor, positions: Tensor, segments: Tensor, mask: Tensor | None = None) -> Tensor:
        """Token ids, positions and segments (B, T), mask as in `MultiHeadSelfAttention` → (B, T, D)."""
        token, position, segment = self.embeddings(ids, positions, segments)
        h = token + position + segment
        for block in self.blocks:
            h = block(h, mask)
        normed: Tensor = self.norm(h)
        return normed

    def unembed(self, hidden: Tensor) -> Tensor:
        """(…, D) → logits (…, V), through the transposed embedding table."""
        return hidden @ self.token_embedding.weight.mT + self.output_bias

    def forward(self, ids: Tensor, positions: Tensor, segments: Tensor, mask: Tensor | None = None) -> Tensor:
        """The fast path: (B, T) → logits (B, T, V)."""
        return self.unembed(self.hidden(ids, positions, segments, mask))

    @torch.no_grad()
    def trace(
        self,
        text: str,
        pair: str | None = None,
        *,
        hide: Collection[int] = (),
        written: Mapping[int, int] | None = None,
        head_gates: Tensor | Sequence[Tensor] | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
        mask: Tensor | None = None,
    ) -> TextTrace:
        """The whole way of `text` (and `pair`, its translation) through the network.

        hide: token positions that the network sees as [MASK]; written: position → row of the vocabulary that it sees
        there in the place of the token, unless that is hidden; head_gates: (layers, heads), or one (heads,) a layer;
        scale, temperature: as in `MultiHeadSelfAttention.trace`, for all layers; mask: bool (T, T), True = may attend.
        Text beyond the position limit is cut, and `truncated` says by how much.
        Raises `ControlError`, `ShapeError`, `KindError`.
        """
        tokens, truncated = self.tokenizer.encode(text, pair, self.config.positions)
        T = len(tokens)
        hidden = checked_positions("hide", hide, T)
        mask = check_mask(mask, (T, T))
        gates = checked_layers(head_gates, len(self.blocks))
        device = self.output_bias.device
        seen = checked_written(written or {}, T, len(self.tokenizer.vocabulary))
        ids = [self.tokenizer.mask if i in hidden else seen.get(i, token.id) for i, token in enumerate(tokens)]
        segments = [token.segment for token in tokens]
        token_embedding, position_embedding, segment_embedding = self.embeddings(
            *(torch.tensor([row], device=device) for row in (ids, positions_of(segments), segments))
        )
        h = embedding = token_embedding + position_embedding + segment_embedding  # (1, T, D)
        layers, blocks = [], []
        for block, layer_gates in zip(self.blocks, gates, strict=True):
            assert isinstance(block, EncoderBlock)
            attention, rest = block.trace(
                h,
                mask=None if mask is None else mask.to(device),
                scale=scale,
                temperature=temperature,
                head_gates=layer_gates,
            )
            layers.append(attention)
            blocks.append(rest)
            h = rest.output[None]
        final = self.norm(h[0])
        return TextTrace(
            text=text,
            pair=pair,
            tokens=tuple(tokens),
            token_embedding=token_embedding[0],
            position_embedding=position_embedding[0],
            segment_embedding=segment_embedding[0],
            embedding=embedding[0],
            layers=tuple(layers),
            blocks=tuple(blocks),
            final=final,
            logits=self.unembed(final),
            truncated=truncated,
            hidden=hidden,
            vocabulary=self.tokenizer.vocabulary,
        )


def checked_positions(name: str, given: Collection[int], tokens: int) -> frozenset[int]:
    """Positions in a text of so many tokens. name: of the control. Raises `ControlError`."""
    positions = frozenset(int(position) for position in given)
    outside = sorted(position for position in positions if not 0 <= position < tokens)
    if outside:
        raise ControlError(
            "control.position",
            f"{name} names position {outside[0]}; expected 0 … {tokens - 1}, a token of this sentence.",
            came=outside[0],
            limit=tokens - 1,
        )
    return positions


def checked_layers(gates: Tensor | Sequence[Tensor] | None, layers: int) -> Sequence[Tensor | None]:
    """Head gates of each layer, None where none are given. Raises `ShapeError`."""
    if gates is None:
        return [None] * layers
    if len(gates) != layers:
        raise ShapeError(
            "control.layer_gates",
            f"head_gates has {len(gates)} layers; expected {layers}, one row of gates a layer.",
            came=len(gates),
            expected=layers,
        )
    return list(gates)


def checked_written(written: Mapping[int, int], tokens: int, vocabulary: int) -> Mapping[int, int]:
    """Position → row of a vocabulary of so many. Raises `ControlError`."""
    checked_positions("written", written.keys(), tokens)
    for position, row in written.items():
        if not 0 <= row < vocabulary:
            raise ControlError(
                "control.token",
                f"written puts row {row} at position {position}; expected one of the vocabulary, 0 … {vocabulary - 1}.",
                came=row,
                position=position,
                limit=vocabulary - 1,
            )
    return written
