"""What a token is worth to the others, measured by taking it away: hide each in turn, and see what becomes of the rest.

    E[i, j] = ‖h_i − h_i without j‖ / ‖h_i‖

h_i is the final vector of token i, from which it is guessed; token j is hidden as [MASK]. Abnar & Zuidema 2020, §4, who
blank out tokens to test attention as an explanation (there: the change of one predicted probability).

T tokens, D model width, N tokens that are hidden in turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextModel, TextTrace
from attention_core.models.tokenization import positions_of

_AT_ONCE = 4096  # tokens of one batch


@dataclass(frozen=True, eq=False)
class BlankOut(Trace):
    """The effect of hiding each token that is not special."""

    hidden: tuple[int, ...]  # N positions, hidden one at a time
    change: Tensor  # (T, T) E; NaN in the columns of special tokens, which were not hidden


@torch.no_grad()
def blank_out(model: TextModel | HubTextModel, trace: TextTrace) -> BlankOut:
    """trace: of the sentence as it is. The same as `model.trace(…, hide=[j]).final` for each j; for `TextModel` in
    batches. Raises `ControlError` for a network that has no token for a hidden word.
    """
    T = len(trace.tokens)
    hidden = [position for position, token in enumerate(trace.tokens) if not token.special]
    change = trace.final.new_full((T, T), math.nan)
    start = 0
    for final in _batches(model, trace, hidden) if isinstance(model, TextModel) else _one_by_one(model, trace, hidden):
        effect = (final - trace.final).norm(dim=-1) / trace.final.norm(dim=-1)  # (B, T)
        change[:, hidden[start : start + len(final)]] = effect.mT
        start += len(final)
    return BlankOut(tuple(hidden), change)


def _one_by_one(model: HubTextModel, trace: TextTrace, hidden: Sequence[int]) -> Iterator[Tensor]:
    """The final vectors (1, T, D) with each of `hidden` in turn hidden."""
    for position in hidden:
        yield model.trace(trace.text, trace.pair, hide=[position]).final[None]


def _batches(model: TextModel, trace: TextTrace, hidden: Sequence[int]) -> Iterator[Tensor]:
    """The same, (B, T, D) for B of them at a time."""
    T = len(trace.tokens)
    device = trace.final.device
    ids = torch.tensor([token.id for token in trace.tokens], device=device)
    segments = torch.tensor([token.segment for token in trace.tokens], device=device)
    positions = torch.tensor(positions_of(segments.tolist()), device=device)
    variants = ids.repeat(len(hidden), 1)  # (N, T)
    variants[range(len(hidden)), list(hidden)] = model.tokenizer.mask
    for batch in torch.split(variants, max(1, _AT_ONCE // T)):
        yield model.hidden(batch, positions.expand_as(batch), segments.expand_as(batch))


def spearman(first: Tensor, second: Tensor) -> Tensor:
    """Rank correlation of each two rows, (…, N) twice → (…), −1…1.

    Equal numbers share the mean of their ranks; NaN where all of a row are equal.
    """
    centred = [ranks - ranks.mean(dim=-1, keepdim=True) for ranks in (_ranks(first), _ranks(second))]
    products = (centred[0] * centred[1]).sum(dim=-1)
    correlation: Tensor = products / (centred[0].norm(dim=-1) * centred[1].norm(dim=-1))
    return correlation


def _ranks(values: Tensor) -> Tensor:
    ordered, values = values.sort(dim=-1).values, values.contiguous()
    below, up_to = (torch.searchsorted(ordered, values, right=right) for right in (False, True))
    return (below + up_to + 1).double() / 2


def agreement(weights: Tensor, effect: BlankOut) -> Tensor:
    """How well (T, T) weights tell what hiding does: for each query in `effect.hidden`, a Spearman correlation, (N,).

    Over the other hidden tokens: the query itself and the special tokens are left out.
    """
    N = len(effect.hidden)
    others = ~torch.eye(N, dtype=torch.bool)
    rows = [
        matrix.cpu()[list(effect.hidden)][:, list(effect.hidden)][others].view(N, max(N - 1, 0))
        for matrix in (weights, effect.change)
    ]
    return spearman(*rows)
