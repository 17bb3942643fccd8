"""Head view: who looks at whom, as links between two copies of the sentence."""

from __future__ import annotations

import re

import streamlit as st
import torch
from torch import Tensor

from attention_core.analysis.links import heaviest_links, share_to
from attention_core.analysis.words import Word, word_weights
from attention_core.models.text import TextTrace
from attention_core.stories.tex import tex
from attention_core.words import plain
from ui.i18n import joined, t
from ui.inputs import heads, sentence
from ui.inputs.choices import choose
from ui.inputs.grouping import KEY, choose_unit, grouped
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import step
from ui.take_along.export import text_export
from ui.text.head_view import HeadLinks, head_view

MASSES = tuple(range(10, 101, 10))  # percent
SHOWN = ("mass", KEY, "special", "between", "heads")  # in the link: what of a layer is drawn
BETWEEN = ("all", "aa", "ab", "ba", "bb")  # which sentence looks at which


def main() -> None:
    """Controls, then the picture."""
    st.title(t("head_view.title"))
    st.markdown(t("head_view.lead"))
    trace = sentence.sentence_trace(example=2)
    layer, head = _one_head(trace)
    text_export("head_view", trace, layer=layer, head=head)


@region("layer", "head", *SHOWN)
def _one_head(trace: TextTrace) -> tuple[int, int]:
    layer, head = sentence.layer_and_head(heads.opening_head(trace))
    heads.describe(trace, layer, head)
    _picture(trace, layer, head)
    heads.offer_outstanding()
    return layer, head


@region(*SHOWN)
def _picture(trace: TextTrace, layer: int, head: int) -> None:
    hidden, mass, between = _choices(trace)
    _links(trace, layer, head, hidden, mass, between)


def _choices(trace: TextTrace) -> tuple[bool, int, str]:
    """Whether special tokens are hidden, the share of each row that is drawn in percent, and the direction."""
    url_state.put_choice("mass", MASSES, 70)
    left, right = st.columns(2)
    with left:
        st.select_slider(
            t("head_view.mass"),
            MASSES,
            format_func=lambda percent: f"{percent}%",
            key="mass",
            persist_state="session",
            help=t("head_view.mass_help"),
        )
    with right:
        choose_unit()
    between = "all"
    left, right = st.columns(2)
    with left:
        special = choose(
            "special",
            ("hidden", "shown"),
            label=t("head_view.special"),
            name=lambda state: t(f"head_view.specials.{state}"),
            note=t("head_view.special_help"),
        )
    if trace.pair is not None:
        with right:
            between = choose(
                "between",
                BETWEEN,
                label=t("head_view.between"),
                name=lambda way: t(f"head_view.ways.{way}"),
                note=t("head_view.between_help"),
            )
    return special == "hidden", st.session_state["mass"], between


def _links(trace: TextTrace, layer: int, head: int, hidden: bool, mass: int, between: str) -> None:
    tokens = grouped(trace)
    weights = word_weights(trace.layers[layer].weights[0], tokens)  # (H, T, T)
    shown = torch.tensor([not (hidden and token.special) for token in tokens])
    queries, keys = (shown & _side(tokens, between, place) for place in (0, 1))
    taken = heaviest_links(weights * (queries[:, None] & keys).to(weights), mass / 100)
    also = _also(len(weights), head)
    drawn = [number for number in range(len(weights)) if number == head or number in also]
    count = int(taken[drawn].sum())
    every = len(drawn) * int(queries.sum()) * int(keys.sum())
    with step(1, "head_view.links", _formula(mass), layer=layer + 1, mass=mass, count=count, all=every):
        head_view(
            "links",
            tokens,
            queries.nonzero().flatten().tolist(),
            keys.nonzero().flatten().tolist(),
            [HeadLinks(n, n in drawn, n == head, weights[n], taken[n]) for n in range(len(weights))],
            _choose_heads,
        )
        _left_out(tokens, weights[drawn], drawn, queries, keys)


def _formula(mass: int) -> str:
    weight = tex("weight", r"\tilde\alpha^{h}_{i,j}")
    fewest, shown = t("head_view.fewest"), t("head_view.of_shown")
    everything = rf"\sum_{{\text{{{shown}}}\, j}} {weight}"
    return rf"\text{{{fewest}}}\; S_i:\quad \sum_{{j \in S_i}} {weight} \;\ge\; {mass}\% \cdot {everything}"


def _side(tokens: list[Word], between: str, place: int) -> Tensor:
    """Which tokens may stand on a side: 0 for queries, 1 for keys."""
    return torch.tensor([between == "all" or token.segment == "ab".index(between[place]) for token in tokens])


def _also(count: int, head: int) -> set[int]:
    """The heads beside the one chosen above; those that the layer does not have stay in the link."""
    listed = url_state.put("heads", "", _read_heads)
    return {number for number in map(int, filter(None, listed.split("."))) if number < count and number != head}


def _read_heads(raw: str) -> str:
    if not re.fullmatch(r"([0-9]{1,4}(\.[0-9]{1,4})*)?", raw):
        raise ValueError(f"{raw[:80]!r} is no list of heads")
    return ".".join(str(number) for number in sorted({int(part) for part in raw.split(".") if part}))


def _choose_heads(numbers: list[int]) -> None:
    st.session_state["heads"] = ".".join(map(str, sorted(numbers)))


def _left_out(tokens: list[Word], weights: Tensor, drawn: list[int], queries: Tensor, keys: Tensor) -> None:
    """How much of the weights goes where no token is shown. weights: (drawn heads, T, T)."""
    special = torch.tensor([token.special for token in tokens])
    parts = []
    for name, columns in (("to_special", ~keys & special), ("to_others", ~keys & ~special)):
        if not columns.any() or not queries.any():
            continue
        listed = joined(
            "words.comma",
            [
                t("head_view.head_share", head=number + 1, share=f"{share:.0%}")
                for number, share in zip(drawn, share_to(weights, queries, columns).tolist(), strict=True)
            ],
        )
        parts.append(t(f"head_view.{name}", shares=plain(listed)))
    if parts:
        st.caption(" ".join([*parts, t("head_view.not_rescaled")]))


main()
