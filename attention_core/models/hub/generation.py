"""A decoder writes on, token by token, and every token comes with the attention that it was chosen by.

T tokens read so far, H heads, d head width, V vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch

from attention_core.errors import UnsupportedModelError
from attention_core.mechanisms.checks import check_positive
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import attention_trace
from attention_core.models.hub.twin import Twin
from attention_core.models.tokenization import Token
from attention_core.models.writing import Choose, GenerationStep, last_query, likeliest


def generate(
    model: HubTextModel, text: str, *, steps: int = 20, choose: Choose = likeliest
) -> Iterator[GenerationStep]:
    """Writes on after `text`, at most `steps` tokens, until an end token or the network's limit.

    choose: from logits (V,) to the row of the token to write. Keys and values of the tokens before are kept from step
    to step, as in all use of decoders, and are equal to those of a pass over the whole. Raises, before the first token,
    `UnsupportedModelError` for a network that does not predict the next token, `ControlError` and `InputError`.
    """
    check_positive("steps", steps)
    if model.predicts != "next":
        raise UnsupportedModelError(
            "hub.no_generation",
            f"{model.architecture} does not predict the next token; choose a decoder, such as GPT-2.",
            name=model.architecture,
        )
    tokens, _, truncated = model.tokenizer.encode(text, None, model.limit)
    return _steps(model, tokens, truncated, steps, choose)


def _steps(
    model: HubTextModel, tokens: list[Token], truncated: int, steps: int, choose: Choose
) -> Iterator[GenerationStep]:
    from transformers import DynamicCache

    twin, ends = Twin(model.network), end_tokens(model)
    cache = DynamicCache()  # without the config, so that a network with a window keeps the keys outside it too
    taken = inspect.signature(model.network.forward).parameters
    kept: dict[str, Any] = {"cache" if "cache" in taken else "past_key_values": cache}  # the older name
    new, chosen, read = [token.id for token in tokens], list[int](), tuple(tokens)
    for _ in range(min(steps, model.limit + 1 - len(tokens))):
        ids = torch.tensor([new], device=model.network.device)
        output, recording = twin.run(None, input_ids=ids, use_cache=True, **kept)
        logits = output.logits[0, -1]
        index = choose(logits)
        chosen.append(index)
        said, written = model.tokenizer.written(chosen, segment=1)
        yield GenerationStep(
            read=read,
            token=written[-1],
            text=said,
            written=tuple(written),
            layers=tuple(last_query(attention_trace(attention)) for attention in recording.attentions),
            logits=logits,
            probability=logits.float().softmax(dim=-1)[index].item(),
            vocabulary=model.vocabulary,
            truncated=truncated,
        )
        if index in ends:
            return
        new, read = [index], (*tokens, *written)


def end_tokens(model: HubTextModel) -> frozenset[int]:
    """The ids after which a network has said what it had to say."""
    settings = getattr(model.network, "generation_config", None)
    ends = getattr(settings, "eos_token_id", None)
    return model.tokenizer.ends | frozenset(ends if isinstance(ends, list) else [] if ends is None else [ends])
