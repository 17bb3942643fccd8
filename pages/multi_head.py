"""Multi-head self-attention: all heads at once, then one of them, then how they join."""

from __future__ import annotations

import streamlit as st
from torch import Tensor

from attention_core.analysis.heads import output_by_heads, two_stage_maps, two_stage_queries
from attention_core.figures import vector_strip
from attention_core.mechanisms.multi_head import MultiHeadSelfAttention, MultiHeadTrace
from attention_core.models.text import EncoderBlock, TextModel, TextTrace
from attention_core.stories.arrays import array
from attention_core.stories.tex import tex
from ui.i18n import t
from ui.inputs import grouping, heads, sentence, text_networks
from ui.shell.regions import region
from ui.stage.steps import correction, not_of_this_network, show, step
from ui.take_along import export
from ui.text import sinks
from ui.text.attention_pictures import show_all_heads, show_weights
from ui.text.head_importance import importance_step


def main() -> None:
    """Controls, then the steps."""
    st.title(t("multi_head.title"))
    st.markdown(t("multi_head.lead"))
    trace = sentence.sentence_trace(example=1)
    layer, head, query = _body(trace)
    export.text_export("multi_head", trace, layer=layer, head=head, query=query)


@region("layer", "head", "q", "without", sinks.KEY, grouping.KEY)
def _body(trace: TextTrace) -> tuple[int, int, int]:
    layer, head = sentence.layer_and_head(heads.opening_head())
    without = _all_heads(trace, layer, head)
    return layer, head, _followed(trace, layer, head, without)


@region("q", "without")
def _followed(trace: TextTrace, layer: int, head: int, without: sinks.WithoutSinks | None) -> int:
    query = sentence.query_token(trace)
    _one_head(trace, layer, head, query, without)
    _two_stages(trace, layer, head)
    _joined(trace, layer, query)
    importance_step(5, trace, query, layer, head, sentence.choose_clicked_head)
    return query


def _all_heads(trace: TextTrace, layer: int, head: int) -> sinks.WithoutSinks | None:
    count = sum(attention.weights.shape[1] for attention in trace.layers)
    weight = tex("weight", r"\tilde\alpha^{h}_{i,j}")
    product = rf"{tex('query', 'q^{i,h}')} \cdot {tex('key', 'k^{j,h}')}"
    formula = rf"{weight} = \mathrm{{softmax}}_j\left(\frac{{{product}}}{{\sqrt{{d}}}}\right)"
    with step(1, "multi_head.all", formula, count=count):
        grouping.choose_unit()
        without = sinks.choose(trace)
        show_all_heads(
            trace,
            "all-heads",
            alt=t("multi_head.all.title", count=count),
            selected=(layer, head),
            on_click=sentence.choose_clicked_head,
            without=without,
        )
        heads.offer_outstanding()
    return without


def _one_head(trace: TextTrace, layer: int, head: int, query: int, without: sinks.WithoutSinks | None) -> None:
    said = grouping.unit(trace).looks(trace.layers[layer].weights[0, head], query)
    weight = tex("weight", r"\tilde\alpha^{h}_{i,l}")
    with step(
        2,
        "multi_head.one",
        rf"{tex('output', 'b^{i,h}')} = \sum_l {weight}\, {tex('value', 'v^{l,h}')}",
        layer=layer + 1,
        head=head + 1,
        **said,
    ):
        heads.describe(trace, layer, head)
        show_weights(trace, layer, head, query, "one-head", without)
        show(
            vector_strip(
                array(trace.layers[layer].head_outputs[0, head]),
                rows=sentence.labels(trace),
                quantity="output",
                title=t("multi_head.one.outputs", head=head + 1),
            ),
            "head-outputs",
            alt=t("multi_head.one.outputs", head=head + 1),
        )
        correction("multi_head.one.correction")


