"""Multi-head self-attention: H attentions side by side, each in its own d = D/H dimensions.

    head_h = softmax(Q_h K_hᵀ / √d) V_h        output = [head_1 … head_H] W^O

Vaswani et al. 2017, "Attention is all you need", §3.2.2.

B batch, T tokens, D model width, H heads, d head width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_core.errors import ControlError, KindError, ShapeError
from attention_core.mechanisms.checks import check_floating, check_mask, check_positive, check_shape
from attention_core.mechanisms.self_attention import attend
from attention_core.mechanisms.trace import Trace


@dataclass(frozen=True, eq=False)
class MultiHeadTrace(Trace):
    """Every step of `MultiHeadSelfAttention`."""

    input: Tensor  # (B, T, D)
    query: Tensor  # (B, H, T, d)
    key: Tensor  # (B, H, T, d)
    value: Tensor  # (B, H, T, d)
    scores: Tensor  # (B, H, T, T) scaled; before mask and temperature
    weights: Tensor  # (B, H, T, T)
    head_outputs: Tensor  # (B, H, T, d) after the head gates
    concatenated: Tensor  # (B, T, D)
    output: Tensor  # (B, T, D)


class MultiHead(nn.Module):
    """The four maps W^q, W^k, W^v, W^O and their split into heads: what self- and cross-attention have in common."""

    def __init__(self, dim: int, num_heads: int, bias: bool = True) -> None:
        super().__init__()
        self.dim = check_positive("dim", dim)
        self.num_heads = check_positive("num_heads", num_heads)
        if dim % num_heads:
            raise ControlError(
                "heads.divide",
                f"dim {dim} cannot be split over {num_heads} heads; choose a head count that divides it.",
                dim=dim,
                num_heads=num_heads,
            )
        self.head_dim = dim // num_heads
        self.query = nn.Linear(dim, dim, bias=bias)
        self.key = nn.Linear(dim, dim, bias=bias)
        self.value = nn.Linear(dim, dim, bias=bias)
        self.output = nn.Linear(dim, dim, bias=bias)

    def head_contributions(self, head_outputs: Tensor) -> Tensor:
        """What each head adds to the output, (B, H, T, d) → (B, H, T, D): b^h W^O_h, without the bias.

        Their sum over the heads, plus the bias, is the output: concatenating and projecting is the same as
        summing each head through its own d columns of W^O.
        """
        expected = ("B", self.num_heads, "T", self.head_dim)
        check_shape("head_outputs", head_outputs, expected, self.output.weight.dtype)
        columns = self.output.weight.view(self.dim, self.num_heads, self.head_dim)  # (D, H, d)
        return torch.einsum("bhtd,ehd->bhte", head_outputs, columns)

    @classmethod
    def from_torch(cls, module: nn.MultiheadAttention) -> Self:
        """A copy of torch's attention, equal to rounding; keeps dtype, device and training mode.

        Raises `KindError` for another type and `ControlError` for what has no counterpart here: other widths
        for key or value, added bias_k/bias_v or zero keys, and dropout while training.
        """
        if not isinstance(module, nn.MultiheadAttention):
            raise KindError(
                "convert.kind",
                f"got a {type(module).__name__}; expected a torch.nn.MultiheadAttention.",
                came=type(module).__name__,
            )
        obstacles = {
            "kdim or vdim differs from embed_dim": module.in_proj_weight is None,
            "add_bias_kv=True": module.bias_k is not None or module.bias_v is not None,
            "add_zero_attn=True": module.add_zero_attn,
            f"dropout={module.dropout} in training mode": module.training and module.dropout > 0,
        }
        for reason, present in obstacles.items():
            if present:
                raise ControlError(
                    "convert.unequal",
                    f"this nn.MultiheadAttention has {reason}, which has no exact counterpart here; "
                    "build it without, or call .eval() where only dropout is in the way.",
                    reason=reason,
                )
        has_bias = module.in_proj_bias is not None
        reference = module.in_proj_weight
        converted = cls(module.embed_dim, module.num_heads, bias=has_bias).to(reference.device, reference.dtype)
        names = ("query", "key", "value")
        state = dict(zip((f"{n}.weight" for n in names), reference.chunk(3), strict=True))
        state["output.weight"] = module.out_proj.weight
        if has_bias:
            state |= dict(zip((f"{n}.bias" for n in names), module.in_proj_bias.chunk(3), strict=True))
            state["output.bias"] = module.out_proj.bias
        converted.load_state_dict(state)
        return converted.train(module.training)

    def _attended(self, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        """The fast way: x (B, T, D) asks, memory (B, S, D) answers → (B, T, D). Self-attention: memory is x."""
        mask = check_mask(mask, (len(x), self.num_heads, x.shape[1], memory.shape[1]))
        heads = F.scaled_dot_product_attention(*self._maps(x, memory), attn_mask=mask)
        projected: Tensor = self.output(self._join(heads))
        return projected

    def _steps(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None,
        scale: float | None,
        temperature: float,
        head_gates: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The same, and what is kept of it: the fields of `MultiHeadTrace` from query to output."""
        query, key, value = self._maps(x, memory)
        scores, weights, head_outputs = attend(query, key, value, mask=mask, scale=scale, temperature=temperature)
        if head_gates is not None:
            head_outputs = head_outputs * self._checked_gates(head_gates, x)[:, None, None]  # (B, H, T, d)
        concatenated = self._join(head_outputs)
        return query, key, value, scores, weights, head_outputs, concatenated, self.output(concatenated)

    def _maps(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query (B, H, T, d), key and value (B, H, S, d)."""
        return self._split(self.query(x)), self._split(self.key(memory)), self._split(self.value(memory))

    def _split(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        return x.view(B, T, self.num_heads, self.head_dim).transpose(1, 2)  # (B, H, T, d)

    def _join(self, heads: Tensor) -> Tensor:
        B, _, T, _ = heads.shape
        return heads.transpose(1, 2).reshape(B, T, self.dim)  # (B, T, D)

    def _checked_gates(self, gates: Tensor, x: Tensor) -> Tensor:
        check_floating("head_gates", gates)
        if tuple(gates.shape) != (self.num_heads,):
            raise ShapeError(
                "control.head_gates",
                f"head_gates has shape {tuple(gates.shape)}; expected ({self.num_heads},), one number a head.",
                came=tuple(gates.shape),
                expected=(self.num_heads,),
            )
        if not bool(gates.isfinite().all()):
            raise ControlError("control.head_gates_finite", "head_gates holds NaN or infinity; expected numbers.")
        return gates.to(device=x.device, dtype=x.dtype)


class MultiHeadSelfAttention(MultiHead):
    """Self-attention in `num_heads` heads. dim: D, a multiple of num_heads; bias: of all four maps."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, T, D) → (B, T, D). `mask` as in `trace`. Raises `ShapeError`, `KindError`."""
        check_shape("x", x, ("B", "T", self.dim), self.query.weight.dtype)
        return self._attended(x, x, mask)

    def trace(
        self,
        x: Tensor,
        *,
        mask: Tensor | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
        head_gates: Tensor | None = None,
    ) -> MultiHeadTrace:
        """The same mathematics with every intermediate.

        x: (B, T, D); mask: bool, broadcastable to (B, T, T) or (B, H, T, T), True = may attend; scale: factor
        on q·k, None = 1/√d; temperature: finite, > 0; head_gates: (H,) multipliers on the heads' outputs.
        Raises `ShapeError`, `KindError`, `ControlError`.
        """
        check_shape("x", x, ("B", "T", self.dim), self.query.weight.dtype)
        return MultiHeadTrace(x, *self._steps(x, x, mask, scale, temperature, head_gates))
