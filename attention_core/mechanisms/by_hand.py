"""Self-attention of numbers that somebody typed, in float64, with the ways to score a pair that there are to choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from attention_core.mechanisms.scores import additive_scores, cosine_scores, dot_scores
from attention_core.mechanisms.self_attention import SelfAttention, SelfAttentionTrace

SCORES = ("scaled_dot", "dot", "cosine", "additive")


def names_of(score: str) -> tuple[str, ...]:
    """The matrices that the numbers follow from, with a way to score out of SCORES."""
    return ("x", "wq", "wk", "wv", *(("w1", "w2", "v") if score == "additive" else ()))


def typed_attention(matrices: Mapping[str, Tensor], score: str = "scaled_dot") -> SelfAttentionTrace:
    """matrices: "x" (T, D), "wq", "wk", "wv" (D, D), and for additive scores "w1", "w2" (m, D) and "v" (1, m)."""
    module = SelfAttention(matrices["x"].shape[1]).double()
    with torch.no_grad():
        for linear, name in ((module.query, "wq"), (module.key, "wk"), (module.value, "wv")):
            linear.weight.copy_(matrices[name])
        return module.trace(matrices["x"].double()[None], score=_function(matrices, score))


def _function(matrices: Mapping[str, Tensor], score: str) -> Callable[[Tensor, Tensor], Tensor] | None:
    if score == "additive":
        w1, w2, v = (matrices[name].double() for name in ("w1", "w2", "v"))
        return partial(additive_scores, query_map=w1, key_map=w2, vector=v[0])
    return {"scaled_dot": None, "dot": dot_scores, "cosine": cosine_scores}[score]
