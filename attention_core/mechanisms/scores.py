"""Ways to score a query against a key; scaled dot product is the one that transformers use.

Each function takes query (…, T, d) and key (…, S, d) and returns scores (…, T, S).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.mechanisms.checks import check_scale
from attention_core.mechanisms.memory import room


def dot_scores(query: Tensor, key: Tensor) -> Tensor:
    """q·k (Luong et al. 2015)."""
    return query @ key.transpose(-2, -1)  # (…, T, S)


def scaled_dot_scores(query: Tensor, key: Tensor, scale: float | None = None) -> Tensor:
    """q·k × scale, 1/√d unless given: a sum of d products has a spread that grows as √d (Vaswani et al. 2017)."""
    # Scaling the (T, d) queries is cheaper than scaling the (T, S) scores, and the same number.
    query = query * check_scale(scale, query.shape[-1])
    out = room(query, (*query.shape[:-1], key.shape[-2])) if query.shape[:-2] == key.shape[:-2] else None
    key = key.transpose(-2, -1)
    return query @ key if out is None else torch.matmul(query, key, out=out)  # (…, T, S)


def cosine_scores(query: Tensor, key: Tensor) -> Tensor:
    """q·k / (|q||k|): the angle alone, in [-1, 1] (Graves et al. 2014)."""
    return F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1)  # (…, T, S)


def additive_scores(query: Tensor, key: Tensor, query_map: Tensor, key_map: Tensor, vector: Tensor) -> Tensor:
    """vᵀ tanh(W₁ q + W₂ k): a small network scores the pair (Bahdanau et al. 2015).

    query_map, key_map: (m, d); vector: (m,), as in the formula; m is the width of the hidden layer.
    """
    pairs = (query @ query_map.mT).unsqueeze(-2) + (key @ key_map.mT).unsqueeze(-3)  # (…, T, S, m)
    return pairs.tanh() @ vector  # (…, T, S)
