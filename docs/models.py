"""Measures which architectures can be read, and writes docs/models.md: `python -m docs.models`.

Each row is one small network with random weights, built from its library's own classes. What a view needs is run, not
looked up.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attention_core.analysis.alignment import pair_attention
from attention_core.analysis.mask_trial import TRIED_KINDS, TriedKind, try_map
from attention_core.analysis.rollout import attention_rollout, mean_over_heads
from attention_core.analysis.words import word_weights, words
from attention_core.errors import AttentionCoreError
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.hub.encoder_decoder import HubEncoderDecoder
from attention_core.models.hub.generation import generate
from attention_core.models.hub.patches import HubPatchModel
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.vision import HubVisionModel, HubVisionTrace, PhotoFormat
from attention_core.stories.telling import tell, tell_text
from tests.models.hub_networks import (
    DECODERS,
    ENCODER_DECODERS,
    ENCODERS,
    encoder_decoder,
    network,
    sentence_pieces,
    tokenizer_of,
)
from tests.models.photo_networks import GATED, PATCHED, SIDE, gated, patched, photos

PAGE = Path(__file__).resolve().parent / "models.md"
TEXT, PAIR = "I eat 柠檬 and a fish", "我吃水果和鱼"
CLOSE = 1e-5  # of the largest value; numbers here are of single precision
TEXT_VIEWS = (
    "steps of a head",
    "all heads",
    "head view",
    "two texts",
    "rollout",
    "hidden token",
    "generation",
    "cross-attention",
)
PHOTO_VIEWS = ("stages", "gates", "masks", "mask tried", "patches", "rollout")
YES, NO = "yes", "–"


@dataclass(frozen=True)
class Row:
    """One architecture. captured: what is read of it; error: the largest difference from the library's own numbers,
    of the largest of these; views: name → "yes", "–", or how far."""

    name: str
    captured: str
    error: float
    views: Mapping[str, str]


@torch.no_grad()
def text_row(name: str) -> Row:
    """An encoder or a decoder."""
    model = HubTextModel(network(name), tokenizer_of(name))
    trace = model.trace(TEXT)
    own = network(name)
    own.set_attn_implementation("eager")
    ids = torch.tensor([[token.id for token in trace.tokens]])
    came = own(input_ids=ids, output_attentions=True)
    error = _largest_error(
        [(trace.logits, came.logits[0]), *_pairs([layer.weights for layer in trace.layers], came.attentions)]
    )
    views = {
        "steps of a head": lambda: YES if _steps_follow(trace.layers) else NO,
        "all heads": lambda: YES if tell_text(model, trace, layer=1, head=1, query=0, only="multi_head") else NO,
        "head view": lambda: YES if _multiply(trace.layers) else NO,
        "two texts": lambda: _both_ways(model),
        "rollout": lambda: YES if _sums_to_one(attention_rollout(mean_over_heads(trace), len(trace.tokens))) else NO,
        "hidden token": lambda: YES if model.predicts == "hidden" and model.trace(TEXT, hide={1}).hidden else NO,
        "generation": lambda: YES if list(generate(model, TEXT, steps=2)) else NO,
    }
    return Row(name, _heads(trace.layers), error, _run(views, TEXT_VIEWS))


@torch.no_grad()
def encoder_decoder_row(name: str) -> Row:
    """A network that reads one text and writes another."""
    model = HubEncoderDecoder(encoder_decoder(name), sentence_pieces(), max_tokens=24)
    trace = model.trace(TEXT, PAIR)
    own = encoder_decoder(name)
    own.set_attn_implementation("eager")
    read, written = ([token.id for token in side.tokens] for side in (trace.source, trace.target))
    came = own(input_ids=torch.tensor([read]), decoder_input_ids=torch.tensor([written]), output_attentions=True)
    sides = (trace.source.layers, trace.target.layers, trace.cross)
    layers = [layer for side in sides for layer in side]
    theirs = (*came.encoder_attentions, *came.decoder_attentions, *came.cross_attentions)
    pairs = [(trace.target.logits, came.logits[0]), *_pairs([layer.weights for layer in layers], theirs)]
    views = {
        "steps of a head": lambda: YES if _steps_follow(layers) else NO,
        "all heads": lambda: YES if tell(model, trace, layer=1, head=1, query=0) else NO,
        "head view": lambda: YES if _multiply(layers) else NO,
        "rollout": lambda: (
            "each side"
            if all(
                _sums_to_one(attention_rollout(mean_over_heads(side), len(side.tokens)))
                for side in (trace.source, trace.target)
            )
            else NO
        ),
        "generation": lambda: YES if len(model.trace(TEXT).target.tokens) > 1 else NO,
        "cross-attention": lambda: YES if _sums_to_one([layer.weights for layer in trace.cross]) else NO,
    }
    return Row(name, _heads(*sides), _largest_error(pairs), _run(views, TEXT_VIEWS))


@torch.no_grad()
def gated_row(name: str) -> Row:
    """A convolutional network with SE or CBAM."""
    own = copy.deepcopy(gated(name)).float()
    model = HubVisionModel(own, format=PhotoFormat(GATED[name][1]))
    (photo,) = photos(name)
    trace = model.trace(photo)
    outputs: dict[str, Tensor] = {}
    for stage in model.stage_names:
        own.get_submodule(stage).register_forward_hook(
            lambda _, came, gave, stage=stage: outputs.update({stage: gave.clone()})
        )
    logits = own(model.format.standardised(photo[None]))[0]
    last = trace.stages[-1]
    masks = [stage for stage in trace.stages if stage.spatial_mask is not None]

    def changes(place: str, **controls: Tensor) -> str:
        return NO if torch.equal(model.trace(photo, overrides={place: controls}).logits, trace.logits) else YES

    views = {
        "stages": lambda: YES if tell(model, trace, layer=last.name, head=None, query=None) else NO,
        "gates": lambda: changes(last.name, gate_override=torch.zeros(last.features.shape[1])),
        "masks": lambda: (
            changes(masks[-1].name, mask_override=torch.zeros(masks[-1].features.shape[2:])) if masks else NO
        ),
        "mask tried": lambda: (
            YES if masks and all(_tried(model, trace, masks[-1].name, kind) for kind in TRIED_KINDS) else NO
        ),
    }
    pairs = [(trace.logits, logits), *((stage.output, outputs[stage.name]) for stage in trace.stages)]
    kinds = ["CBAM" if isinstance(stage.attention, CBAMTrace) else "SE" for stage in trace.stages]
    return Row(name, f"{len(kinds)} × {kinds[0]}", _largest_error(pairs), _run(views, PHOTO_VIEWS))


@torch.no_grad()
def patched_row(name: str) -> Row:
    """A vision transformer."""
    model = HubPatchModel(patched(name), format=PhotoFormat(SIDE))
    photo = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    trace = model.trace(photo)
    own: Any = copy.deepcopy(patched(name))
    images = model.format.standardised(photo[None])
    if hasattr(own, "config"):
        own.set_attn_implementation("eager")
        came = own(images, output_attentions=True)
        pairs = _pairs([layer.weights for layer in trace.layers], came.attentions)
        logits = getattr(came, "logits", None)
    else:
        pairs, logits = [], own(images)
    if logits is not None:
        pairs.append((trace.logits, logits[0]))
    means = [layer.weights[0].mean(dim=0) for layer in trace.layers]
    views = {
        "patches": lambda: YES if tell(model, trace, layer=1, head=1, query=None) else NO,
        "rollout": lambda: YES if _sums_to_one(attention_rollout(means, len(means[0]))) else NO,
    }
    return Row(name, _heads(trace.layers), _largest_error(pairs), _run(views, PHOTO_VIEWS))


TEXTS: dict[str, Callable[[str], Row]] = {
    **dict.fromkeys((*ENCODERS, *DECODERS), text_row),
    **dict.fromkeys(ENCODER_DECODERS, encoder_decoder_row),
}
PHOTOS: dict[str, Callable[[str], Row]] = {
    **dict.fromkeys(GATED, gated_row),
    **dict.fromkeys(PATCHED, patched_row),
}


def _run(views: Mapping[str, Callable[[], str]], all_views: Sequence[str]) -> dict[str, str]:
    """Each view, run; what there is none of, or what the library refuses with an error of its own, is "–"."""
    found = {}
    for name in all_views:
        try:
            found[name] = views[name]() if name in views else NO
        except AttentionCoreError:
            found[name] = NO
    return found


def _pairs(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(ours, theirs, strict=True))


def _largest_error(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    return max(((came - own).abs().max() / own.abs().max()).item() for came, own in pairs)


def _steps_follow(layers: Sequence[Any]) -> bool:
    """Whether weights are the softmax of the scores, and outputs the values summed by them, in every head."""
    return all(
        torch.allclose(layer.weights, layer.scores.masked_fill(~layer.mask, -torch.inf).softmax(dim=-1), atol=CLOSE)
        and torch.allclose(layer.head_outputs, layer.weights @ layer.value, atol=CLOSE)
        for layer in layers
    )


def _multiply(layers: Sequence[Any]) -> bool:
    """Whether every query has a key of its own head to be multiplied with, number by number."""
    return all(
        layer.query.shape[1] == layer.key.shape[1] and layer.query.shape[-1] == layer.key.shape[-1] for layer in layers
    )


def _both_ways(model: HubTextModel) -> str:
    """Whether the words of two texts look at each other, or only back at the first."""
    trace = model.trace(TEXT, PAIR)
    grouped = words(trace)
    attention = pair_attention(word_weights(trace.layers[1].weights[0, 1], grouped), grouped)
    return NO if not attention.back.any() else "both ways" if attention.forth.any() else "back only"


def _sums_to_one(matrices: Sequence[Tensor]) -> bool:
    return all(torch.allclose(matrix.sum(dim=-1), torch.ones_like(matrix[..., 0]), atol=CLOSE) for matrix in matrices)


def _tried(model: HubVisionModel, trace: HubVisionTrace, stage: str, kind: TriedKind) -> bool:
    """Whether a map has its curves, from the whole photo or to it."""
    tried = try_map(model, trace, stage, kind, steps=2)
    whole = trace.probabilities.max()
    return all(torch.allclose(ends, whole, atol=CLOSE) for ends in (tried.deletion[:, 0], tried.insertion[:, -1]))


def _heads(*sides: Sequence[Any]) -> str:
    """ "q k v, 2 × 4 heads": what is read, layers and heads; fewer keys where queries share them."""
    layers = [layer for side in sides for layer in side]
    complete = all(x.isfinite().all() for layer in layers for x in (layer.query, layer.key, layer.value))
    heads = {layer.query.shape[1] for layer in layers}
    keys = {getattr(layer, "key_heads", layer.key.shape[1]) for layer in layers}
    counted = " + ".join(str(len(side)) for side in sides)
    counted = counted if len(sides) == 1 else f"({counted})"
    shared = "" if keys == heads else f", {_listed(keys)} of keys"
    return f"{'q k v' if complete else 'incomplete'}, {counted} × {_listed(heads)} heads{shared}"


def _listed(numbers: set[int]) -> str:
    return "/".join(map(str, sorted(numbers)))


def table(rows: Sequence[Row], views: Sequence[str]) -> Iterator[str]:
    """The lines of a table of Markdown."""
    yield f"| architecture | read | error | {' | '.join(views)} |"
    yield "|" + "---|" * (3 + len(views))
    for row in rows:
        error = f"{row.error:.0e}" if row.error else "0"
        yield f"| {row.name} | {row.captured} | {error} | {' | '.join(row.views[view] for view in views)} |"


def names_in(page: str) -> list[str]:
    """The architectures that a page has rows of, in order."""
    lines = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| architecture")]
    return [line.split("|")[1].strip() for line in lines]


_PAGE = """# Networks that can be read

