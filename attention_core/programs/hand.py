"""The program of the numbers that somebody typed: self-attention in float64."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from attention_core.mechanisms.self_attention import SelfAttentionTrace
from attention_core.programs.snippets import compared

_SCORES = {"dot": "dot_scores", "cosine": "cosine_scores", "additive": "additive_scores"}


def hand_snippet(matrices: Mapping[str, Tensor], trace: SelfAttentionTrace, *, score: str, query: int) -> str:
    """A program for one query's weights and output.

    matrices: "x" (T, D), "wq", "wk", "wv" (d, D), and for additive scores "w1", "w2" and "v"; score: "scaled_dot",
    "dot", "cosine" or "additive", which `trace` was made with.
    """
    names = ["x", "wq", "wk", "wv", *(["w1", "w2", "v"] if score == "additive" else [])]
    function, imports, argument = _SCORES.get(score), [], ""
    if function:
        imports = [f"from attention_core.mechanisms.scores import {function}"]
        argument = f", score={function}"
    if score == "additive":
        imports = ["from functools import partial", *imports]
        argument = f", score=partial({function}, query_map=w1, key_map=w2, vector=v[0])"
    lines = [
        "import torch",
        "",
        "import attention_core as ac",
        *imports,
        "",
        *(f"{name} = torch.tensor({matrices[name].tolist()!r}, dtype=torch.float64)" for name in names),
        f"attention = ac.SelfAttention({matrices['x'].shape[1]}).double()",
        "with torch.no_grad():",
        "    attention.query.weight.copy_(wq)",
        "    attention.key.weight.copy_(wk)",
        "    attention.value.weight.copy_(wv)",
        f"    trace = attention.trace(x[None]{argument})",
        "",
        f"# Counted from 0: query {query}.",
        f"weights = trace.weights[0, {query}].float()",
        'print("weights", weights)',
        *compared("weights", trace.weights[0, query]),
        f"output = trace.output[0, {query}].float()",
        'print("output", output)',
        *compared("output", trace.output[0, query]),
    ]
    return "\n".join(lines) + "\n"
