"""The translator: an encoder that reads one language, and a decoder that writes the other; traced, and writing.

The network itself is `translation.EncoderDecoder`.

S tokens read, T written, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import get_args

import torch
from torch import Tensor

from attention_core.errors import ControlError, InputError
from attention_core.mechanisms.checks import check_positive
from attention_core.mechanisms.multi_head import MultiHeadTrace
from attention_core.models.text import BlockTrace, EncoderBlock, TextTrace, checked_layers, checked_positions
from attention_core.models.tokenization import CONTINUES, Token
from attention_core.models.translation import (
    DecoderBlock,
    EncoderDecoder,
    Language,
    Side,
    SourceTrace,
    TranslationStep,
    TranslationTrace,
    causal_mask,
    other_language,
)
from attention_core.models.writing import Choose, last_query, likeliest


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
        token, position = self.embeddings(self._row([token.id for token in target_tokens]), self.target_positions)
        y, causal = token + position, causal_mask(len(target_tokens), memory.device)
        target_layers, cross, target_blocks = [], [], []
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
            target_layers.append(attention)
            cross.append(across)
            target_blocks.append(rest)
            y = rest.output[None]
        final = self.decoder_norm(y[0])
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
                token[0],
                position[0],
                torch.zeros_like(token[0]),
                (token + position)[0],
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
        with torch.no_grad():
            blocks = self._read_in(source, hidden, [None] * len(self.encoder), None, 1.0)[2]
            memory = self.encoder_norm(blocks[-1].output)[None]
        start, chosen, read_out = self.start_of(into), list[int](), list[tuple[Tensor, Tensor]]()
        read: tuple[Token, ...] = (self._special(start, 1),)
        while len(chosen) < most:
            with torch.no_grad():
                token, position = self.embeddings(self._row([start, *chosen]), self.target_positions)
                y, causal = token + position, causal_mask(len(chosen) + 1, memory.device)
                layers, cross = [], []
                for block in self.decoder:
                    assert isinstance(block, DecoderBlock)
                    attention, across, rest = block.trace(
                        y, memory, causal, scale=None, temperature=1.0, head_gates=None, cross_gates=None
                    )
                    layers.append(last_query(attention))
                    cross.append(last_query(across))
                    y = rest.output[None]
                # Keys and values of what is read are the same at every token: all steps share one copy.
                read_out = read_out or [(one.key, one.value) for one in cross]
                cross = [replace(one, key=k, value=v) for one, (k, v) in zip(cross, read_out, strict=True)]
                logits = self.unembed(self.decoder_norm(y[0, -1]))
            index = choose(logits)
            chosen.append(index)
            said, written = self.spelled(chosen)
            yield TranslationStep(
                read=read,
                token=written[-1],
                text=said,
                written=tuple(written),
                layers=tuple(layers),
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
    ) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], list[MultiHeadTrace], list[BlockTrace]]:
        """The encoder's way: token, position, segment embedding and their sum, then layers and blocks."""
        ids = [self.tokenizer.mask if i in hidden else token.id for i, token in enumerate(tokens)]
        token, position = self.embeddings(self._row(ids), self.source_positions)
        h = token + position
        layers, blocks = [], []
        for block, layer_gates in zip(self.encoder, gates, strict=True):
            assert isinstance(block, EncoderBlock)
            attention, rest = block.trace(h, mask=None, scale=scale, temperature=temperature, head_gates=layer_gates)
            layers.append(attention)
            blocks.append(rest)
            h = rest.output[None]
        return (token[0], position[0], torch.zeros_like(token[0]), (token + position)[0]), layers, blocks

    def _gates(self, gates: dict[Side, Tensor | Sequence[Tensor]]) -> dict[Side, Sequence[Tensor | None]]:
        unknown = sorted(set(gates) - set(get_args(Side)))
        if unknown:
            raise ControlError(
                "control.unknown",
                f"head_gates names {unknown[0]!r}; expected some of {', '.join(get_args(Side))}.",
                came=unknown[0],
                expected=", ".join(get_args(Side)),
            )
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
