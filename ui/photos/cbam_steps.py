"""The steps of CBAM in one stage, each with the numbers of the trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from attention_core.analysis.stages import is_flat, spatial_convolution
from attention_core.figures import map_grid, mask_over_photo, matrix, range_text, spatial_map
from attention_core.mechanisms.cbam import CBAMTrace, ChannelAttentionTrace, SpatialAttention, SpatialAttentionTrace
from attention_core.models.hub.vision import HubVisionTrace
from attention_core.models.vision import VisionTrace
from attention_core.stories.tex import lines, number, tex
from ui.i18n import t
from ui.photos.gate_life import band_of, extremes, is_still, say_how_gates_live, say_what_mask_follows
from ui.photos.steps import (
    map_kind,
    mask_trust,
    mask_trusted,
    pair_of_bars,
    stage_name,
    unbatched,
    weights_figure,
)
from ui.shell import url_state
from ui.shell.regions import region
from ui.stage.steps import correction, show, step

Pixels = npt.NDArray[np.uint8]
S, M = tex("channel", "s_c"), tex("mask", "M")
MEAN, MAX = r"z^{\text{mean}}", r"z^{\text{max}}"
SMALL_SIDE = 256  # pixels of the photo under the masks that stand side by side
OPACITY = 0.6


def pooled_vectors_step(number_: int, channel: ChannelAttentionTrace) -> None:
    """Two numbers a channel."""
    best = int(channel.max_pooled[0].argmax())
    formula = lines(rf"{MEAN}_c = \frac{{1}}{{HW}} \sum_{{i,j}} u_c(i,j)", rf"{MAX}_c = \max_{{i,j}} u_c(i,j)")
    values = {
        "channel": best,
        "mean": f"{channel.avg_pooled[0, best].item():.2f}",
        "maximum": f"{channel.max_pooled[0, best].item():.2f}",
    }
    with step(number_, "cbam.pooled", formula, **values):
        pair_of_bars(
            channel.avg_pooled, channel.max_pooled, "pooled", title=t("cbam.pooled.figure"), channel=t("words.channel")
        )


def mlp_step(number_: int, channel: ChannelAttentionTrace) -> None:
    """The same small network for both."""
    C, r = channel.avg_logits.shape[1], channel.avg_hidden.shape[1]
    formula = r"h = \mathrm{ReLU}(W_1 z + b_1) \qquad e = W_2 h + b_2"
    values = {
        "channels": C,
        "hidden": r,
        "mean_zeros": int((channel.avg_hidden == 0).sum()),
        "max_zeros": int((channel.max_hidden == 0).sum()),
    }
    with step(number_, "cbam.mlp", formula, **values):
        pair_of_bars(
            channel.avg_hidden,
            channel.max_hidden,
            "mlp-hidden",
            title=t("cbam.mlp.hidden"),
            channel=t("squeeze_excitation.hidden.unit"),
        )
        pair_of_bars(
            channel.avg_logits,
            channel.max_logits,
            "mlp-logits",
            title=t("cbam.mlp.logits"),
            channel=t("words.channel"),
        )


def channel_weights_step(number_: int, channel: ChannelAttentionTrace, build: str | None, stage: str) -> None:
    """The sum through the sigmoid, and one channel of it in numbers. build: that was measured, None for another's."""
    weights = channel.weights[0]
    best = int(weights.argmax())
    left = tex("channel", rf"s_{{{best}}}")
    mean, maximum = channel.avg_logits[0, best].item(), channel.max_logits[0, best].item()
    formula = lines(
        rf"{S} = \sigma(e^{{\text{{mean}}}}_c + e^{{\text{{max}}}}_c)",
        rf"{left} = \sigma({number(mean)} + {number(maximum)}) = {weights[best].item():.3f}",
    )
    with step(number_, "cbam.weights", formula, extremes=extremes(weights)):
        weights_figure(channel.weights, band_of(build, stage))
        say_how_gates_live(build, stage, weights)
        if is_flat(weights) and not is_still(build, stage):
            st.info(t("cbam.weights.flat"), icon=":material/horizontal_rule:")


def pooled_maps_step(number_: int, spatial: SpatialAttentionTrace) -> None:
    """Two maps over the channels."""
    formula = lines(
        rf"u'_c = {S}\, u_c \qquad P^{{\text{{max}}}}(i,j) = \max_c u'_c(i,j)",
        r"P^{\text{mean}}(i,j) = \frac{1}{C} \sum_c u'_c(i,j)",
    )
    C, H, W = spatial.input.shape[1:]
    with step(number_, "cbam.maps", formula, channels=C, height=H, width=W):
        for place, (name, values) in zip(
            st.columns(2), (("maximum", spatial.max_map), ("mean", spatial.mean_map)), strict=True
        ):
            with place:
                title = t(f"cbam.maps.{name}")
                show(spatial_map(unbatched(values[0]), kind=map_kind(values), title=title), f"map-{name}", alt=title)
        correction("cbam.maps.correction")


