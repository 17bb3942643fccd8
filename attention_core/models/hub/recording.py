"""What a network of the transformers library computes in and around its attention, while it runs.

The mathematics is that of `attention_core.mechanisms`; `twin.py` makes a network report to a `Recording`.

B batch (always 1), T queries, S keys, D model width, H heads, d head width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from attention_core.errors import UnsupportedModelError
from attention_core.mechanisms.scores import scaled_dot_scores
from attention_core.mechanisms.self_attention import attend


@dataclass(frozen=True)
class AttentionControls:
    """What a what-if changes in every attention of a network; the defaults change nothing."""

    scale: float | None = None  # None = the network's own
    temperature: float = 1.0
    mask: Tensor | None = None  # bool (T, S), True = may attend; on top of the network's own mask
    head_gates: Sequence[Tensor | None] = ()  # per attention (H,) multipliers on the heads' outputs


@dataclass(eq=False)
class Block:
    """One run of a block: its vectors before and after, and what was added to them on the way."""

    input: Tensor  # (1, T, D)
    output: Tensor | None = None  # (1, T, D)
    sums: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # what was added, and the sum, (1, T, D) each
    stream: list[Tensor] = field(default_factory=list)  # the vectors that the next addition may start from


@dataclass(eq=False)
class Attention:
    """One attention of a recorded run; key and value of grouped heads are repeated, one for each query head."""

    name: str  # of the module in the network
    block: Block | None
    input: Tensor  # (1, T, D) what the queries are made of
    query: Tensor  # (1, H, T, d)
    key: Tensor  # (1, H, S, d)
    value: Tensor  # (1, H, S, dv)
    key_heads: int  # how many of the keys' heads are the network's own
    mask: Tensor  # bool (1, 1 or H, T, S), True = may attend
    scores: Tensor  # (1, H, T, S) scaled, with position bias and soft cap; before mask and temperature
    weights: Tensor  # (1, H, T, S)
    head_outputs: Tensor  # (1, H, T, dv) after the head gates
    concatenated: Tensor | None = None  # (1, T, H·dv) what the output map reads
    output: Tensor | None = None  # (1, T, D)


@dataclass(frozen=True, eq=False)
class Embedded:
    """Rows that were read from an embedding table."""

    name: str  # of the table in the network
    table: nn.Embedding
    rows: Tensor  # (1, T, D) or (T, D)
    after: int  # how many attentions had run


@dataclass(frozen=True, eq=False)
class _Frame:
    """A module that is running."""

    module: nn.Module
    input: Tensor | None
    block: Block | None  # that the module is the whole of


class Recording:
    """All that one run of a network left behind."""

    def __init__(self, names: Mapping[int, str], blocks: frozenset[int], controls: AttentionControls) -> None:
        self.attentions: list[Attention] = []
        self.embeddings: list[Embedded] = []  # rows of the tables read outside blocks, in order
        self.results: dict[str, Tensor] = {}  # what the modules outside blocks gave, by name
        self._names, self._block_ids, self._controls = names, blocks, controls
        self._frames: list[_Frame] = []

    @property
    def block(self) -> Block | None:
        """The block that is running; of blocks within blocks the outermost."""
        return next((frame.block for frame in self._frames if frame.block is not None), None)

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A module begins."""
        came = _first_vectors((*args, *kwargs.values()))
        starts = came is not None and id(module) in self._block_ids and self.block is None
        self._frames.append(_Frame(module, came, Block(came, stream=[came]) if starts and came is not None else None))

    def leave(self, module: nn.Module, output: object) -> None:
        """A module has ended."""
        frame = self._frames.pop()
        values = output.values() if isinstance(output, Mapping) else output if isinstance(output, tuple) else (output,)
        result = _first_vectors(values)
        if result is None:
            return
        if frame.block is not None:
            frame.block.output = result
        name, weight = self._names[id(module)], getattr(module, "weight", None)
        if isinstance(module, nn.Embedding):
            if self.block is None:
                self.embeddings.append(Embedded(name, module, result, len(self.attentions)))
        elif isinstance(weight, Tensor) and weight.dim() == 2:
            last = self.attentions[-1] if self.attentions else None
            # The first linear map after an attention is the one that joins its heads.
            if last is not None and last.output is None:
                last.concatenated, last.output = frame.input, result
        elif isinstance(weight, Tensor) and weight.dim() == 1 and (block := self.block) is not None:
            # A norm between two sums, as in BERT: the next addition may start from its result.
            block.stream += [result] if any(frame.input is vectors for vectors in block.stream) else []
        if self.block is None:
            self.results[name] = result

    def add(self, first: object, second: object, total: Tensor) -> None:
        """Two tensors were added: kept where one is the running block's stream."""
        block = self.block
        if block is None or total.shape != block.input.shape:
            return
        for base, added in ((first, second), (second, first)):
            if isinstance(added, Tensor) and any(base is vectors for vectors in block.stream):
                block.sums.append((added, total))
                block.stream = [total]
                return

    def attend(
        self,
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        scaling: float | None,
        extras: Mapping[str, Any],
    ) -> tuple[Tensor, Tensor]:
        """The attention itself: (1, T, H, dv) and the weights (1, H, T, S), as the library wants them."""
        refused = [name for name in ("s_aux", "sinks") if extras.get(name) is not None]
        if refused:
            raise UnsupportedModelError(
                "hub.attention",
                f"{type(module).__name__} computes its attention with {refused[0]}, which has no counterpart here.",
                name=type(module).__name__,
                reason=refused[0],
            )
        H, T, key_heads = query.shape[1], query.shape[2], key.shape[1]
        key, value = (x.repeat_interleave(H // key_heads, dim=1) for x in (key, value))
        mask, mask_bias = _taken_apart(attention_mask, (T, key.shape[2]), query.device)
        controls, own_scale = self._controls, scaling
        biases = [bias for bias in (extras.get("position_bias"), mask_bias) if bias is not None]
        softcap = extras.get("softcap")

        def score(query: Tensor, key: Tensor) -> Tensor:
            scores = scaled_dot_scores(query, key, own_scale if controls.scale is None else controls.scale)
            if softcap is not None:
                scores = (scores / softcap).tanh() * softcap
            for bias in biases:
                scores = scores + bias
            return scores

        if controls.mask is not None:
            mask = mask & controls.mask.to(mask.device)
        scores, weights, heads = attend(query, key, value, mask=mask, temperature=controls.temperature, score=score)
        number = len(self.attentions)
        gates = controls.head_gates[number] if number < len(controls.head_gates) else None
        if gates is not None:
            heads = heads * gates.to(heads)[:, None, None]
        came = next((frame.input for frame in reversed(self._frames) if frame.module is module), None)
        assert came is not None  # the module is running, and its queries are made of vectors
        self.attentions.append(
            Attention(
                name=self._names[id(module)],
                block=self.block,
                input=came,
                query=query,
                key=key,
                value=value,
                key_heads=key_heads,
                mask=mask,
                scores=scores,
                weights=weights,
                head_outputs=heads,
            )
        )
        return heads.transpose(1, 2).contiguous(), weights


def _first_vectors(values: object) -> Tensor | None:
    """The first tensor of vectors, (1, T, D) or (T, D), among some values."""
    assert hasattr(values, "__iter__")
    return next((x for x in values if isinstance(x, Tensor) and x.is_floating_point() and x.dim() in (2, 3)), None)


def _taken_apart(mask: Tensor | None, sizes: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor | None]:
    """The library's mask, which is added to the scores, → where attention is allowed, and what is added there."""
    if mask is None:
        return torch.ones(1, 1, *sizes, dtype=torch.bool, device=device), None
    if mask.dtype == torch.bool:
        return mask[..., : sizes[1]], None
    mask = mask[..., : sizes[1]]
    allowed = mask > torch.finfo(mask.dtype).min / 2
    bias = mask.masked_fill(~allowed, 0.0)
    return allowed, bias if bool(bias.any()) else None
