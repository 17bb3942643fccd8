"""How attention passes from layer to layer: attention rollout.

    R_0 = I        R_l = (½ W̄_l + ½ I) R_{l−1}

W̄_l is the mean of layer l's heads, and I stands for the residual connection, which carries every token past the
attention. R_l[i, j] is then the share of token i after layer l that has come from token j of the input, if values and
feed-forward networks left everything as it is, which they do not. Abnar & Zuidema 2020, "Quantifying attention flow in
transformers", §3.

L layers, H_l heads of layer l, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from attention_core.models.text import TextTrace


def mean_over_heads(trace: TextTrace) -> tuple[Tensor, ...]:
    """W̄_l of each layer, (T, T)."""
    return tuple(layer.weights[0].mean(dim=0) for layer in trace.layers)


def attention_rollout(means: Sequence[Tensor], tokens: int) -> tuple[Tensor, ...]:
    """means: W̄_l of each layer (T, T) → R_0 … R_L, each (T, T); rows sum to 1 where those of the means do."""
    identity = means[0].new_ones(tokens).diag() if means else torch.eye(tokens)
    rolled = [identity]
    for mean in means:
        rolled.append((0.5 * mean + 0.5 * identity) @ rolled[-1])
    return tuple(rolled)
