"""How the text network starts: with token vectors that know translations and heads that know neighbours.

From random weights, a short masked-token training finds neither. So the first embeddings are bilingual
(`text_data.bilingual_start`) and leave room for sinusoidal positions (Vaswani et al. 2017) and for the segment. Heads
start in one of two ways, from which training goes on freely, no weight being held:

- *like to like*: W^q = W^k on the bilingual dimensions, so that a word looks for its translation; those of the first
  two layers look into the other sentence rather than into their own;
- *local*: W^q turns the sinusoids by an offset δ, so that a word looks at the one δ places on, in its own sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.models.text import EncoderBlock, TextConfig, TextModel

POSITION, SEGMENT = 32, 4  # dimensions of the embedding that start with positions and segments; tokens have the rest
FASTEST, STEP = 1.5, 0.75  # radians a token of the fastest sinusoid; each next one turns at this share of it
POSITION_NORM, SEGMENT_NORM = 0.6, 0.5  # beside token vectors of norm 1
SMALL = 0.02  # spread of what starts at random


@dataclass(frozen=True)
class HeadStart:
    """How one head starts. gain: score, in nats, of a match on all compared dimensions over an unrelated word.

    offset: δ of a local head, None for like-to-like; segment: nats by which the own sentence leads the other.
    """

    gain: float
    offset: int | None = None
    segment: float = 0.0


def head_starts(layer: int, heads: int) -> list[HeadStart]:
    """Translations first, then near neighbours, then wider windows with each layer."""
    if layer == 0:
        kinds = [HeadStart(20.0, segment=-3.0), HeadStart(5.0, offset=0, segment=3.0)]
    elif layer == 1:
        kinds = [HeadStart(16.0, segment=-3.0), *(HeadStart(8.0, offset, 4.0) for offset in (-1, 1)), HeadStart(16.0)]
    else:
        gain = 8.0 if layer == 2 else 4.0  # the later, the wider
        kinds = [HeadStart(gain, offset, 4.0) for offset in (-1, 1, -2, 2, 0, -3, 3)] + [HeadStart(8.0)]
    return [kinds[head % len(kinds)] for head in range(heads)]


def token_width(config: TextConfig) -> int:
    """Dimensions of the embedding that start with token vectors."""
    return config.width - POSITION - SEGMENT


def sinusoids(positions: int) -> Tensor:
    """(positions, POSITION) of norm POSITION_NORM: cosines in the first half, sines in the second."""
    angle = torch.arange(positions)[:, None] * _frequencies()
    amplitude: float = POSITION_NORM * (2 / POSITION) ** 0.5
    return torch.cat([angle.cos(), angle.sin()], dim=1) * amplitude


def turned(offset: int) -> Tensor:
    """The rotation (POSITION, POSITION) that takes the sinusoids of position i to those of i + offset."""
    angle = offset * _frequencies()
    cosine, sine = angle.cos().diag(), angle.sin().diag()
    return torch.cat([torch.cat([cosine, -sine], dim=1), torch.cat([sine, cosine], dim=1)])


def _frequencies() -> Tensor:
    return FASTEST * torch.tensor(STEP) ** torch.arange(POSITION // 2)


def start(model: TextModel, vectors: Tensor, seed: int) -> None:
    """Sets all weights of `model`; vectors: (V, token_width), of norm 1 or 0."""
    generator = torch.Generator().manual_seed(seed)
    tokens = token_width(model.config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, SMALL, generator=generator)
        known = vectors.norm(dim=1) > 0
        embedding = model.token_embedding.weight
        embedding[:, :tokens].normal_(0, tokens**-0.5, generator=generator)
        embedding[known, :tokens] = vectors[known]
        embedding[:, tokens:] = 0
        model.position_embedding.weight.zero_()[:, -POSITION:] = sinusoids(model.config.positions)
        sign = 1.0 - 2.0 * torch.arange(model.config.segments)[:, None]
        model.segment_embedding.weight.zero_()[:, tokens:-POSITION] = sign * SEGMENT_NORM / SEGMENT**0.5
        # The norm before the attention stretches the sum of the three to norm √D.
        stretch = model.config.width / (1 + POSITION_NORM**2 + SEGMENT_NORM**2)
        for layer, block in enumerate(model.blocks):
            assert isinstance(block, EncoderBlock)
            attention = block.attention
            for projection in (attention.query, attention.key, attention.value, attention.output):
                projection.bias.zero_()
            first = 0
            for head, kind in enumerate(head_starts(layer, attention.num_heads)):
                rows = slice(head * attention.head_dim, (head + 1) * attention.head_dim)
                _start_head(
                    attention.query.weight[rows], attention.key.weight[rows], kind, tokens, first, stretch, generator
                )
                first += 0 if kind.offset is not None else attention.head_dim - SEGMENT


def _start_head(
    query: Tensor, key: Tensor, kind: HeadStart, tokens: int, first: int, stretch: float, generator: torch.Generator
) -> None:
    """Rows (d, D) of W^q and W^k: the last SEGMENT ones compare segments, those before them tokens or positions."""
    d = len(query)
    compared = d - SEGMENT
    temperature = d**0.5 / stretch
    if kind.offset is None:
        # Singular directions from `first` on, as many as there is room for.
        columns = torch.arange(first, first + compared) % tokens
        match = torch.zeros(compared, query.shape[1])
        match[torch.arange(compared), columns] = (kind.gain * temperature) ** 0.5
        query[:compared], key[:compared] = match, match
    else:
        used = min(compared, POSITION)
        strength = (kind.gain * temperature) ** 0.5 / POSITION_NORM
        # Pairs of cosine and sine stay together; the slowest are left out where there is no room.
        kept = torch.cat([torch.arange(used // 2), torch.arange(used // 2) + POSITION // 2])
        query[: 2 * (used // 2), -POSITION:] = turned(kind.offset)[kept] * strength
        key[: 2 * (used // 2), -POSITION:] = torch.eye(POSITION)[kept] * strength
    strength = (abs(kind.segment) / 2 * temperature) ** 0.5 / SEGMENT_NORM
    same = torch.eye(SEGMENT) * strength
    place = slice(tokens, tokens + SEGMENT)
    query[compared:, place], key[compared:, place] = same * (1.0 if kind.segment >= 0 else -1.0), same
