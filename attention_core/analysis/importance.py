"""Which heads a guess needs: hide one token, switch each head off in turn, and see what the right answer loses.

    Δ_{l,h} = log p(x_i | all heads) − log p(x_i | without head h of layer l)

x_i is hidden as [MASK] throughout. Michel et al. 2019, "Are sixteen heads really better than one?", §3.2, for a single
guess instead of a test set. A drop is measured with all other heads in place, so drops do not add up, and a head whose
work others can take over shows a small one.

T tokens, D model width, L layers, H_l heads of layer l, N heads of the layers so far, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.errors import ControlError
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention
from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import EncoderBlock, TextModel, TextTrace


@dataclass(frozen=True, eq=False)
class HeadImportance(Trace):
    """The guess at one hidden token, with all heads and without each of them. Logarithms are natural: nats."""

    position: int
    token_id: int  # of the right answer
    token: str  # the right answer as the vocabulary spells it
    rank: int  # of the right answer among all guesses with all heads, 1 = the likeliest
    predictions: tuple[tuple[str, float], ...]  # the likeliest tokens and their probabilities, with all heads
    log_probability: float  # of the right answer with all heads
    without: tuple[Tensor, ...]  # per layer (H_l,) its log-probability with this one head switched off
    drops: tuple[Tensor, ...]  # per layer (H_l,) log_probability − without; positive = the head helped

    def costliest(self) -> tuple[int, int]:
        """(layer, head), counted from 0, with the largest drop."""
        layer = max(range(len(self.drops)), key=lambda index: self.drops[index].max().item())
        return layer, int(self.drops[layer].argmax())


@torch.no_grad()
def head_importance(
    model: TextModel | HubTextModel, text: str, pair: str | None, position: int, *, top: int = 5
) -> HeadImportance:
    """Hides the token at `position` and measures its log-probability with all heads and without each.

    text, pair: as in `TextModel.trace`; position: of a token that is not special; top: how many guesses to return.
    The same numbers as `model.trace(text, pair, hide=[position], head_gates=…)` once a head, to rounding; for
    `TextModel` in one pass. Raises `ControlError` for a special token, a position outside the sentence, and a network
    that has no token for a hidden word.
    """
    trace = model.trace(text, pair, hide=[position])
    token = trace.tokens[position]
    if token.special:
        raise ControlError(
            "analysis.special_token",
            f"position {position} holds {token.text}; expected a token of the sentence, which can be guessed.",
            position=position,
            token=token.text,
        )
    log_probabilities = (
        _one_pass(model, trace, position) if isinstance(model, TextModel) else _by_traces(model, trace, position)
    )
    before = _log_probabilities(trace.logits[position])  # (V,)
    without = [rows[:, token.id] for rows in log_probabilities]
    return HeadImportance(
        position=position,
        token_id=token.id,
        token=trace.vocabulary[token.id],
        rank=int((before > before[token.id]).sum()) + 1,
        predictions=tuple(trace.predictions(position, top)),
        log_probability=before[token.id].item(),
        without=tuple(without),
        drops=tuple(before[token.id] - layer for layer in without),
    )


def _by_traces(model: HubTextModel, trace: TextTrace, position: int) -> list[Tensor]:
    """Per layer (H_l, V) the log-probabilities at `position` without each head: a pass a head."""
    layers = []
    for layer, heads in enumerate(model.heads):
        rows = []
        for head in range(heads):
            gates = [torch.ones(count) for count in model.heads]
            gates[layer][head] = 0.0
            changed = model.trace(trace.text, trace.pair, hide=[position], head_gates=gates)
            rows.append(_log_probabilities(changed.logits[position]))
        layers.append(torch.stack(rows))
    return layers


def _one_pass(model: TextModel, trace: TextTrace, position: int) -> list[Tensor]:
    """The same as `_by_traces`, to rounding."""
    # A network without head h of layer l is the whole network up to layer l. So the variants of a layer start from the
    # trace and join those of the layers below, and the batch grows to one variant a head.
    variants = trace.embedding.new_empty((0, *trace.embedding.shape))  # (N, T, D)
    below = trace.embedding  # (T, D) what enters the layer with all heads on
    for block, attention, rest in zip(model.blocks, trace.layers, trace.blocks, strict=True):
        assert isinstance(block, EncoderBlock)
        after = below + _without_each(block.attention, attention.concatenated[0])  # (H, T, D)
        started = after + block.feed_forward(block.feed_forward_norm(after))  # (H, T, D)
        variants = torch.cat([block(variants) if len(variants) else variants, started])  # (N, T, D)
        below = rest.output
    logits = model.unembed(model.norm(variants[:, position]))  # (N, V)
    return list(torch.split(_log_probabilities(logits), list(model.config.heads)))


def _without_each(attention: MultiHeadSelfAttention, concatenated: Tensor) -> Tensor:
    """The heads' outputs end to end, (T, D) → the attention's output with one head at 0, for each head (H, T, D)."""
    H = attention.num_heads
    on = 1 - torch.eye(H, device=concatenated.device, dtype=concatenated.dtype)  # (H, H) each row misses its own head
    gates = on.repeat_interleave(attention.head_dim, dim=1)  # (H, D)
    output: Tensor = attention.output(concatenated * gates[:, None])  # (H, T, D)
    return output


def _log_probabilities(logits: Tensor) -> Tensor:
    """(…, V) → (…, V) in double precision, so that a difference of two of them is not itself rounding."""
    return logits.cpu().double().log_softmax(dim=-1)
