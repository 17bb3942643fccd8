"""Any encoder or decoder of the transformers library behind the same traces as the encoder that ships.

T tokens, D model width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from attention_core.errors import ControlError, ShapeError, UnsupportedModelError
from attention_core.mechanisms.checks import check_floating, check_mask, check_positive, check_temperature
from attention_core.models.hub.recording import AttentionControls, Recording
from attention_core.models.hub.tokens import HubTokenizer
from attention_core.models.hub.traces import HubTextTrace, Predicts, text_trace
from attention_core.models.hub.twin import Twin, copied
from attention_core.models.text import checked_positions, checked_written

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_TOKENS = 512  # a trace holds H·T² scores, and as many weights, of every layer

_CHECKED_TOKENS = 8
_TOLERANCE = 1e-4  # of the largest logit; coarser in half precision


class HubTextModel(nn.Module):
    """A network of the transformers library that reads one text or a pair; it is never written to.

    network: an encoder or a decoder, with or without a head that predicts tokens; max_tokens: no more than so many are
    read, nor more than the network takes. Raises `UnsupportedModelError` where its attention cannot be read, or where
    the mathematics here gives another result than the network's own.
    """

    def __init__(
        self, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int = MAX_TOKENS
    ) -> None:
        super().__init__()
        if network.config.is_encoder_decoder:
            raise UnsupportedModelError(
                "hub.encoder_decoder",
                f"{type(network).__name__} reads one text and writes another; use HubEncoderDecoder.",
                name=type(network).__name__,
            )
        self.network = network
        self.tokenizer = HubTokenizer(tokenizer)
        self.predicts: Predicts = objective(network)
        self.limit = min(check_positive("max_tokens", max_tokens), self.tokenizer.limit, token_limit(network))
        self.architecture = type(network).__name__
        check_vocabulary(network, self.tokenizer)
        recording, logits = check_parity(network, self.predicts != "nothing")
        self.heads = tuple(attention.query.shape[1] for attention in recording.attentions)
        self.vocabulary = self.tokenizer.vocabulary(max(logits.shape[-1], self.tokenizer.size))

    def forward(self, ids: Tensor) -> Tensor:
        """The network's own way: token ids (B, T) → logits (B, T, V), (B, T, 0) where it predicts nothing."""
        return logits_of(self.network(input_ids=ids), self.predicts != "nothing")

    @torch.no_grad()
    def trace(
        self,
        text: str,
        pair: str | None = None,
        *,
        hide: Collection[int] = (),
        written: Mapping[int, int] | None = None,
        head_gates: Tensor | Sequence[Tensor] | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
        mask: Tensor | None = None,
    ) -> HubTextTrace:
        """The whole way of `text` (and `pair`) through the network; the controls are those of `TextModel.trace`.

        scale: None = the network's own. A network that only looks back goes on doing so: `mask` takes away and adds
        nothing. Raises `ControlError`, also where `hide` is asked of a network that has no token for it, `ShapeError`,
        `KindError`, and `InputError` for a text without tokens.
        """
        tokens, segments, truncated = self.tokenizer.encode(text, pair, self.limit)
        T = len(tokens)
        hidden = checked_hidden(hide, T, self.tokenizer, self.architecture)
        controls = AttentionControls(
            scale=scale,
            temperature=check_temperature(temperature),
            mask=check_mask(mask, (T, T)),
            head_gates=checked_gates(head_gates, self.heads),
        )
        seen = checked_written(written or {}, T, len(self.vocabulary))
        ids = [self.tokenizer.mask if i in hidden else seen.get(i, token.id) for i, token in enumerate(tokens)]
        inputs: dict[str, Any] = {"input_ids": torch.tensor([ids], device=self.network.device)}
        if self.tokenizer.takes_segments:
            inputs["token_type_ids"] = torch.tensor([segments], device=self.network.device)
        twin = Twin(self.network)
        output, recording = twin.run(controls, **inputs)
        return text_trace(
            tokens,
            recording.attentions,
            recording.embeddings,
            token_table(twin.network),
            text=text,
            pair=pair,
            final=twin.final(recording),
            logits=logits_of(output, self.predicts != "nothing")[0],
            truncated=truncated,
            hidden=hidden,
            vocabulary=self.vocabulary,
            predicts=self.predicts,
            architecture=self.architecture,
            limit=self.limit,
        )


