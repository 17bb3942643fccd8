"""Cross-attention: the tokens of one text ask, those of another answer.

    q = x W^q        k, v = memory W^k, memory W^v        head_h = softmax(Q_h K_hᵀ / √d) V_h

The same mathematics as multi-head self-attention; only where keys and values come from differs. Vaswani et al. 2017,
"Attention is all you need", §3.2.3.

B batch, T tokens that ask, S that answer, D model width, H heads, d head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from attention_core.mechanisms.checks import check_mask, check_shape
from attention_core.mechanisms.multi_head import MultiHead, MultiHeadTrace
from attention_core.mechanisms.self_attention import attend


@dataclass(frozen=True, eq=False)
class CrossAttentionTrace(MultiHeadTrace):
    """Every step of `MultiHeadCrossAttention`: key, value (B, H, S, d), scores and weights (B, H, T, S)."""

    memory: Tensor  # (B, S, D) what keys and values are made of


class MultiHeadCrossAttention(MultiHead):
    """Attention from one sequence to another in `num_heads` heads. dim: D of both; bias: of all four maps."""

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, T, D), memory (B, S, D) → (B, T, D). `mask` as in `trace`. Raises `ShapeError`, `KindError`."""
        query, key, value = self._maps(x, memory)
        mask = check_mask(mask, (len(x), self.num_heads, x.shape[1], memory.shape[1]))
        heads = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        projected: Tensor = self.output(self.join(heads))
        return projected

    def trace(
        self,
        x: Tensor,
        memory: Tensor,
        *,
        mask: Tensor | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
        head_gates: Tensor | None = None,
    ) -> CrossAttentionTrace:
        """The same mathematics with every intermediate.

        x: (B, T, D); memory: (B, S, D); mask: bool, broadcastable to (B, T, S) or (B, H, T, S), True = may attend;
        scale, temperature, head_gates: as in `MultiHeadSelfAttention.trace`. Raises `ShapeError`, `KindError`,
        `ControlError`.
        """
        query, key, value = self._maps(x, memory)
        scores, weights, head_outputs = attend(query, key, value, mask=mask, scale=scale, temperature=temperature)
        if head_gates is not None:
            head_outputs = head_outputs * self.checked_gates(head_gates, x)[:, None, None]  # (B, H, T, d)
        concatenated = self.join(head_outputs)
        return CrossAttentionTrace(
            x, query, key, value, scores, weights, head_outputs, concatenated, self.output(concatenated), memory
        )

    def _maps(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query (B, H, T, d), key and value (B, H, S, d)."""
        dtype = self.query.weight.dtype
        B = check_shape("x", x, ("B", "T", self.dim), dtype).shape[0]
        check_shape("memory", memory, (B, "S", self.dim), dtype)
        return self.split(self.query(x)), self.split(self.key(memory)), self.split(self.value(memory))
