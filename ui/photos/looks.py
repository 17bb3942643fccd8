"""The controls of how figures of one stage are drawn: the order of the bars, and a mask over its photo."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from attention_core.stories.photo import OPACITY, Look, Order
from ui.i18n import t
from ui.inputs.choices import choose
from ui.shell import url_state

KEYS = ("order", "opacity", "stretch")  # of the link
ORDERS: tuple[Order, ...] = get_args(Order)


def bound(order: Order) -> Look:
    """What the link says, for what comes before the controls themselves. order: of the bars, at first."""
    return Look(
        url_state.put_choice("order", ORDERS, order),
        url_state.put("opacity", OPACITY, _share),
        url_state.put_choice("stretch", (False, True)),
    )


def choose_order() -> None:
    """Of the bars of channel weights."""
    choose(
        "order",
        ORDERS,
        label=t("photo.order"),
        name=lambda order: t(f"photo.orders.{order}"),
        note=t("photo.order_help"),
    )


def choose_overlay() -> None:
    """How a mask lies over the photo."""
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


def _share(raw: str) -> float:
    value = float(raw)
    if not 0 <= value <= 1:
        raise ValueError(raw)
    return value


# What stands above the figures of a step, by its key.
CONTROLS = {"squeeze_excitation.gates": choose_order, "cbam.weights": choose_order, "cbam.mask": choose_overlay}