`python -m docs.models` measured this page, with small networks of random weights that are built from each library's own
classes; `tests/models/test_models_page.py` measures every row again and holds it to its bounds. Checkpoints of these
architectures are read the same way, whatever their size.

*error* is the largest difference between a number here and the library's own, of the largest of them, in single
precision: of the logits and of all attention weights (its eager attention), or of what each SE or CBAM module gives. 0
is equality to the last bit. A network is refused where its output would differ by more than 1e-4 of the largest value:
nothing wrong is shown.

## Text

From `load_hub_text_model(name_or_folder)`, or `explore(network, text, tokenizer=…)`.

{texts}

*Two texts*: in a network that looks both ways, the words of both look at each other; in a decoder those of the second
look back at the first. *Hidden token*: a network that was trained to guess hidden words reads one. Queries that share
keys (grouped heads) show the same ones. Of a network that writes another text, the layers are those of the text that is
read, of the one that is written, and between the two.

## Photos

From `load_hub_vision_model("library/name")`, or `explore(network, photo)`.

{photos}

*Stages*, *gates* and *masks* are those of SE and CBAM, where they stand in the network, and can be changed; *mask
tried*: deletion and insertion by the mask, beside Grad-CAM, a centred Gaussian and random numbers; *patches* is the
attention of every head between the patches of a photo.

## What is not read

Networks whose attention does not go through the transformers library's attention interface, attention with sinks,
windows that move (Swin), tokenizers that do not say which characters a token stands for, weights other than
safetensors, and code that comes with a checkpoint. Each is refused with an error that says so.
"""


def main() -> None:
    """Measures all rows, and overwrites docs/models.md."""
    torch.set_num_threads(1)  # tensors of a few numbers gain nothing from more
    texts, photo_rows = ([measure(name) for name, measure in rows.items()] for rows in (TEXTS, PHOTOS))
    PAGE.write_text(
        _PAGE.format(texts="\n".join(table(texts, TEXT_VIEWS)), photos="\n".join(table(photo_rows, PHOTO_VIEWS))),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
