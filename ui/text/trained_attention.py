"""Self-attention in the trained network: one head, one query token, from the tokens to the prediction."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from attention_core.analysis.heads import divided_by_root, unscaled_scores, weighted_sum
from attention_core.figures import Quantity, matrix, probability_bars, vector_strip
from attention_core.models.text import TextModel, TextTrace
from ui.i18n import joined, t
from ui.inputs import grouping, heads, networks, sentence, text_networks
from ui.inputs.what_if import AS_TRAINED, WhatIf
from ui.shell.markdown import plain
from ui.shell.regions import region
from ui.stage.arrays import array
from ui.stage.steps import correction, not_of_this_network, show, step
from ui.stage.tables import show_sequence
from ui.stage.tex import tex
from ui.text import attention_formulas as formulas
from ui.text import sinks, what_if_controls, what_if_steps
from ui.text.attention_pictures import show_weights
from ui.text.what_if_steps import FEW_TOKENS, View, strip_changes


@region("layer", "head", "q", what_if_controls.KEY, sinks.KEY, grouping.KEY)
def one_head(trained: TextTrace) -> tuple[TextTrace, int, int, int, WhatIf]:
    """Controls, then the steps; where something is changed, the later ones compare with the network as trained.

    Returns the trace, layer, head and query that are shown, and what was changed.
    """
    layer, head = sentence.layer_and_head(heads.opening_head(trained))
    query = sentence.query_token(trained)
    what_if = what_if_controls.choose(trained, layer)
    trace = networks.text_trace(trained.text, trained.pair, what_if)
    view = what_if_steps.View(trained, trace, what_if, layer, head, query)
    _tokens(trace)
    _embedding(view)
    _projections(view)
    if what_if == AS_TRAINED:
        _scores(trace, layer, head, query)
        _weights(trace, layer, head, query)
        _sum(trace, layer, head, query)
        _prediction(trace, query)
    else:
        what_if_steps.scores(view)
        what_if_steps.weights(view)
        what_if_steps.total(view)
        what_if_steps.prediction(view)
    return trace, layer, head, query, what_if


def _tokens(trace: TextTrace) -> None:
    specials = list(dict.fromkeys(token.text for token in trace.tokens if token.special))
    words = {
        "marks": t("self_attention.tokens.marks", tokens=joined("words.comma", specials)) if specials else "",
        "read": t(f"self_attention.tokens.{'shipped' if text_networks.current().shipped else 'foreign'}"),
    }
    with step(1, "self_attention.tokens", rf"x^1, x^2, \dots, x^{{{len(trace.tokens)}}}", **words):
        show_sequence(
            {
                t("self_attention.tokens.position"): [str(i + 1) for i in range(len(trace.tokens))],
                t("self_attention.tokens.token"): sentence.labels(trace),
                t("self_attention.tokens.row"): [str(token.id) for token in trace.tokens],
                t("self_attention.tokens.read_as"): _read_as(trace),
            },
            alt=t("self_attention.tokens.table"),
        )


def _read_as(trace: TextTrace) -> list[str]:
    """What the network reads at each position: the token of its vocabulary, or [MASK] where that is hidden."""
    mask = text_networks.current().mask
    ids = [mask if i in trace.hidden and mask is not None else token.id for i, token in enumerate(trace.tokens)]
    return [trace.vocabulary[index] for index in ids]


def _embedding(view: View) -> None:
    trace, layer, query = view.after, view.layer, view.query
    given = trace.embedding if layer == 0 else trace.blocks[layer - 1].output
    as_is = torch.equal(given, trace.layers[layer].input[0])  # networks that norm behind a block read it as it is
    read = rf"h^i_{{{layer}}}" if as_is else rf"\mathrm{{norm}}(h^i_{{{layer}}})"
    summed, width = rf"h^i_0 = {_summed(trace)}", r"\in \mathbb{R}^D"
    formula = rf"\begin{{gathered}} {summed} \\ {tex('embedding', 'a^i')} = {read} {width} \end{{gathered}}"
    with step(2, "self_attention.embedding", formula, layer=layer + 1, width=trace.embedding.shape[1]):
        title = t(f"self_attention.embedding.{'figure_plain' if as_is else 'figure'}", layer=layer + 1)
        show(
            vector_strip(
                array(trace.layers[layer].input[0]),
                rows=view.names,
                quantity="embedding",
                title=title,
            ),
            "embedding",
            alt=title,
        )
        before, after = (attention.input[0] for attention in view.attention())
        strip_changes(view, ("embedding", t("what_if.input.title", layer=layer + 1), before, after))
        with st.expander(t("self_attention.embedding.parts", token=view.said[query])):
            summands = {
                "token": trace.token_embedding,
                "position": trace.position_embedding,
                "segment": trace.segment_embedding,
                "sum": trace.embedding,
            }
            show(
                vector_strip(
                    np.stack([array(part[query]) for part in summands.values()]),
                    rows=[t(f"self_attention.embedding.{name}") for name in summands],
                    quantity="embedding",
                ),
                "embedding-parts",
                alt=t("self_attention.embedding.parts", token=view.said[query]),
            )
        _twice(trace, query)


def _twice(trace: TextTrace, query: int) -> None:
    """Where the followed token stands more than once: what of its embedding is the same each time, and what is not."""
    read = trace.tokens[query].id
    places = [i for i, token in enumerate(trace.tokens) if token.id == read and i not in trace.hidden]
    if (
        query not in places
        or len(places) < 2
        or len({*map(tuple, trace.position_embedding[places].tolist())}) < len(places)
    ):
        return
    listed = joined("words.comma", [str(place + 1) for place in places])
    st.caption(t("self_attention.embedding.twice", token=plain(sentence.labels(trace)[query]), places=listed))


def _summed(trace: TextTrace) -> str:
    """The embeddings that a network adds up, and what it does to the sum."""
    model = text_networks.current().model
    summands = {"W x^i": trace.token_embedding, "p_i": trace.position_embedding, "s_i": trace.segment_embedding}
    parts = " + ".join(symbol for symbol, part in summands.items() if bool(part.any()))
    if isinstance(model, TextModel):
        return rf"\sqrt{{D}}\,({parts})" if model.config.embedding_scale is None else parts
    return rf"f({parts})"


def _projections(view: View) -> None:
    head = view.head
    before, attention = view.attention()
    width = attention.query.shape[-1]
    formula = (
        rf"{tex('query', 'q^i')} = {tex('query', 'W^q')} a^i \qquad "
        rf"{tex('key', 'k^i')} = {tex('key', 'W^k')} a^i \qquad {tex('value', 'v^i')} = {tex('value', 'W^v')} a^i"
    )
    with step(3, "self_attention.projections", formula, d=width):
        pictures: tuple[tuple[Quantity, Tensor], ...] = (
            ("query", attention.query),
            ("key", attention.key),
            ("value", attention.value),
        )
        for name, values in pictures:
            show(
                vector_strip(
                    array(values[0, head]),
                    rows=view.names,
                    quantity=name,
                    title=t(f"words.{name}"),
                ),
                f"strip-{name}",
                alt=t(f"words.{name}"),
            )
        earlier = (before.query, before.key, before.value)
        strip_changes(
            view,
            *(
                (name, t("what_if.projections.title", name=t(f"words.{name}")), old[0, head], new[0, head])
                for (name, new), old in zip(pictures, earlier, strict=True)
            ),
        )


def _scores(trace: TextTrace, layer: int, head: int, query: int) -> None:
    attention = trace.layers[layer]
    d = attention.query.shape[-1]
    names = sentence.labels(trace)
    raw = unscaled_scores(attention)[0, head]
    scaled = attention.scores[0, head]
    strongest = int(scaled[query].argmax())
    before, after = raw[query, strongest].item(), scaled[query, strongest].item()
    formula = formulas.score(query, strongest, before, after, d, plain=divided_by_root(attention))
    said = sentence.names(trace)
    values = {"query": said[query], "key": said[strongest]}
    with step(4, "self_attention.scores", formula, d=d, **values):
        left, right = st.columns(2)
        digits = 2 if len(names) <= FEW_TOKENS else 0  # beside each other, long numbers would be too small to read
        for column, name, numbers in ((left, "raw", raw), (right, "scaled", scaled)):
            with column:
                show(
                    matrix(
                        array(numbers),
                        rows=names,
                        columns=names,
                        kind="signed",
                        title=t(f"self_attention.scores.{name}"),
                        row_title=t("words.query"),
                        column_title=t("words.key"),
                        value_name=t("overview.blocks.raw" if name == "raw" else "words.score"),
                        highlight_row=query,
                        clickable=True,
                        digits=digits,
                    ),
                    f"scores-{name}",
                    alt=t(f"self_attention.scores.{name}"),
                    on_click=sentence.follow_clicked_row(trace),
                )


def _weights(trace: TextTrace, layer: int, head: int, query: int) -> None:
    grouping.bind()
    said = grouping.unit(trace).looks(trace.layers[layer].weights[0, head], query)
    with step(5, "self_attention.weights", formulas.weight(), **said):
        grouping.choose_unit()
        show_weights(trace, layer, head, query, "weights", sinks.choose(trace))


def _sum(trace: TextTrace, layer: int, head: int, query: int) -> None:
    names = sentence.labels(trace)
    total = weighted_sum(trace.layers[layer], head, query)
    with step(6, "self_attention.sum", formulas.output(), query=sentence.names(trace)[query]):
        show(
            vector_strip(
                array(total.terms),
                rows=[f"{weight:.2f} · {name}" for weight, name in zip(total.weights.tolist(), names, strict=True)],
                quantity="value",
                title=t("self_attention.sum.terms"),
            ),
            "sum-terms",
            alt=t("self_attention.sum.terms"),
        )
        show(
            vector_strip(
                array(total.total[None]),
                rows=[names[query]],
                quantity="output",
                title=t("self_attention.sum.total"),
            ),
            "sum-total",
            alt=t("self_attention.sum.total"),
        )
        correction("self_attention.sum.correction")


def _prediction(trace: TextTrace, query: int) -> None:
    names = sentence.names(trace)
    token = trace.tokens[query]
    formula = r"p(\text{token} \mid \text{sentence}) = \mathrm{softmax}(E\, h^i + c)"
    network = text_networks.current()
    if network.predicts == "nothing":
        not_of_this_network(7, "network.no_prediction")
        return
    name = "self_attention.prediction" if network.predicts == "hidden" else "network.prediction"
    with step(7, name, formula, query=names[query]):
        if token.special and network.predicts == "hidden":
            st.info(t("self_attention.prediction.special"))
            return
        shown_as = {"next": trace} if network.predicts == "next" else {"seen": trace}
        if network.predicts == "hidden" and network.mask is not None:
            shown_as["hidden"] = what_if_steps.hidden_trace(trace, AS_TRAINED, query)
        for column, (which, shown) in zip(st.columns(2), shown_as.items(), strict=False):
            best = shown.predictions(query, 5)
            words = [word for word, _ in best]
            read_as = trace.vocabulary[token.id]
            with column:
                show(
                    probability_bars(
                        words,
                        [probability for _, probability in best],
                        title=t(f"self_attention.prediction.{which}", query=escape(names[query])),
                        value_name=t("words.probability"),
                        highlight=words.index(read_as) if read_as in words else None,
                    ),
                    f"prediction-{which}",
                    alt=t(f"self_attention.prediction.{which}", query=names[query]),
                )
