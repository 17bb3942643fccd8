"""Networks that read one text and write another (T5, BART): self-attention on both sides, cross-attention between.

S tokens of the text that is read, T of the one that is written, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from attention_core.errors import UnsupportedModelError
from attention_core.mechanisms.checks import check_positive, check_temperature
from attention_core.mechanisms.trace import Trace
from attention_core.models.hub.recording import AttentionControls
from attention_core.models.hub.text import (
    MAX_TOKENS,
    check_parity,
    check_vocabulary,
    checked_gates,
    checked_hidden,
    token_limit,
    token_table,
)
from attention_core.models.hub.tokens import HubTokenizer
from attention_core.models.hub.traces import HubAttentionTrace, HubTextTrace, attention_trace, text_trace
from attention_core.models.hub.twin import Twin, copied
from attention_core.models.tokenization import Token
from attention_core.models.translation import Side, TranslationTrace, check_sides

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

HeadGates = Mapping[Side, Tensor | Sequence[Tensor]]


@dataclass(frozen=True, eq=False)
class EncoderDecoderTrace(Trace):
    """Two texts on their way through a network that reads the one and writes the other (Vaswani et al. 2017, §3.2.3).

    The target's tokens are those that the decoder reads: its start token, then the text. The logits at each are of the
    token after it.
    """

    source: HubTextTrace  # predicts nothing
    target: HubTextTrace
    cross: tuple[HubAttentionTrace, ...]  # per decoder block: queries of the target, keys of the source, (1, H, T, S)


TwoTextTrace = EncoderDecoderTrace | TranslationTrace  # of others' networks, or of the one that ships


class HubEncoderDecoder(nn.Module):
    """An encoder with a decoder of the transformers library; the network is never written to.

    max_tokens: no more than so many are read of either text, nor more than the network takes. Raises
    `UnsupportedModelError` as `HubTextModel` does.
    """

    def __init__(
        self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int = MAX_TOKENS
    ) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = HubTokenizer(tokenizer)
        self.architecture = type(network).__name__
        self.limit = min(check_positive("max_tokens", max_tokens), self.tokenizer.limit, token_limit(network))
        whole: Any = network
        start = getattr(whole.config, "decoder_start_token_id", None)
        if whole.get_output_embeddings() is None or start is None:
            raise UnsupportedModelError(
                "hub.no_generation",
                f"{self.architecture} has nothing to write its text with; expected a head and a decoder start token.",
                name=self.architecture,
            )
        self.start: int = start
        check_vocabulary(network, self.tokenizer)
        recording, logits = check_parity(network, predicts=True)
        counts = [attention.query.shape[1] for attention in recording.attentions]
        encoding = sum(a.name.startswith(f"{Twin(network).encoder_name}.") for a in recording.attentions)
        # A decoder block attends first to what it has written, then to what was read.
        self.heads: dict[Side, tuple[int, ...]] = {
            "source": tuple(counts[:encoding]),
            "target": tuple(counts[encoding::2]),
            "cross": tuple(counts[encoding + 1 :: 2]),
        }
        self.vocabulary = self.tokenizer.vocabulary(max(logits.shape[-1], self.tokenizer.size))

    @torch.no_grad()
    def trace(
        self,
        text: str,
        target: str | None = None,
        *,
        hide: Collection[int] = (),
        head_gates: HeadGates | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
    ) -> EncoderDecoderTrace:
        """The way of `text` and `target` through the network; without a target, of what the network itself writes.

        hide: positions of `text` that are read as hidden; head_gates: for any of the trace's "source", "target" and
        "cross", as in `TextModel.trace`; scale, temperature: as in `MultiHeadSelfAttention.trace`, for all attentions;
        None = the network's own scale. Without a target the network writes without what-if controls, but for `hide`.
        Raises `ControlError`, also where `hide` is asked of a network that has no token for it, `ShapeError`,
        `KindError`, and `InputError` for a text without tokens.
        """
        controls = AttentionControls(
            scale=scale, temperature=check_temperature(temperature), head_gates=self._gates(head_gates or {})
        )
        source_tokens, _, source_cut = self.tokenizer.encode(text, None, self.limit)
        hidden = checked_hidden(hide, len(source_tokens), self.tokenizer, self.architecture)
        mask: Any = self.tokenizer.mask
        source_ids = self._row([mask if i in hidden else token.id for i, token in enumerate(source_tokens)])
        if target is None:
            written = self._write(source_ids)
            target, target_tokens = self.tokenizer.written(written)
            target_cut = 0
        else:
            target_tokens, _, target_cut = self.tokenizer.encode(target, None, self.limit)
        if target_tokens and target_tokens[-1].id in self.tokenizer.ends:
            target_tokens = target_tokens[:-1]  # nothing is written after it
        target_tokens = [self.tokenizer.special_token(self.start), *target_tokens][: self.limit]
        twin = Twin(self.network)
        output, recording = twin.run(
            controls, input_ids=source_ids, decoder_input_ids=self._row([token.id for token in target_tokens])
        )
        encoding = recording.attentions[: len(self.heads["source"])]
        decoding = recording.attentions[len(encoding) :]
        table = token_table(twin.network)

        def side(tokens: list[Token], attentions: list[Any], after: int, **rest: Any) -> HubTextTrace:
            read = [embedded for embedded in recording.embeddings if embedded.after == after]
            return text_trace(
                tokens,
                attentions,
                read,
                table,
                pair=None,
                vocabulary=self.vocabulary,
                architecture=self.architecture,
                limit=self.limit,
                **rest,
            )

        read = recording.results[twin.encoder_name][0]
        return EncoderDecoderTrace(
            source=side(
                source_tokens,
                encoding,
                0,
                text=text,
                hidden=hidden,
                final=read,
                logits=read[:, :0],
                truncated=source_cut,
                predicts="nothing",
            ),
            target=side(
                target_tokens,
                decoding[::2],
                len(encoding),
                text=target,
                hidden=frozenset(),
                final=recording.results[twin.decoder_name][0],
                logits=output.logits[0],
                truncated=target_cut,
                predicts="next",
            ),
            cross=tuple(attention_trace(attention) for attention in decoding[1::2]),
        )

    def _gates(self, gates: HeadGates) -> Sequence[Tensor]:
        """The gates of all attentions in the order in which they run; ones where none are given."""
        if not gates:
            return ()
        check_sides(gates)
        rows = {
            side: checked_gates(gates[side], heads) if side in gates else [torch.ones(count) for count in heads]
            for side, heads in self.heads.items()
        }
        return [*rows["source"], *chain(*zip(rows["target"], rows["cross"], strict=True))]

    def _row(self, ids: list[int]) -> Tensor:
        return torch.tensor([ids], device=self.network.device)

    def _write(self, source_ids: Tensor) -> list[int]:
        """The likeliest token each time, until an end token or the limit."""
        network: Any = copied(self.network)
        encoded = network.get_encoder()(input_ids=source_ids)
        ids = [self.start]
        while len(ids) < self.limit and (len(ids) == 1 or ids[-1] not in self.tokenizer.ends):
            logits = network(encoder_outputs=encoded, decoder_input_ids=self._row(ids)).logits
            ids.append(int(logits[0, -1].argmax()))
        return ids[1:]
