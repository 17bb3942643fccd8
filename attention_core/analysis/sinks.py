"""Attention sinks: tokens that most of the weight goes to, whoever asks and whatever they say.

    α_k = mean of w[i, k] over the queries i ≠ k that may look at k

A softmax has to give its whole weight away, and a head that finds nothing to look at leaves it on a token that hardly
changes the sum: the first one in networks that write (Xiao et al. 2023, "Efficient Streaming Language Models with
Attention Sinks"), [SEP] in BERT (Clark et al. 2019, §3.2). α_k above 0.3 as the mark of a sink: Gu et al. 2024, "When
Attention Sink Emerges in Language Models", §3.1.

T tokens, H heads.
"""

from __future__ import annotations

import torch
from torch import Tensor

from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.hub.traces import HubAttentionTrace
from attention_core.models.text import TextTrace

MARK = 0.3  # of the others' weight, from which on a token is a sink of a head
HEADS = 1 / 3  # of all heads, from which on it is one of the network's on this text
FEWEST = 3  # others that must be able to look at it: the mean of one or two says nothing


def received(attention: MultiHeadTrace) -> Tensor:
    """α (H, T): what each token gets from the others on average; 0 where fewer than FEWEST may look at it."""
    weights = attention.weights[0]
    others = ~torch.eye(weights.shape[-1], dtype=torch.bool, device=weights.device)
    if isinstance(attention, HubAttentionTrace):
        others = others & attention.mask[0]
    others = others.expand_as(weights)
    count = others.sum(dim=1)
    mean = (weights * others).sum(dim=1) / count.clamp(min=1)
    return mean.masked_fill(count < FEWEST, 0.0)


def attention_sinks(trace: TextTrace) -> dict[int, float]:
    """The positions that are a sink of at least a third of all heads → the mean of α over all heads.

    In a short text a token must also get twice an even share.
    """
    alpha = torch.cat([received(attention) for attention in trace.layers])  # (all heads, T)
    mark = max(MARK, 2 / len(trace.tokens))
    shares = (alpha > mark).double().mean(dim=0).tolist()
    return {place: alpha[:, place].mean().item() for place, share in enumerate(shares) if share >= HEADS}


def largest_elsewhere(weights: Tensor, sinks: list[int]) -> Tensor:
    """(H, T, T) → (H,) the largest weight of each head on any token but the `sinks`; 1 where there is none."""
    weights = weights.clone()
    weights[:, :, sinks] = 0.0
    largest = weights.flatten(1).amax(dim=1)
    return torch.where(largest > 0, largest, torch.ones_like(largest))
