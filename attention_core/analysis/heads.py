"""Identities of multi-head attention, in the numbers of a trace.

B batch, T tokens, D model width, H heads, d head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.mechanisms.scores import dot_scores
from attention_core.mechanisms.self_attention import SelfAttentionTrace
from attention_core.mechanisms.trace import Trace


def unscaled_scores(trace: MultiHeadTrace | SelfAttentionTrace) -> Tensor:
    """q·k before the division by √d: (B, H, T, T), or (B, T, T) for a single head."""
    return dot_scores(trace.query, trace.key)


def divided_by_root(trace: MultiHeadTrace) -> bool:
    """Whether its scores are q·k / √d and nothing else: some networks have another factor, or add a position bias."""
    expected = unscaled_scores(trace) / trace.query.shape[-1] ** 0.5
    return torch.allclose(trace.scores, expected, atol=1e-4, rtol=1e-4)


@dataclass(frozen=True, eq=False)
class WeightedSum(Trace):
    """b^i = Σ_j w_ij v^j of one query, term by term."""

    weights: Tensor  # (T,)
    values: Tensor  # (T, d)
    terms: Tensor  # (T, d) w_ij v^j
    total: Tensor  # (d,)


def weighted_sum(trace: MultiHeadTrace, head: int, query: int) -> WeightedSum:
    """The sum that makes one head's output at one token; B = 1."""
    weights, values = trace.weights[0, head, query], trace.value[0, head]
    terms = weights[:, None] * values  # (T, d)
    return WeightedSum(weights, values, terms, terms.sum(dim=0))


@dataclass(frozen=True, eq=False)
class TwoStageQueries(Trace):
    """Queries by way of one projection shared by all heads and a second one for each."""

    shared_map: Tensor  # (D, D) W^q
    head_maps: Tensor  # (H, d, D) W^{q,h}
    shared: Tensor  # (T, D) q^i = W^q a^i
    two_stage: Tensor  # (H, T, d) q^{i,h} = W^{q,h} q^i + bias
    direct: Tensor  # (H, T, d) by the single projection that the network has
    difference: float  # largest absolute difference of the two


def two_stage_maps(module: MultiHeadSelfAttention) -> tuple[Tensor, Tensor]:
    """(D, D) W^q and (H, d, D) W^{q,h}: the network's single projection per head as a product of two.

    W = L Q with Q orthogonal (the QR factors of Wᵀ): Q is the stage that all heads share, the rows of L that belong to
    head h are its own.
    """
    weight = module.query.weight.double()  # (D, D)
    factors = torch.linalg.qr(weight.mT)
    return factors.Q.mT, factors.R.mT.reshape(module.num_heads, module.head_dim, module.dim)


def two_stage_queries(
    module: MultiHeadSelfAttention, trace: MultiHeadTrace, maps: tuple[Tensor, Tensor] | None = None
) -> TwoStageQueries:
    """The queries of a trace by way of both stages; B = 1. maps: `two_stage_maps` of the module, if they are known."""
    H, d = module.num_heads, module.head_dim
    shared_map, head_maps = maps or two_stage_maps(module)
    shared = trace.input[0].double() @ shared_map.mT  # (T, D)
    two_stage = torch.einsum("td,hed->hte", shared, head_maps)  # (H, T, d)
    if module.query.bias is not None:
        two_stage = two_stage + module.query.bias.double().view(H, 1, d)
    direct = trace.query[0]
    difference = (two_stage - direct.double()).abs().max().item()
    return TwoStageQueries(shared_map, head_maps, shared, two_stage, direct, difference)


@dataclass(frozen=True, eq=False)
class OutputByHeads(Trace):
    """The output as a sum over heads."""

    contributions: Tensor  # (H, T, D) W^O_h b^h
    bias: Tensor  # (D,)
    summed: Tensor  # (T, D) Σ_h W^O_h b^h + bias
    projected: Tensor  # (T, D) W^O [b^1 … b^H] + bias, as the network computes it
    difference: float  # largest absolute difference of the two


def output_by_heads(module: MultiHeadSelfAttention, trace: MultiHeadTrace) -> OutputByHeads:
    """Concatenate-and-project beside the weighted sum of the heads. B = 1."""
    contributions = module.head_contributions(trace.head_outputs)[0]  # (H, T, D)
    bias = module.output.bias
    if bias is None:
        bias = contributions.new_zeros(module.dim)
    summed = contributions.sum(dim=0) + bias
    projected = trace.output[0]
    return OutputByHeads(contributions, bias, summed, projected, (summed - projected).abs().max().item())