def convolution_step(number_: int, module: SpatialAttention, spatial: SpatialAttentionTrace) -> None:
    """The kernel's two planes, what each adds, and the logits of the mask. module: the one that `spatial` is of."""
    parts = spatial_convolution(module, spatial)
    kernel = parts.kernel.cpu().numpy()
    size = kernel.shape[-1]
    formula = lines(
        r"L = K^{\text{max}} \star P^{\text{max}} + K^{\text{mean}} \star P^{\text{mean}} + c",
        f"c = {parts.offset:.2f}",
    )
    border = t("cbam.convolution.reflect" if module.conv.padding_mode == "reflect" else "cbam.convolution.zeros")
    with step(number_, "cbam.convolution", formula, size=size, difference=f"{parts.difference:.0e}", border=border):
        offsets = [f"{offset:+d}" if offset else "0" for offset in range(-(size // 2), size // 2 + 1)]
        for place, (name, plane) in zip(st.columns(2), zip(("maximum", "mean"), kernel, strict=True), strict=True):
            with place:
                title = t(f"cbam.convolution.{name}")
                show(
                    matrix(
                        plane, rows=offsets, columns=offsets, kind="signed", limit=float(abs(kernel).max()), title=title
                    ),
                    f"kernel-{name}",
                    alt=title,
                )
        maps = {"from_max": parts.from_max, "from_mean": parts.from_mean, "logits": parts.summed}
        show(
            map_grid(
                [values.cpu().numpy() for values in maps.values()],
                titles=[t(f"cbam.convolution.{name}") for name in maps],
                kind="signed",
                columns=len(maps),
            ),
            "mask-logits",
            alt=t("cbam.convolution.logits"),
        )


def mask_step(number_: int, spatial: SpatialAttentionTrace, square: Pixels) -> None:
    """The mask alone and over the photo, on the honest scale unless somebody asks for another."""
    mask = unbatched(spatial.mask[0])
    with step(number_, "cbam.mask", rf"{M} = \sigma(L) \qquad \tilde u_c = {M} \cdot u'_c", range=range_text(mask)):
        _overlay(mask, square)
        if is_flat(spatial.mask):
            st.info(t("cbam.mask.flat", range=range_text(mask)), icon=":material/horizontal_rule:")


@region("opacity", "stretch")
def _overlay(mask: npt.NDArray[Any], square: Pixels) -> None:
    opacity = url_state.put("opacity", OPACITY, _share)
    stretch = url_state.put("stretch", False, _switch)
    left, right = st.columns(2, vertical_alignment="bottom")
    left.slider(
        t("cbam.mask.opacity"),
        0.0,
        1.0,
        step=0.05,
        key="opacity",
        persist_state="session",
        help=t("cbam.mask.opacity_help"),
    )
    right.toggle(t("cbam.mask.stretch"), key="stretch", persist_state="session", help=t("cbam.mask.stretch_help"))
    for place, (name, strength) in zip(st.columns(2), (("over", opacity), ("alone", 1.0)), strict=True):
        with place:
            title = t(f"cbam.mask.{name}")
            show(
                mask_over_photo(
                    square,
                    mask,
                    opacity=strength,
                    stretch=stretch,
                    title=title,
                    value_name="M",
                    stretched_note=t("cbam.mask.stretched"),
                ),
                f"mask-{name}",
                alt=title,
            )


def all_masks_step(number_: int, trace: VisionTrace, square: Pixels) -> None:
    """The masks of all stages over the same photo, on the same scale."""
    small = np.asarray(Image.fromarray(square).resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS))
    with step(number_, "cbam.stages", None):
        for place, stage in zip(st.columns(len(trace.stages)), trace.stages, strict=True):
            assert isinstance(stage.attention, CBAMTrace)
            mask = unbatched(stage.attention.spatial.mask[0])
            title = f"{stage_name(stage.name)} · {mask.shape[0]} × {mask.shape[1]}"
            with place:
                show(
                    mask_over_photo(small, mask, opacity=OPACITY, title=title, value_name="M"),
                    f"mask-{stage.name}",
                    alt=t("cbam.stages.alt", mask=title),
                )
                say_what_mask_follows("cbam", stage.name)
                if (line := mask_trust(stage.name)) is not None:
                    st.caption(line)
        if (line := mask_trusted()) is not None:
            st.caption(line)


def all_places_step(number_: int, trace: HubVisionTrace, square: Pixels) -> None:
    """The masks of all modules of another library's network, numbered as in the choice of a stage."""
    masks = [unbatched(stage.spatial_mask[0]) for stage in trace.stages if stage.spatial_mask is not None]
    small = np.asarray(Image.fromarray(square).resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS))
    H, W = (max(mask.shape[axis] for mask in masks) for axis in (0, 1))
    with step(number_, "photo_network.places", None, count=len(masks)):
        show(
            map_grid(
                # Each cell as it is, drawn with more pixels: the grid wants maps of one size.
                [mask[np.arange(H) * len(mask) // H][:, np.arange(W) * mask.shape[1] // W] for mask in masks],
                titles=[f"{number} · {mask.shape[0]} × {mask.shape[1]}" for number, mask in enumerate(masks, start=1)],
                kind="weight",
                photo=small,
                opacity=OPACITY,
                value_name="M",
            ),
            "mask-places",
            alt=t("photo_network.places.title", count=len(masks)),
        )
        st.caption(t("photo_network.beside_shortcuts"))


def _share(raw: str) -> float:
    value = float(raw)
    if not 0 <= value <= 1:
        raise ValueError(raw)
    return value


def _switch(raw: str) -> bool:
    return {"True": True, "False": False}[raw]
