"""Programs about networks that write: a text written on, and one text written from another."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from attention_core.models.hub.encoder_decoder import TwoTextTrace
from attention_core.models.translation import Language, TranslationStep
from attention_core.models.writing import GenerationStep, Sampling
from attention_core.programs.snippets import compared

SHIPPED_TRANSLATOR = 'load_translator("translator")'


def generation_snippet(
    written: Sequence[GenerationStep],
    text: str,
    *,
    network: str,
    number: int,
    layer: int,
    head: int,
    cross_head: int = 0,
    into: Language | None = None,
    sampling: Sampling | None = None,
) -> str:
    """A program for the weights that one written token was chosen by, its likeliest rivals, and the whole.

    text: what the network wrote `written` after, or from; network: the call that loads it; number, layer, head,
    cross_head (of a translation): counted from 0; into: the language that was asked for, where one was; sampling: None
    where each token is the likeliest.
    """
    step = written[number]
    arguments = [repr(text), *([] if into is None else [f"into={into!r}"]), f"steps={len(written)}"]
    if sampling is not None:
        shape = f"temperature={sampling.temperature!r}, top_k={sampling.top_k!r}"
        arguments.append(f"choose=ac.sampled({shape}, seed={sampling.seed!r})")
    call = "model.write(" if isinstance(step, TranslationStep) else "ac.generate(model, "
    lines = [
        *_opening(network),
        f"steps = list({call}{', '.join(arguments)}))",
        "print(steps[-1].text)",
        f"step = steps[{number}]",
        "",
        f"# Counted from 0: layer {layer}, head {head}, where token {number} was written, {step.token.text!r}.",
        f"weights = step.layers[{layer}].weights[0, {head}, 0].cpu()",
        'print("weights", weights)',
        *compared("weights", step.layers[layer].weights[0, head, 0]),
    ]
    if isinstance(step, TranslationStep):
        lines += [
            "",
            f"# What it looked at in the text that it translates: head {cross_head} of the cross-attention.",
            f"across = step.cross[{layer}].weights[0, {cross_head}, 0].cpu()",
            'print("across", across)',
            *compared("across", step.cross[layer].weights[0, cross_head, 0]),
        ]
    lines += ["", "predictions = step.predictions(5)", *_predictions(step.predictions(5))]
    if sampling is not None:
        lines += [
            "",
            "# How likely each token was drawn.",
            f"drawn = torch.stack([ac.sampling_probabilities(s.logits, {shape})[s.token.id] for s in steps]).cpu()",
            'print("drawn", drawn)',
            *compared("drawn", torch.tensor([sampling.probability(one) for one in written])),
        ]
    lines += [
        "",
        "# How likely each token was to the network, and their product: the whole.",
        "each = torch.tensor([s.probability for s in steps])",
        'print("each", each, "whole", each.prod())',
        *compared("each", torch.tensor([one.probability for one in written])),
    ]
    return "\n".join(lines) + "\n"


def translation_snippet(
    trace: TwoTextTrace,
    *,
    network: str,
    own: bool,
    layer: int,
    head: int,
    row: int,
    into: Language | None = None,
) -> str:
    """A program for one row of cross-attention, and for what the network writes after that row.

    network: the call that loads what `trace` was made by; own: whether it wrote the target by itself; into: the
    language that was asked for, where one was.
    """
    target = None if own else trace.target.text
    asked = "" if into is None else f", into={into!r}"
    lines = [
        *_opening(network),
        f"trace = model.trace({trace.source.text!r}, {target!r}{asked})",
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
