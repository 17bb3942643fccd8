"""Multi-head self-attention: all heads at once, then one of them, how they join, and which of them a guess needs.

Vaswani et al. 2017, §3.2.2. T tokens, D model width, H heads, d head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from attention_core.analysis.change import moved
from attention_core.analysis.heads import divided_by_root, output_by_heads, two_stage_queries
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention
from attention_core.models.hub.text import HubTextModel
from attention_core.models.hub.traces import HubAttentionTrace
from attention_core.models.text import EncoderBlock, TextModel
from attention_core.stories import formulas
from attention_core.stories.arrays import array
from attention_core.stories.compared import matrices, strip, strip_changes
from attention_core.stories.head_importance import Missed, importance_step
from attention_core.stories.heads import Scores, does, head_values, tiles
from attention_core.stories.story import Array, Block, Folded, Note, Step, Story
from attention_core.stories.text import Followed
from attention_core.words import Say, Words

KEY = "multi_head"
Limits = Sequence[Array]  # (H,) a layer: where the colours of each head's weights end


@dataclass(frozen=True)
class OwnMaps:
    """The attention of the followed layer as a module, of a network that keeps its maps as we do.

    two_stage: its `two_stage_maps`, where they are known already.
    """

    module: MultiHeadSelfAttention
    two_stage: tuple[Tensor, Tensor] | None = None


def own_maps(
    model: TextModel | HubTextModel, layer: int, two_stage: tuple[Tensor, Tensor] | None = None
) -> OwnMaps | None:
    """Of a layer, where its attention is a module of ours."""
    if not isinstance(model, TextModel):
        return None
    block = model.blocks[layer]
    assert isinstance(block, EncoderBlock)
    return OwnMaps(block.attention, two_stage)


def multi_head_story(
    followed: Followed,
    maps: OwnMaps | None = None,
    *,
    scores: Scores | None = None,
    missed: Missed | None = None,
    limits: Limits | None = None,
) -> Story:
    """From all heads to one token's output, and back to the heads that a guess needs.

    maps: None for a network that keeps them otherwise; scores: of its heads, where they have been measured; missed: as
    in `importance_step`; limits: where colours end, 1 where it is None.
    """
    steps = (
        all_heads(followed, limits),
        *followed_steps(followed, maps, scores=scores, missed=missed, limits=limits),
    )
    return Story(KEY, followed.focus, followed.facts, steps)


def followed_steps(
    followed: Followed,
    maps: OwnMaps | None = None,
    *,
    scores: Scores | None = None,
    missed: Missed | None = None,
    limits: Limits | None = None,
) -> Sequence[Step]:
    """The steps behind the first, which follow one token."""
    return (
        _one_head(followed, scores, limits),
        _two_stages(followed, maps),
        _joined(followed, maps),
        importance_step(followed, missed),
    )


def all_heads(f: Followed, limits: Limits | None = None) -> Step:
    """Every head of every layer."""
    layers = [attention.weights[0] for attention in f.trace.layers]  # (H, T, T) each
    plain = all(divided_by_root(attention) for attention in (f.before or f.trace).layers)
    facts = {**f.facts, "root": plain, "count": sum(map(len, layers))}
    title, selected = Say("multi_head.all.title", facts), (f.layer, f.head)
    blocks: list[Block]
    if f.before is None:
        blocks = tiles("all-heads", f.trace, f.unit(), title, selected=selected, limits=limits)
    else:
        blocks = []
        for ending, which, trace in (("-before", "before", f.before), ("", "after", f.trace)):
            named = Say("change.which", {"title": title, "which": Say(f"change.{which}")})
            blocks += tiles(f"all-heads{ending}", trace, f.unit(trace), named, selected=selected, title=named)
        shares = [moved(was.weights[0], is_) for was, is_ in zip(f.before.layers, layers, strict=True)]
        if any(share.any() for share in shares):
            moves = Say("multi_head.all.moved"), Say("multi_head.all.share")
            values = [array(share) for share in shares]
            blocks.append(
                head_values("all-heads-change", values, moves[0], value=moves[1], kind="weight", selected=selected)
            )
        else:
            blocks.append(Note(Say("change.none")))
    formula = formulas.head_weights(
        plain=plain, scaled=f.change.scaled, temperature=f.change.temperature, masked=facts["masked"]
    )
    arrays = {f"weights_{layer}": array(weights) for layer, weights in enumerate(layers)}
    return Step("multi_head.all", [formula], facts, blocks, arrays)


def enlarged(f: Followed, name: str, limits: Limits | None = None) -> list[Block]:
    """The weights of the followed head alone; a click follows the token of its row."""
    title = Say("self_attention.weights.figure", {"layer": f.layer + 1, "head": f.head + 1})
    was = None
    look: dict[str, Any] = {"limit": None if limits is None else float(limits[f.layer][f.head])}
    if f.attention_before is not None and f.before is not None:
        was, look = (f.attention_before.weights[0, f.head], f.unit(f.before)), {}
    is_ = f.attention.weights[0, f.head], f.unit()
    return matrices(name, is_, was, title=title, quantity="weight", kind="weight", query=f.query, **look)


def looks(f: Followed) -> dict[str, Any]:
    """Where the followed token looks most in the followed head: facts."""
    found = f.unit().looks(f.attention.weights[0, f.head], f.query)
    return {**found, "attends": found["share"] > 0}  # type: ignore[operator]


def _one_head(f: Followed, scores: Scores | None, limits: Limits | None) -> Step:
    attention, heads = f.attention, f.attention.query.shape[1]
    key_heads = attention.key_heads if isinstance(attention, HubAttentionTrace) else heads
    facts = {
        **f.facts,
        **looks(f),
        "heads": heads,
        "key_heads": key_heads,
        "grouped": key_heads < heads,
        "gated": f.change.gate != 1,
    }
    outputs, title = attention.head_outputs[0, f.head], Say("multi_head.one.outputs", {"head": f.head + 1})
    blocks = [
        Note(does(f.trace, f.layer, f.head, scores)),
        *enlarged(f, "one-head", limits),
        strip("head-outputs", outputs, f.names, "output", title),
    ]
    if f.attention_before is not None:
        blocks += strip_changes(f.names, {"output": (title, f.attention_before.head_outputs[0, f.head], outputs)})
    blocks.append(Folded(Say("words.differs"), [Note(Say("multi_head.one.correction"), "text")]))
    arrays = {
        "weights": array(attention.weights[0, f.head]),
        "value": array(attention.value[0, f.head]),
        "output": array(outputs),
    }
    return Step("multi_head.one", [formulas.head_output(gate=f.change.gate)], facts, blocks, arrays)


def _two_stages(f: Followed, maps: OwnMaps | None) -> Step:
    if maps is None:
        return Step("multi_head.stages", absent=Say("multi_head.stages.absent"))
    module = maps.module
    stages = two_stage_queries(module, f.attention, maps.two_stage)
    bias = None if module.query.bias is None else module.query.bias.view(module.num_heads, -1)[f.head]  # (d,)
    facts = {**f.facts, "bias": bias is not None, "difference": stages.difference}
    shown = {"shared": stages.shared, "two_stage": stages.two_stage[f.head], "direct": stages.direct[f.head]}
    blocks: list[Block] = [
        strip(f"stages-{name}", values, f.names, "query", Say(f"multi_head.stages.{name}", facts))
        for name, values in shown.items()
    ]
    if f.attention_before is not None:
        direct = Say("multi_head.stages.direct"), f.attention_before.query[0, f.head], shown["direct"]
        blocks += strip_changes(f.names, {"query": direct})
    arrays = {name: array(values) for name, values in shown.items()}
    arrays |= {
        "input": array(f.attention.input[0]),
        "shared_map": array(stages.shared_map),
        "head_map": array(stages.head_maps[f.head]),
        "bias": array(stages.direct.new_zeros(module.head_dim) if bias is None else bias),
    }
    formula = formulas.two_stages(module.head_dim, module.dim, bias=bias is not None)
    return Step("multi_head.stages", formula, facts, blocks, arrays)


def _joined(f: Followed, maps: OwnMaps | None) -> Step:
    concatenated, output = f.attention.concatenated[0, f.query], f.attention.output[0, f.query]  # (H·d,), (D,)
    facts: dict[str, Any] = {**f.facts, "by_heads": maps is not None}
    arrays = {"concatenated": array(concatenated), "output": array(output)}
    bias: bool | None = None
    middle: list[Block] = []
    if maps is not None:
        found = output_by_heads(maps.module, f.attention)
        bias, added = maps.module.output.bias is not None, found.contributions[:, f.query]  # (H, D)
        strongest = int(added.norm(dim=-1).argmax()) + 1
        facts |= {"bias": bias, "difference": found.difference, "strongest": strongest}
        heads = [Say("heads.head_name", {"number": head + 1}) for head in range(len(added))]
        middle = [
            strip("joined-contributions", added, heads, "output", Say("multi_head.joined.contributions")),
            _token(f, "joined-summed", found.summed[f.query], Say("multi_head.joined.summed", facts)),
        ]
        arrays |= {
            "contributions": array(added),
            "bias": array(found.bias),
            "summed": array(found.summed[f.query]),
            "output_map": array(maps.module.output.weight),
        }
    name = "projected" if maps is not None else "mixed"
    blocks = [
        _token(f, "joined-concatenated", concatenated, Say("multi_head.joined.concatenated")),
        *middle,
        _output(f, output, Say(f"multi_head.joined.{name}", facts)),
    ]
    return Step("multi_head.joined", [formulas.joined(bias=bias, by_heads=maps is not None)], facts, blocks, arrays)


def _token(f: Followed, name: str, values: Tensor, title: Words) -> Block:
    """One vector of the followed token."""
    return strip(name, values[None], [f.names[f.query]], "output", title)


def _output(f: Followed, output: Tensor, title: Words) -> Block:
    """The layer's output at the token; where something is changed, as trained, with the change, and the difference."""
    if f.attention_before is None:
        return _token(f, "joined-projected", output, title)
    before = f.attention_before.output[0, f.query]
    which: list[Words] = [Say(f"change.{row}") for row in ("before", "after", "change")]
    return strip("joined-projected", torch.stack([before, output, output - before]), which, "output", title)
