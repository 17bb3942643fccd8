"""Programs about networks that write: a text written on, and one text written from another."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from attention_core.analysis.snippets import compared
from attention_core.models.hub_encoder_decoder import EncoderDecoderTrace
from attention_core.models.writing import GenerationStep


def generation_snippet(
    written: Sequence[GenerationStep], text: str, *, network: str, number: int, layer: int, head: int
) -> str:
    """A program for the weights that one written token was chosen by, and for its likeliest rivals.

    text: what the network wrote `written` after; network: the call that loads it; number, layer, head: counted from 0.
    """
    step = written[number]
    lines = [
        *_opening(network),
        f"steps = list(ac.generate(model, {text!r}, steps={len(written)}))",
        "print(steps[-1].text)",
        f"step = steps[{number}]",
        "",
        f"# Counted from 0: layer {layer}, head {head}, where token {number} was written, {step.token.text!r}.",
        f"weights = step.layers[{layer}].weights[0, {head}, 0].cpu()",
        'print("weights", weights)',
        *compared("weights", step.layers[layer].weights[0, head, 0]),
        "",
        "predictions = step.predictions(5)",
        *_predictions(step.predictions(5)),
    ]
    return "\n".join(lines) + "\n"


def translation_snippet(trace: EncoderDecoderTrace, *, network: str, own: bool, layer: int, head: int, row: int) -> str:
    """A program for one row of cross-attention, and for what the network writes after that row.

    network: the call that loads what `trace` was made by; own: whether it wrote the target by itself.
    """
    target = None if own else trace.target.text
    lines = [
        *_opening(network),
        f"trace = model.trace({trace.source.text!r}, {target!r})",
        "print(trace.target.text)",
        "",
        f"# Counted from 0: layer {layer}, head {head}, the row of {trace.target.tokens[row].text!r}.",
        f"weights = trace.cross[{layer}].weights[0, {head}, {row}].cpu()",
        'print("weights", weights)',
        *compared("weights", trace.cross[layer].weights[0, head, row]),
        "",
        f"predictions = trace.target.predictions({row}, 5)",
        *_predictions(trace.target.predictions(row, 5)),
    ]
    return "\n".join(lines) + "\n"


def _opening(network: str) -> list[str]:
    return ["import torch", "", "import attention_core as ac", "", f"model = ac.{network}"]


def _predictions(best: Sequence[tuple[str, float]]) -> list[str]:
    return [
        'print("predictions", predictions)',
        "probabilities = torch.tensor([probability for _, probability in predictions])",
        *compared("probabilities", torch.tensor([probability for _, probability in best])),
    ]
