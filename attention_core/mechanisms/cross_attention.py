"""Cross-attention: the tokens of one text ask, those of another answer.

    q = x W^q        k, v = memory W^k, memory W^v        head_h = softmax(Q_h K_hᵀ / √d) V_h

The same mathematics as multi-head self-attention; only where keys and values come from differs. Vaswani et al. 2017,
"Attention is all you need", §3.2.3.

B batch, T tokens that ask, S that answer, D model width, H heads, d head width.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from attention_core.mechanisms.checks import check_shape
from attention_core.mechanisms.multi_head import MultiHead, MultiHeadTrace


@dataclass(frozen=True, eq=False)
class CrossAttentionTrace(MultiHeadTrace):
    """Every step of `MultiHeadCrossAttention`: key, value (B, H, S, d), scores and weights (B, H, T, S)."""

    memory: Tensor  # (B, S, D) what keys and values are made of


class MultiHeadCrossAttention(MultiHead):
    """Attention from one sequence to another in `num_heads` heads. dim: D of both; bias: of all four maps."""

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, T, D), memory (B, S, D) → (B, T, D). `mask` as in `trace`. Raises `ShapeError`, `KindError`."""
        self._check(x, memory)
        return self._attended(x, memory, mask)

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
        self._check(x, memory)
        return CrossAttentionTrace(x, *self._steps(x, memory, mask, scale, temperature, head_gates), memory)

    def _check(self, x: Tensor, memory: Tensor) -> None:
        dtype = self.query.weight.dtype
        B = check_shape("x", x, ("B", "T", self.dim), dtype).shape[0]
        check_shape("memory", memory, (B, "S", self.dim), dtype)
