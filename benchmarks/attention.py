"""Multi-head attention with everything that it computes, against torch's with its weights alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from attention_core.mechanisms.multi_head import MultiHeadSelfAttention
from benchmarks.peers import attention_with_sdpa
from benchmarks.report import Section, Settings, by_device, comparison, verdict
from benchmarks.rounds import Row, Side, clock, measure

TITLE = "Multi-head attention"
TOKENS = (16, 64, 128, 256, 512)
WIDTHS = {192: 3, 384: 6, 768: 12}  # D → H, heads of 64
TRACE, TORCH, FORWARD, SDPA = "trace", "nn.MultiheadAttention", "forward", "fused attention alone"


def modules(D: int, H: int, device: str) -> tuple[MultiHeadSelfAttention, nn.MultiheadAttention]:
    """Ours with the weights of torch's."""
    theirs = nn.MultiheadAttention(D, H, batch_first=True, device=device).eval()
    return MultiHeadSelfAttention.from_torch(theirs), theirs


def sides(D: int, H: int, T: int, device: str) -> tuple[dict[str, Side], dict[str, Side]]:
    """With the weights wanted, and without."""
    ours, theirs = modules(D, H, device)
    x: Tensor = torch.randn(1, T, D, device=device)
    wanted: dict[str, Side] = {
        TRACE: lambda: ours.trace(x),
        TORCH: lambda: theirs(x, x, x, need_weights=True, average_attn_weights=False),
    }
    return wanted, {FORWARD: lambda: ours(x), SDPA: lambda: attention_with_sdpa(ours, x)}


def measured(settings: Settings) -> Iterator[Row]:
    for device in settings.devices:
        now = clock(device, settings.threads)
        for T in TOKENS:
            for D, H in WIDTHS.items():
                for pair in sides(D, H, T, device):
                    yield Row(f"{T} tokens, width {D}", device, measure(pair, settings.rounds, now))


def section(rows: Sequence[Row]) -> Section:
    def of_device(device: str) -> str:
        traces, forwards = (
            [row for row in rows if row.device == device and row.ours == side] for side in (TRACE, FORWARD)
        )
        return "\n\n".join(
            (
                f"`trace` gives query, key, value, scores, weights and each head's output; `{TORCH}` "
                "(`need_weights=True`, `average_attn_weights=False`) the weights. Heads are 64 wide, the batch is 1.",
                verdict(traces, TORCH, 1.0),
                comparison(traces, [TORCH]),
                "The products are the same on both sides, so that there is little to win: at 16 tokens the calls "
                "themselves count, which check what they are given; torch does all in one call there, with one product "
                "for query, key and value. At 512 tokens the scores, which torch gives back at once, are kept as well.",
                "`forward`, which keeps nothing, against `F.scaled_dot_product_attention` between the same "
                "projections; what it may take longer is 5%, a ratio of 0.95.",
                verdict(forwards, SDPA, 0.95),
                comparison(forwards, [SDPA]),
            )
        )

    return Section(by_device(rows, {row.device: of_device(row.device) for row in rows}))