def checked_hidden(hide: Collection[int], T: int, tokenizer: HubTokenizer, name: str) -> frozenset[int]:
    """The positions to hide in a text of T tokens. Raises `ControlError`, also for a network without a token for it."""
    positions = checked_positions("hide", hide, T)
    if positions and tokenizer.mask is None:
        raise ControlError(
            "control.hide",
            f"{name} has no token for a hidden word; only networks that were trained to guess hidden words do.",
            name=name,
        )
    return positions


def checked_gates(gates: Tensor | Sequence[Tensor] | None, heads: Sequence[int]) -> Sequence[Tensor]:
    """One row of gates a layer, or none at all. heads: of each layer. Raises `ShapeError`, `ControlError`."""
    if gates is None:
        return ()
    if len(gates) != len(heads):
        raise ShapeError(
            "control.layer_gates",
            f"head_gates has {len(gates)} layers; expected {len(heads)}, one row of gates a layer.",
            came=len(gates),
            expected=len(heads),
        )
    for row, count in zip(gates, heads, strict=True):
        if tuple(check_floating("head_gates", row).shape) != (count,):
            raise ShapeError(
                "control.head_gates",
                f"head_gates has shape {tuple(row.shape)}; expected ({count},), one number a head.",
                came=tuple(row.shape),
                expected=(count,),
            )
        if not bool(row.isfinite().all()):
            raise ControlError("control.head_gates_finite", "head_gates holds NaN or infinity; expected numbers.")
    return list(gates)


def objective(network: PreTrainedModel) -> Predicts:
    """What a network's logits are of, by its class."""
    from transformers.models.auto import modeling_auto

    name = type(network).__name__
    if name in modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.values():
        return "hidden"
    if name in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        return "next"
    return "nothing"


def token_limit(network: PreTrainedModel) -> int:
    """How many tokens a network takes by its config; as good as endless for one that sets no limit."""
    config = network.config.get_text_config()
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return 10**9
    for name, module in network.named_modules():
        # RoBERTa and its kin count positions from behind the one of padding.
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            limit -= module.padding_idx + 1
    return limit


def token_table(network: PreTrainedModel) -> nn.Embedding:
    """The table that a network looks its tokens up in."""
    table = network.get_input_embeddings()
    assert isinstance(table, nn.Embedding)
    return table


def logits_of(output: Any, predicts: bool) -> Tensor:
    """The logits (B, T, V) of the library's output; (B, T, 0) where there are none."""
    logits: Tensor = output.logits if predicts else output[0][..., :0]
    return logits


def check_vocabulary(network: PreTrainedModel, tokenizer: HubTokenizer) -> None:
    """Raises `UnsupportedModelError` where the tokenizer has tokens that the network does not know."""
    rows = token_table(network).num_embeddings
    if tokenizer.size > rows:
        raise UnsupportedModelError(
            "hub.vocabulary",
            f"the tokenizer has {tokenizer.size} tokens and the network {rows}: they do not belong together.",
            tokens=tokenizer.size,
            rows=rows,
        )


@torch.no_grad()
def check_parity(network: PreTrainedModel, predicts: bool) -> tuple[Recording, Tensor]:
    """A few tokens read both ways: with the mathematics here, and by the network's own.

    Returns the recording and the logits. Raises `UnsupportedModelError` where they differ or something is missing.
    """
    rows = token_table(network).num_embeddings
    ids = torch.linspace(0, rows - 1, _CHECKED_TOKENS, device=network.device).long()[None]
    inputs = {"input_ids": ids} | ({"decoder_input_ids": ids} if network.config.is_encoder_decoder else {})
    output, recording = Twin(network).run(None, **inputs)
    reference = copied(network)
    reference.set_attn_implementation("eager")
    own, wanted = (result.logits if predicts else result[0] for result in (output, reference(**inputs)))
    name = type(network).__name__
    # The map that joins the heads must read all of them, or it is not that map.
    readable = [
        attention.block is not None
        and attention.concatenated is not None
        and attention.concatenated.numel() == attention.head_outputs.numel()
        for attention in recording.attentions
    ]
    if not readable or not all(readable):
        raise UnsupportedModelError(
            "hub.unreadable",
            f"the attention of {name} cannot be found in its blocks. Choose another architecture.",
            name=name,
        )
    difference = (own - wanted).float().abs().max().item() / max(wanted.float().abs().max().item(), 1e-6)
    if not difference <= max(_TOLERANCE, 8 * torch.finfo(wanted.dtype).eps):
        raise UnsupportedModelError(
            "hub.parity",
            f"{name} adds something to its attention that is not known here: its output would change by "
            f"{difference:.1%}. Choose another architecture.",
            name=name,
            difference=difference,
        )
    return recording, logits_of(output, predicts)
