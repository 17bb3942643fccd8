"""The controls of a what-if on a photo network, the line that says what is changed, and the way back.

The state is one text under one key, as it stands in the link. The widgets only show it: each run sets them from it, and
each change writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from attention_core.analysis.stages import channel_weights
from attention_core.mechanisms.cbam import CBAMTrace
from attention_core.models.hub.vision import StagedTrace
from attention_core.models.vision import StageTrace
from attention_core.stories.photo import BUILD_NAMES, stage_named
from attention_core.stories.photo_what_if import (
    AS_TRAINED,
    MOST_CELLS,
    ORDERS,
    POOLINGS,
    PhotoWhatIf,
    StageWhatIf,
    read,
)
from attention_core.words import plain
from ui.i18n import say, t
from ui.inputs import choices, networks, photo_network_picker
from ui.inputs.networks import Photo
from ui.inputs.photo import sharp_square
from ui.inputs.photo_networks import CHANNEL_AND_SPATIAL, SE, PhotoNetwork
from ui.photos.mask_painter import mask_painter
from ui.shell import url_state
from ui.shell.regions import region
from ui.shell.turns import working
from ui.stage.steps import stays_in_sight

KEY, CHANNEL = "photo_if", "channel"
_KINDS = {"cbam": CHANNEL_AND_SPATIAL, "se": SE}
_WAY_BACK = "photo-if-reset"


@dataclass(frozen=True)
class _Place:
    """Whose controls are drawn: the state as it stands, and the stage that they change."""

    photo: Photo
    network: PhotoNetwork
    trained: StagedTrace
    stage: StageTrace

    @property
    def key(self) -> str:
        """Apart for every network and stage: a widget whose limits change would forget its value."""
        return f"{self.network.key}-{self.stage.name}"

    def what_if(self) -> PhotoWhatIf:
        return read(st.session_state[KEY], self.trained)

    def changes(self) -> StageWhatIf:
        return self.what_if().stage(self.stage.name)

    def write(self, changes: StageWhatIf) -> None:
        st.session_state[KEY] = str(self.what_if().with_stage(self.stage.name, changes))

    def on_change(self, key: str, field: str) -> Callable[[], None]:
        """What a widget of this key does when its value moves."""
        return lambda: self.write(replace(self.changes(), **{field: st.session_state[key]}))


def choose_network() -> PhotoNetwork:
    """The network that is changed: SE or CBAM, the build that ships or one of others."""
    build = choices.choose(
        "build",
        [*_KINDS],
        label=t("photo_what_if.build"),
        name=BUILD_NAMES.__getitem__,
        note=t("photo_what_if.build_help"),
    )
    network = photo_network_picker.choose(_KINDS[build])
    assert network is not None  # both kinds have a build that ships
    return network


def choose(photo: Photo, network: PhotoNetwork, trained: StagedTrace, stage: StageTrace) -> PhotoWhatIf:
    """Draws the controls of one stage; returns what of the choice can be done to this network."""
    written = url_state.put(KEY, str(AS_TRAINED), lambda raw: str(read(raw, trained)))
    try:
        read(written, trained)
    except ValueError:  # left over from another network, whose stages are others
        st.session_state[KEY] = str(AS_TRAINED)
    place = _Place(photo, network, trained, stage)
    with st.container(border=True, key="photo-if-controls"):
        if isinstance(stage.attention, CBAMTrace):
            left, right = st.columns([1, 1.35], gap="large")
            with left:
                _channels(place)
                _mechanism(place)
            with right:
                _mask(place)
        else:
            _channels(place)
    chosen = place.what_if()
    applied = chosen.fitting(trained)
    _banner(chosen, applied)
    with working():  # all that follows it shows this trace
        networks.stage_trace(network, photo, applied)
    return applied


def _channels(place: _Place) -> None:
    C = place.stage.features.shape[1]
    changes = place.changes()
    st.markdown(f"**{t('photo_what_if.channels', stage=say(stage_named(place.stage.name)))}**")
    for field in ("strongest", "weakest"):
        key = f"if-{field}-{place.key}"
        st.session_state[key] = getattr(changes, field)
        st.slider(
            t(f"photo_what_if.{field}"),
            0,
            C,
            key=key,
            on_change=place.on_change(key, field),
            help=t(f"photo_what_if.{field}_help"),
        )
    _one_channel(place)


@region(CHANNEL)
def _one_channel(place: _Place) -> None:
    changes, C = place.changes(), place.stage.features.shape[1]
    weights: list[float] = channel_weights(place.stage).tolist()
    chosen = url_state.put_number(CHANNEL, weights.index(max(weights)), MOST_CELLS - 1)
    channel = st.session_state[CHANNEL] = min(chosen, C - 1)
    picked, moved = st.columns([1, 2], vertical_alignment="bottom")
    picked.number_input(
        t("photo_what_if.channel"),
        0,
        C - 1,
        key=CHANNEL,
        persist_state="session",
        help=t("photo_what_if.channel_help", last=C - 1),
    )
    weight = weights[channel]
    set_to = changes.gate(channel)
    key = f"if-gate-{place.key}-{channel}"
    st.session_state[key] = round(weight, 2) if set_to is None else set_to
    moved.slider(
        t("photo_what_if.gate", channel=channel),
        0.0,
        1.0,
        step=0.01,
        key=key,
        on_change=lambda: place.write(place.changes().with_gate(channel, st.session_state[key])),
        help=t("photo_what_if.gate_help", weight=f"{weight:.2f}"),
    )
    if set_to is not None:
        st.button(
            t("photo_what_if.release", channel=channel),
            key="if-release",
            on_click=lambda: place.write(place.changes().with_gate(channel, None)),
            icon=":material/undo:",
        )


def _mechanism(place: _Place) -> None:
    changes = place.changes()
    st.markdown(f"**{t('photo_what_if.mechanism')}**")
    for field, options in (("order", ORDERS), ("pooling", POOLINGS)):
        key = f"if-{field}-{place.key}"
        st.session_state[key] = getattr(changes, field)
        st.segmented_control(
            t(f"photo_what_if.{field}"),
            options,
            format_func=lambda name, field=field: t(f"photo_what_if.{field}s.{name}"),
            key=key,
            required=True,
            on_change=place.on_change(key, field),
            help=t(f"photo_what_if.{field}_help"),
        )


def _mask(place: _Place) -> None:
    changes = place.changes()
    st.markdown(f"**{t('photo_what_if.paint', stage=say(stage_named(place.stage.name)))}**")
    # What the mask would be without the painting: an erased cell goes back to it.
    unpainted = place.what_if().with_stage(place.stage.name, replace(changes, cells=""))
    with working():
        trace = networks.stage_trace(place.network, place.photo, unpainted.fitting(place.trained))
    mask = next(stage.spatial_mask for stage in trace.stages if stage.name == place.stage.name)
    assert mask is not None
    if mask.numel() > MOST_CELLS:
        st.caption(t("photo_what_if.too_fine", cells=mask.numel(), limit=MOST_CELLS))
        return
    mask_painter(
        sharp_square(place.photo, place.trained),
        mask[0, 0],
        changes.cells,
        key=f"painter-{place.key}",
        on_paint=lambda cells: place.write(place.changes().with_cells(cells)),
    )
    st.caption(t("photo_what_if.painter.help"))


def _banner(chosen: PhotoWhatIf, applied: PhotoWhatIf) -> None:
    # Both are there in every run, empty or not: what comes after them stays in its place, and is not drawn anew.
    banner, way_back = st.container(key="photo-if-banner"), st.container(key=_WAY_BACK, horizontal_alignment="right")
    with banner:
        if applied == AS_TRAINED:
            st.info(t("photo_what_if.none"), icon=":material/tune:")
        else:
            st.warning(t("photo_what_if.banner", changes=plain(say(applied.said))), icon=":material/tune:")
        if applied != chosen:
            st.info(t("photo_what_if.not_here"), icon=":material/content_cut:")
    if chosen != AS_TRAINED:
        with way_back:
            stays_in_sight(_WAY_BACK)
            st.button(
                t("photo_what_if.reset"), key="if-reset", on_click=_reset, icon=":material/undo:", width="content"
            )


def _reset() -> None:
    st.session_state[KEY] = str(AS_TRAINED)
