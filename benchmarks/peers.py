"""The other sides, with the weights of ours: what a reader of the paper would write, and what libraries have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_core.mechanisms.cbam import CBAM
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention


def attention_with_sdpa(module: MultiHeadSelfAttention, x: Tensor) -> Tensor:
    """x (B, T, D) → (B, T, D): torch's fused attention between the module's projections, and nothing else."""
    B, T, D = x.shape
    query, key, value = (
        proj(x).view(B, T, module.num_heads, module.head_dim).transpose(1, 2)
        for proj in (module.query, module.key, module.value)
    )
    heads = F.scaled_dot_product_attention(query, key, value)  # (B, H, T, d)
    output: Tensor = module.output(heads.transpose(1, 2).reshape(B, T, D))
    return output


def cbam_by_the_paper(module: CBAM, x: Tensor) -> Tensor:
    """x (B, C, H, W) → (B, C, H, W): equations 1 to 3 of Woo et al. 2018, line by line, with the module's weights."""
    channel, spatial = module.channel, module.spatial

    def mlp(pooled: Tensor) -> Tensor:
        logits: Tensor = channel.expand(F.relu(channel.reduce(pooled.flatten(1))))  # (B, C)
        return logits

    average, maximum = F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1)
    x = x * torch.sigmoid(mlp(average) + mlp(maximum))[:, :, None, None]
    maps = torch.cat((x.max(dim=1, keepdim=True).values, x.mean(dim=1, keepdim=True)), dim=1)  # (B, 2, H, W)
    logits = F.conv2d(maps, spatial.conv.weight, padding=spatial.conv.padding)
    return x * torch.sigmoid(spatial.norm(logits))
