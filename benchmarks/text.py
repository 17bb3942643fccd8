"""A whole text through a network of BERT-base's shape, with every intermediate, against the transformers library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import processors

from attention_core.models.hub.text import HubTextModel
from attention_core.models.text import TextConfig, TextModel
from attention_core.models.tokenization import Tokenizer
from attention_core.runtime.assets import assets_folder
from benchmarks.report import Section, Settings, by_device, comparison, verdict
from benchmarks.rounds import Row, Side, clock, measure

TITLE = "A whole text"
LAYERS, HEADS, WIDTH, FEED_FORWARD = 12, 12, 768, 3072  # BERT-base
TOKENS, LONG = 64, 512
VOCABULARY = assets_folder() / "text" / "tokenizer.json"
TRACE, EAGER, FORWARD = "trace", "transformers, eager", "forward"
SHAPE, NETWORK = "the same shape", "the same network"
MOST = 1.3  # times as long as the forward that keeps nothing


def text_model(layers: int, heads: int, width: int, tokens: int, device: str = "cpu") -> TextModel:
    """With random weights and the tokenizer that ships; reads up to `tokens` tokens."""
    tokenizer = Tokenizer.from_file(VOCABULARY)
    config = TextConfig(len(tokenizer.vocabulary), width, (heads,) * layers, 4 * width, positions=tokens)
    return TextModel(config, tokenizer).eval().requires_grad_(False).to(device)


def sentence(tokens: int) -> str:
    """At least so many tokens, for the tokenizer that ships; a network for fewer cuts off the rest."""
    return "我吃柠檬。" * (tokens // 5 + 1)


def word_pieces() -> Any:
    """The vocabulary that ships, as a tokenizer of the transformers library."""
    backend = tokenizers.Tokenizer.from_file(str(VOCABULARY))
    special = [(token, backend.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=special)
    of_library: Any = transformers.PreTrainedTokenizerFast
    return of_library(tokenizer_object=backend, cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")


def bert(device: str = "cpu") -> Any:
    """The transformers library's network of BERT-base's shape, with as many words as ours and random weights."""
    config = transformers.BertConfig(
        vocab_size=len(Tokenizer.from_file(VOCABULARY).vocabulary),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FEED_FORWARD,
    )
    network: Any = transformers.BertForMaskedLM(config)
    network.set_attn_implementation("eager")
    return network.eval().requires_grad_(False).to(device)


def same_shape(device: str) -> dict[str, Side]:
    ours, theirs, text = text_model(LAYERS, HEADS, WIDTH, TOKENS, device), bert(device), sentence(TOKENS)
    ids = torch.tensor([[token.id for token in ours.tokenizer.encode(text, None, TOKENS)[0]]], device=device)
    return {TRACE: lambda: ours.trace(text), EAGER: lambda: theirs(input_ids=ids, output_attentions=True)}


def same_network(device: str) -> dict[str, Side]:
    theirs = bert(device)
    ours, text = HubTextModel(theirs, word_pieces(), max_tokens=TOKENS), sentence(TOKENS)
    ids = torch.tensor([[token.id for token in ours.trace(text).tokens]], device=device)
    return {TRACE: lambda: ours.trace(text), EAGER: lambda: theirs(input_ids=ids, output_attentions=True)}


def traced(tokens: int, device: str) -> dict[str, Side]:
    model, text = text_model(LAYERS, HEADS, WIDTH, tokens, device), sentence(tokens)
    ids = torch.tensor([[token.id for token in model.tokenizer.encode(text, None, tokens)[0]]], device=device)
    positions, segments = torch.arange(tokens, device=device)[None], torch.zeros_like(ids)
    return {TRACE: lambda: model.trace(text), FORWARD: lambda: model(ids, positions, segments)}


def measured(settings: Settings) -> Iterator[Row]:
    for device in settings.devices:
        now = clock(device, settings.threads)
        yield Row(f"{SHAPE}, {TOKENS} tokens", device, measure(same_shape(device), settings.rounds, now))
        yield Row(f"{NETWORK}, {TOKENS} tokens", device, measure(same_network(device), settings.rounds, now))
        for tokens in (TOKENS, LONG):
            yield Row(f"{tokens} tokens", device, measure(traced(tokens, device), settings.rounds, now))


def section(rows: Sequence[Row]) -> Section:
    def of_device(device: str) -> str:
        own = [row for row in rows if row.device == device]
        peers, forwards = ([row for row in own if side in row.seconds] for side in (EAGER, FORWARD))
        shape = [row for row in peers if row.case.startswith(SHAPE)]
        return "\n\n".join(
            (
                f"{LAYERS} layers of {HEADS} heads, width {WIDTH}: a trace with query, key, value, scores, weights and "
                "outputs of every head, from the string on, against `BertForMaskedLM` with eager attention and "
                f"`output_attentions=True`, from token ids on. *{SHAPE.capitalize()}* is `TextModel`, whose norms "
                "stand before its layers and not behind: as many layers, heads and numbers, but another network.",
                verdict(shape, EAGER, 1.0),
                comparison(peers, [EAGER]),
                f"*{NETWORK.capitalize()}* is `HubTextModel` on that very network, for which no goal is set. Each "
                "trace runs on a new copy of the network's modules, which shares its weights, so that no hook stays on "
                "what other sessions use: making it, and recording by hooks, is why it is slower.",
                f"What tracing costs: `TextModel.trace` against its `forward`, which keeps nothing. It may take {MOST} "
                f"times as long, a ratio of {1 / MOST:.2f}.",
                verdict(forwards, FORWARD, round(1 / MOST, 2)),
                comparison(forwards, [FORWARD]),
            )
        )

    return Section(by_device(rows, {row.device: of_device(row.device) for row in rows}))
