"""The translator: an encoder that reads one language, and a decoder that writes the other; traced, and writing.

The network itself is `translation.EncoderDecoder`.

S tokens read, T written, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from attention_core.errors import InputError
from attention_core.mechanisms.checks import check_positive
from attention_core.mechanisms.cross_attention import CrossAttentionTrace
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.text import BlockTrace, EncoderBlock, TextTrace, checked_layers, checked_positions
from attention_core.models.tokenization import CONTINUES, Token
from attention_core.models.translation import (
    DecoderBlock,
    DecoderBlockTrace,
    EncoderDecoder,
    Language,
    Side,
    SourceTrace,
    TranslationStep,
    TranslationTrace,
    causal_mask,
    check_sides,
    other_language,
)
from attention_core.models.writing import Choose, last_query, likeliest

Embedded = tuple[Tensor, Tensor, Tensor, Tensor]  # of token, position and segment, and their sum: (T, D)


class Translator(EncoderDecoder):
    """An encoder–decoder for Chinese and English, both ways, traced and writing."""

    @torch.no_grad()
    def trace(
        self,
        text: str,
        target: str | None = None,
        *,
        into: Language | None = None,
        hide: Collection[int] = (),
        head_gates: dict[Side, Tensor | Sequence[Tensor]] | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
    ) -> TranslationTrace:
        """The way of `text` and `target` through the network; without a target, of what the network itself writes.

        into: the language of the target, by default the other one than that of `text`; hide: positions of `text` that
        are read as [MASK]; head_gates: for any of "source", "target" and "cross", one (heads,) a layer; scale,
        temperature: as in `MultiHeadSelfAttention.trace`, for all attentions. Without a target the network writes
        without what-if controls, but for `hide`. Raises `ControlError`, `ShapeError`, `KindError`, and `InputError` for
        a text without tokens.
        """
        gates = self._gates(head_gates or {})
        source_tokens, source_cut = self._read(text)
        hidden = checked_positions("hide", hide, len(source_tokens))
        into = into or other_language(text)
        if target is None:
            # The steps before the last one, each with its traces, are not kept.
            room = self.room(len(source_tokens))
            [last] = deque(self._write(source_tokens, hidden, into, room, likeliest, source_cut), maxlen=1)
            target, target_cut = last.text, 0
            target_tokens = [replace(token, segment=0) for token in last.written if not token.special]
        else:
            pieces = self.tokenizer.pieces(target)
            target_tokens, target_cut = pieces[: self.limit - 1], max(len(pieces) - self.limit + 1, 0)
        target_tokens = [self._special(self.start_of(into)), *target_tokens]

        source, layers, blocks = self._read_in(source_tokens, hidden, gates["source"], scale, temperature)
        memory = self.encoder_norm(blocks[-1].output)
        ids = [token.id for token in target_tokens]
        target_embedding, target_layers, cross, target_blocks = self._write_out(ids, memory, gates, scale, temperature)
        final = self.decoder_norm(target_blocks[-1].output)
        return TranslationTrace(
            source=SourceTrace(
                text,
                None,
                tuple(source_tokens),
                *source,
                tuple(layers),
                tuple(blocks),
                memory,
                memory.new_zeros(len(source_tokens), 0),
                source_cut,
                hidden,
                self.vocabulary,
            ),
            target=TextTrace(
                target,
                None,
                tuple(target_tokens),
                *target_embedding,
                tuple(target_layers),
                tuple(target_blocks),
                final,
                self.unembed(final),
                target_cut,
                frozenset(),
                self.vocabulary,
            ),
            cross=tuple(cross),
            into=into,
        )

    def write(
        self,
        text: str,
        *,
        into: Language | None = None,
        hide: Collection[int] = (),
        steps: int | None = None,
        choose: Choose = likeliest,
    ) -> Iterator[TranslationStep]:
        """Translates `text` token by token, until [SEP], `steps` tokens or the network's limit.

        into, hide: as in `trace`; steps: None = as many as there is `room` for; choose: from logits (V,) to the row of
        the token to write, such as `sampled(temperature, top_k)`. Raises, before the first token, what `trace` does.
        """
        source_tokens, cut = self._read(text)
        hidden = checked_positions("hide", hide, len(source_tokens))
        room = self.room(len(source_tokens))
        most = room if steps is None else min(check_positive("steps", steps), self.longest)
        return self._write(source_tokens, hidden, into or other_language(text), most, choose, cut)

    def _write(
        self, source: Sequence[Token], hidden: frozenset[int], into: Language, most: int, choose: Choose, cut: int
    ) -> Iterator[TranslationStep]:
        """The whole prefix is read again for each token: sentences are short, and nothing has to be kept."""
        gates = self._gates({})
        with torch.no_grad():
            blocks = self._read_in(source, hidden, gates["source"], None, 1.0)[2]
            memory = self.encoder_norm(blocks[-1].output)
        start, chosen, read_out = self.start_of(into), list[int](), list[tuple[Tensor, Tensor]]()
        read: tuple[Token, ...] = (self._special(start, 1),)
        while len(chosen) < most:
            with torch.no_grad():
                _, attentions, crossing, written_out = self._write_out([start, *chosen], memory, gates, None, 1.0)
                logits = self.unembed(self.decoder_norm(written_out[-1].output[-1]))
            # Keys and values of what is read are the same at every token: all steps share one copy.
            read_out = read_out or [(one.key, one.value) for one in crossing]
            cross = [
                replace(last_query(one), key=key, value=value)
                for one, (key, value) in zip(crossing, read_out, strict=True)
            ]
            index = choose(logits)
            chosen.append(index)
            said, written = self.spelled(chosen)
            yield TranslationStep(
                read=read,
                token=written[-1],
                text=said,
                written=tuple(written),
                layers=tuple(map(last_query, attentions)),
                logits=logits,
                probability=logits.softmax(dim=-1)[index].item(),
                vocabulary=self.vocabulary,
                truncated=cut,
                source=tuple(source),
                cross=tuple(cross),
            )
            if index == self.tokenizer.separator:
                return
            read = (read[0], *written)

    def spelled(self, ids: Sequence[int]) -> tuple[str, list[Token]]:
        """What rows of the table say together, and the tokens with their places in it."""
        ordinary = [index for index in ids if not self._is_special(index)]
        text, spans = self.spelling.spans([self.vocabulary[index] for index in ordinary])
        places, tokens, word = iter(spans), [], -1
        for index in ids:
            if self._is_special(index):
                tokens.append(self._special(index, 1))
                continue
            start, end = next(places)
            continues = self.vocabulary[index].startswith(CONTINUES)
            word += not continues
            unknown = index == self.tokenizer.unknown
            tokens.append(Token(text[start:end], start, end, max(word, 0), 1, False, index, continues, unknown))
        return text, tokens

    def _read(self, text: str) -> tuple[list[Token], int]:
        """The tokens of a text, and how many were cut off."""
        tokens, cut = self.tokenizer.encode(text, None, self.limit)
        if len(tokens) == 2:
            raise InputError("text.no_tokens", "The text has no token that the network reads. Type some words.")
        return tokens, cut

    def _read_in(
        self,
        tokens: Sequence[Token],
        hidden: frozenset[int],
        gates: Sequence[Tensor | None],
        scale: float | None,
        temperature: float,
    ) -> tuple[Embedded, list[MultiHeadTrace], list[BlockTrace]]:
        """The encoder's way: what it starts with, then layers and blocks."""
        ids = [self.tokenizer.mask if i in hidden else token.id for i, token in enumerate(tokens)]
        embedded = self._embedded(ids, self.source_positions)
        h = embedded[-1][None]
        layers, blocks = [], []
        for block, layer_gates in zip(self.encoder, gates, strict=True):
            assert isinstance(block, EncoderBlock)
            attention, rest = block.trace(h, mask=None, scale=scale, temperature=temperature, head_gates=layer_gates)
            layers.append(attention)
            blocks.append(rest)
            h = rest.output[None]
        return embedded, layers, blocks

    def _write_out(
        self,
        ids: Sequence[int],
        memory: Tensor,
        gates: Mapping[Side, Sequence[Tensor | None]],
        scale: float | None,
        temperature: float,
    ) -> tuple[Embedded, list[MultiHeadTrace], list[CrossAttentionTrace], list[DecoderBlockTrace]]:
        """The decoder's way over what is read, memory (S, D): what it starts with, both attentions, blocks."""
        embedded = self._embedded(ids, self.target_positions)
        y, causal = embedded[-1][None], causal_mask(len(ids), memory.device)
        layers, cross, blocks = [], [], []
        for block, own_gates, cross_gates in zip(self.decoder, gates["target"], gates["cross"], strict=True):
            assert isinstance(block, DecoderBlock)
            attention, across, rest = block.trace(
                y,
                memory[None],
                causal,
                scale=scale,
                temperature=temperature,
                head_gates=own_gates,
                cross_gates=cross_gates,
            )
            layers.append(attention)
            cross.append(across)
            blocks.append(rest)
            y = rest.output[None]
        return embedded, layers, cross, blocks

    def _embedded(self, ids: Sequence[int], positions: nn.Embedding) -> Embedded:
        token, position = (part[0] for part in self.embeddings(self._row(ids), positions))
        return token, position, torch.zeros_like(token), token + position

    def _gates(self, gates: dict[Side, Tensor | Sequence[Tensor]]) -> dict[Side, Sequence[Tensor | None]]:
        check_sides(gates)
        return {side: checked_layers(gates.get(side), len(heads)) for side, heads in self.heads.items()}

    def _row(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor([list(ids)], device=self.output_bias.device)

    def _special(self, index: int, segment: int = 0) -> Token:
        return Token(self.vocabulary[index], 0, 0, None, segment, special=True, id=index)

    def _is_special(self, index: int) -> bool:
        tokenizer = self.tokenizer
        return index >= self.config.vocabulary or index in (
            tokenizer.padding,
            tokenizer.start,
            tokenizer.separator,
            tokenizer.mask,
        )
