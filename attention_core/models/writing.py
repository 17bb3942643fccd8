"""What a network that writes does at each token, whichever network it is: the record of it, and ways to choose.

T tokens read so far, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from attention_core.mechanisms.checks import check_positive, check_temperature
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.mechanisms.trace import Trace
from attention_core.models.tokenization import Token

Choose = Callable[[Tensor], int]  # from logits (V,) to the row of the token to write
One = TypeVar("One", bound=MultiHeadTrace)


@dataclass(frozen=True, eq=False)
class GenerationStep(Trace):
    """One token that the network wrote."""

    read: tuple[Token, ...]  # the T tokens before it: those typed, and in segment 1 those written
    token: Token  # the one written
    text: str  # all that was written, without a character of which pieces are still missing
    written: tuple[Token, ...]  # its tokens, with their places in `text`; the last is `token`
    layers: tuple[MultiHeadTrace, ...]  # one query, the last token read: scores, weights (1, H, 1, T)
    logits: Tensor  # (V,)
    probability: float  # of the token that was written
    vocabulary: tuple[str, ...]
    truncated: int  # how many of the typed tokens were cut off at the limit

    def predictions(self, k: int = 5) -> list[tuple[str, float]]:
        """The k likeliest tokens in this place with their probabilities, likeliest first."""
        top = self.logits.float().softmax(dim=-1).topk(min(k, len(self.logits)))
        return [(self.vocabulary[i], p) for i, p in zip(top.indices.tolist(), top.values.tolist(), strict=True)]


def likeliest(logits: Tensor) -> int:
    """The row of the largest of the logits (V,)."""
    return int(logits.argmax())


def sampling_probabilities(logits: Tensor, temperature: float = 1.0, top_k: int = 0) -> Tensor:
    """What `sampled` draws by: softmax(logits / temperature) of the `top_k` likeliest, 0 for all others; (V,) → (V,).

    top_k: 0 = all. Raises `ControlError`.
    """
    check_temperature(temperature)
    if top_k:
        check_positive("top_k", top_k)
    logits = logits.detach().float()
    best = logits.topk(min(top_k or len(logits), len(logits)))
    # Less the largest first: at a tiny temperature the quotients would overflow.
    chances = ((best.values - best.values[0]) / temperature).softmax(dim=-1)
    return torch.zeros_like(logits).scatter(0, best.indices, chances)


def sampled(temperature: float = 1.0, top_k: int = 0, seed: int = 0) -> Choose:
    """A way to choose that draws by `sampling_probabilities`; equal seeds draw the same. Raises `ControlError`.

    Top-k: Fan et al. 2018, "Hierarchical neural story generation".
    """
    check_temperature(temperature)
    if top_k:
        check_positive("top_k", top_k)
    generator = torch.Generator().manual_seed(seed)

    def choose(logits: Tensor) -> int:
        chances = sampling_probabilities(logits.cpu(), temperature, top_k)
        return int(torch.multinomial(chances, 1, generator=generator))

    return choose


@dataclass(frozen=True)
class Sampling:
    """How `sampled` draws, as one value."""

    temperature: float = 1.0
    top_k: int = 0
    seed: int = 0

    def choose(self) -> Choose:
        """The drawing, from its beginning."""
        return sampled(self.temperature, self.top_k, self.seed)

    def probabilities(self, logits: Tensor) -> Tensor:
        """(V,) → (V,) what it draws by."""
        return sampling_probabilities(logits, self.temperature, self.top_k)

    def probability(self, step: GenerationStep) -> float:
        """Of the token that was written."""
        return self.probabilities(step.logits)[step.token.id].item()


@dataclass(frozen=True)
class Rival:
    """A token that could have been written."""

    token: str
    probability: float  # to the network
    drawn: float  # what it was drawn by, the same where nothing was changed
    written: bool


def rivals(step: GenerationStep, sampling: Sampling | None = None, k: int = 5) -> list[Rival]:
    """The k likeliest tokens in this place, likeliest first; the written one comes last where it is not among them."""
    own = step.logits.float().softmax(dim=-1)
    drawn = own if sampling is None else sampling.probabilities(step.logits)
    rows = own.topk(min(k, len(own))).indices.tolist()
    return [
        Rival(step.vocabulary[row], own[row].item(), drawn[row].item(), row == step.token.id)
        for row in dict.fromkeys([*rows, step.token.id])
    ]


def log_probability(written: Sequence[GenerationStep]) -> float:
    """The natural logarithm of how likely the whole is to the network: the sum over its tokens."""
    return sum(step.logits.double().log_softmax(dim=-1)[step.token.id].item() for step in written)


def last_query(trace: One) -> One:
    """The trace of the last query alone, with all keys and values."""
    rows = {name: getattr(trace, name)[:, -1:] for name in ("input", "concatenated", "output")}
    heads = {name: getattr(trace, name)[:, :, -1:] for name in ("query", "scores", "weights", "head_outputs")}
    if hasattr(trace, "mask"):
        heads["mask"] = trace.mask[:, :, -1:]
    return replace(trace, **rows, **heads)