def _two_stages(trace: TextTrace, layer: int, head: int) -> None:
    module = _module(layer)
    if module is None:
        not_of_this_network(3, "network.no_two_stages")
        return
    stages = two_stage_queries(module, trace.layers[layer], _maps(text_networks.current().name, layer, module))
    names = sentence.labels(trace)
    d = stages.direct.shape[-1]
    formula = (
        rf"{tex('query', 'q^{i,h}')} = W^{{q,h}} {tex('query', 'q^i')} = "
        rf"W^{{q,h}} (W^q a^i) = (\underbrace{{W^{{q,h}} W^q}}_{{{d} \times {stages.shared.shape[1]}}})\, a^i"
    )
    with step(3, "multi_head.stages", formula, head=head + 1, difference=f"{stages.difference:.1e}"):
        pictures = (
            ("shared", stages.shared),
            ("two_stage", stages.two_stage[head]),
            ("direct", stages.direct[head]),
        )
        for name, values in pictures:
            title = t(f"multi_head.stages.{name}", head=head + 1)
            show(
                vector_strip(array(values), rows=names, quantity="query", title=title),
                f"stages-{name}",
                alt=title,
            )


def _joined(trace: TextTrace, layer: int, query: int) -> None:
    attention = trace.layers[layer]
    name = sentence.names(trace)[query]
    module = _module(layer)
    if module is None:
        _ends(attention, name, query)
        return
    joined = output_by_heads(module, attention)
    formula = (
        rf"{tex('output', 'b^i')} = W^O [{tex('output', 'b^{i,1}')}; \dots; {tex('output', 'b^{i,H}')}] + c"
        rf" = \sum_h W^O_h\, {tex('output', 'b^{i,h}')} + c"
    )
    with step(4, "multi_head.joined", formula, query=name, difference=f"{joined.difference:.1e}"):
        names = [f"{t('words.head')} {index + 1}" for index in range(len(joined.contributions))]
        show(
            vector_strip(
                array(attention.concatenated[0, query][None]),
                rows=[name],
                quantity="output",
                title=t("multi_head.joined.concatenated"),
            ),
            "joined-concatenated",
            alt=t("multi_head.joined.concatenated"),
        )
        show(
            vector_strip(
                array(joined.contributions[:, query]),
                rows=names,
                quantity="output",
                title=t("multi_head.joined.contributions"),
            ),
            "joined-contributions",
            alt=t("multi_head.joined.contributions"),
        )
        for key, values in (("summed", joined.summed), ("projected", joined.projected)):
            show(
                vector_strip(
                    array(values[query][None]),
                    rows=[name],
                    quantity="output",
                    title=t(f"multi_head.joined.{key}"),
                ),
                f"joined-{key}",
                alt=t(f"multi_head.joined.{key}"),
            )


def _ends(attention: MultiHeadTrace, name: str, query: int) -> None:
    """Step 4 where the maps of the network are its own affair: what goes into the last one, and what comes out."""
    with step(
        4, "network.joined", rf"{tex('output', 'b^i')} = W^O [{tex('output', 'b^{i,1}')}; \dots] + c", query=name
    ):
        for key, values in (("concatenated", attention.concatenated), ("projected", attention.output)):
            title = t(f"multi_head.joined.{key}")
            strip = vector_strip(array(values[0, query][None]), rows=[name], quantity="output", title=title)
            show(strip, f"joined-{key}", alt=title)


@st.cache_resource(show_spinner=False, max_entries=64)
def _maps(network: str, layer: int, _module: MultiHeadSelfAttention) -> tuple[Tensor, Tensor]:
    return two_stage_maps(_module)


def _module(layer: int) -> MultiHeadSelfAttention | None:
    """The attention of a layer; None where it is not a module of ours."""
    model = text_networks.current().model
    if not isinstance(model, TextModel):
        return None
    block = model.blocks[layer]
    assert isinstance(block, EncoderBlock)
    return block.attention


main()
