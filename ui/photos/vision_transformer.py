"""The steps of a vision transformer: patches as tokens, a head's row over the photo, all heads, all layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st
from torch import Tensor

from attention_core.analysis.rollout import attention_rollout
from attention_core.figures import map_grid
from attention_core.figures.patches import photo_patches
from attention_core.models.hub.patches import PatchTrace
from attention_core.stories.arrays import array
from attention_core.stories.tex import lines, tex
from ui.i18n import t
from ui.inputs.choices import choose
from ui.shell import url_state
from ui.stage.steps import show, step

Pixels = npt.NDArray[np.uint8]
Seer = Literal["class", "patch"]
TIMES = 10.0  # an even share, at which the colours end
PATCH, LAYER, HEAD, SEER = "patch", "vit_layer", "vit_head", "seer"  # in the link
MOST_BUTTONS = 8  # that fit beside each other in half a page; beyond, a list


@dataclass(frozen=True, eq=False)
class View:
    """What is looked at. square: the photo that the network saw, sharp; patch: index of the one that asks."""

    trace: PatchTrace
    square: Pixels
    layer: int
    head: int
    patch: int

    @property
    def tokens(self) -> int:
        """T."""
        return self.trace.layers[0].weights.shape[-1]

    def row_of(self, weights: Tensor, seer: Seer) -> npt.NDArray[Any]:
        """weights (…, T, T) → what the class token or the patch gives to each patch, (…, patches), in even shares: 1 is
        what each of the T tokens would get if all got the same."""
        token = 0 if seer == "class" else self.trace.special + self.patch
        return array(weights[..., token, self.trace.special :]) * self.tokens

    def at(self, index: int) -> dict[str, int]:
        """Row and column of a patch, for messages."""
        row, column = divmod(index, self.trace.grid[1])
        return {"row": row, "column": column}


def choose_view(trace: PatchTrace, square: Pixels) -> View:
    """The choice of a layer and one of its heads; the patch is chosen by clicking it."""
    left, right = st.columns(2)
    with left:
        layer = _choose_number(LAYER, len(trace.layers), len(trace.layers) - 1)
    with right:
        head = _choose_number(HEAD, trace.layers[layer].weights.shape[1], 0)
    rows, columns = trace.grid
    patch = url_state.put_choice(PATCH, range(rows * columns), rows // 2 * columns + columns // 2)
    return View(trace, square, layer, head, patch)


def _choose_number(key: str, count: int, default: int) -> int:
    """A layer or a head, counted from 0; shown counted from 1."""
    label, note = t(f"vision_transformer.{key}"), t(f"vision_transformer.{key}_help")
    if count <= MOST_BUTTONS:
        return choose(key, range(count), label=label, name=lambda index: f"{index + 1}", default=default, note=note)
    chosen = url_state.put_choice(key, range(count), default)
    st.selectbox(
        label, range(count), format_func=lambda index: f"{index + 1}", key=key, persist_state="session", help=note
    )
    return chosen


def choose_seer(trace: PatchTrace) -> Seer:
    """Whether the class token or the patch asks; only the patch where there is no class token."""
    seers: tuple[Seer, ...] = ("class", "patch") if trace.special else ("patch",)
    return choose(
        SEER,
        seers,
        label=t("vision_transformer.seer"),
        name=lambda seer: t(f"vision_transformer.seers.{seer}"),
        note=t("vision_transformer.seer_help"),
    )


def patches_step(number: int, view: View) -> None:
    """The photo, cut; a click chooses the patch that asks."""
    rows, columns = view.trace.grid
    side = view.trace.image.shape[-1]
    formula = (
        rf"T = {view.trace.special} + \frac{{{side}}}{{{side // rows}}} \cdot \frac{{{side}}}{{{side // columns}}}"
        rf" = {view.tokens}"
    )
    values = {"side": side // rows, "count": rows * columns, "special": view.trace.special, **view.at(view.patch)}
    before = ("alone", "class", "more")[min(view.trace.special, 2)]
    with step(number, f"vision_transformer.patches.{before}", formula, **values):
        title = t("vision_transformer.patches.figure")
        picture = photo_patches(
            view.square,
            view.trace.grid,
            selected=view.patch,
            title=title,
            row_name=t("vision_transformer.row"),
            column_name=t("vision_transformer.column"),
        )
        show(picture, "patches", alt=title, on_click=_choose_clicked)


def head_step(number: int, view: View) -> None:
    """One head: the row of the patch, and that of the class token."""
    weights = view.trace.layers[view.layer].weights[0, view.head]  # (T, T)
    weight = tex("weight", r"\tilde\alpha_{i,j}")
    product = rf"{tex('query', 'q^i')} \cdot {tex('key', 'k^j')}"
    formula = rf"{weight} = \mathrm{{softmax}}_j\left(\frac{{{product}}}{{\sqrt{{d}}}}\right)"
    own = view.row_of(weights, "patch")
    best = int(own.argmax())
    values = {
        "layer": view.layer + 1,
        "head": view.head + 1,
        "weight": f"{own[best] / view.tokens:.1%}",
        "times": f"{own[best]:.1f}",
        **view.at(best),
    }
    with step(number, "vision_transformer.head", formula, **values):
        _side_by_side(view, {"patch": own, "class": view.row_of(weights, "class")}, "head")


def all_heads_step(number: int, view: View, seer: Seer) -> None:
    """The same row in every head of the layer, on one scale."""
    weights = view.trace.layers[view.layer].weights[0]  # (H, T, T)
    rows = view.row_of(weights, seer)
    shares = rows.sum(axis=-1) / view.tokens
    names = [
        t("vision_transformer.heads.name", head=head, share=f"{share:.0%}") for head, share in enumerate(shares, 1)
    ]
    with step(number, "vision_transformer.heads", None, layer=view.layer + 1, seer=_named(seer, view)):
        show(
            map_grid(
                list(rows.reshape(-1, *view.trace.grid)),
                titles=names,
                kind="activation",
                limit=TIMES,
                photo=view.square,
                opacity=0.7,
                value_name=t("vision_transformer.times"),
                row_name=t("vision_transformer.row"),
                column_name=t("vision_transformer.column"),
            ),
            "patch-heads",
            alt=t("vision_transformer.heads.title", layer=view.layer + 1, seer=_named(seer, view)),
        )


def rollout_step(number: int, view: View, seer: Seer) -> None:
    """The last layer alone beside all layers."""
    means = [layer.weights[0].mean(dim=0) for layer in view.trace.layers]
    rolled = attention_rollout(means, view.tokens)[-1]
    own = rolled.diagonal()[0 if seer == "class" else view.trace.special + view.patch].item()
    formula = lines(
        r"R_l = \left(\tfrac{1}{2}\,\overline{W}_l + \tfrac{1}{2}\,I\right) R_{l-1}",
        r"R_0 = I, \quad \overline{W}_l = \tfrac{1}{H} \textstyle\sum_h W_{l,h}",
    )
    with step(number, "vision_transformer.rollout", formula, seer=_named(seer, view), own=f"{own:.0%}"):
        pictures = {"raw": view.row_of(means[-1], seer), "rolled": view.row_of(rolled, seer)}
        for place, (name, values) in zip(st.columns(2), pictures.items(), strict=True):
            with place:
                title = t(f"vision_transformer.rollout.{name}", layers=len(means))
                show(_over_photo(view, values, title, seer), f"patch-{name}", alt=title, on_click=_choose_clicked)
        st.caption(t("vision_transformer.rollout.caveat"))


def _side_by_side(view: View, rows: dict[Seer, npt.NDArray[Any]], key: str) -> None:
    shown = {seer: row for seer, row in rows.items() if seer == "patch" or view.trace.special}
    for place, (seer, row) in zip(st.columns(2), shown.items(), strict=False):
        with place:
            title = t(f"vision_transformer.head.{seer}", **view.at(view.patch))
            show(_over_photo(view, row, title, seer), f"{key}-{seer}", alt=title, on_click=_choose_clicked)


def _over_photo(view: View, row: npt.NDArray[Any], title: str, seer: Seer) -> Any:
    return photo_patches(
        view.square,
        view.trace.grid,
        values=row,
        limit=TIMES,
        selected=view.patch if seer == "patch" else None,
        title=title,
        value_name=t("vision_transformer.times"),
        row_name=t("vision_transformer.row"),
        column_name=t("vision_transformer.column"),
    )


def _named(seer: Seer, view: View) -> str:
    return t(f"vision_transformer.named.{seer}", **view.at(view.patch))


def _choose_clicked(point: dict[str, Any]) -> None:
    [st.session_state[PATCH]] = point["customdata"]
