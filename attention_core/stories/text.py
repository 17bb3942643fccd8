"""What stories about sentences share: facts of a text network, what was changed in it, whose numbers are followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from attention_core.analysis.heads import divided_by_root
from attention_core.analysis.units import Unit, read_unit
from attention_core.analysis.words import Word
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import HubAttentionTrace, Predicts
from attention_core.models.text import EncoderBlock, TextModel, TextTrace
from attention_core.models.tokenization import numbered


@dataclass(frozen=True)
class TextFacts:
    """A text network, as far as words and formulas depend on it.

    shipped: the network that comes with the project; bias: whether its maps to q, k and v add one, None where that is
    not known; scaled_up: whether embeddings are multiplied by √D; mask: the token that it reads in the place of a
    hidden one, as it spells it, and its row of the vocabulary, "" and None where it knows none.
    """

    shipped: bool
    predicts: Predicts
    bias: bool | None
    scaled_up: bool
    mask: str
    mask_row: int | None


def text_facts(model: TextModel | HubTextModel) -> TextFacts:
    """Read off the network."""
    row = model.tokenizer.mask
    if isinstance(model, TextModel):
        block = model.blocks[0]
        assert isinstance(block, EncoderBlock)
        vocabulary, bias = model.tokenizer.vocabulary, block.attention.query.bias is not None
        root, predicts = model.config.embedding_scale is None, "hidden"
        return TextFacts(True, predicts, bias, root, "" if row is None else vocabulary[row], row)  # type: ignore[arg-type]
    return TextFacts(False, model.predicts, None, False, "" if row is None else model.vocabulary[row], row)


@dataclass(frozen=True)
class Change:
    """What a what-if changes in the layer that a story follows, beside what its trace shows by itself.

    scaled: whether scores are divided by √d; mask: (T, T), True = may attend; gate: of the head.
    """

    scaled: bool = True
    temperature: float = 1.0
    mask: Tensor | None = None
    gate: float = 1.0


AS_TRAINED = Change()


@dataclass(frozen=True)
class Followed:
    """One head's numbers at one token, in one trace, or in one as trained (`before`) and one changed."""

    trace: TextTrace
    before: TextTrace | None
    layer: int
    head: int
    query: int
    network: TextFacts
    change: Change = AS_TRAINED
    words: Sequence[Word] | None = None  # what the rows of weights are, where they are not tokens

    @property
    def attention(self) -> MultiHeadTrace:
        """Of the layer."""
        return self.trace.layers[self.layer]

    @property
    def attention_before(self) -> MultiHeadTrace | None:
        """Of the layer as trained, where something is changed."""
        return None if self.before is None else self.before.layers[self.layer]

    @cached_property
    def names(self) -> list[str]:
        """The tokens as on the axes: as the network reads them."""
        return read_unit(self.trace, self.network.mask).labels

    @cached_property
    def said(self) -> list[str]:
        """The same, as sentences call them."""
        return numbered(self.names)

    def unit(self, trace: TextTrace | None = None) -> Unit:
        """What the rows of weights are."""
        return read_unit(trace or self.trace, self.network.mask, self.words)

    @cached_property
    def allowed(self) -> Tensor | None:
        """(T, T) bool, the keys that each query may attend to, by the network and by what was changed; None: all."""
        own = self.attention.mask if isinstance(self.attention, HubAttentionTrace) else None
        masks = [own[0, self.head if own.shape[1] > 1 else 0]] if own is not None else []
        masks += [] if self.change.mask is None else [self.change.mask]
        both = masks[0] if len(masks) == 1 else masks[0] & masks[1] if masks else None
        return None if both is None or bool(both.all()) else both

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What every step may speak of."""
        allowed = self.allowed
        return {
            **asdict(self.network),
            "changed": self.before is not None,
            "root": divided_by_root(self.attention_before or self.attention),
            "scaled": self.change.scaled,
            "masked": allowed is not None,
            "causal": allowed is not None and not bool(allowed.triu(1).any()),
            "layer": self.layer + 1,
            "head": self.head + 1,
            "query": self.said[self.query],
        }

    @property
    def focus(self) -> dict[str, int | str]:
        """As links and files say it."""
        return {"layer": self.layer, "head": self.head, "query": self.query}
