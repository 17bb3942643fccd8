"""From the recording of a network's run to the traces that all views read.

T tokens, S keys, D model width, H heads, d head width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.hub.recording import Attention, Embedded
from attention_core.models.text import BlockTrace, TextTrace
from attention_core.models.tokenization import Token

Predicts = Literal["hidden", "next", "nothing"]


@dataclass(frozen=True, eq=False)
class HubAttentionTrace(MultiHeadTrace):
    """Every step of one attention of a network; key and value are repeated to one for each query head.

    `scores` hold what the network adds to q·k, such as a position bias. In cross-attention the S keys are those of
    another text: key, value (1, H, S, d), scores, weights (1, H, T, S). `concatenated` is (1, T, H·d).
    """

    mask: Tensor  # bool (1, 1 or H, T, S), True = may attend
    key_heads: int  # how many key heads the network has: fewer than H where they are grouped (Ainslie et al. 2023)
    name: str  # of the module in the network


@dataclass(frozen=True, eq=False)
class HubTextTrace(TextTrace):
    """One text, or a pair, on its whole way through a network of the transformers library.

    `embedding` is what the first block reads: the sum of the three embeddings and what the network does to it (a norm,
    a factor, a map to another width). An embedding that the network does not have is all 0. In a block,
    `after_attention` is the sum before a norm that may follow.
    """

    layers: tuple[HubAttentionTrace, ...]  # B = 1
    predicts: Predicts  # what the logits at a position are of: its token if it is hidden, the next one, or nothing
    architecture: str  # such as "BertForMaskedLM"
    limit: int  # tokens that were allowed

    def predictions(self, position: int, k: int = 5) -> list[tuple[str, float]]:
        """As in `TextTrace`; empty for a network that predicts nothing."""
        return [] if self.predicts == "nothing" else super().predictions(position, k)


def text_trace(
    tokens: Sequence[Token],
    attentions: Sequence[Attention],
    read: Sequence[Embedded],
    table: nn.Embedding,
    **rest: Any,
) -> HubTextTrace:
    """The trace of a text from its attentions, one a block, and the embedding rows that were read before them.

    table: that of the tokens; rest: the other fields of the trace.
    """
    parts = embedding_parts(read, table, len(tokens))
    first = attentions[0].block
    assert first is not None  # checked when the network was taken in
    return HubTextTrace(
        tokens=tuple(tokens),
        token_embedding=parts["token"],
        position_embedding=parts["position"],
        segment_embedding=parts["segment"],
        embedding=first.input[0],
        layers=tuple(attention_trace(attention) for attention in attentions),
        blocks=tuple(block_trace(attention) for attention in attentions),
        **rest,
    )


def attention_trace(recorded: Attention) -> HubAttentionTrace:
    """The trace of one recorded attention."""
    joined, output = recorded.concatenated, recorded.output
    assert joined is not None and output is not None  # checked when the network was taken in
    return HubAttentionTrace(
        input=recorded.input,
        query=recorded.query,
        key=recorded.key,
        value=recorded.value,
        scores=recorded.scores,
        weights=recorded.weights,
        head_outputs=recorded.head_outputs,
        concatenated=joined.reshape(1, -1, joined.shape[-1]),
        output=output.reshape(1, -1, output.shape[-1]),
        mask=recorded.mask,
        key_heads=recorded.key_heads,
        name=recorded.name,
    )


def block_trace(recorded: Attention) -> BlockTrace:
    """What the block of an attention does around it.

    Where a network adds attention and feed-forward network in one sum, from the same input (Wang & Komatsuzaki 2021),
    the block's vectors after the attention are not in it: they are computed here.
    """
    block, output = recorded.block, recorded.output
    assert block is not None and block.output is not None and output is not None
    if len(block.sums) >= 2:
        after, added = block.sums[0][1], block.sums[-1][0]
    else:
        after = block.input + output.view_as(block.input)
        added = block.output - after
    D = block.input.shape[-1]
    return BlockTrace(
        *(vectors.reshape(-1, D) for vectors in (recorded.input, after, added, block.output)),
    )


def embedding_parts(read: Sequence[Embedded], table: nn.Embedding, T: int) -> dict[str, Tensor]:
    """The rows of the token, position and segment tables, (T, D) each; 0 where the network has no such table."""
    parts: dict[str, Tensor] = {}
    for embedded in read:
        name = embedded.name.rpartition(".")[2].lower()
        if embedded.table.weight is table.weight:
            kind = "token"
        elif "pos" in name or name == "wpe":
            kind = "position"
        elif "type" in name or "segment" in name:
            kind = "segment"
        else:
            continue
        rows = embedded.rows.reshape(-1, embedded.rows.shape[-1])
        if len(rows) in (1, T):
            parts.setdefault(kind, rows.expand(T, -1))
    return {kind: parts.get(kind, parts["token"].new_zeros(parts["token"].shape)) for kind in _KINDS}


_KINDS = ("token", "position", "segment")
