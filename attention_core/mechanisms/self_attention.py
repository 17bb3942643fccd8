"""Self-attention: every token asks all tokens, and takes a weighted mean of their values.

    scores  = Q Kᵀ / √d        weights = softmax(scores)        output = weights V

Vaswani et al. 2017, "Attention is all you need", §3.2.1.

B batch, T tokens, D model width, d key width, dv value width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_core.mechanisms.checks import check_mask, check_positive, check_shape, check_temperature
from attention_core.mechanisms.memory import room
from attention_core.mechanisms.scores import scaled_dot_scores
from attention_core.mechanisms.trace import Trace


def attention_weights(scores: Tensor, mask: Tensor | None = None, temperature: float = 1.0) -> Tensor:
    """softmax(scores / temperature) over the last axis, 0 where `mask` is False.

    A row with nothing left to attend to is all zeros, never NaN.
    """
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    if temperature != 1.0:
        # Softmax is the same for scores less their largest, and those cannot overflow at a tiny temperature.
        limits = torch.finfo(scores.dtype)
        scores = scores - scores.amax(dim=-1, keepdim=True).detach()
        scores = scores / min(max(temperature, limits.tiny), limits.max)
    weights = torch.softmax(scores, dim=-1, out=room(scores))
    return weights if mask is None else weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    mask: Tensor | None = None,
    scale: float | None = None,
    temperature: float = 1.0,
    score: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Scaled dot-product attention, or that by another `score` of (query, key), that keeps what it computes.

    query, key (…, T, d), value (…, T, dv) → scores (…, T, T), weights (…, T, T), output (…, T, dv).
    `scores` are scaled, and before mask and temperature.
    """
    scores = scaled_dot_scores(query, key, scale) if score is None else score(query, key)
    mask = check_mask(mask, tuple(scores.shape))
    weights = attention_weights(scores, mask, check_temperature(temperature))
    return scores, weights, weights @ value


@dataclass(frozen=True, eq=False)
class SelfAttentionTrace(Trace):
    """Every step of `SelfAttention`; row i of scores and weights belongs to query i."""

    input: Tensor  # (B, T, D)
    query: Tensor  # (B, T, d)
    key: Tensor  # (B, T, d)
    value: Tensor  # (B, T, dv)
    scores: Tensor  # (B, T, T) scaled; before mask and temperature
    weights: Tensor  # (B, T, T) rows sum to 1, or to 0 where everything is masked
    output: Tensor  # (B, T, dv)


class SelfAttention(nn.Module):
    """One attention over the tokens of a sequence, with W^q, W^k, W^v shared by all positions.

    dim: D; key_dim: d, value_dim: dv, both D unless given; bias: whether the three maps have one.
    """

    def __init__(self, dim: int, key_dim: int | None = None, value_dim: int | None = None, bias: bool = False) -> None:
        super().__init__()
        self.dim = check_positive("dim", dim)
        self.key_dim = dim if key_dim is None else check_positive("key_dim", key_dim)
        self.value_dim = dim if value_dim is None else check_positive("value_dim", value_dim)
        self.query = nn.Linear(dim, self.key_dim, bias=bias)
        self.key = nn.Linear(dim, self.key_dim, bias=bias)
        self.value = nn.Linear(dim, self.value_dim, bias=bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, T, D) → (B, T, dv). `mask` as in `trace`. Raises `ShapeError`, `KindError`."""
        B, T, _ = check_shape("x", x, ("B", "T", self.dim), self.query.weight.dtype).shape
        mask = check_mask(mask, (B, T, T))
        return F.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x), attn_mask=mask)

    def trace(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
        score: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> SelfAttentionTrace:
        """The same mathematics with every intermediate.

        x: (B, T, D); mask: bool, broadcastable to (B, T, T), True = may attend; scale: factor on q·k,
        None = 1/√d; temperature: finite, > 0; score: another function of (query, key) from `scores.py`, which then
        does its own scaling. Raises `ShapeError`, `KindError`, `ControlError`.
        """
        check_shape("x", x, ("B", "T", self.dim), self.query.weight.dtype)
        query, key, value = self.query(x), self.key(x), self.value(x)
        scores, weights, output = attend(
            query, key, value, mask=mask, scale=scale, temperature=temperature, score=score
        )
        return SelfAttentionTrace(x, query, key, value, scores, weights, output)
